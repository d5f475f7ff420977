/**
 * What a platform makes of what it is told (docs/integrating.md): a revision counts once, however often and by whichever channel it comes;
 * only the highest of a feedback is applied; and what is applied is answered, first that it came, then what was done about it.
 */
import type { AnswerStatus, FeedbackAnswered, FeedbackIssued, FeedbackWithdrawn } from '@jinqiao/contracts';

export type FeedbackType = 'FeedbackIssued' | 'FeedbackWithdrawn';

/** One revision as a channel brought it. */
export interface Arrived {
  /** Of the message: `webhook-id`, or `ce_id` on the topic. */
  readonly id: string;
  readonly type: FeedbackType;
  /** In the platform's series, the same by every channel. */
  readonly position: number;
  readonly told: FeedbackIssued | FeedbackWithdrawn;
}

/** The last revision of a feedback that the platform applied. */
export interface Held extends Arrived {
  readonly at: string;
  /** How many of the answers to it the exchange has. */
  readonly answered: number;
}

export type Reception = 'APPLIED' | 'REPEATED' | 'OVERTAKEN';

/** What the platform says it did about what it was told; SILENT: it never answers. */
export type Stance = Exclude<AnswerStatus, 'RECEIVED'> | 'SILENT';

export function receptionOf({ told }: Arrived, held: Held | undefined, isKnownId: boolean): Reception {
  // Under another hash what is held is not what was told: a reconciliation finds it CHANGED, and it is told again.
  if (told.revision === held?.told.revision) return told.contentHash === held.told.contentHash ? 'REPEATED' : 'APPLIED';
  if (isKnownId) return 'REPEATED';
  return held && told.revision < held.told.revision ? 'OVERTAKEN' : 'APPLIED';
}

const NO_HASH = '0'.repeat(64);

/** The answers to one revision, in their order; the same whenever they are asked for, so that one sent twice is a duplicate. */
export function answersTo({ told, type, at }: Held, stance: Stance, isWrong = false): FeedbackAnswered[] {
  if (stance === 'SILENT') return [];
  // Whoever disputes a finding has nothing to say against its withdrawal.
  const status = type === 'FeedbackWithdrawn' ? 'ACTED' : stance;
  const common = {
    feedbackId: told.feedbackId,
    feedbackRevision: told.revision,
    feedbackHash: isWrong ? NO_HASH : told.contentHash,
    answeredAt: at,
  };
  return [
    { ...common, revision: 1, status: 'RECEIVED' },
    { ...common, revision: 2, status, ...detailsOf(status, told, at) },
  ];
}

function detailsOf(
  status: Exclude<Stance, 'SILENT'>,
  { actionsRequired }: Arrived['told'],
  at: string,
): Pick<FeedbackAnswered, 'actions' | 'searched' | 'reasonCode'> {
  switch (status) {
    case 'ACTED':
      return { actions: actionsRequired.flatMap(({ action }) => (action === 'NONE' ? [] : [{ action, at, result: 'DONE' as const }])) };
    case 'NOTHING_FOUND':
      return { searched: '全部在售商品，按名称、品牌、批号' };
    case 'CONTESTED':
      return { reasonCode: 'NOT_OUR_MERCHANT' };
  }
}

/** One line for a person: `FeedbackIssued 1 of tj-amr:GC2026-0001 (STOP_SALE, DELIST by …)`. */
export function lineOf({ type, told }: Arrived): string {
  const actions = told.actionsRequired.map(({ action }) => action).join(', ');
  return `${type} ${told.revision} of ${told.subject} (${actions}${told.dueAt ? ` by ${told.dueAt}` : ''})`;
}
