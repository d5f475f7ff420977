/**
 * Does a reporter send today what it sent before? A flag that is inverted, a column that moved, an interface that stopped: the reports are
 * sound one by one, and wrong together. A day is held against the four weeks before it. It has to differ by more than chance allows, and
 * to lie outside everything that these weeks saw: a department that reports whole rounds on one day and failures alone on another swings
 * by nature, and is left alone.
 */
export const SHARES = [
  'verdict.UNQUALIFIED',
  'verdict.UNDETERMINED',
  'verdict.NOT_TESTED',
  'empty.product.category',
  'empty.product.batch',
  'empty.sampledParty.uscc',
  'empty.nominalProducer',
  'empty.laboratory',
  'empty.online',
  'empty.sampledOn',
] as const;
export type Share = (typeof SHARES)[number];
export type Measure = Share | 'volume' | 'silence' | 'lag';

/** The results of one reporter whose last report came on one day. */
export interface DayFigures {
  readonly reporterId: string;
  /** In China. */
  readonly day: string;
  readonly results: number;
  readonly counts: Readonly<Record<Share, number>>;
  /** Days from sampling to report, their median; null where no day of sampling is known. */
  readonly lagDays: number | null;
}

export interface Alarm {
  readonly reporterId: string;
  readonly day: string;
  readonly measure: Measure;
  /** Of the day: a share, a number of results, of days. */
  readonly value: number;
  readonly results: number;
  /** The least and the most that the weeks before saw in a day, and all of them together. */
  readonly before: { readonly least: number; readonly most: number; readonly all: number; readonly results: number; readonly days: number };
}

/** Days before that are looked at. */
export const DAYS_BEFORE = 28;
/** Fewer say nothing about a share. */
const RESULTS_LEAST = 20;
const RESULTS_BEFORE_LEAST = 100;
/** With fewer days nobody knows how a reporter swings. */
const DAYS_LEAST = 5;
/** Five standard errors: by chance alone once in 1.7 million comparisons. */
const ERRORS_LEAST = 5;
const DIFFERENCE_LEAST = 0.25;
const VOLUME_TIMES = 5;
const SILENCE_TIMES = 3;
const SILENCE_DAYS_LEAST = 7;
const LAG_TIMES = 2;
const LAG_DAYS_MORE = 7;

/** What is unlike before in what one reporter sent on `day`; `figures` are its days of the weeks up to then, those without results left out. */
export function alarmsOn(day: string, figures: readonly DayFigures[]): Alarm[] {
  const before = figures.filter((one) => one.day < day);
  const [reporter] = figures;
  if (!reporter || before.length < DAYS_LEAST) return [];
  const today = figures.find((one) => one.day === day);
  const { reporterId } = reporter;
  if (!today) return silence(reporterId, day, before);
  return [...SHARES.flatMap((share) => shareAlarm(share, today, before)), ...volume(today, before), ...lag(today, before)];
}

function shareAlarm(share: Share, today: DayFigures, before: readonly DayFigures[]): Alarm[] {
  const days = before.filter(({ results }) => results >= RESULTS_LEAST);
  const [count, results] = [total(before, (one) => one.counts[share]), total(before, (one) => one.results)];
  if (days.length < DAYS_LEAST || today.results < RESULTS_LEAST || results < RESULTS_BEFORE_LEAST) return [];
  const [value, all] = [today.counts[share] / today.results, count / results];
  const shares = days.map((one) => one.counts[share] / one.results);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const pooled = (today.counts[share] + count) / (today.results + results);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / today.results + 1 / results));
  const differs = Math.abs(value - all) >= Math.max(DIFFERENCE_LEAST, ERRORS_LEAST * error) && (value < least || value > most);
  return differs ? [alarm(today, share, { value, before: { least, most, all, results, days: before.length } })] : [];
}

function volume(today: DayFigures, before: readonly DayFigures[]): Alarm[] {
  const seen = before.map(({ results }) => results);
  const results = total(before, (one) => one.results);
  const most = Math.max(...seen);
  if (today.results < RESULTS_BEFORE_LEAST || today.results <= VOLUME_TIMES * most) return [];
  const range = { least: Math.min(...seen), most, all: results / before.length, results, days: before.length };
  return [alarm(today, 'volume', { value: today.results, before: range })];
}

/** Nothing came for much longer than ever before; said on the first day of which that is true. */
function silence(reporterId: string, day: string, before: readonly DayFigures[]): Alarm[] {
  const days = before.map((one) => one.day).sort();
  const gaps = days.slice(1).map((one, index) => daysBetween(days[index] ?? one, one));
  const value = daysBetween(days.at(-1) ?? day, day);
  const most = Math.max(...gaps);
  if (value !== Math.max(SILENCE_DAYS_LEAST, SILENCE_TIMES * most)) return [];
  const results = total(before, (one) => one.results);
  const range = { least: Math.min(...gaps), most, all: total(gaps, (gap) => gap) / gaps.length, results, days: before.length };
  return [{ reporterId, day, measure: 'silence', value, results: 0, before: range }];
}

function lag(today: DayFigures, before: readonly DayFigures[]): Alarm[] {
  const known = before.flatMap(({ lagDays, results }) => (lagDays !== null && results >= RESULTS_LEAST ? [lagDays] : []));
  if (today.lagDays === null || today.results < RESULTS_LEAST || known.length < DAYS_LEAST) return [];
  const most = Math.max(...known);
  if (today.lagDays < Math.max(LAG_TIMES * most, most + LAG_DAYS_MORE)) return [];
  const results = total(before, (one) => one.results);
  const range = { least: Math.min(...known), most, all: total(known, (one) => one) / known.length, results, days: before.length };
  return [alarm(today, 'lag', { value: today.lagDays, before: range })];
}

const alarm = ({ reporterId, day, results }: DayFigures, measure: Measure, of: Pick<Alarm, 'value' | 'before'>): Alarm => ({
  reporterId,
  day,
  measure,
  results,
  ...of,
});

const total = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((sum, one) => sum + of(one), 0);

const DAY_MS = 86_400_000;
const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / DAY_MS;
