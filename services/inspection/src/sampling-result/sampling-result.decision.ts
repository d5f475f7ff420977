/*
 * What was decided about a result after it was reported: a re-inspection is final (产品质量监督抽查管理暂行办法 §42, 食品安全法 §88), an
 * objection that is upheld changes the verdict or annuls the sampling (§37), a denied authorship takes the named producer out, a passed
 * re-check lets new batches be sold (§49). A decision goes over what was reported. A later report that agrees with it is taken as it
 * comes; one that would undo it waits for a person.
 */
import {
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

type Decided = Pick<SamplingResultPublished, 'verdict' | 'finality' | 'failingItems' | 'nominalProducer' | 'decisions'>;

/** A state with all its decisions over it. */
export function decided<State extends Decided>(state: State): State {
  return (state.decisions ?? []).reduce(over, state);
}

function over<State extends Decided>(state: State, { kind, verdict, authorship }: ResultDecision): State {
  const next = { ...state };
  if (kind === 'REINSPECTION') next.finality = 'FINAL';
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
};

/** A result with one decision more, and what is announced of it. The caller holds the lock of its row. */
export function withDecision(held: HeldResult, decision: ResultDecision, now: Date): { held: HeldResult; announcements: Announcement[] } {
  if (held.state === null) return { held, announcements: [] };
  const state = decided({ ...held.state, decisions: [...(held.state.decisions ?? []), decision] });
  // Nothing is announced of what is withdrawn; should it be reported again, the decision holds.
  if (held.status === 'WITHDRAWN') return { held: { ...held, state }, announcements: [] };
  const revisionReason = REASONS[decision.kind] ?? state.revisionReason;
  const next = { ...state, revision: held.revision + 1, ...(revisionReason && { revisionReason }) };
  const kept = { ...held, revision: next.revision, state: next };
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

/** The reason given when a result was given up for another one that reports the same. */
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
  const { verdict, nominalProducer } = submission.report;
  const verdictHolds = (decisions.findLast((one) => one.verdict !== undefined)?.verdict ?? verdict) === verdict;
  const authorship = decisions.findLast((one) => one.authorship !== undefined)?.authorship;
  // Whoever says nothing of it undoes nothing; of another producer it was not decided.
  const authorshipHolds = !isOfSameProducer(state, nominalProducer) || (nominalProducer?.authorship ?? authorship) === authorship;
  return decisions.filter(
    (one) => one.kind === 'ANNULMENT' || (one.verdict !== undefined && !verdictHolds) || (one.authorship !== undefined && !authorshipHolds),
  );
}

/** The decisions that hold of what is reported now, without those that a person gave up. */
export function standing({ state }: HeldResult, { nominalProducer }: Decided, givenUp: readonly ResultDecision[]): ResultDecision[] {
  const isOfOther = ({ authorship }: ResultDecision): boolean => authorship !== undefined && !isOfSameProducer(state, nominalProducer);
  return (state?.decisions ?? []).filter((decision) => !givenUp.includes(decision) && !isOfOther(decision));
}

const isOfSameProducer = (state: HeldResult['state'], producer: Decided['nominalProducer']): boolean =>
  state?.nominalProducer?.name === producer?.name;
