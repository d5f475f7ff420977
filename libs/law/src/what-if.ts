/**
 * What another rule row would do to deadlines that were computed: which that run would move, and how those that are over would have gone.
 * A row is law from its `validFrom`; it is shown also for periods that began before, as if it had been law then, and says so (`isLaw`).
 */
import { deadline } from './deadline.js';
import { type RuleRow, ruleOfVersion } from './rules.js';

/** A deadline as `GET /api/inspection/deadlines` lists it; whatever else it has comes along. */
export interface TimedDeadline {
  readonly startedOn: string;
  readonly dueOn: string;
  /** The row it was computed by. */
  readonly ruleVersion: string;
  /** When it was met; null while it runs. */
  readonly stoppedOn: string | null;
}

/** The part of a row that decides; it takes the place of rows of the same name and regime. */
export type SupposedRow = Pick<RuleRow, 'name' | 'regime' | 'value' | 'unit' | 'roll' | 'validFrom' | 'validTo'>;

export type Course = 'RUNNING' | 'OVER' | 'MET' | 'MET_LATE';

export interface Moved<Timed extends TimedDeadline> {
  readonly deadline: Timed;
  readonly dueOn: string;
  readonly provisional: boolean;
  readonly from: Course;
  readonly to: Course;
  /** It began when the supposed row is law. */
  readonly isLaw: boolean;
}

/** Those that would end on another day, in their order. Throws RangeError for a row or a deadline in hours, and for an unknown version. */
export function whatIf<Timed extends TimedDeadline>(
  rows: readonly SupposedRow[],
  deadlines: readonly Timed[],
  today: string,
): Moved<Timed>[] {
  const inHours = rows.find(({ unit }) => unit === 'HOURS');
  if (inHours) throw new RangeError(`${inHours.name} is a period in hours: only days can be compared`);
  return deadlines.flatMap((timed) => {
    const decided = ruleOfVersion(timed.ruleVersion);
    const row = rows.find(({ name, regime }) => name === decided.name && (regime === undefined || regime === decided.regime));
    if (!row) return [];
    const { due, provisional } = deadline(timed.startedOn, { ...row, unit: row.unit as Exclude<RuleRow['unit'], 'HOURS'> });
    if (due === timed.dueOn) return [];
    const course = (dueOn: string): Course => courseOf(timed.stoppedOn, dueOn, today);
    const isLaw = row.validFrom <= timed.startedOn && timed.startedOn <= (row.validTo ?? timed.startedOn);
    return [{ deadline: timed, dueOn: due, provisional, from: course(timed.dueOn), to: course(due), isLaw }];
  });
}

function courseOf(stoppedOn: string | null, dueOn: string, today: string): Course {
  if (stoppedOn !== null) return stoppedOn <= dueOn ? 'MET' : 'MET_LATE';
  return today <= dueOn ? 'RUNNING' : 'OVER';
}
