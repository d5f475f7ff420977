/**
 * Periods as every service lists them at `GET /api/<service>/deadlines` and as the gateway merges them at `GET /api/deadlines`: one shape, one
 * order and one cursor, so that whoever reads one list reads all of them.
 */
import { CalendarDate, OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import type { Extension, Pause } from '@jinqiao/law';
import { decodeCursor, encodeCursor } from './page.js';

export const DEADLINE_MATTERS = ['SAMPLING_SHEET', 'SAMPLING_CASE', 'RECALL', 'FEEDBACK', 'CORRECTION_REQUEST', 'GRANT_REQUEST'] as const;
export type DeadlineMatter = (typeof DEADLINE_MATTERS)[number];

/** RUN_OUT: a right that nobody used; it is no duty of anybody. PAUSED: it goes on later with what it has left. */
export type PeriodState = 'RUNNING' | 'PAUSED' | 'OVERDUE' | 'RUN_OUT' | 'MET' | 'MET_LATE';

/** One period of somebody. */
export interface DeadlineEntry {
  /** The same as long as the period lives; no two periods of the platform share one. */
  readonly deadlineId: string;
  readonly matter: DeadlineMatter;
  /** What it is about: reporterId:sampleNo, recallNo, or an entitlement's id. */
  readonly subject: string;
  /** Which period, such as CORRECTION. */
  readonly clock: string;
  /** DUTY: not done by then is overdue. RIGHT: may be used until then. */
  readonly kind: 'DUTY' | 'RIGHT';
  /** Who has it, in the words of the matter: SAMPLED_PARTY, PRODUCER, PLATFORM … */
  readonly party: string;
  readonly startedOn: string;
  /** The instant it counts from, where that is known. */
  readonly startedAt: string | null;
  /** The last day in China on which it is in time. */
  readonly dueOn: string;
  /** Its end as an instant: of a period in days the end of that day. */
  readonly dueAt: string;
  /** What is not counted in, in its order; the last one has no `to` while it lasts. Meanwhile `dueOn` says when it would have ended. */
  readonly pauses: readonly Pause[];
  readonly extensions: readonly Extension[];
  /** Days that it has left while it is paused, calendar or working days as its rule counts; null: it is not paused. */
  readonly left: number | null;
  readonly stoppedOn: string | null;
  readonly stoppedAt: string | null;
  readonly state: PeriodState;
  /** It touches a year whose holidays are not published; it is computed again when they are. */
  readonly provisional: boolean;
  /** When it would have ended before a calendar was published; null: it did not move. */
  readonly firstDueOn: string | null;
  readonly legalBasis: { readonly instrument: string; readonly article?: string; readonly ruleVersion: string };
  /** The department whose matter it is; null where a service publishes for everyone. */
  readonly department: string | null;
  /** Who has it in hand: to whom it was handed over, else that department; of feedback the platform. */
  readonly handler: string | null;
  /** When it was said that it is overdue. */
  readonly overdueRaisedAt: string | null;
}

export const ASKED_STATES = ['open', 'due', 'overdue', 'provisional', 'closed', 'all'] as const;
export type AskedState = (typeof ASKED_STATES)[number];

/** What may be asked for, of a service and of the gateway. */
export class DeadlineFilter {
  @Optional()
  @OneOf(ASKED_STATES, {
    about:
      'open (default): not done; due: of these what is still in time or paused; overdue: a duty that is not; closed: done, in time or late.',
  })
  state?: AskedState;
  @Optional() @Text({ max: 64, about: 'Whose matter it is.' }) department?: string;
  @Optional() @Text({ max: 64, about: 'Who has it in hand.' }) handler?: string;
  @Optional() @CalendarDate({ about: 'Due on this day or later.' }) from?: string;
  @Optional() @CalendarDate({ about: 'Due on this day or before.' }) to?: string;
}

export class ListDeadlinesQuery extends DeadlineFilter {
  // Longer than other cursors: a position names the period, and with it whatever a department calls its subjects.
  @Optional() @Text({ max: 1500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export type DeadlinePosition = readonly [dueAt: string, deadlineId: string];

const LIST = 'deadlines';
const BEGINNING: DeadlinePosition = ['0001-01-01T00:00:00.000Z', ''];

/** The cursor of what comes after a period, in the list of any service. */
export const cursorAfter = ({ dueAt, deadlineId }: DeadlineEntry): string => encodeCursor(LIST, [dueAt, deadlineId]);

export function positionIn(cursor: string | undefined): DeadlinePosition {
  if (cursor === undefined) return BEGINNING;
  const [dueAt, deadlineId] = decodeCursor(LIST, cursor);
  return [String(dueAt), String(deadlineId)];
}

/** The next one first; what ends at the same time in the byte order of its id, as databases have it. */
export function byDue(one: DeadlineEntry, other: DeadlineEntry): number {
  if (one.dueAt !== other.dueAt) return one.dueAt < other.dueAt ? -1 : 1;
  return Buffer.compare(Buffer.from(one.deadlineId), Buffer.from(other.deadlineId));
}

/** The first of several lists, each of them in order. */
export const mergedByDue = (lists: readonly (readonly DeadlineEntry[])[], limit: number): DeadlineEntry[] =>
  lists.flat().sort(byDue).slice(0, limit);
