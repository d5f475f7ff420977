/**
 * A platform's answer to what it was told (design §3.5). An answer names the revision and the hash it answers, so that it proves what
 * the platform had read. It is the platform's own word: it is kept as given, and only an answer that says something was done about the
 * revision that stands closes a clock.
 */
import { type AnswerStatus, FeedbackAnswered, type FeedbackAnswerAccepted, type FeedbackKind } from '@jinqiao/contracts';
import { contentHash, DomainError } from '@jinqiao/schema';

/** The feedback an answer names, as far as answers are concerned. */
export interface AnswerableFeedback {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly revision: number;
}

/** The newest answer to one revision of a feedback. */
export interface Answer {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly revision: number;
  /** Null while only its outcome is known. */
  readonly contentHash: string | null;
  readonly superseded: boolean;
  readonly acceptedAt: string;
}

/** What is known when an answer comes in. */
export interface Known {
  readonly feedback: AnswerableFeedback | null;
  /** Hash of the revision that is answered, null if that revision never was. */
  readonly hash: string | null;
  readonly earlier: Answer | null;
  /** The key of the platform that made the answer's signature; null where none of its keys did. */
  readonly signedBy: string | null;
  /** This very answer, where the database was set back and its outcome alone is known. */
  readonly incomplete: Answer | null;
}

export type Decision =
  | { readonly outcome: 'ACCEPTED'; readonly answer: Answer; readonly announced: FeedbackAnswerAccepted; readonly closes: boolean }
  | { readonly outcome: 'DUPLICATE'; readonly answer: Answer }
  /** What was written beside the outcome is kept; nothing is announced again. */
  | { readonly outcome: 'COMPLETED'; readonly answer: Answer }
  | { readonly outcome: 'REFUSED'; readonly error: DomainError };

/** Also for somebody else's feedback: that it exists is nobody else's business, and its id can be computed. */
export class FeedbackUnknown extends DomainError {
  constructor() {
    super('FEEDBACK_UNKNOWN', 404, { zh: '没有这条反馈', en: 'You have no such feedback' }, [
      { code: 'FEEDBACK_UNKNOWN', pointer: '/feedbackId', message: 'No feedback with this id was issued to you.' },
    ]);
  }
}

export class FeedbackRevisionUnknown extends DomainError {
  constructor() {
    super('FEEDBACK_REVISION_UNKNOWN', 422, { zh: '反馈没有该版本', en: 'The feedback never had this revision' }, [
      { code: 'FEEDBACK_REVISION_UNKNOWN', pointer: '/feedbackRevision', message: 'The feedback never had this revision.' },
    ]);
  }
}

export class FeedbackHashMismatch extends DomainError {
  constructor() {
    super('FEEDBACK_HASH_MISMATCH', 422, { zh: '反馈内容摘要不符', en: 'The hash is not that of this revision' }, [
      { code: 'FEEDBACK_HASH_MISMATCH', pointer: '/feedbackHash', message: 'This is not the contentHash of the revision you answer.' },
    ]);
  }
}

export class StaleAnswer extends DomainError {
  constructor() {
    super('STALE_REVISION', 409, { zh: '已有更新的回执', en: 'A later answer is known' }, [
      { code: 'STALE_REVISION', pointer: '/revision', message: 'An answer with a higher revision was accepted before.' },
    ]);
  }
}

export class AnswerConflict extends DomainError {
  constructor() {
    super('REVISION_CONFLICT', 409, { zh: '同一版本的回执内容不同', en: 'This revision was answered with other content' }, [
      { code: 'REVISION_CONFLICT', pointer: '/revision', message: 'The same revision of the answer was accepted with other content.' },
    ]);
  }
}

export class SignatureWrong extends DomainError {
  constructor() {
    super('SIGNATURE_WRONG', 422, { zh: '签名无效', en: 'None of your registered keys made this signature' }, [
      {
        code: 'SIGNATURE_WRONG',
        pointer: '/signature',
        message: 'None of your registered keys made this signature over the RFC 8785 form of the declared fields without it.',
      },
    ]);
  }
}

/** What says that the required actions are done with. Having received or disputing a feedback stops no clock. */
const CLOSING: readonly AnswerStatus[] = ['ACTED', 'NOTHING_FOUND'];

export function decide(
  answered: FeedbackAnswered,
  by: string,
  { feedback, hash, earlier, incomplete, signedBy }: Known,
  now: Date,
): Decision {
  if (feedback?.recipientId !== by) return refused(new FeedbackUnknown());
  if (hash === null) return refused(new FeedbackRevisionUnknown());
  if (hash !== answered.feedbackHash) return refused(new FeedbackHashMismatch());
  if (answered.signature !== undefined && signedBy === null) return refused(new SignatureWrong());
  const content = contentHash(FeedbackAnswered, answered);
  if (incomplete) return { outcome: 'COMPLETED', answer: { ...incomplete, contentHash: content } };
  if (earlier && answered.revision < earlier.revision) return refused(new StaleAnswer());
  if (earlier && answered.revision === earlier.revision) {
    return content === earlier.contentHash ? { outcome: 'DUPLICATE', answer: earlier } : refused(new AnswerConflict());
  }
  const { feedbackId, feedbackRevision, revision, status, actions, reasonCode } = answered;
  const superseded = feedbackRevision < feedback.revision;
  const acceptedAt = now.toISOString();
  return {
    outcome: 'ACCEPTED',
    answer: { feedbackId, feedbackRevision, revision, contentHash: content, superseded, acceptedAt },
    announced: {
      feedbackId,
      recipientId: by,
      kind: feedback.kind,
      subject: feedback.subject,
      feedbackRevision,
      revision,
      status,
      ...(actions && { actions: actions.map(({ action }) => action) }),
      superseded,
      acceptedAt,
      ...(status === 'CONTESTED' && reasonCode && { reasonCode }),
    },
    closes: closes({ superseded, status }),
  };
}

export const closes = ({ superseded, status }: Pick<FeedbackAnswerAccepted, 'superseded' | 'status'>): boolean =>
  !superseded && CLOSING.includes(status);

const refused = (error: DomainError): Decision => ({ outcome: 'REFUSED', error });
