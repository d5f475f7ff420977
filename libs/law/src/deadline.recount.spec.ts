/*
 * Deadlines against a plain recount that knows nothing of how they are computed: it takes one day after the other off a wall calendar. And
 * what becomes of them when the calendar gains a year: what was not provisional stays where it is.
 */
import arrangement from 'chinese-days/dist/chinese-days.json' with { type: 'json' };
import fc from 'fast-check';
import { arrangedUntil, type Calendar, calendarOf } from './calendar.js';
import { deadline, type Period } from './deadline.js';
import { changedDeadline, type Pause, remaining } from './pause.js';

const HOLIDAYS = Object.keys(arrangement.holidays);
const MAKE_UP_DAYS = Object.keys(arrangement.workdays);
const LAST_YEAR = Math.max(...HOLIDAYS.map((day) => Number(day.slice(0, 4))));
/** As it was when the arrangement of a year was the last one: that of the next year says what its New Year takes of the end of this one. */
const CALENDARS = new Map(
  Array.from({ length: LAST_YEAR - 2017 }, (_none, place) => {
    const known = (days: readonly string[]): string[] => days.filter((day) => day < `${2018 + place}-12-29`);
    return [2018 + place, calendarOf(known(HOLIDAYS), known(MAKE_UP_DAYS))];
  }),
);
const publishedFor = (year: number): Calendar => CALENDARS.get(year) as Calendar;

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

/** A day with its weekday, by counting on from a Monday: no Date is asked. */
interface Leaf {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 = Monday. */
  readonly weekday: number;
}
const nameOf = ({ year, month, day }: Leaf): string => [year, month, day].map((part) => String(part).padStart(2, '0')).join('-');
const lengthOf = (year: number, month: number): number => (MONTH_LENGTHS[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0);
function tear({ year, month, day, weekday }: Leaf): Leaf {
  const next = { weekday: (weekday + 1) % 7 };
  if (day < lengthOf(year, month)) return { year, month, day: day + 1, ...next };
  return month < 12 ? { year, month: month + 1, day: 1, ...next } : { year: year + 1, month: 1, day: 1, ...next };
}
// 2018-01-01 was a Monday.
const LEAVES: Leaf[] = [{ year: 2018, month: 1, day: 1, weekday: 0 }];
while (nameOf(LEAVES.at(-1) as Leaf) < `${LAST_YEAR + 6}-12-31`) LEAVES.push(tear(LEAVES.at(-1) as Leaf));
const NOVEMBERS = new Map(LEAVES.flatMap(({ year, month, day }, place) => (month === 11 && day === 1 ? [[year, place]] : [])));
const at = (place: number): Leaf => LEAVES[place] as Leaf;

/** The place of the last day of a period, and whether a year was touched whose holidays nobody knew. */
function recount(start: number, { value, unit, roll }: Required<Period>, year: number): { due: string; provisional: boolean } {
  const known = publishedFor(year);
  const works = (leaf: Leaf): boolean => known.makeUpDays.has(nameOf(leaf)) || (!known.holidays.has(nameOf(leaf)) && leaf.weekday < 5);
  const unknown = (leaf: Leaf): boolean => nameOf(leaf) > `${year}-12-28`;
  let place = start;
  let provisional = false;
  if (unit === 'WORKING_DAYS') {
    for (let worked = 0; worked < value;) {
      place += 1;
      if (unknown(at(place))) provisional = true;
      if (works(at(place))) worked += 1;
    }
    return { due: nameOf(at(place)), provisional };
  }
  if (unit === 'CALENDAR_DAYS') place += value;
  else {
    const wanted = at(start).day;
    for (let months = unit === 'YEARS' ? value * 12 : value; months > 0; months -= 1) {
      do place += 1;
      while (at(place).day !== 1);
    }
    const first = at(place);
    if (value > 0) place += Math.min(wanted, lengthOf(first.year, first.month)) - first.day;
  }
  if (roll === 'NONE') return { due: nameOf(at(place)), provisional };
  if (unknown(at(place))) provisional = true;
  while (roll === 'HOLIDAY' ? known.holidays.has(nameOf(at(place))) : !works(at(place))) {
    place += 1;
    if (unknown(at(place))) provisional = true;
  }
  return { due: nameOf(at(place)), provisional };
}

const days = { min: 0, max: 120 };
const periods: fc.Arbitrary<Required<Period> & { unit: 'WORKING_DAYS' | 'CALENDAR_DAYS' | 'MONTHS' | 'YEARS' }> = fc
  .record({
    value: fc.integer(days),
    unit: fc.constantFrom('WORKING_DAYS' as const, 'CALENDAR_DAYS' as const, 'MONTHS' as const, 'YEARS' as const),
    roll: fc.constantFrom('NONE' as const, 'HOLIDAY' as const, 'NON_WORKING_DAY' as const),
  })
  .map((period) => ({
    ...period,
    value: period.unit === 'YEARS' ? period.value % 4 : period.unit === 'MONTHS' ? period.value % 25 : period.value,
  }));
/** A day up to the last year with holidays, around the turn of the year more often than not. */
const starts = fc.oneof(
  fc.integer({ min: 0, max: (LAST_YEAR - 2018) * 365 }),
  fc
    .record({ year: fc.integer({ min: 2018, max: LAST_YEAR }), day: fc.integer({ min: 0, max: 60 }) })
    .map(({ year, day }) => (NOVEMBERS.get(year) ?? 0) + day),
);

it('ends when a recount day by day says so, and is provisional when that touches a year without holidays', () => {
  fc.assert(
    fc.property(starts, periods, fc.integer({ min: 2018, max: LAST_YEAR }), (start, period, year) => {
      expect(deadline(nameOf(at(start)), period, publishedFor(year))).toEqual(recount(start, period, year));
    }),
    { numRuns: 1_000 },
  );
});

it('does not move when another year is published, unless it was provisional', () => {
  fc.assert(
    fc.property(starts, periods, fc.integer({ min: 2018, max: LAST_YEAR - 1 }), (start, period, year) => {
      const [before, after] = [
        deadline(nameOf(at(start)), period, publishedFor(year)),
        deadline(nameOf(at(start)), period, publishedFor(year + 1)),
      ];
      if (!before.provisional) expect(after).toEqual(before);
    }),
    { numRuns: 10_000 },
  );
});

it('is provisional no more once it ends on a day that is decided about', () => {
  fc.assert(
    fc.property(starts, periods, fc.integer({ min: 2018, max: LAST_YEAR - 1 }), (start, period, year) => {
      const after = deadline(nameOf(at(start)), period, publishedFor(year + 1));
      expect(after.provisional && after.due <= arrangedUntil(publishedFor(year + 1))).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

/** The same, one day after the other, with pauses by the places of their days; and how many days were left at the end of each day. */
function pausedRecount(start: number, { value, unit, roll }: Required<Period>, { pauses, year }: PausedIn): Recounted {
  const known = publishedFor(year);
  const works = (leaf: Leaf): boolean => known.makeUpDays.has(nameOf(leaf)) || (!known.holidays.has(nameOf(leaf)) && leaf.weekday < 5);
  const endsOn = (leaf: Leaf): boolean =>
    unit === 'WORKING_DAYS' || roll === 'NONE' || (roll === 'HOLIDAY' ? !known.holidays.has(nameOf(leaf)) : works(leaf));
  const waiting = [...pauses];
  const lefts: number[] = [];
  let left = value;
  let isPaused = false;
  for (let place = start; ; place += 1) {
    const counts = place > start && !isPaused && (unit === 'CALENDAR_DAYS' || works(at(place)));
    if (counts && left > 0) left -= 1;
    let isOver = !isPaused && left === 0 && endsOn(at(place));
    for (let next = waiting[0]; next && (isPaused || next.from === place); next = waiting[0]) {
      isPaused = next.to !== place;
      if (isPaused) isOver = false;
      if (isPaused) break;
      isOver = left === 0 && endsOn(at(place));
      waiting.shift();
    }
    lefts.push(left);
    if (isOver) return { due: nameOf(at(place)), lefts };
  }
}

interface PausedIn {
  readonly pauses: readonly PlacedPause[];
  readonly year: number;
}
interface PlacedPause {
  readonly from: number;
  readonly to: number;
}
interface Recounted {
  readonly due: string;
  /** Of the first day and each that follows. */
  readonly lefts: readonly number[];
}

const countable = fc.record({
  value: fc.integer({ min: 0, max: 90 }),
  unit: fc.constantFrom('WORKING_DAYS' as const, 'CALENDAR_DAYS' as const),
  roll: fc.constantFrom('NONE' as const, 'HOLIDAY' as const, 'NON_WORKING_DAY' as const),
});
const gaps = fc.array(fc.record({ after: fc.integer({ min: 0, max: 40 }), length: fc.integer({ min: 0, max: 60 }) }), { maxLength: 4 });
const parts = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
function placed(start: number, of: readonly { after: number; length: number }[]): PlacedPause[] {
  let place = start;
  return of.map(({ after, length }) => {
    const from = place + after;
    place = from + length;
    return { from, to: place };
  });
}
const named = (pauses: readonly PlacedPause[]): Pause[] => pauses.map(({ from, to }) => ({ from: nameOf(at(from)), to: nameOf(at(to)) }));

describe('a period that is paused', () => {
  it('ends, and has left on each of its days, what a recount day by day says', () => {
    fc.assert(
      fc.property(
        starts,
        countable,
        gaps,
        fc.tuple(parts, fc.integer({ min: 2018, max: LAST_YEAR })),
        (start, period, breaks, [part, year]) => {
          const [calendar, pauses] = [publishedFor(year), placed(start, breaks)];
          const { due, lefts } = pausedRecount(start, period, { pauses, year });
          expect(changedDeadline(nameOf(at(start)), period, { pauses: named(pauses) }, calendar).due).toBe(due);
          const days = Math.floor(part * lefts.length);
          expect(remaining(nameOf(at(start)), period, { pauses: named(pauses) }, { on: nameOf(at(start + days)), calendar })).toBe(
            lefts[days],
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keeps while it is paused what it had left, and would have ended when it would have ended', () => {
    fc.assert(
      fc.property(starts, countable, fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 200 }), (start, period, used, later) => {
        const begun = nameOf(at(start));
        const { due } = deadline(begun, period);
        const from = nameOf(at(start + used));
        fc.pre(from <= due);
        const paused = { pauses: [{ from, to: null }] };
        expect(changedDeadline(begun, period, paused).due).toBe(due);
        expect(remaining(begun, period, paused, { on: nameOf(at(start + used + later)) })).toBe(remaining(begun, period, {}, { on: from }));
      }),
    );
  });

  it('does not move when another year is published, unless it was provisional', () => {
    fc.assert(
      fc.property(starts, countable, gaps, fc.integer({ min: 2018, max: LAST_YEAR - 1 }), (start, period, breaks, year) => {
        const changes = { pauses: named(placed(start, breaks)) };
        const [before, after] = [year, year + 1].map((one) => changedDeadline(nameOf(at(start)), period, changes, publishedFor(one)));
        if (before?.provisional === false) expect(after).toEqual(before);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is as much longer as it was extended, paused or not, and is not extended in hours, months or years', () => {
    fc.assert(
      fc.property(starts, countable, gaps, fc.integer({ min: 0, max: 60 }), (start, period, breaks, value) => {
        const pauses = named(placed(start, breaks));
        const extensions = [{ on: nameOf(at(start)), value, ruleVersion: null }];
        expect(changedDeadline(nameOf(at(start)), period, { pauses, extensions })).toEqual(
          changedDeadline(nameOf(at(start)), { ...period, value: period.value + value }, { pauses }),
        );
      }),
    );
    expect(() => changedDeadline('2026-03-02', { value: 3, unit: 'MONTHS' }, {})).toThrow(RangeError);
  });
});
