/**
 * Periods that stand still for a while, and that are made longer. What is not counted in (市场监督管理行政处罚程序规定 art. 18, 64) begins and
 * ends as a period does: its first day is not part of it, its last day is. What a period had left when it was paused it has when it goes on.
 * Only days can be paused: of hours, months and years no rule that was read says how.
 */
import { addDays, type Calendar, isArranged, isWorkingDay, PUBLISHED } from './calendar.js';
import { type Deadline, deadline, type Period } from './deadline.js';

export interface Pause {
  readonly from: string;
  /** Null while it lasts. */
  readonly to: string | null;
}

export interface Extension {
  readonly on: string;
  /** In the unit of the period. */
  readonly value: number;
  /** The row that says how much; null where it was fixed for this one. */
  readonly ruleVersion: string | null;
}

/** What became of a period since it began, each in the order of its days. */
export interface Changes {
  readonly pauses?: readonly Pause[];
  readonly extensions?: readonly Extension[];
}

type Days = Period & { unit: 'CALENDAR_DAYS' | 'WORKING_DAYS' };

/** When it ends; while it is paused, when it would have ended. */
export const changedDeadline = (start: string, period: Period, changes: Changes, calendar: Calendar = PUBLISHED): Deadline<string> =>
  counted(start, daysOf(period), changes, calendar).ends;

interface Begun extends Changes {
  readonly startedOn: string;
  /** The instant, where it is known. */
  readonly startedAt?: string | null;
}

/** When it ends, whether or not anything became of it: what was never paused nor extended may be in any unit. */
export function deadlineWith({ startedOn, startedAt = null, pauses = [], extensions = [] }: Begun, period: Period): Deadline {
  if (pauses.length === 0 && extensions.length === 0) return deadline(startedAt ?? startedOn, period);
  return changedDeadline(startedOn, period, { pauses, extensions });
}

/** How many of its days are left after this one. None are once it is over. */
export function remaining(
  start: string,
  period: Period,
  { pauses = [], ...rest }: Changes,
  { on, calendar }: { readonly on: string; readonly calendar?: Calendar },
): number {
  const begun = pauses
    .filter(({ from }) => from <= on)
    .map((pause) => (pause.to !== null && pause.to > on ? { ...pause, to: null } : pause));
  const held = begun.at(-1)?.to === null ? begun : [...begun, { from: on, to: null }];
  return counted(start, daysOf(period), { ...rest, pauses: held }, calendar).left;
}

/** What it had left when it was paused; null where it is not. */
export const leftWhilePaused = (start: string, period: Period, changes: Changes): number | null =>
  changes.pauses?.at(-1)?.to === null ? counted(start, daysOf(period), changes).left : null;

interface Count {
  readonly ends: Deadline<string>;
  readonly left: number;
}

function counted(start: string, period: Days, { pauses = [], extensions = [] }: Changes, calendar: Calendar = PUBLISHED): Count {
  let left = extensions.reduce((sum, { value }) => sum + value, period.value);
  let ends = deadline(start, { ...period, value: left }, calendar);
  let from = start;
  let provisional = false;
  for (const pause of pauses) {
    // What is over is not paused any more.
    if (pause.from > ends.due) return { ends, left: 0 };
    const used = daysBetween(from, pause.from, period.unit, calendar);
    left = Math.max(0, left - used.count);
    if (pause.to === null) return { ends, left };
    // Where nothing is left only the free days behind it, if they are free, let it be paused.
    provisional ||= used.provisional || (left === 0 && ends.provisional);
    from = pause.to;
    const next = deadline(from, { ...period, value: left }, calendar);
    ends = { due: next.due, provisional: provisional || next.provisional };
  }
  return { ends, left };
}

function daysOf(period: Period): Days {
  const { unit } = period;
  if (unit !== 'CALENDAR_DAYS' && unit !== 'WORKING_DAYS') throw new RangeError(`a period in ${unit} is neither paused nor extended`);
  return { ...period, unit };
}

/** After the one day, up to and including the other. */
function daysBetween(after: string, until: string, unit: Days['unit'], calendar: Calendar): { count: number; provisional: boolean } {
  let count = 0;
  let provisional = false;
  for (let day = addDays(after, 1); day <= until; day = addDays(day, 1)) {
    if (unit === 'WORKING_DAYS') provisional ||= !isArranged(day, calendar);
    if (unit === 'CALENDAR_DAYS' || isWorkingDay(day, calendar)) count += 1;
  }
  return { count, provisional };
}
