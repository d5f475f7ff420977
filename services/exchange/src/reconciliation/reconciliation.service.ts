import type { FeedbackKind } from '@jinqiao/contracts';
import { Clock } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { DataSource, type EntityManager } from 'typeorm';
import { entitlementsOf } from '../entitlement/entitlement.js';
import { FeedbackTeller } from '../feedback/feedback.teller.js';
import { Ledger } from '../ledger/ledger.service.js';
import { bucketOf, BUCKETS, type Bucket, type Difference, differences, hashOfBucket, type Holding, isHealable } from './reconciliation.js';

export interface ManifestBucket {
  readonly bucket: Bucket;
  readonly feedbacks: number;
  readonly hash: string;
}

/** What one platform should hold. */
export interface Manifest {
  readonly recipientId: string;
  /** Revisions issued up to here count. */
  readonly asOf: string;
  readonly buckets: readonly ManifestBucket[];
}

/** What came of a comparison. */
export interface Reconciliation {
  readonly reconciliationId: string;
  readonly recipientId: string;
  readonly asOf: string;
  readonly madeAt: string;
  /** Buckets whose hash is another one: send their items to learn what differs in them. */
  readonly differingBuckets: readonly Bucket[];
  readonly differences: readonly Difference[];
  /** How many feedbacks are told again. */
  readonly redelivered: number;
}

/** What a platform says it holds: hashes of any buckets, and the items of those it wants compared one by one. */
export interface Claim {
  readonly asOf: string;
  readonly hashes: ReadonlyMap<Bucket, string>;
  readonly items: ReadonlyMap<Bucket, readonly Holding[]>;
}

type ToldLast = Holding & { readonly kind: FeedbackKind };

export class AsOfInFuture extends DomainError {
  constructor() {
    super('AS_OF_IN_FUTURE', 422, { zh: '对账时点晚于当前时间', en: 'Nothing can be compared as of an instant to come' }, [
      { code: 'AS_OF_IN_FUTURE', pointer: '/asOf', message: 'lies in the future' },
    ]);
  }
}

/** Compares with platforms, and tells again what they lack. */
@Injectable()
export class Reconciliations {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly ledger: Ledger,
    private readonly clock: Clock,
  ) {}

  async manifest(recipientId: string, asOf: string): Promise<Manifest> {
    this.assertPast(asOf);
    const byBucket = Map.groupBy(await this.told(this.db.manager, recipientId, asOf, BUCKETS), bucketOf);
    const buckets = BUCKETS.map((bucket) => {
      const holdings = byBucket.get(bucket) ?? [];
      return { bucket, feedbacks: holdings.length, hash: hashOfBucket(holdings) };
    });
    return { recipientId, asOf, buckets };
  }

  /** What the platform lacks of the given items is told again, in the very bytes; readers that have it leave it out by its revision. */
  async reconcile(recipientId: string, { asOf, hashes, items }: Claim): Promise<Reconciliation> {
    this.assertPast(asOf);
    return this.db.transaction(async (tx) => {
      const asked = [...new Set([...hashes.keys(), ...items.keys()])];
      const told = await this.told(tx, recipientId, asOf, asked);
      const byBucket = Map.groupBy(told, bucketOf);
      const differingBuckets = [...hashes]
        .filter(([bucket, hash]) => hashOfBucket(byBucket.get(bucket) ?? []) !== hash)
        .map(([bucket]) => bucket);
      const found = [...items].flatMap(([bucket, held]) => differences(byBucket.get(bucket) ?? [], held));
      const again = found.filter(isHealable).map(({ feedbackId }) => feedbackId);
      await this.teller.tellAgain(tx, recipientId, again);
      const reconciliation: Reconciliation = {
        reconciliationId: uuidv7(),
        recipientId,
        asOf,
        madeAt: this.clock.now().toISOString(),
        differingBuckets,
        differences: found,
        redelivered: again.length,
      };
      await tx.query('INSERT INTO reconciliations (reconciliation_id, recipient_id, outcome) VALUES ($1, $2, $3)', [
        reconciliation.reconciliationId,
        recipientId,
        reconciliation,
      ]);
      const { reconciliationId, madeAt: at } = reconciliation;
      const kinds = told.map(({ kind }) => kind);
      await this.ledger.add(tx, [
        { kind: 'RECONCILED', recipientId, entitlementIds: entitlementsOf(recipientId, kinds), reconciliationId, at },
      ]);
      return reconciliation;
    });
  }

  /** Newest first. */
  async list(recipientId: string | null, before: string | null, limit: number): Promise<Reconciliation[]> {
    const rows: { outcome: Reconciliation }[] = await this.db.query(
      `SELECT outcome FROM reconciliations
       WHERE ($1::text IS NULL OR recipient_id = $1) AND ($2::uuid IS NULL OR reconciliation_id < $2)
       ORDER BY reconciliation_id DESC LIMIT $3`,
      [recipientId, before, limit],
    );
    return rows.map(({ outcome }) => outcome);
  }

  private assertPast(asOf: string): void {
    if (new Date(asOf) > this.clock.now()) throw new AsOfInFuture();
  }

  private async told(tx: EntityManager, recipientId: string, asOf: string, buckets: readonly Bucket[]): Promise<ToldLast[]> {
    return tx.query(
      `SELECT DISTINCT ON (f.feedback_id) f.feedback_id AS "feedbackId", f.kind, r.revision, r.content_hash AS "contentHash"
       FROM feedbacks f JOIN feedback_revisions r USING (feedback_id)
       WHERE f.recipient_id = $1 AND (r.said ->> 'issuedAt')::timestamptz <= $2 AND left(f.feedback_id::text, 2) = ANY($3)
       ORDER BY f.feedback_id, r.revision DESC`,
      [recipientId, asOf, buckets],
    );
  }
}
