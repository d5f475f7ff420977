/**
 * Which platforms are told of a recall, and what they are asked (总局公告2025年第21号; 消费品召回信息共享监测评估指南): while it goes on, to stop the
 * sale and to keep the goods from coming back; when it has had its effect, to keep them from coming back. Withdrawn, it is undone by
 * everyone who was told of it.
 */
import type { LegalBasis, RecallPublished, RequiredAction } from '@jinqiao/contracts';
import { TOLD_UNDER } from '../entitlement/entitlement.js';
import { type Draft, type Feedback, isAheadOf, issue, withdraw } from '../feedback/feedback.js';

/** The last state heard of; PUBLISHED: it goes on. */
export interface Recall {
  readonly recallNo: string;
  readonly revision: number;
  readonly standing: 'PUBLISHED' | 'CLOSED' | 'WITHDRAWN';
  /** Null after a tombstone. */
  readonly state: (RecallPublished & { readonly reason?: string }) | null;
}

/** Everything that decides who is told what of one recall. */
export interface RecallStanding {
  readonly recall: Recall;
  /** Platforms that trade in its sectors. */
  readonly concerned: ReadonlySet<string>;
  /** Platforms to which anything is told at the moment. */
  readonly present: ReadonlySet<string>;
  readonly feedbacks: readonly Feedback[];
}

/** The feedbacks that bring every platform up to date. Whoever was told of it stays told, whatever it trades in since. */
export function settle({ recall, concerned, present, feedbacks }: RecallStanding, now: Date): Feedback[] {
  const { recallNo, revision, standing, state } = recall;
  const isAhead = isAheadOf(revision, feedbacks);
  const told =
    state === null || standing === 'WITHDRAWN'
      ? feedbacks.map((feedback) =>
          withdraw(feedback, { subjectRevision: revision, reason: state?.reason ?? NOT_PUBLIC, regime: null }, now),
        )
      : recipientsOf({ recall, concerned, present, feedbacks }).map((recipientId) => {
          const previous = feedbacks.find(({ said }) => said.recipientId === recipientId) ?? null;
          return issue(previous, draftFor({ recipientId, recallNo, revision, standing, state }), now);
        });
  return told.filter((feedback) => feedback !== null).filter((feedback) => !isAhead(feedback));
}

const NOT_PUBLIC = '该召回信息已不再公开';

/** Of one that has had its effect nobody is told anew. */
function recipientsOf({ recall, concerned, present, feedbacks }: RecallStanding): string[] {
  const before = feedbacks.filter(({ status }) => status === 'ISSUED').map(({ said }) => said.recipientId);
  const anew = recall.standing === 'PUBLISHED' ? [...concerned] : [];
  return [...new Set([...before, ...anew])].filter((id) => present.has(id)).sort();
}

const NOTICE: LegalBasis = { ...TOLD_UNDER.RECALL.legalBasis, ruleVersion: '2025-06-12' };
const GUIDE = '消费品召回信息共享监测评估指南';

const BLOCK: RequiredAction = { action: 'BLOCK_RELISTING', mandatory: true, basis: GUIDE };
const WHILE_IT_GOES_ON: readonly RequiredAction[] = [
  { action: 'STOP_SALE', mandatory: true, basis: NOTICE.instrument },
  { action: 'DELIST', mandatory: true, basis: NOTICE.instrument },
  BLOCK,
  { action: 'INFORM_MERCHANT', mandatory: true, basis: NOTICE.instrument },
  { action: 'INFORM_CONSUMERS', mandatory: false, basis: GUIDE },
  { action: 'REPORT_SALES', mandatory: false, basis: NOTICE.instrument },
];

interface Told {
  readonly recipientId: string;
  readonly recallNo: string;
  readonly revision: number;
  readonly standing: 'PUBLISHED' | 'CLOSED';
  readonly state: RecallPublished;
}

const draftFor = ({ recipientId, recallNo, revision, standing, state }: Told): Draft => ({
  recipientId,
  kind: 'RECALL',
  subject: recallNo,
  subjectRevision: revision,
  publisherId: state.keeperId,
  matchedBy: null,
  // A block that stays is done, not to be done within a time: a closed recall has no clock.
  regime: standing === 'PUBLISHED' ? 'PRODUCT' : null,
  actionsRequired: standing === 'PUBLISHED' ? WHILE_IT_GOES_ON : [BLOCK],
  legalBasis: [NOTICE],
  entitlement: { kind: 'STATUTORY_NOTICE', id: 'RECALL_SHARING_2025_21' },
  source: { content: { ...state, standing } },
});
