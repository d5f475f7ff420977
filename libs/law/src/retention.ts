/** What is kept for as long as a rule says, and goes by its age. */
import type { Regime } from '@jinqiao/contracts';
import { addMonths, dayInChina } from './calendar.js';
import { rule } from './rules.js';

const MONTHS = { MONTHS: 1, YEARS: 12 } as const;

/**
 * Whatever was recorded before this instant has been kept as long as the rule says; null = kept, as no rule says how long. Counting back
 * clamps to the end of a month, so a record of its last days may be kept a day or two longer, and none goes earlier.
 */
export function pastBefore(name: string, now: Date, regime?: Regime): Date | null {
  const today = dayInChina(now);
  const row = rule(name, { on: today, ...(regime && { regime }) });
  if (row === 'NO_RULE') return null;
  if (row.unit !== 'MONTHS' && row.unit !== 'YEARS') throw new RangeError(`${row.version} keeps for ${row.unit}, not for months or years`);
  return new Date(`${addMonths(today, -row.value * MONTHS[row.unit])}T00:00:00+08:00`);
}
