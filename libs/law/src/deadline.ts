/**
 * When a period ends (domain rule: the day it starts on is not counted; months end on the same day of the month, clamped to its end;
 * everything in Asia/Shanghai). Whether a period in calendar days that ends on a free day runs on to the next working day differs by
 * instrument, so it is a setting; no setting ever shortens a period.
 */
import {
  addDays,
  addMonths,
  addWorkingDays,
  type Calendar,
  dayInChina,
  isArranged,
  isHoliday,
  isWorkingDay,
  PUBLISHED,
} from './calendar.js';

export type PeriodUnit = 'HOURS' | 'CALENDAR_DAYS' | 'WORKING_DAYS' | 'MONTHS' | 'YEARS';
/** NONE: ends where it ends. HOLIDAY: runs on past statutory holidays. NON_WORKING_DAY: past holidays and weekends. */
export type Roll = 'NONE' | 'HOLIDAY' | 'NON_WORKING_DAY';

export interface Period {
  readonly value: number;
  readonly unit: PeriodUnit;
  /** Default: NON_WORKING_DAY for calendar days. Months and years run out as they stand. */
  readonly roll?: Roll;
}

export interface Deadline<Due extends string | Date = string | Date> {
  /** An instant for hours, else the last day in China. */
  readonly due: Due;
  /** A year without a published holiday arrangement was touched: compute again when it is out. */
  readonly provisional: boolean;
}

export function deadline(start: string | Date, period: Period & { unit: 'HOURS' }, calendar?: Calendar): Deadline<Date>;
export function deadline(
  start: string | Date,
  period: Period & { unit: Exclude<PeriodUnit, 'HOURS'> },
  calendar?: Calendar,
): Deadline<string>;
export function deadline(start: string | Date, period: Period, calendar?: Calendar): Deadline;
export function deadline(
  start: string | Date,
  { value, unit, roll = unit === 'CALENDAR_DAYS' ? 'NON_WORKING_DAY' : 'NONE' }: Period,
  calendar: Calendar = PUBLISHED,
): Deadline {
  switch (unit) {
    case 'HOURS':
      return { due: new Date(instantOf(start).getTime() + value * 3_600_000), provisional: false };
    case 'WORKING_DAYS': {
      const { day, provisional } = addWorkingDays(dayOf(start), value, calendar);
      return { due: day, provisional };
    }
    case 'CALENDAR_DAYS':
      return rolled(addDays(dayOf(start), value), roll, calendar);
    case 'MONTHS':
      return rolled(addMonths(dayOf(start), value), roll, calendar);
    case 'YEARS':
      return rolled(addMonths(dayOf(start), value * 12), roll, calendar);
  }
}

function rolled(day: string, roll: Roll, calendar: Calendar): Deadline<string> {
  if (roll === 'NONE') return { due: day, provisional: false };
  const free = (on: string): boolean => (roll === 'HOLIDAY' ? isHoliday(on, calendar) : !isWorkingDay(on, calendar));
  let due = day;
  let provisional = !isArranged(due, calendar);
  while (free(due)) {
    due = addDays(due, 1);
    provisional ||= !isArranged(due, calendar);
  }
  return { due, provisional };
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

function dayOf(start: string | Date): string {
  if (typeof start === 'string' && DAY.test(start)) return start;
  return dayInChina(instantOf(start));
}

function instantOf(start: string | Date): Date {
  const instant = new Date(start);
  if (Number.isNaN(instant.getTime()) || (typeof start === 'string' && DAY.test(start))) {
    throw new RangeError(`a period in hours counts from an instant, not from ${String(start)}`);
  }
  return instant;
}
