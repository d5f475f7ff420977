import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDays, wholeDate } from '@jinqiao/law';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { alarmsOn, DAYS_BEFORE, type DayFigures, type Share, SHARES } from './drift.js';

const TODAY = '2026-10-30';
const NONE = Object.fromEntries(SHARES.map((share) => [share, 0])) as Record<Share, number>;
const figures = (
  daysAgo: number,
  results: number,
  counts: Partial<Record<Share, number>> = {},
  lagDays: number | null = 5,
): DayFigures => ({
  reporterId: 'tj-amr',
  day: addDays(TODAY, -daysAgo),
  results,
  counts: { ...NONE, ...counts },
  lagDays,
});
const weeks = (of: (daysAgo: number) => DayFigures): DayFigures[] => Array.from({ length: DAYS_BEFORE }, (_, n) => of(n + 1));
const measures = (own: readonly DayFigures[], day = TODAY): string[] => alarmsOn(day, own).map(({ measure }) => measure);
const STEADY = weeks((n) => figures(n, 40, { 'verdict.UNQUALIFIED': 2 }));

describe('a day of a reporter', () => {
  it('is unlike before when its flag is inverted, with both figures as evidence', () => {
    const inverted = figures(0, 40, { 'verdict.UNQUALIFIED': 38 });
    expect(alarmsOn(TODAY, [...STEADY, inverted])).toEqual([
      {
        reporterId: 'tj-amr',
        day: TODAY,
        measure: 'verdict.UNQUALIFIED',
        value: 0.95,
        results: 40,
        before: { least: 0.05, most: 0.05, all: 0.05, results: 1120, days: 28 },
      },
    ]);
    expect(measures([...STEADY, figures(0, 40, { 'verdict.UNQUALIFIED': 4 })])).toEqual([]);
  });

  it('is unlike before when a column is empty', () => {
    expect(measures([...STEADY, figures(0, 40, { 'verdict.UNQUALIFIED': 2, 'empty.sampledParty.uscc': 40 })])).toEqual([
      'empty.sampledParty.uscc',
    ]);
  });

  it('is left alone where such days have been before, where it is small, and where nobody knows how the reporter swings', () => {
    const swings = weeks((n) => figures(n, 40, { 'verdict.UNQUALIFIED': n % 7 === 0 ? 40 : 2 }));
    const failures = figures(0, 40, { 'verdict.UNQUALIFIED': 40 });
    expect(measures([...swings, failures])).toEqual([]);
    expect(measures([...STEADY, figures(0, 19, { 'verdict.UNQUALIFIED': 19 })])).toEqual([]);
    expect(measures([...STEADY.slice(0, 4), failures])).toEqual([]);
    expect(measures([failures])).toEqual([]);
  });

  it('is a flood, a silence, or late', () => {
    expect(measures([...STEADY, figures(0, 201)])).toEqual(['volume']);
    expect(measures([...STEADY, figures(0, 200)])).toEqual([]);
    const stopped = STEADY.filter(({ day }) => day <= addDays(TODAY, -7));
    expect(measures(stopped)).toEqual(['silence']);
    expect(measures(stopped, addDays(TODAY, -1))).toEqual([]);
    expect(measures(stopped, addDays(TODAY, 1))).toEqual([]);
    expect(measures([...STEADY, figures(0, 40, {}, 12)])).toEqual(['lag']);
    expect(measures([...STEADY, figures(0, 40, {}, 11)])).toEqual([]);
  });

  const drawn = fc.record({
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
    sizes: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 29, maxLength: 29 }),
    seed: fc.integer(),
  });

  it('that differs by chance alone is never unlike before', () => {
    fc.assert(
      fc.property(drawn, ({ chance, sizes, seed }) => {
        const next = random(seed);
        const own = sizes.map((results, n) =>
          figures(n, results, { 'verdict.UNQUALIFIED': Array.from({ length: results }, next).filter((x) => x < chance).length }),
        );
        expect(measures(own)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('whose flag is inverted is found, however often it is set', () => {
    const sized = drawn.filter(({ chance }) => Math.abs(chance - 0.5) > 0.35);
    fc.assert(
      fc.property(sized, ({ chance, sizes, seed }) => {
        const next = random(seed);
        const own = sizes.map((size, n) => {
          const set = Array.from({ length: size + 30 }, next).filter((x) => (n === 0 ? x >= chance : x < chance)).length;
          return figures(n, size + 30, { 'verdict.UNQUALIFIED': set });
        });
        expect(measures(own)).toEqual(['verdict.UNQUALIFIED']);
      }),
      { numRuns: 200 },
    );
  });
});

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('the notices of data/', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../data/sampling-notices.csv'), 'utf8');
  const rows = parse<Row>(text, { columns: true, bom: true, skip_empty_lines: true });
  const figuresOf = (reporterId: string, day: string, own: readonly Row[]): DayFigures => {
    const empty = (column: string): number => own.filter((row) => row[column] === '').length;
    const counts = {
      ...NONE,
      'verdict.UNQUALIFIED': own.filter(({ verdict }) => verdict === '不合格').length,
      'empty.product.category': empty('category'),
      'empty.product.batch': empty('production_date_or_batch'),
      'empty.sampledParty.uscc': empty('seller_uscc'),
      'empty.nominalProducer': empty('manufacturer'),
      'empty.laboratory': empty('laboratory'),
      'empty.online': empty('platform'),
    };
    return { reporterId, day, results: own.length, counts, lagDays: null };
  };
  const alarmsIn = (all: readonly DayFigures[]) =>
    all.flatMap(({ reporterId, day }) => {
      const own = all.filter((one) => one.reporterId === reporterId && one.day <= day && one.day >= addDays(day, -DAYS_BEFORE));
      return alarmsOn(day, own).map(({ measure }) => ({ day, measure }));
    });

  it('raise no alarm, each on the day of its date', () => {
    const dated = rows.filter(({ notice_date: date = '' }) => date !== '');
    const byDay = Map.groupBy(dated, ({ issuing_authority, notice_date = '' }) => `${issuing_authority}\n${wholeDate(notice_date)}`);
    const all = [...byDay].map(([key, own]) => {
      const [reporterId = '', day = ''] = key.split('\n');
      return figuresOf(reporterId, day, own);
    });
    expect(alarmsIn(all)).toEqual([]);
  });

  // No authority has enough of them for a comparison; a reporter who has something of every one of them each day has.
  it('raise no alarm dealt out over ten days, and one as soon as a day has its verdicts inverted', () => {
    const dealt = (n: number): Row[] => rows.filter((_, place) => place % 10 === n);
    const all = Array.from({ length: 10 }, (_, n) => figuresOf('a', addDays('2026-03-02', n), dealt(n)));
    expect(alarmsIn(all)).toEqual([]);
    const inverted = all.map((one, n) => {
      const counts = { ...one.counts, 'verdict.UNQUALIFIED': one.results - one.counts['verdict.UNQUALIFIED'] };
      return n === all.length - 1 ? { ...one, counts } : one;
    });
    expect(alarmsIn(inverted)).toEqual([{ day: all.at(-1)?.day, measure: 'verdict.UNQUALIFIED' }]);
  });
});

type Row = Readonly<Record<string, string>>;
