import type { Regime } from '@jinqiao/contracts';
import { deadline, rule, ruleOfVersion } from '@jinqiao/law';

/** A period that runs, or ran, by a dated rule row. */
export interface RunClock {
  readonly startedOn: string;
  readonly dueOn: string;
  /** A year without a published holiday calendar was touched. */
  readonly provisional: boolean;
  readonly ruleVersion: string;
  readonly stoppedOn: string | null;
}

/** A period as the tables of all slices have it. */
export const RUN_COLUMNS = {
  started_on: 'date',
  due_on: 'date',
  provisional: 'boolean',
  rule_version: 'text',
  stopped_on: 'date',
} as const;

export const runRow = ({ startedOn, dueOn, provisional, ruleVersion, stoppedOn }: RunClock): Record<keyof typeof RUN_COLUMNS, unknown> => ({
  started_on: startedOn,
  due_on: dueOn,
  provisional,
  rule_version: ruleVersion,
  stopped_on: stoppedOn,
});

/** RIGHT: a party may use it and loses it. DUTY: not done by then is overdue. */
export type ClockKind = 'RIGHT' | 'DUTY';
export type ClockState = 'RUNNING' | 'OVERDUE' | 'RUN_OUT' | 'MET' | 'MET_LATE';

/** From a day on, by the row of that day; null where no rule sets a period in days. */
export function startedBy(ruleName: string, regime: Regime, on: string): RunClock | null {
  const row = rule(ruleName, { regime, on });
  if (row === 'NO_RULE') return null;
  const { due, provisional } = deadline(on, row);
  return typeof due === 'string' ? { startedOn: on, dueOn: due, provisional, ruleVersion: row.version, stoppedOn: null } : null;
}

/** When a period ends by the row it began with and the holidays that are published by now. */
export function computedAgain({
  startedOn,
  ruleVersion,
}: Pick<RunClock, 'startedOn' | 'ruleVersion'>): Pick<RunClock, 'dueOn' | 'provisional'> {
  const { due, provisional } = deadline(startedOn, ruleOfVersion(ruleVersion));
  if (typeof due !== 'string') throw new RangeError(`${ruleVersion} is a period in hours: no day of it is kept`);
  return { dueOn: due, provisional };
}

export function stateOf(kind: ClockKind, { dueOn, stoppedOn }: Pick<RunClock, 'dueOn' | 'stoppedOn'>, today: string): ClockState {
  if (stoppedOn !== null) return stoppedOn <= dueOn ? 'MET' : 'MET_LATE';
  if (today <= dueOn) return 'RUNNING';
  return kind === 'DUTY' ? 'OVERDUE' : 'RUN_OUT';
}
