import type { Regime } from '@jinqiao/contracts';
import { type Changes, deadline, deadlineWith, type Extension, leftWhilePaused, type Pause, rule, ruleOfVersion } from '@jinqiao/law';

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

/** A period that can be paused and extended. */
export interface PausableClock extends RunClock {
  readonly pauses: readonly Pause[];
  readonly extensions: readonly Extension[];
}

export const PAUSABLE_COLUMNS = { ...RUN_COLUMNS, pauses: 'jsonb', extensions: 'jsonb' } as const;

export const pausableRow = ({ pauses, extensions, ...run }: PausableClock): Record<keyof typeof PAUSABLE_COLUMNS, unknown> => ({
  ...runRow(run),
  pauses: JSON.stringify(pauses),
  extensions: JSON.stringify(extensions),
});

/** RIGHT: a party may use it and loses it. DUTY: not done by then is overdue. */
export type ClockKind = 'RIGHT' | 'DUTY';
export type ClockState = 'RUNNING' | 'PAUSED' | 'OVERDUE' | 'RUN_OUT' | 'MET' | 'MET_LATE';

/** From a day on, by the row of that day; null where no rule sets a period in days. */
export function startedBy(ruleName: string, regime: Regime, on: string): RunClock | null {
  const row = rule(ruleName, { regime, on });
  if (row === 'NO_RULE') return null;
  const { due, provisional } = deadline(on, row);
  return typeof due === 'string' ? { startedOn: on, dueOn: due, provisional, ruleVersion: row.version, stoppedOn: null } : null;
}

/** When a period ends by the row it began with, what has become of it since and the holidays that are published by now. */
export function computedAgain({
  startedOn,
  ruleVersion,
  pauses = [],
  extensions = [],
}: Pick<RunClock, 'startedOn' | 'ruleVersion'> & Changes): Pick<RunClock, 'dueOn' | 'provisional'> {
  const { due, provisional } = deadlineWith({ startedOn, pauses, extensions }, ruleOfVersion(ruleVersion));
  if (typeof due !== 'string') throw new RangeError(`${ruleVersion} is a period in hours: no day of it is kept`);
  return { dueOn: due, provisional };
}

/** What is over is over, and is paused no more. */
export function paused<Clock extends PausableClock>(clock: Clock, on: string): Clock[] {
  return on > clock.dueOn ? [] : [{ ...clock, pauses: [...clock.pauses, { from: on, to: null }] }];
}

/** Goes on with what it had left. */
export function resumed<Clock extends PausableClock>(clock: Clock, on: string): Clock[] {
  const last = clock.pauses.at(-1);
  if (last?.to !== null) return [];
  return [changed(clock, { pauses: [...clock.pauses.slice(0, -1), { ...last, to: on }] })];
}

export const extended = <Clock extends PausableClock>(clock: Clock, by: Extension): Clock[] => [
  changed(clock, { extensions: [...clock.extensions, by] }),
];

function changed<Clock extends PausableClock>(clock: Clock, changes: Changes): Clock {
  const next = { ...clock, ...changes };
  return { ...next, ...computedAgain(next) };
}

export const isPaused = ({ pauses }: Pick<PausableClock, 'pauses'>): boolean => pauses.at(-1)?.to === null;

/** Null while it is not paused. */
export const leftOf = (clock: PausableClock): number | null =>
  isPaused(clock) ? leftWhilePaused(clock.startedOn, ruleOfVersion(clock.ruleVersion), clock) : null;

export function stateOf(
  kind: ClockKind,
  { dueOn, stoppedOn, pauses = [] }: Pick<RunClock, 'dueOn' | 'stoppedOn'> & Changes,
  today: string,
): ClockState {
  if (stoppedOn !== null) return stoppedOn <= dueOn ? 'MET' : 'MET_LATE';
  if (isPaused({ pauses })) return 'PAUSED';
  if (today <= dueOn) return 'RUNNING';
  return kind === 'DUTY' ? 'OVERDUE' : 'RUN_OUT';
}

/** The version of each row by which a step began, ended or changed a period, or that set its window: it is stamped on the step. */
export function rulesOf(decided: readonly { readonly ruleVersion: string | null }[]): { ruleVersions?: readonly string[] } {
  const versions = [...new Set(decided.flatMap(({ ruleVersion }) => ruleVersion ?? []))];
  return versions.length === 0 ? {} : { ruleVersions: versions };
}
