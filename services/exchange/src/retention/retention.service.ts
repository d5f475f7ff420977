import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Ledger } from '../ledger/ledger.service.js';
import { AGING, type Aging, AsOfInPast, firstIdOf, type HeldReason, pastOf } from './retention.js';

/** What is past its time at an instant: what goes, and what stays all the same. */
export interface RetentionPlan {
  readonly asOf: string;
  readonly feedbacks: number;
  readonly revisions: number;
  readonly answers: number;
  readonly webhookAttempts: number;
  readonly held: Readonly<Partial<Record<HeldReason, number>>>;
  readonly contactNotices: number;
  readonly reconciliations: number;
  readonly grantedKeys: number;
  /** Copies of merchants and recalls that are emptied. */
  readonly merchants: number;
  readonly recalls: number;
}

export interface Erased {
  readonly feedbacks: number;
  readonly records: number;
}

const EVERY_MS = 3_600_000;
const FEEDBACKS_AT_ONCE = 200;
const RECORDS_AT_ONCE = 5_000;

/** Why a feedback f stays although its time has passed; NULL = it goes. The first reason counts. */
const HELD = `CASE
  WHEN f.closed_at IS NULL AND EXISTS (SELECT FROM deliveries d WHERE d.feedback_id = f.feedback_id AND d.revision = f.revision AND d.asks_action)
    THEN 'OPEN'
  WHEN EXISTS (SELECT FROM deliveries d WHERE d.feedback_id = f.feedback_id AND d.delivered_at IS NULL AND d.channel <> 'KAFKA')
    THEN 'UNDELIVERED'
  WHEN EXISTS (SELECT FROM disputes p WHERE p.feedback_id = f.feedback_id AND p.ruling IS NULL AND p.dropped_at IS NULL) THEN 'DISPUTED'
  -- As long as a merchant has a public record, or goods are recalled, platforms know; it would be told again at once.
  WHEN f.kind IN ('CREDIT_STATUS', 'RECALL') AND f.status = 'ISSUED' THEN 'STANDS'
END`;
/** In this order: the database lets go of what belongs to a delivery only when the delivery itself is gone. */
const WHAT_WAS_TOLD = ['deliveries', 'webhook_attempts', 'answers', 'disputes', 'feedback_revisions', 'feedbacks'] as const;

/** Erases what is past its time. Any number of processes may do so at once: each takes what no other has locked. */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(Retention.name);
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly ledger: Ledger,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.erase(stopping), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** What would go at an instant, without touching it. */
  async plan(asOf: string | undefined): Promise<RetentionPlan> {
    const now = this.clock.now();
    const at = asOf === undefined ? now : new Date(asOf);
    if (at < now) throw new AsOfInPast();
    const held: { reason: HeldReason | null; feedbacks: number; revisions: number; answers: number; attempts: number }[] =
      await this.db.query(
        `SELECT reason, count(*)::integer AS feedbacks, sum(revisions)::integer AS revisions, sum(answers)::integer AS answers,
           sum(attempts)::integer AS attempts
         FROM (SELECT ${HELD} AS reason,
                 (SELECT count(*) FROM feedback_revisions r WHERE r.feedback_id = f.feedback_id) AS revisions,
                 (SELECT count(*) FROM answers a WHERE a.feedback_id = f.feedback_id) AS answers,
                 (SELECT count(*) FROM webhook_attempts w WHERE w.feedback_id = f.feedback_id) AS attempts
               FROM feedbacks f WHERE f.kept_until < $1) AS past
         GROUP BY reason`,
        [at],
      );
    const going = held.find(({ reason }) => reason === null);
    return {
      asOf: at.toISOString(),
      feedbacks: going?.feedbacks ?? 0,
      revisions: going?.revisions ?? 0,
      answers: going?.answers ?? 0,
      webhookAttempts: going?.attempts ?? 0,
      held: Object.fromEntries(held.flatMap(({ reason, feedbacks }) => (reason === null ? [] : [[reason, feedbacks]]))),
      contactNotices: await this.count('contact_notices', at),
      reconciliations: await this.count('reconciliations', at),
      grantedKeys: await this.count('granted_keys', at),
      merchants: await this.count('platform_merchants', at),
      recalls: await this.count('recalls', at),
    };
  }

  /** Erases everything that may go, in small transactions. Gives back how much that was. */
  async erase(stopping?: AbortSignal): Promise<Erased> {
    let feedbacks = 0;
    for (let portion = FEEDBACKS_AT_ONCE; portion === FEEDBACKS_AT_ONCE && !stopping?.aborted; feedbacks += portion) {
      portion = await this.db.transaction((tx) => this.eraseSome(tx));
    }
    let records = 0;
    for (const table of Object.keys(AGING) as Aging[]) records += await this.eraseAged(table);
    if (feedbacks + records > 0) this.log.log(`erased ${feedbacks} feedbacks and ${records} other records whose time has passed`);
    return { feedbacks, records };
  }

  /** By the database's clock besides: a process whose own runs ahead erases nothing early, nor is it stopped by what it may not erase. */
  private async eraseSome(tx: EntityManager): Promise<number> {
    const now = this.clock.now();
    const past: { feedbackId: string; recipientId: string; revision: number }[] = await tx.query(
      `SELECT f.feedback_id AS "feedbackId", f.recipient_id AS "recipientId", f.revision FROM feedbacks f
       WHERE f.kept_until < least($1, clock_timestamp()) AND ${HELD} IS NULL
       ORDER BY f.kept_until, f.feedback_id LIMIT $2 FOR UPDATE OF f SKIP LOCKED`,
      [now, FEEDBACKS_AT_ONCE],
    );
    const ids = past.map(({ feedbackId }) => feedbackId);
    for (const table of WHAT_WAS_TOLD) await tx.query(`DELETE FROM ${table} WHERE feedback_id = ANY($1)`, [ids]);
    const entries = past.map(({ feedbackId, recipientId, revision }) => {
      return { kind: 'ERASED' as const, feedbackId, feedbackRevision: revision, recipientId, at: now.toISOString() };
    });
    await this.ledger.add(tx, entries);
    return past.length;
  }

  /** By the earlier of the two clocks, as feedback. */
  private async eraseAged(table: Aging): Promise<number> {
    const [clock]: { now: Date }[] = await this.db.query('SELECT least($1, clock_timestamp()) AS now', [this.clock.now()]);
    const before = pastOf(table, clock?.now ?? this.clock.now());
    if (before === null) return 0;
    const { past, empties } = GOING[table];
    const which = `ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${past} LIMIT $2))`;
    const sql = empties === undefined ? `DELETE FROM ${table} WHERE ${which}` : `UPDATE ${table} SET ${empties} WHERE ${which}`;
    let erased = 0;
    for (let portion = RECORDS_AT_ONCE; portion === RECORDS_AT_ONCE; erased += portion) {
      const gone: [unknown[], number] = await this.db.query(sql, [olderThan(table, before), RECORDS_AT_ONCE]);
      portion = gone[1];
    }
    return erased;
  }

  private async count(table: Aging, at: Date): Promise<number> {
    const before = pastOf(table, at);
    if (before === null) return 0;
    const [row]: { past: number }[] = await this.db.query(`SELECT count(*)::integer AS past FROM ${table} WHERE ${GOING[table].past}`, [
      olderThan(table, before),
    ]);
    return row?.past ?? 0;
  }
}

/** Which rows are older than $1 and nothing needs any more; and what of a row goes, where that is not all of it. */
const GOING: Record<Aging, { readonly past: string; readonly empties?: string }> = {
  contact_notices: { past: 'noticed_at < $1' },
  reconciliations: { past: 'reconciliation_id < $1' },
  granted_keys: {
    past: `entitlement_id IN (
      SELECT e.entitlement_id FROM entitlements e WHERE e.valid_until < ($1::timestamptz AT TIME ZONE 'Asia/Shanghai')::date)`,
  },
  platform_merchants: {
    // What the platform was told about it may still have to be taken back.
    past: `exited_at < $1 AND num_nonnulls(uscc, shop_name) > 0
      AND NOT EXISTS (SELECT FROM feedbacks f WHERE f.kind = 'CREDIT_STATUS' AND f.subject = uscc AND f.recipient_id = platform_id
                        AND f.status = 'ISSUED')`,
    empties: 'uscc = NULL, shop_name = NULL',
  },
  recalls: {
    past: `applied_at < $1 AND standing <> 'PUBLISHED' AND state IS NOT NULL
      AND NOT EXISTS (SELECT FROM feedbacks f WHERE f.kind = 'RECALL' AND f.subject = recall_no)`,
    empties: 'state = NULL',
  },
};

const olderThan = (table: Aging, before: Date): Date | string => (table === 'reconciliations' ? firstIdOf(before) : before);
