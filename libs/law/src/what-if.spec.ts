import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SupposedRow, type TimedDeadline, whatIf } from './what-if.js';

const NOW = new Date('2026-05-10T01:00:00.000Z');
const CORRECTION: TimedDeadline = {
  startedOn: '2026-03-03',
  startedAt: null,
  dueOn: '2026-05-06',
  dueAt: '2026-05-06T15:59:59.000Z',
  ruleVersion: 'CORRECTION/PRODUCT@2020-01-01',
  stoppedOn: null,
  stoppedAt: null,
};
const FEEDBACK: TimedDeadline = {
  startedOn: '2026-05-09',
  startedAt: '2026-05-09T02:00:00.000Z',
  dueOn: '2026-05-10',
  dueAt: '2026-05-10T02:00:00.000Z',
  ruleVersion: 'FEEDBACK_ACTION/FOOD@2015-01-01',
  stoppedOn: null,
  stoppedAt: null,
};
const days = (value: number, changes: Partial<SupposedRow> = {}): SupposedRow => ({
  name: 'CORRECTION',
  regime: 'PRODUCT',
  value,
  unit: 'CALENDAR_DAYS',
  validFrom: '2026-01-01',
  ...changes,
});
const moved = (row: SupposedRow, deadline: TimedDeadline = CORRECTION): string[] =>
  whatIf([row], [deadline], NOW).map(({ dueOn, from, to, isLaw }) => `${dueOn} ${from} ${to} ${isLaw}`);

describe('another rule row', () => {
  it('moves what runs', () => {
    expect(moved(days(90))).toEqual(['2026-06-01 OVER RUNNING true']);
    expect(moved(days(30))).toEqual(['2026-04-02 OVER OVER true']);
  });

  it('that comes to the same day moves nothing, nor does a row of another rule or regime', () => {
    expect(moved(days(60))).toEqual([]);
    expect(moved(days(90, { name: 'FIRST_RECHECK' }))).toEqual([]);
    expect(moved(days(90, { regime: 'FOOD' }))).toEqual([]);
  });

  it('would have made late what was in time, and the other way round', () => {
    expect(moved(days(30), { ...CORRECTION, stoppedOn: '2026-05-01' })).toEqual(['2026-04-02 MET MET_LATE true']);
    expect(moved(days(90), { ...CORRECTION, stoppedOn: '2026-05-20' })).toEqual(['2026-06-01 MET_LATE MET true']);
  });

  it('says of what began before it is law that it would only have been so', () => {
    expect(moved(days(90, { validFrom: '2026-04-01' }))).toEqual(['2026-06-01 OVER RUNNING false']);
    expect(moved(days(90, { validTo: '2026-02-01' }))).toEqual(['2026-06-01 OVER RUNNING false']);
  });

  it('in hours moves what counts hours, and what counts days not without an instant', () => {
    const hours = (value: number): SupposedRow => days(value, { name: 'FEEDBACK_ACTION', regime: 'FOOD', unit: 'HOURS' });
    const ends = (row: SupposedRow, one: TimedDeadline): string[] =>
      whatIf([row], [one], NOW).map(({ dueAt, from, to }) => `${dueAt} ${from} ${to}`);
    expect(ends(hours(24), FEEDBACK)).toEqual([]);
    expect(ends(hours(12), FEEDBACK)).toEqual(['2026-05-09T14:00:00.000Z RUNNING OVER']);
    const met = { ...FEEDBACK, stoppedOn: '2026-05-10', stoppedAt: '2026-05-10T01:00:00.000Z' };
    expect(ends(hours(12), met)).toEqual(['2026-05-09T14:00:00.000Z MET MET_LATE']);
    expect(ends(hours(23), met)).toEqual(['2026-05-10T01:00:00.000Z MET MET']);
    expect(ends(days(1, { name: 'FEEDBACK_ACTION', regime: 'FOOD', unit: 'WORKING_DAYS' }), met)).toEqual([
      '2026-05-11T15:59:59.000Z MET MET',
    ]);
    expect(() => whatIf([days(24, { unit: 'HOURS' })], [CORRECTION], NOW)).toThrow(RangeError);
  });

  it('moves what was paused by the days that are not counted in, and what was extended by the row of its extension', () => {
    const decision: TimedDeadline = {
      ...CORRECTION,
      startedOn: '2026-03-10',
      dueOn: '2026-08-24',
      dueAt: '2026-08-24T15:59:59.000Z',
      ruleVersion: 'CASE_DECISION@2021-07-15',
      pauses: [{ from: '2026-03-20', to: '2026-05-06' }],
      extensions: [{ on: '2026-04-01', value: 30, ruleVersion: 'CASE_DECISION_EXTENSION@2021-07-15' }],
    };
    const { regime: _regime, ...row } = days(60, { name: 'CASE_DECISION' });
    expect(moved(days(60, { name: 'CASE_DECISION' }), decision)).toEqual([]);
    // 60 + 30, of which ten were over when it was paused.
    expect(moved(row, decision)).toEqual(['2026-07-27 RUNNING RUNNING true']);
    expect(moved({ ...row, name: 'CASE_DECISION_EXTENSION', value: 60 }, decision)).toEqual(['2026-09-23 RUNNING RUNNING true']);
    const held = {
      ...decision,
      extensions: [],
      pauses: [{ from: '2026-03-20', to: null }],
      dueOn: '2026-06-08',
      dueAt: '2026-06-08T15:59:59.000Z',
    };
    expect(moved({ ...row, value: 100 }, held)).toEqual(['2026-06-18 PAUSED PAUSED true']);
    expect(moved({ ...row, value: 5 }, held)).toEqual(['2026-03-16 PAUSED OVER true']);
  });

  it('is compared with no row that nobody knows', () => {
    expect(() => whatIf([days(24)], [{ ...CORRECTION, ruleVersion: 'NOBODY@2020-01-01' }], NOW)).toThrow('no rule row is called NOBODY');
  });
});

describe('npm run law:what-if', () => {
  const folder = mkdtempSync(join(tmpdir(), 'what-if-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../dist/what-if.command.js'), ...args], { encoding: 'utf8' });
  const { ruleVersion, ...timed } = CORRECTION;
  const about = { matter: 'SAMPLING_CASE', subject: 'tj-amr:S-1', clock: 'CORRECTION', party: 'SAMPLED_PARTY' };
  const listed = { ...about, ...timed, legalBasis: { instrument: '办法', ruleVersion } };
  const other = { ...listed, legalBasis: { ruleVersion: 'FIRST_RECHECK/PRODUCT@2020-01-01' } };
  const table = (...rows: object[]): string => {
    const columns = [...Object.keys(about), ...Object.keys(timed), 'ruleVersion'];
    const cell = (row: object, column: string): string => `"${(row as Record<string, string | null>)[column] ?? ''}"`;
    return `\uFEFF${[columns.map((column) => `"${column}"`), ...rows.map((row) => columns.map((column) => cell(row, column)))].join('\r\n')}\r\n`;
  };

  it.each([
    ['a page', JSON.stringify({ items: [listed], next: null })],
    ['a list', JSON.stringify([listed])],
    ['lines', `${JSON.stringify(listed)}\n${JSON.stringify(other)}\n`],
    ['pages, one a line', `${JSON.stringify({ items: [listed] })}\n${JSON.stringify({ items: [other] })}\n`],
    ['a table', table({ ...about, ...CORRECTION })],
    ['what was never paused', JSON.stringify([{ ...listed, pauses: [], extensions: [] }])],
  ])('reads %s', (_what, text) => {
    const { status, stdout } = run(written('rules.json', JSON.stringify([days(30)])), written('deadlines', text));
    expect(status).toBe(0);
    expect(stdout).toContain('SAMPLING_CASE tj-amr:S-1 SAMPLED_PARTY CORRECTION: 2026-05-06 -> 2026-04-02, OVER');
    expect(stdout).toContain('1 open and 0 closed would move, 0 would end differently');
  });

  it.each([
    ['no file', '[]', undefined, 'cannot be read'],
    ['an unknown rule', JSON.stringify([days(30, { name: 'NOBODY' })]), '[]', '/0/name: is no rule'],
    ['a wrong day', JSON.stringify([days(30, { validFrom: '2026-02-30' })]), '[]', '/0/validFrom: is a day'],
    ['no deadline', JSON.stringify([days(30)]), JSON.stringify([{ ...listed, stoppedOn: undefined }]), '/0: is no deadline'],
    [
      'a pause without a day',
      JSON.stringify([days(30)]),
      JSON.stringify([{ ...listed, pauses: [{ from: 'soon' }] }]),
      '/0: is no deadline',
    ],
    ['no JSON', '[]', 'soon', ':1: is not JSON'],
    ['the end of a list that was cut', '[]', JSON.stringify([listed, { deadlineId: 'CUT' }]), '/1: the list was cut'],
  ])('says where %s is', (_what, rules, deadlines, problem) => {
    const file = deadlines === undefined ? join(folder, 'none') : written('deadlines', deadlines);
    const { status, stderr } = run(written('rules.json', rules), file);
    expect(status).toBe(1);
    expect(stderr).toContain(problem);
  });
});
