/*
 * What was decided about a result after it was reported: a re-inspection is final (产品质量监督抽查管理暂行办法 §42, 食品安全法 §88), an
 * objection that is upheld changes the verdict or annuls the sampling (§37), a denied authorship takes the named producer out, a passed
 * re-check lets new batches be sold (§49), its organiser makes it final, public, or takes it back under embargo (§10). A decision goes over
 * what was reported. A later report that agrees with it is taken as it comes; one that would undo it waits for a person.
 */
import {
  type Notice,
  type ResultDecision,
  type ResultDecisionKind,
  type RevisionReason,
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import { type Announcement, type HeldResult, isAnnounced, type Submission } from './held-result.js';

/** The reason given when the sampling was annulled. */
export const ANNULLED = 'SAMPLING_ANNULLED';

/** The reason given when a published result goes back under embargo. */
export const EMBARGOED_AGAIN = 'EMBARGOED_AGAIN';

type Decided = Pick<SamplingResultPublished, 'verdict' | 'finality' | 'failingItems' | 'nominalProducer' | 'notice' | 'decisions'>;

/** A state with all its decisions over it. */
export function decided<State extends Decided>(state: State): State {
  return (state.decisions ?? []).reduce(over, state);
}

const FINAL: readonly ResultDecisionKind[] = ['REINSPECTION', 'FINALISATION', 'PUBLICATION'];

function over<State extends Decided>(state: State, { kind, verdict, authorship, notice }: ResultDecision): State {
  const next = { ...state };
  if (FINAL.includes(kind)) next.finality = 'FINAL';
  if (kind === 'PUBLICATION' && notice) next.notice = notice;
  if (kind === 'EMBARGO' && next.notice?.no === notice?.no) delete next.notice;
  if (verdict !== undefined) next.verdict = verdict;
  // What was found to fail belongs to the verdict that was given up.
  if (next.verdict !== 'UNQUALIFIED') delete next.failingItems;
  if (authorship !== undefined && next.nominalProducer) next.nominalProducer = { ...next.nominalProducer, authorship };
  return next;
}

const REASONS: Partial<Record<ResultDecisionKind, RevisionReason>> = {
  REINSPECTION: 'REINSPECTED',
  OBJECTION: 'CORRECTED',
  AUTHORSHIP: 'REATTRIBUTED',
  FINALISATION: 'FINALISED',
};

/** A result with one decision more, and what is announced of it. The caller holds the lock of its row. */
export function withDecision(held: HeldResult, given: ResultDecision, now: Date): { held: HeldResult; announcements: Announcement[] } {
  if (held.state === null) return { held, announcements: [] };
  const { notice, decisions: before = [] } = held.state;
  const decision = given.kind === 'EMBARGO' && notice ? { ...given, notice } : given;
  const state = decided({ ...held.state, decisions: [...before.filter((one) => !isFollowedBy(one, decision)), decision] });
  // Nothing is announced of what is withdrawn; should it be reported again, the decision holds.
  if (held.status === 'WITHDRAWN') return { held: { ...held, state }, announcements: [] };
  const revisionReason = REASONS[decision.kind] ?? state.revisionReason;
  const next = { ...state, revision: held.revision + 1, ...(revisionReason && { revisionReason }) };
  const kept = { ...held, revision: next.revision, state: next };
  if (decision.kind === 'PUBLICATION') return published(kept, now);
  if (decision.kind === 'EMBARGO') return embargoed(held, state, now);
  const isPublic = held.status === 'PUBLISHED';
  if (decision.kind !== 'ANNULMENT') {
    return { held: kept, announcements: [{ type: isPublic ? SamplingResultPublished : SamplingResultNotified, data: next }] };
  }
  const withdrawal = { reason: ANNULLED, withdrawnAt: now.toISOString() };
  return {
    held: { ...kept, status: 'WITHDRAWN', withdrawal },
    announcements: [{ type: isPublic ? SamplingResultWithdrawn : SamplingNoticeWithdrawn, data: { ...next, ...withdrawal } }],
  };
}

/** What was made of it before; which notices were taken back does not depend on the one that followed. */
const isFollowedBy = (one: ResultDecision, { kind, notice }: ResultDecision): boolean =>
  (kind === 'EMBARGO' && (one.kind === 'PUBLICATION' || one.kind === 'EMBARGO')) ||
  (kind === 'PUBLICATION' && (one.kind === 'PUBLICATION' || (one.kind === 'EMBARGO' && one.notice?.no === notice?.no)));

type Changed = ReturnType<typeof withDecision>;

function published(held: HeldResult & { state: SamplingResultPublished }, now: Date): Changed {
  const state = { ...held.state, publishedAt: now.toISOString() };
  return { held: { ...held, status: 'PUBLISHED', state }, announcements: [{ type: SamplingResultPublished, data: state }] };
}

/** As a report without a notice says it: what was public is taken back, whoever may know of it before publication is told how it stands. */
function embargoed(held: HeldResult, after: SamplingResultPublished, now: Date): Changed {
  const { publishedAt: _publishedAt, ...state } = { ...after, revision: held.revision + 2 };
  const taken = { ...held.state, ...after, revision: held.revision + 1, reason: EMBARGOED_AGAIN, withdrawnAt: now.toISOString() };
  return {
    held: { ...held, status: 'NOTIFIED', revision: state.revision, state },
    announcements: [
      { type: SamplingResultWithdrawn, data: taken },
      { type: SamplingResultNotified, data: state },
    ],
  };
}

/** By a decision that it carries, not by a report: it took back the notice that the state still has. */
export const isEmbargoDecided = ({ decisions = [], notice }: SamplingResultPublished): boolean =>
  decisions.some((one) => one.kind === 'EMBARGO' && one.notice?.no === notice?.no);

/** The reason given when a result was given up for another one. */
export const MERGED = 'MERGED';

/** A result that is given up for another one. Of what nobody was told nothing is announced. The caller holds the lock of its row. */
export function merged(held: HeldResult, mergedInto: string, now: Date): { held: HeldResult; announcements: Announcement[] } {
  const withdrawal = { reason: MERGED, withdrawnAt: now.toISOString() };
  const given = { ...held, status: 'WITHDRAWN', withdrawal: held.withdrawal ?? withdrawal, mergedInto, warnings: [] } as const;
  if (held.state === null || !isAnnounced(held)) return { held: given, announcements: [] };
  const state = { ...held.state, revision: held.revision + 1 };
  const type = held.status === 'PUBLISHED' ? SamplingResultWithdrawn : SamplingNoticeWithdrawn;
  return {
    held: { ...given, revision: state.revision, state },
    announcements: [{ type, data: { ...state, ...withdrawal, mergedInto } }],
  };
}

/** The decisions that a report or retraction would undo. */
export function undoneBy(submission: Submission, { state }: HeldResult): ResultDecision[] {
  const decisions = state?.decisions ?? [];
  if (submission.kind === 'RETRACTION') return decisions.filter(({ verdict }) => verdict !== undefined);
  const { verdict, nominalProducer, notice } = submission.report;
  const verdictHolds = (decisions.findLast((one) => one.verdict !== undefined)?.verdict ?? verdict) === verdict;
  const authorship = decisions.findLast((one) => one.authorship !== undefined)?.authorship;
  // Whoever says nothing of it undoes nothing; of another producer it was not decided.
  const authorshipHolds = !isOfSameProducer(state, nominalProducer) || (nominalProducer?.authorship ?? authorship) === authorship;
  return decisions.filter(
    (one) =>
      one.kind === 'ANNULMENT' ||
      (one.kind === 'EMBARGO' && notice !== undefined && one.notice?.no === notice.no) ||
      (one.verdict !== undefined && !verdictHolds) ||
      (one.authorship !== undefined && !authorshipHolds),
  );
}

/** The decisions that hold of what is reported now, without those that a person gave up. */
export function standing(
  { state, status }: HeldResult,
  { nominalProducer, notice }: Decided,
  givenUp: readonly ResultDecision[],
): ResultDecision[] {
  const isOver = ({ kind, authorship, notice: by }: ResultDecision): boolean => {
    if (authorship !== undefined) return !isOfSameProducer(state, nominalProducer);
    // What was taken back is made final and public anew; a reporter that names another notice publishes by that one.
    if (kind === 'FINALISATION') return status === 'WITHDRAWN';
    return kind === 'PUBLICATION' && (status === 'WITHDRAWN' || (notice !== undefined && !isSameNotice(notice, by)));
  };
  return (state?.decisions ?? []).filter((decision) => !givenUp.includes(decision) && !isOver(decision));
}

const isSameNotice = ({ no, publishedOn }: Notice, by: Notice | undefined): boolean =>
  no === by?.no && (publishedOn === undefined || publishedOn === by.publishedOn);

const isOfSameProducer = (state: HeldResult['state'], producer: Decided['nominalProducer']): boolean =>
  state?.nominalProducer?.name === producer?.name;
