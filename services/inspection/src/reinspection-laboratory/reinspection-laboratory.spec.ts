import { createHash } from 'node:crypto';
import { testUscc } from '@jinqiao/testing';
import { drawKeyOf, drawn, eligible, listFindings, type ListedLaboratory, listOf, type StateListBody } from './reinspection-laboratory.js';

const laboratory = (n: number, changes: Partial<ListedLaboratory> = {}): ListedLaboratory => ({
  name: `第${n}复检机构`,
  uscc: testUscc(n),
  from: '2026-01-01',
  ...changes,
});
const LABORATORIES = [1, 2, 3, 4, 5].map((n) => laboratory(n));
const stated = (laboratories: ListedLaboratory[], changes: Partial<StateListBody> = {}): StateListBody => ({
  documentNo: '2026年第1号',
  publishedOn: '2026-01-05',
  laboratories,
  ...changes,
});
const key = (n: number): string =>
  drawKeyOf({ reporterId: 'tj-amr', sampleNo: `S-${n}`, party: 'SAMPLED_PARTY', on: '2026-09-18', takenAt: '2026-09-18T01:00:00.000Z' });

describe('a list', () => {
  it('is the same in whatever order and width it is stated, and another one with every other word', () => {
    const list = listOf(stated(LABORATORIES));
    const wide = LABORATORIES.map((one) => ({ ...one, uscc: ` ${one.uscc.toLowerCase()}` })).reverse();
    expect(listOf(stated(wide))).toEqual(list);
    expect(listOf(stated(LABORATORIES.slice(1))).hash).not.toBe(list.hash);
    expect(listOf(stated(LABORATORIES, { documentNo: '2026年第2号' })).hash).not.toBe(list.hash);
  });

  it('is refused with the place of everything that is wrong in it', () => {
    const wrongDigit = testUscc(6).slice(0, -1) + (testUscc(6).endsWith('0') ? '1' : '0');
    const wrong = [
      laboratory(1, { until: '2025-12-31' }),
      laboratory(2, { uscc: '1' }),
      laboratory(3, { uscc: wrongDigit }),
      laboratory(1),
    ];
    const findings = listFindings(stated(wrong, { publishedOn: '2026-01-06' }), '2026-01-05');
    expect(findings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'IN_FUTURE /publishedOn',
      'DAYS_REVERSED /laboratories/0/until',
      'USCC_CHECK_FAILED /laboratories/1/uscc',
      'USCC_CHECK_FAILED /laboratories/2/uscc',
      'LABORATORY_TWICE /laboratories/3/uscc',
    ]);
    expect(listFindings(stated([laboratory(1, { until: '2026-01-01' })]), '2026-01-05')).toEqual([]);
  });

  it('has those who may test again: on it on the day, first and last included, and not who tested first', () => {
    const list = listOf(stated([laboratory(1), laboratory(2, { until: '2026-09-24' }), laboratory(3, { from: '2026-09-25' })]));
    const namesOn = (on: string, first: { name: string; uscc?: string } | null = null): string[] =>
      eligible(list, on, first)
        .map(({ name }) => name)
        .sort();
    expect(namesOn('2026-09-24')).toEqual(['第1复检机构', '第2复检机构']);
    expect(namesOn('2026-09-25')).toEqual(['第1复检机构', '第3复检机构']);
    expect(namesOn('2026-09-25', { name: '改了名称', uscc: testUscc(1) })).toEqual(['第3复检机构']);
    expect(namesOn('2026-09-25', { name: '改了名称', uscc: testUscc(1).toLowerCase() })).toEqual(['第3复检机构']);
    expect(namesOn('2026-09-25', { name: '第3复检机构' })).toEqual(['第1复检机构']);
  });
});

describe('a draw', () => {
  it('is one of those, the same for the same step in whatever order they stand, and as its comment says', () => {
    for (const n of Array(50).keys()) {
      const one = drawn(LABORATORIES, key(n));
      expect(drawn([...LABORATORIES].reverse(), key(n))).toEqual(one);
      const lots = LABORATORIES.map(({ uscc }) =>
        createHash('sha256')
          .update(`${key(n)}\n${uscc}`)
          .digest('hex'),
      );
      expect(one).toBe(LABORATORIES[lots.indexOf([...lots].sort()[0] ?? '')]);
    }
    expect(drawn([], key(1))).toBeUndefined();
  });

  it('comes to each as often as to the others, over many cases', () => {
    const counts = new Map(LABORATORIES.map(({ name }) => [name, 0]));
    for (const n of Array(2_000).keys()) {
      const name = drawn(LABORATORIES, key(n))?.name ?? '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    // 400 each are expected; five standard deviations of 18 leave room, and the outcome is always the same.
    for (const count of counts.values()) expect(Math.abs(count - 400)).toBeLessThan(90);
  });

  it('turns on the moment at which the formalities were taken, to the millisecond', () => {
    const at = (ms: number): string =>
      drawKeyOf({ reporterId: 'tj-amr', sampleNo: 'S-1', party: 'SAMPLED_PARTY', on: '2026-09-18', takenAt: new Date(ms).toISOString() });
    const names = new Set([...Array(50).keys()].map((ms) => drawn(LABORATORIES, at(Date.UTC(2026, 8, 18) + ms))?.name));
    expect(names.size).toBe(LABORATORIES.length);
  });

  it('moves no lot when somebody else comes to the list or leaves it', () => {
    for (const n of Array(50).keys()) {
      const one = drawn(LABORATORIES, key(n));
      const other = LABORATORIES.find(({ uscc }) => uscc !== one?.uscc);
      expect(
        drawn(
          LABORATORIES.filter((left) => left !== other),
          key(n),
        ),
      ).toBe(one);
    }
  });
});
