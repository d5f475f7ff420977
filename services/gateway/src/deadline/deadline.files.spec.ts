/* Calendars and tables read back: lines as RFC 5545 has them, cells by a parser that is not ours. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { tableOf } from './deadline.csv.js';
import { aDeadline } from './deadline.harness.js';
import { calendarOf } from './deadline.ics.js';

const NOW = new Date('2026-05-01T00:00:00.000Z');

/** The properties of a calendar, by its grammar: lines end with CRLF, a space at their beginning continues the one before. */
function read(calendar: string): { name: string; params: string; value: string }[] {
  expect(calendar).toMatch(/\r\nEND:VCALENDAR(\r\n)?$/);
  expect(calendar.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  for (const line of calendar.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  return calendar
    .replaceAll('\r\n ', '')
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, name = '', params = '', value = ''] = /^([A-Z-]+)((?:;[^:]*)?):(.*)$/s.exec(line) ?? [];
      expect(name).not.toBe('');
      return { name, params, value };
    });
}
const values = (calendar: string, property: string): string[] =>
  read(calendar)
    .filter(({ name }) => name === property)
    .map(({ value }) => value);
/** A text as it was before it was escaped. */
const text = (escaped = ''): string => escaped.replace(/\\([\\;,nN])/g, (_all, what: string) => (what.toLowerCase() === 'n' ? '\n' : what));

describe('a calendar', () => {
  it('has a whole day for each period, on its last day in China', () => {
    const calendar = calendarOf(
      [aDeadline(), aDeadline({ deadlineId: 'x', dueOn: '2026-12-31', provisional: true, firstDueOn: '2026-12-30' })],
      null,
      NOW,
    );
    const properties = read(calendar);
    expect(properties.filter(({ name }) => name === 'DTSTART')).toEqual([
      { name: 'DTSTART', params: ';VALUE=DATE', value: '20260506' },
      { name: 'DTSTART', params: ';VALUE=DATE', value: '20261231' },
    ]);
    expect(values(calendar, 'BEGIN')).toEqual(['VCALENDAR', 'VEVENT', 'VEVENT']);
    expect(values(calendar, 'VERSION')).toEqual(['2.0']);
    expect(values(calendar, 'X-WR-TIMEZONE')).toEqual(['Asia/Shanghai']);
    expect(values(calendar, 'DTSTAMP')).toEqual(['20260501T000000Z', '20260501T000000Z']);
    expect(values(calendar, 'SUMMARY').map(text)).toEqual(['整改｜tj-amr:S-1', '整改｜tj-amr:S-1（暂定）']);
    expect(values(calendar, 'CATEGORIES')).toEqual(['抽检案卷,办理中', '抽检案卷,办理中']);
    expect(values(calendar, 'STATUS')).toEqual(['CONFIRMED', 'TENTATIVE']);
    expect(values(calendar, 'SEQUENCE')).toEqual(['0', '1']);
    expect(text(values(calendar, 'DESCRIPTION')[0])).toContain('\n依据：产品质量监督抽查管理暂行办法（市场监管总局令第18号）第四十六条\n');
  });

  it('says of what is paused what it has left, and counts what has moved it', () => {
    const held = { state: 'PAUSED', left: 47, pauses: [{ from: '2026-04-15', to: null }] } as const;
    const extensions = [{ on: '2026-04-10', value: 30, ruleVersion: null }];
    const calendar = calendarOf([aDeadline({ ...held, extensions })], null, NOW);
    expect(values(calendar, 'SUMMARY').map(text)).toEqual(['整改｜tj-amr:S-1（已中止计算，剩余47日）']);
    expect(values(calendar, 'STATUS')).toEqual(['TENTATIVE']);
    expect(values(calendar, 'SEQUENCE')).toEqual(['2']);
    expect(text(values(calendar, 'DESCRIPTION')[0])).toContain('\n不计入：2026-04-15 至 今\n延长：2026-04-10 30日\n');
  });

  it('knows a period again, whatever becomes of it, and no two as one', () => {
    const uid = (changes: object): string | undefined => values(calendarOf([aDeadline(changes)], null, NOW), 'UID')[0];
    expect(uid({})).toBe(uid({ dueOn: '2026-06-01', state: 'OVERDUE' }));
    expect(uid({})).not.toBe(uid({ deadlineId: 'another' }));
  });

  it('holds any subject, folded and escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }), (subject) => {
        const calendar = calendarOf([aDeadline({ subject, deadlineId: subject })], null, NOW);
        // eslint-disable-next-line no-control-regex -- what no calendar may hold.
        const printable = subject.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ');
        expect(values(calendar, 'SUMMARY').map(text)).toEqual([`整改｜${printable}`]);
        expect(values(calendar, 'UID')).toHaveLength(1);
      }),
    );
  });

  it('says in its name that it was cut', () => {
    expect(values(calendarOf([aDeadline()], 5_000, NOW), 'X-WR-CALNAME')[0]).toContain('仅列出前 5000 项');
    expect(values(calendarOf([aDeadline()], null, NOW), 'X-WR-CALNAME')).toEqual(['津桥期限']);
  });
});

describe('a table', () => {
  const rows = (table: string): Record<string, string>[] => parse(table, { bom: true, columns: true });

  it('has a column for each field, after a byte order mark', () => {
    const table = tableOf([aDeadline({ overdueRaisedAt: '2026-05-07T01:00:00.000Z' })], null);
    expect(table.startsWith('\uFEFF"deadlineId","title",')).toBe(true);
    expect(table.replaceAll('\r\n', '')).not.toContain('\n');
    expect(rows(table)).toEqual([
      expect.objectContaining({
        title: '整改｜tj-amr:S-1',
        dueOn: '2026-05-06',
        stoppedOn: '',
        provisional: 'false',
        article: '第四十六条',
        ruleVersion: 'CORRECTION/PRODUCT@2020-01-01',
        overdueRaisedAt: '2026-05-07T01:00:00.000Z',
      }),
    ]);
  });

  it('has what was paused and extended as the lists have it', () => {
    const pauses = [{ from: '2026-04-15', to: null }];
    const extensions = [{ on: '2026-04-10', value: 30, ruleVersion: null }];
    const [row] = rows(tableOf([aDeadline({ pauses, extensions, left: 47, state: 'PAUSED' })], null));
    expect([JSON.parse(row?.['pauses'] ?? ''), JSON.parse(row?.['extensions'] ?? '')]).toEqual([pauses, extensions]);
    expect([row?.['left'], row?.['state']]).toEqual(['47', 'PAUSED']);
  });

  it('gives any subject back, and runs none as a formula', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }), (subject) => {
        const [row] = rows(tableOf([aDeadline({ subject })], null));
        expect([subject, `'${subject}`]).toContain(row?.['subject']);
      }),
    );
    for (const subject of ['=1+1', '+A1', '-2+3', '@SUM(A1)', '\t=1', '＝1']) {
      expect(rows(tableOf([aDeadline({ subject })], null))[0]?.['subject']).toBe(`'${subject}`);
    }
  });

  it('says in its last row that it was cut', () => {
    expect(rows(tableOf([aDeadline()], 5_000)).at(-1)).toMatchObject({
      deadlineId: 'CUT',
      dueOn: '',
      title: expect.stringContaining('5000') as string,
    });
  });
});
