/**
 * Days in China. Working days follow the State Council's yearly arrangement: statutory holidays and the days given for them are free,
 * make-up days (调休) are worked although they are Saturdays or Sundays. The arrangement of a year is issued in the autumn before it, so a
 * count that touches a day which no arrangement has decided about is provisional.
 *
 * A day is the text YYYY-MM-DD in Asia/Shanghai; arithmetic runs on UTC midnights, so the machine's own time zone changes nothing.
 */
// Only the package's data: its functions parse a day in the machine's time zone and are a day off west of Greenwich.
import arrangement from 'chinese-days/dist/chinese-days.json' with { type: 'json' };

const MS_PER_DAY = 86_400_000;
// China has kept UTC+8 without daylight saving time since 1992.
const SHANGHAI_OFFSET_MS = 8 * 3_600_000;

/** What is known of the holidays of some years. */
export interface Calendar {
  readonly holidays: ReadonlySet<string>;
  readonly makeUpDays: ReadonlySet<string>;
  readonly years: ReadonlySet<string>;
}

/** Of the days that are arranged, all years of them. */
export function calendarOf(holidays: Iterable<string>, makeUpDays: Iterable<string>): Calendar {
  const free = new Set(holidays);
  return { holidays: free, makeUpDays: new Set(makeUpDays), years: new Set([...free].map((day) => day.slice(0, 4))) };
}

/** Every arrangement that is published. */
export const PUBLISHED = calendarOf(Object.keys(arrangement.holidays), Object.keys(arrangement.workdays));

/** The last day before those that the next arrangement may decide about: for the New Year of 2019, 2018-12-29 was worked. */
const LAST_OF_ITS_OWN_YEAR = '12-28';

/** The last day that the published arrangements decide about. */
export const arrangedUntil = ({ years }: Calendar = PUBLISHED): string => `${[...years].sort().at(-1) ?? '0000'}-${LAST_OF_ITS_OWN_YEAR}`;

/** Has the arrangement been published that decides about this day? */
export function isArranged(day: string, { years }: Calendar = PUBLISHED): boolean {
  const year = Number(day.slice(0, 4));
  return years.has(String(day.slice(5) > LAST_OF_ITS_OWN_YEAR ? year + 1 : year));
}

export const isHoliday = (day: string, { holidays }: Calendar = PUBLISHED): boolean => holidays.has(day);

export function isWorkingDay(day: string, { holidays, makeUpDays }: Calendar = PUBLISHED): boolean {
  if (holidays.has(day)) return false;
  if (makeUpDays.has(day)) return true;
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return weekday !== 0 && weekday !== 6;
}

/** The day it is in China at this instant. */
export const dayInChina = (instant: Date): string => new Date(instant.getTime() + SHANGHAI_OFFSET_MS).toISOString().slice(0, 10);

export const addDays = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + count * MS_PER_DAY).toISOString().slice(0, 10);

/** The same day of a later month; where that month is too short, its last day. */
export function addMonths(day: string, count: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + count, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + count, Math.min(date, last))).toISOString().slice(0, 10);
}

/** The nth working day after the start day, which is not counted. */
export function addWorkingDays(start: string, count: number, calendar: Calendar = PUBLISHED): { day: string; provisional: boolean } {
  if (!Number.isInteger(count) || count < 0) throw new RangeError(`addWorkingDays counts forward in whole days, not ${count}`);
  let day = start;
  let provisional = false;
  for (let left = count; left > 0;) {
    day = addDays(day, 1);
    provisional ||= !isArranged(day, calendar);
    if (isWorkingDay(day, calendar)) left -= 1;
  }
  return { day, provisional };
}

/** How many working days lie after the one day, up to and including the other. */
export function workingDays(after: string, until: string): number {
  let count = 0;
  for (let day = addDays(after, 1); day <= until; day = addDays(day, 1)) if (isWorkingDay(day)) count += 1;
  return count;
}

/** The first day of a date as printed: a year and a month count from their first day. */
export function wholeDate(partial: string): string {
  const [year = '', month = '01', day = '01'] = partial.split('-');
  return `${year}-${month}-${day}`;
}
