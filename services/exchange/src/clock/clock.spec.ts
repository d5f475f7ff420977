import { allRules, isWorkingDay } from '@jinqiao/law';
import fc from 'fast-check';
import { dueAt } from '../feedback/feedback.js';
import { deadlineState, type Receipt, start } from './clock.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DUE = new Date('2026-11-24T01:00:00.000Z');
const hours = (count: number): Date => new Date(DUE.getTime() + count * HOUR);

describe('a deadline', () => {
  it.each([
    { what: 'waits for a receipt', due: null, closedAt: null, now: hours(99), state: 'NOT_STARTED' },
    { what: 'runs up to its last moment', due: DUE, closedAt: null, now: DUE, state: 'RUNNING' },
    { what: 'is overdue after it', due: DUE, closedAt: null, now: hours(0.001), state: 'OVERDUE' },
    { what: 'is met at its last moment', due: DUE, closedAt: DUE, now: hours(99), state: 'MET' },
    { what: 'is met late after it', due: DUE, closedAt: hours(1), now: hours(99), state: 'MET_LATE' },
    { what: 'is met before it began', due: null, closedAt: DUE, now: hours(99), state: 'MET' },
  ])('$what', ({ due, closedAt, now, state }) => expect(deadlineState({ dueAt: due, closedAt }, now)).toBe(state));
});

/** The plain way: one day after the other, with nothing but a calendar on the wall. */
function recount(from: Date, { value, unit, roll }: { value: number; unit: string; roll: string }): string {
  if (unit === 'HOURS') {
    let instant = from.getTime();
    for (let hour = 0; hour < value; hour += 1) instant += HOUR;
    return new Date(instant).toISOString();
  }
  const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  // Midnight of the day it is in China, counted in UTC.
  let day = Date.parse(`${dayOf(from.getTime() + 8 * HOUR)}T00:00:00Z`);
  if (unit === 'WORKING_DAYS') for (let left = value; left > 0;) if (isWorkingDay(dayOf((day += DAY)))) left -= 1;
  if (unit === 'CALENDAR_DAYS') for (let left = value; left > 0; left -= 1) day += DAY;
  if (unit === 'MONTHS') {
    const dateWanted = new Date(day).getUTCDate();
    // To the first of the month, month by month, then forward to the date or to the month's last day.
    while (new Date(day).getUTCDate() !== 1) day -= DAY;
    for (let left = value; left > 0; left -= 1)
      do day += DAY;
      while (new Date(day).getUTCDate() !== 1);
    while (new Date(day).getUTCDate() < dateWanted && new Date(day + DAY).getUTCDate() !== 1) day += DAY;
  }
  if (roll === 'NON_WORKING_DAY') while (!isWorkingDay(dayOf(day))) day += DAY;
  return `${dayOf(day)}T23:59:59+08:00`;
}

const instants = fc.date({ min: new Date('2024-01-01T00:00:00Z'), max: new Date('2026-09-30T00:00:00Z'), noInvalidDate: true });
const periods = fc.oneof(
  fc.record({ value: fc.integer({ min: 0, max: 200 }), unit: fc.constant('HOURS' as const), roll: fc.constant('NONE' as const) }),
  fc.record({ value: fc.integer({ min: 0, max: 60 }), unit: fc.constant('WORKING_DAYS' as const), roll: fc.constant('NONE' as const) }),
  fc.record({ value: fc.integer({ min: 0, max: 24 }), unit: fc.constant('MONTHS' as const), roll: fc.constant('NONE' as const) }),
  fc.record({
    value: fc.integer({ min: 0, max: 90 }),
    unit: fc.constant('CALENDAR_DAYS' as const),
    roll: fc.constantFrom('NONE' as const, 'NON_WORKING_DAY' as const),
  }),
);

it('is due when a plain recount, day by day, says so', () => {
  fc.assert(
    fc.property(instants, periods, (from, period) => expect(dueAt(period, from)).toBe(recount(from, period))),
    { numRuns: 2_000 },
  );
});

it('counts hours: a platform is told when it ends, and no calendar of holidays moves that', () => {
  const rows = allRules().filter(({ name }) => name === 'FEEDBACK_ACTION' || name === 'RECALL_TAKE_DOWN');
  expect(new Set(rows.map(({ unit }) => unit))).toEqual(new Set(['HOURS']));
});

describe('a clock that starts on receipt', () => {
  const RULE = 'RECALL_TAKE_DOWN/PRODUCT@2025-12-16';
  const clock = { feedbackId: 'a', askedSince: 2, rule: RULE, startedAt: null };
  const receipts = fc.array(fc.record({ feedbackId: fc.constantFrom('a', 'b'), revision: fc.integer({ min: 1, max: 4 }), at: instants }), {
    maxLength: 8,
  });
  /** Hears of receipts in portions, as they come. */
  const after = (portions: readonly (readonly Receipt[])[]): object => {
    let known: { startedAt: Date | null; dueAt: string | null } = { startedAt: null, dueAt: null };
    for (const portion of portions) known = start({ ...clock, startedAt: known.startedAt }, portion) ?? known;
    return { startedAt: known.startedAt, dueAt: known.dueAt };
  };

  it('starts with the first receipt of what is asked, in whatever order and portions they are heard of', () => {
    fc.assert(
      fc.property(receipts, fc.integer({ min: 0, max: 8 }), (all, cut) => {
        const counting = all.filter(({ feedbackId, revision }) => feedbackId === 'a' && revision >= 2).map(({ at }) => at.getTime());
        const first = counting.length === 0 ? null : new Date(Math.min(...counting));
        const due = first && recount(first, { value: 24, unit: 'HOURS', roll: 'NONE' });
        expect(after([all.slice(0, cut), all.slice(cut)])).toEqual({ startedAt: first, dueAt: due });
        expect(after([all.slice(cut), all.slice(0, cut), all])).toEqual({ startedAt: first, dueAt: due });
      }),
    );
  });
});
