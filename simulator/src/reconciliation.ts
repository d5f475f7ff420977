/**
 * Reconciliation (对账) as docs/integrating.md tells a platform to do it: what it holds in 256 buckets by the first two characters of the id,
 * each hashed; then, for the few buckets that differ, item by item. What it lacks is told again by its channel.
 */
import { createHash } from 'node:crypto';
import type { Exchange } from './exchange.js';
import type { Held } from './platform.js';

export interface Difference {
  readonly kind: 'MISSING' | 'BEHIND' | 'CHANGED' | 'AHEAD' | 'UNKNOWN';
  readonly feedbackId: string;
}

/** What the exchange answers. */
export interface Compared {
  readonly differingBuckets: readonly string[];
  readonly differences: readonly Difference[];
  /** How many feedbacks are told again. */
  readonly redelivered: number;
}

interface Item {
  readonly feedbackId: string;
  readonly revision: number;
  readonly contentHash: string;
}

const BUCKETS = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

export async function reconcile(exchange: Exchange, held: readonly Held[], asOf: Date): Promise<Compared> {
  const items = held
    .filter(({ told }) => new Date(told.issuedAt) <= asOf)
    .map(({ told: { feedbackId, revision, contentHash } }): Item => ({ feedbackId, revision, contentHash }));
  const itemsOf = (bucket: string): Item[] => items.filter(({ feedbackId }) => feedbackId.startsWith(bucket));
  const ask = (buckets: readonly object[]): Promise<Compared> =>
    exchange.post<Compared>('reconciliations', { asOf: asOf.toISOString(), buckets });
  const compared = await ask(BUCKETS.map((bucket) => ({ bucket, hash: hashOf(itemsOf(bucket)) })));
  const { differingBuckets } = compared;
  if (differingBuckets.length === 0) return compared;
  return { ...(await ask(differingBuckets.map((bucket) => ({ bucket, items: itemsOf(bucket) })))), differingBuckets };
}

function hashOf(items: readonly Item[]): string {
  const hash = createHash('sha256');
  const sorted = items.toSorted((one, other) => (one.feedbackId < other.feedbackId ? -1 : 1));
  for (const { feedbackId, revision, contentHash } of sorted) hash.update(`${feedbackId} ${revision} ${contentHash}\n`);
  return hash.digest('hex');
}
