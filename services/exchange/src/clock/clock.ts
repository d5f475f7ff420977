/**
 * How long a platform has. A clock starts when a feedback is issued, or when its recipient has received it, as the rule row behind it says
 * (libs/law). Received is the first of: its webhook was taken, it was acknowledged, it was answered, or it reached the topic of a platform
 * that chose Kafka: a message that has entered the system its recipient named is received (电子签名法 article 11). What asks the same
 * shares a clock, whichever of its revisions was received.
 */
import type { FeedbackAnswerAccepted } from '@jinqiao/contracts';
import { ruleOfVersion } from '@jinqiao/law';
import { dueAt } from '../feedback/feedback.js';

/** NOT_STARTED: starts on receipt, and nothing was received. MET, MET_LATE: the platform has said that it did what was asked. */
export const DEADLINE_STATES = ['NOT_STARTED', 'RUNNING', 'OVERDUE', 'MET', 'MET_LATE'] as const;
export type DeadlineState = (typeof DEADLINE_STATES)[number];

export interface Running {
  readonly dueAt: Date | null;
  readonly closedAt: Date | null;
}

export function deadlineState({ dueAt: due, closedAt }: Running, now: Date): DeadlineState {
  if (closedAt) return due && due < closedAt ? 'MET_LATE' : 'MET';
  if (!due) return 'NOT_STARTED';
  return due < now ? 'OVERDUE' : 'RUNNING';
}

/** A recipient has a revision of a feedback since `at`. */
export interface Receipt {
  readonly feedbackId: string;
  readonly revision: number;
  readonly at: Date;
}

/** Whoever answers has it. */
export const receivedBy = ({ feedbackId, feedbackRevision, acceptedAt }: FeedbackAnswerAccepted): Receipt => ({
  feedbackId,
  revision: feedbackRevision,
  at: new Date(acceptedAt),
});

/** A clock that starts on receipt, as it stands. */
export interface Receivable {
  readonly feedbackId: string;
  readonly askedSince: number;
  /** Version of the rule row. */
  readonly rule: string;
  readonly startedAt: Date | null;
}

export interface Started {
  readonly feedbackId: string;
  readonly startedAt: Date;
  readonly dueAt: string;
}

/** Starts a clock with the earliest receipt of what is asked, in whatever order one hears of them; null where nothing changes. */
export function start({ feedbackId, askedSince, rule, startedAt }: Receivable, receipts: readonly Receipt[]): Started | null {
  const times = receipts.filter((one) => one.feedbackId === feedbackId && one.revision >= askedSince).map(({ at }) => at.getTime());
  const first = Math.min(...times);
  if (times.length === 0 || (startedAt && startedAt.getTime() <= first)) return null;
  return { feedbackId, startedAt: new Date(first), dueAt: dueAt(ruleOfVersion(rule), new Date(first)) };
}
