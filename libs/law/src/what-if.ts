/**
 * What another rule row would do to deadlines that were computed: which that run would move, and how those that are over would have gone.
 * A row is law from its `validFrom`; it is shown also for periods that began before, as if it had been law then, and says so (`isLaw`).
 */
import { dayInChina } from './calendar.js';
import { type Changes, deadlineWith, type Extension } from './pause.js';
import { type RuleRow, ruleOfVersion } from './rules.js';

/** A deadline as `GET /api/deadlines` lists it; whatever else it has comes along. */
export interface TimedDeadline extends Changes {
  readonly startedOn: string;
  /** The instant it counts from; null where a day is all that is known. */
  readonly startedAt: string | null;
  readonly dueOn: string;
  readonly dueAt: string;
  /** The row it was computed by. */
  readonly ruleVersion: string;
  /** When it was met; null while it runs. */
  readonly stoppedOn: string | null;
  readonly stoppedAt: string | null;
}

/** The part of a row that decides; it takes the place of rows of the same name and regime. */
export type SupposedRow = Pick<RuleRow, 'name' | 'regime' | 'value' | 'unit' | 'roll' | 'validFrom' | 'validTo'>;

export type Course = 'RUNNING' | 'PAUSED' | 'OVER' | 'MET' | 'MET_LATE';

export interface Moved<Timed extends TimedDeadline> {
  readonly deadline: Timed;
  readonly dueOn: string;
  readonly dueAt: string;
  readonly provisional: boolean;
  readonly from: Course;
  readonly to: Course;
  /** It began when the supposed row is law. */
  readonly isLaw: boolean;
}

/** Those that would end at another time, in their order. Throws RangeError for hours of what began on a day, and for an unknown version. */
export function whatIf<Timed extends TimedDeadline>(rows: readonly SupposedRow[], deadlines: readonly Timed[], now: Date): Moved<Timed>[] {
  return deadlines.flatMap((timed) => {
    const decided = ruleOfVersion(timed.ruleVersion);
    const row = supposed(rows, decided);
    const extensions = timed.extensions?.map((one) => supposedExtension(rows, one)) ?? [];
    if (!row && extensions.every(({ value }, place) => value === timed.extensions?.[place]?.value)) return [];
    const { due, provisional } = deadlineWith({ ...timed, extensions }, row ?? decided);
    const ends = typeof due === 'string' ? endOf(due) : { dueOn: dayInChina(due), dueAt: due.toISOString() };
    if (Date.parse(ends.dueAt) === Date.parse(timed.dueAt)) return [];
    const isLaw = isInForce(row ?? decided, timed.startedOn) && extensionsAreLaw(rows, timed);
    return [{ deadline: timed, ...ends, provisional, from: courseOf(timed, timed, now), to: courseOf(timed, ends, now), isLaw }];
  });
}

function supposed(rows: readonly SupposedRow[], decided: RuleRow): SupposedRow | undefined {
  return rows.find(({ name, regime }) => name === decided.name && (regime === undefined || regime === decided.regime));
}

/** What was fixed for one period alone no row changes. */
function supposedExtension(rows: readonly SupposedRow[], extension: Extension): Extension {
  const row = extension.ruleVersion === null ? undefined : supposed(rows, ruleOfVersion(extension.ruleVersion));
  return { ...extension, value: row?.value ?? extension.value };
}

const isInForce = ({ validFrom, validTo }: Pick<SupposedRow, 'validFrom' | 'validTo'>, on: string): boolean =>
  validFrom <= on && on <= (validTo ?? on);

const extensionsAreLaw = (rows: readonly SupposedRow[], { extensions = [] }: TimedDeadline): boolean =>
  extensions.every(({ on, ruleVersion }) => {
    const row = ruleVersion === null ? undefined : supposed(rows, ruleOfVersion(ruleVersion));
    return row === undefined || isInForce(row, on);
  });

type Ends = Pick<TimedDeadline, 'dueOn' | 'dueAt'>;

const endOf = (day: string): Ends => ({ dueOn: day, dueAt: new Date(`${day}T23:59:59+08:00`).toISOString() });

/** By instants where it is known when it was met, else by days. */
function courseOf({ stoppedOn, stoppedAt, pauses = [] }: TimedDeadline, { dueOn, dueAt }: Ends, now: Date): Course {
  if (stoppedAt !== null) return Date.parse(stoppedAt) <= Date.parse(dueAt) ? 'MET' : 'MET_LATE';
  if (stoppedOn !== null) return stoppedOn <= dueOn ? 'MET' : 'MET_LATE';
  // By a shorter row it may have been over before it was paused.
  const last = pauses.at(-1);
  if (last?.to === null && last.from <= dueOn) return 'PAUSED';
  return now.getTime() <= Date.parse(dueAt) ? 'RUNNING' : 'OVER';
}
