/**
 * What is overdue is said once for each step: when the period ends, and again after each further period of patience. A clock that starts on
 * receipt has no end before it starts, so that something was not received is told in steps of its own, counted from when it was issued.
 */
import { type FeedbackIssued, type FeedbackKind, FeedbackOverdue, type FeedbackWithdrawn } from '@jinqiao/contracts';
import { dayInChina, deadline, rule } from '@jinqiao/law';

/** A feedback whose period has passed, with how often that was said. */
export interface Escalating {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly feedbackRevision: number;
  readonly dueAt: Date;
  readonly steps: number;
}

export interface Escalated {
  readonly said: FeedbackOverdue;
  /** When the step after this one is due; null = this was the last. */
  readonly nextAt: Date | null;
}

/** The rule that sets when each step after the first is due, counted from `dueAt`. */
const LATER_STEPS = ['FEEDBACK_OVERDUE_SECOND_STEP', 'FEEDBACK_OVERDUE_THIRD_STEP'] as const;
/** The rule that sets when each step of what is not received is due, counted from when it was issued. */
const UNRECEIVED_STEPS = ['FEEDBACK_UNRECEIVED_FIRST_STEP', 'FEEDBACK_UNRECEIVED_SECOND_STEP', 'FEEDBACK_UNRECEIVED_THIRD_STEP'] as const;

export function escalate({ steps, dueAt, ...about }: Escalating, now: Date): Escalated {
  const said = { ...about, revision: steps + 1, dueAt: dueAt.toISOString(), raisedAt: now.toISOString() };
  return { said, nextAt: stepAt(said.revision + 1, dueAt) };
}

/** When a step is due; null where no rule has it. */
export function stepAt(step: number, dueAt: Date): Date | null {
  return step === 1 ? dueAt : endOf(LATER_STEPS[step - 2], dueAt);
}

/** When it has to be told that something is not received; null where no rule has the step. */
export const unreceivedStepAt = (step: number, issuedAt: Date): Date | null => endOf(UNRECEIVED_STEPS[step - 1], issuedAt);

/** Since when something waits to be received, and when that is to be told first; nothing where its clock does not wait for it. */
export function unreceivedSince({ clock, issuedAt }: FeedbackIssued | FeedbackWithdrawn): {
  unreceived_since: string | null;
  unreceived_next_at: Date | null;
} {
  if (clock?.startsOn !== 'RECEIVED') return { unreceived_since: null, unreceived_next_at: null };
  return { unreceived_since: issuedAt, unreceived_next_at: unreceivedStepAt(1, new Date(issuedAt)) };
}

function endOf(name: string | undefined, start: Date): Date | null {
  const row = name === undefined ? 'NO_RULE' : rule(name, { on: dayInChina(start) });
  if (row === 'NO_RULE') return null;
  const { due } = deadline(start, row);
  return typeof due === 'string' ? new Date(`${due}T23:59:59+08:00`) : due;
}
