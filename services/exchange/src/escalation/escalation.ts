/** What is overdue is said once for each step: when the period ends, and again after each further period of patience. */
import { FeedbackOverdue, type FeedbackKind } from '@jinqiao/contracts';
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

export function escalate({ steps, dueAt, ...about }: Escalating, now: Date): Escalated {
  const said = { ...about, revision: steps + 1, dueAt: dueAt.toISOString(), raisedAt: now.toISOString() };
  return { said, nextAt: stepAt(said.revision + 1, dueAt) };
}

/** When a step is due; null where no rule has it. */
export function stepAt(step: number, dueAt: Date): Date | null {
  if (step === 1) return dueAt;
  const name = LATER_STEPS[step - 2];
  const row = name === undefined ? 'NO_RULE' : rule(name, { on: dayInChina(dueAt) });
  if (row === 'NO_RULE') return null;
  const { due } = deadline(dueAt, row);
  return typeof due === 'string' ? new Date(`${due}T23:59:59+08:00`) : due;
}
