/**
 * What a platform contests goes to whoever published it and is ruled on: upheld, corrected or withdrawn, with the reason. The ruling
 * reaches the platform as the next revision of the feedback, so it is delivered, numbered and proven like everything else it is told.
 * A correction or withdrawal is the publisher's own next revision of its result; a ruling changes nothing of what was found.
 */
import type { FeedbackAnswerAccepted, Ruling } from '@jinqiao/contracts';
import type { Principal } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { closes } from '../receipt/receipt.js';

/** OPEN: waits for its publisher. DROPPED: the platform has acted after all. */
export const DISPUTE_STATUSES = ['OPEN', 'RULED', 'DROPPED'] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

/** One contested revision of a feedback. */
export interface Dispute {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  /** The department that published it; null where a service publishes for everyone, and the operator rules. */
  readonly publisherId: string | null;
  readonly droppedAt: Date | null;
  readonly ruling: Ruling | null;
  /** The revision of the feedback that says so. */
  readonly ruledIn: number | null;
}

export type Given = Pick<Ruling, 'outcome' | 'reason'>;

/** Also for what the caller may not see: that it exists is not his to know. */
export class DisputeUnknown extends DomainError {
  constructor() {
    super('DISPUTE_UNKNOWN', 404, { zh: '没有这项异议', en: 'There is no such dispute' });
  }
}

export class RulingNotYours extends DomainError {
  constructor() {
    super('RULING_NOT_YOURS', 403, { zh: '异议由发布部门处理', en: 'The department that published it rules on it' });
  }
}

export class DisputeRuled extends DomainError {
  constructor() {
    super('DISPUTE_RULED', 409, { zh: '该异议已作出不同处理', en: 'Something else was ruled on this dispute before' });
  }
}

export class DisputeDropped extends DomainError {
  constructor() {
    super('DISPUTE_DROPPED', 409, { zh: '平台已不再坚持该异议', en: 'The platform has acted after all: nothing is contested any more' });
  }
}

/** What an answer does to a dispute about the revision it answers. A superseded answer is evidence and contests nothing that stands. */
export function effectOf(answer: Pick<FeedbackAnswerAccepted, 'status' | 'superseded'>): 'OPENS' | 'DROPS' | null {
  if (answer.superseded) return null;
  if (answer.status === 'CONTESTED') return 'OPENS';
  return closes(answer) ? 'DROPS' : null;
}

/** The ruling to tell, or null when the very same was told before. */
export function decide(dispute: Dispute, by: Principal, { outcome, reason }: Given, now: Date): Ruling | null {
  const { publisherId, droppedAt, ruling, feedbackRevision } = dispute;
  if (publisherId === null ? by.kind !== 'OPERATOR' : publisherId !== by.id) throw new RulingNotYours();
  if (ruling && ruling.outcome === outcome && ruling.reason === reason) return null;
  if (ruling) throw new DisputeRuled();
  if (droppedAt) throw new DisputeDropped();
  return { feedbackRevision, outcome, reason, by: by.id, ruledAt: now.toISOString() };
}
