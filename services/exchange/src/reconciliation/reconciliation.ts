/**
 * Reconciliation (对账): do a platform and the exchange hold the same last revision of every feedback? Each side sorts what it holds into
 * 256 buckets and hashes each, so that a day without a difference costs one small request, and a difference one bucket more.
 */
import { createHash } from 'node:crypto';

/** What a side holds of one feedback: its last revision as of an instant. */
export interface Holding {
  readonly feedbackId: string;
  readonly revision: number;
  readonly contentHash: string;
}

/** The first two characters of a feedback's id, 00 to ff: ids are hashes, so buckets fill evenly. */
export type Bucket = string;
export const BUCKETS: readonly Bucket[] = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
export const bucketOf = ({ feedbackId }: Pick<Holding, 'feedbackId'>): Bucket => feedbackId.slice(0, 2);

/** SHA-256, lower-case hex, over a line `feedbackId revision contentHash` for each feedback, in the order of the ids, each ended by LF. */
export function hashOfBucket(holdings: readonly Holding[]): string {
  const hash = createHash('sha256');
  const sorted = holdings.toSorted((a, b) => (a.feedbackId < b.feedbackId ? -1 : 1));
  for (const { feedbackId, revision, contentHash } of sorted) hash.update(`${feedbackId} ${revision} ${contentHash}\n`);
  return hash.digest('hex');
}

/**
 * MISSING: the platform does not have the feedback. BEHIND: it has an earlier revision. CHANGED: it has the revision with another content.
 * AHEAD, UNKNOWN: it has what was never told, which nothing can heal from here.
 */
export type DifferenceKind = 'MISSING' | 'BEHIND' | 'CHANGED' | 'AHEAD' | 'UNKNOWN';

export interface Difference {
  readonly kind: DifferenceKind;
  readonly feedbackId: string;
  /** Last revision that was told; null = none. */
  readonly told: number | null;
  /** Last revision that the platform has; null = none. */
  readonly held: number | null;
}

/** What differs between what was told and what a platform says it holds, in the order of ids. */
export function differences(told: readonly Holding[], held: readonly Holding[]): Difference[] {
  const there = new Map(held.map((one) => [one.feedbackId, one]));
  const found = told.flatMap((one): Difference[] => {
    const its = there.get(one.feedbackId);
    there.delete(one.feedbackId);
    const kind = differenceOf(one, its);
    return kind ? [{ kind, feedbackId: one.feedbackId, told: one.revision, held: its?.revision ?? null }] : [];
  });
  const unknown = [...there.values()].map(({ feedbackId, revision }) => ({
    kind: 'UNKNOWN' as const,
    feedbackId,
    told: null,
    held: revision,
  }));
  return [...found, ...unknown].sort((a, b) => (a.feedbackId < b.feedbackId ? -1 : 1));
}

function differenceOf(told: Holding, held: Holding | undefined): DifferenceKind | null {
  if (!held) return 'MISSING';
  if (held.revision < told.revision) return 'BEHIND';
  if (held.revision > told.revision) return 'AHEAD';
  return held.contentHash === told.contentHash ? null : 'CHANGED';
}

/** Telling it again heals these. */
export const isHealable = ({ kind }: Difference): boolean => kind === 'MISSING' || kind === 'BEHIND' || kind === 'CHANGED';
