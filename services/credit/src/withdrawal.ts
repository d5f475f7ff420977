import { addWorkingDays, rule } from '@jinqiao/law';

/** The last day on which something that ended on this day may still be shown, and the rule row that says so. */
export interface Withdrawal {
  readonly dueOn: string;
  readonly ruleVersion: string;
}

/**
 * The period in which a penalty has to be withdrawn (行政处罚法 §48): the shortest there is, for every kind of end. It binds who publishes;
 * that a copy has as long is how we read it. Null where there is no such rule.
 */
export function withdrawalOf(endedOn: string): Withdrawal | null {
  const row = rule('PENALTY_WITHDRAWAL', { on: endedOn });
  if (row === 'NO_RULE') return null;
  if (row.unit !== 'WORKING_DAYS') throw new RangeError(`${row.version} gives ${row.unit}, not working days`);
  return { dueOn: addWorkingDays(endedOn, row.value).day, ruleVersion: row.version };
}
