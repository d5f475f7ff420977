import type { FeedbackKind } from '@jinqiao/contracts';
import { Outbox, unnested } from '@jinqiao/messaging';
import { Clock, decodeCursor, Metrics, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { validate as isUuid } from 'uuid';
import type { NoticeReason } from '../contact-notice/contact-notice.js';
import { ContactNotices, noteGivenUp } from '../contact-notice/contact-notice.service.js';
import { startClocks } from '../clock/clock.receipts.js';
import { DeliveryUnknown, replayedSince, ReplayTooOld, type RevisionName } from '../delivery/delivery.js';
import { dueAtOnce, SCHEDULE_ANEW } from '../delivery/delivery.series.js';
import { WebhookSecret } from '../endpoint/endpoint.entity.js';
import { sayEndpoints } from '../endpoint/endpoint.memory.js';
import { EndpointSecrets } from '../endpoint/endpoint.secrets.js';
import { deliveredUnder } from '../entitlement/entitlement.js';
import type { Entry } from '../ledger/ledger.js';
import { Ledger } from '../ledger/ledger.service.js';
import {
  type Attempted,
  ChannelNotWebhook,
  follow,
  type Followed,
  type Health,
  HEALTHY,
  type Outcome,
  PlatformMissing,
} from './webhook.js';

/** A webhook that this process is to try now, with everything its request is made of. */
export interface Claimed extends RevisionName {
  readonly recipientId: string;
  readonly position: number;
  readonly kind: FeedbackKind;
  readonly type: string;
  readonly purpose: string;
  readonly classification: string;
  readonly legalBasis: string | null;
  readonly retentionUntil: string | null;
  readonly endpointId: string;
  readonly url: string;
  readonly secrets: readonly string[];
  readonly said: string;
}

/** One attempt whose end was seen. */
export interface Attempt {
  readonly claimed: Claimed;
  readonly attempted: Attempted;
  readonly startedAt: Date;
  readonly tookMs: number;
}

export interface AttemptFilter {
  readonly feedbackId?: string;
  readonly endpointId?: string;
  readonly outcome?: Outcome;
  readonly platform?: string;
  readonly since?: string;
  readonly until?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface AttemptEntry extends RevisionName {
  readonly recipientId: string;
  readonly position: number;
  readonly endpointId: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly reason: string | null;
  readonly startedAt: Date;
  readonly tookMs: number;
}

/** How many deliveries are tried (again) because somebody asked for it. */
export interface Due {
  readonly due: number;
}

/** Longer than an attempt may take: what is leased beyond it belongs to a process that is gone. */
export const LEASE_SECONDS = 60;
/**
 * The planner does not know how much of the table is due at the moment, and would read and sort all of it for a few rows: a backlog would
 * cost as much at every claim as it is long. Claims and records are quick by index, whatever the statistics say.
 */
const OTHER_JOINS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'];
/** For claims alone: what is recorded has to be sorted, and without sorting all of the table would be read in its order. */
const OTHER_ORDERS = ['enable_bitmapscan', 'enable_sort'];
const LIST = 'webhook-attempts';

/** Which webhooks are due, what became of those that were tried, and sending them again. */
@Injectable()
export class Webhooks {
  private readonly attempts;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly ledger: Ledger,
    private readonly secrets: EndpointSecrets,
    private readonly notices: ContactNotices,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.attempts = metrics.counter('webhook_attempts_total', 'Attempts to deliver a webhook, by what came of them', ['outcome']);
  }

  /**
   * Takes webhooks that are due, so that no other process tries them meanwhile: recalls first, then in the order of the series. Recalls are
   * few and one that fails waits for its next attempt, so the rest is held up by no more than them. Of each subject only the oldest that is
   * due: the next revision waits until it is delivered or given up. An endpoint that has just failed gets one at a time.
   */
  async claim(inFlight: ReadonlyMap<string, number>, most: { each: number; all: number }): Promise<Claimed[]> {
    const now = this.clock.now();
    return this.db.transaction(async (tx) => {
      // A lease that a crash of the database forgets is taken once more: nothing is worth waiting for its disk.
      await switchOff(tx, [...OTHER_JOINS, ...OTHER_ORDERS, 'synchronous_commit']);
      const [rows]: [Omit<Claimed, 'secrets'>[], number] = await tx.query(
        `WITH open AS (
           SELECT e.endpoint_id, e.organisation_id, e.url,
             greatest(0, CASE WHEN e.failures > 0 THEN 1 ELSE $3 END - coalesce(f.value::integer, 0)) AS slots
           FROM webhook_endpoints e LEFT JOIN jsonb_each_text($2::jsonb) AS f ON f.key = e.endpoint_id::text
           WHERE e.status = 'ACTIVE' AND (e.paused_until IS NULL OR e.paused_until <= $1)
           ORDER BY slots DESC
         ), due AS (
           SELECT d.*, open.endpoint_id, open.url
           FROM open CROSS JOIN LATERAL (
             SELECT c.recipient_id, c.position, c.feedback_id, c.revision FROM deliveries c
             WHERE c.recipient_id = open.organisation_id AND c.due_at <= $1
               AND (c.leased_until IS NULL OR c.leased_until < clock_timestamp())
               AND NOT EXISTS (SELECT FROM deliveries b WHERE b.recipient_id = c.recipient_id AND b.subject = c.subject
                                 AND b.due_at IS NOT NULL AND b.position < c.position)
             ORDER BY c.kind <> 'RECALL', c.position
             LIMIT open.slots
             FOR UPDATE SKIP LOCKED
           ) AS d
           LIMIT $4
         )
         UPDATE deliveries t SET leased_until = clock_timestamp() + $5 * interval '1 second'
         FROM due JOIN feedback_revisions r ON r.feedback_id = due.feedback_id AND r.revision = due.revision
         WHERE t.recipient_id = due.recipient_id AND t.position = due.position
         RETURNING t.feedback_id AS "feedbackId", t.revision, t.recipient_id AS "recipientId", t.position, t.kind, t.type, t.purpose,
           t.classification, t.legal_basis AS "legalBasis", t.retention_until AS "retentionUntil", due.endpoint_id AS "endpointId",
           due.url, r.said::text AS said`,
        [now, JSON.stringify(Object.fromEntries(inFlight)), most.each, most.all, LEASE_SECONDS],
      );
      if (rows.length === 0) return [];
      const secrets = Map.groupBy(await this.secrets.valid(tx, [...new Set(rows.map(({ endpointId }) => endpointId))], now), endpointOf);
      return rows.flatMap((row) => {
        // An endpoint that has ended meanwhile has none any more, and is sent nothing.
        const own = secrets.get(row.endpointId);
        return own ? [{ ...row, secrets: own.map(({ secret }) => secret) }] : [];
      });
    });
  }

  /** What this process leaves behind when it stops, another one tries at once. */
  async release(claimed: readonly Claimed[]): Promise<void> {
    const { from, values } = unnested(PLACE, claimed.map(placeOf));
    await this.db.query(
      `UPDATE deliveries d SET leased_until = NULL FROM ${from} WHERE d.recipient_id = given.recipient AND d.position = given.place`,
      [...values],
    );
  }

  /** Keeps what came of attempts, several in one transaction. */
  async keep(attempts: readonly Attempt[]): Promise<void> {
    const noticed = await this.db.transaction(async (tx) => {
      await switchOff(tx, OTHER_JOINS);
      return this.record(tx, attempts);
    });
    for (const { attempted } of attempts) this.attempts.inc({ outcome: attempted.outcome });
    this.notices.count(noticed);
  }

  /**
   * The one place where an attempt's end becomes true: its row in the log, the delivery and the endpoint, in the caller's transaction. Gives
   * back why contacts have to be told.
   */
  async record(tx: EntityManager, attempts: readonly Attempt[]): Promise<NoticeReason[]> {
    const now = this.clock.now();
    const taken = attempts.filter(({ attempted }) => attempted.outcome === 'DELIVERED');
    await startClocks(
      tx,
      taken.map(({ claimed: { feedbackId, revision } }) => ({ feedbackId, revision, at: now })),
    );
    const deliveries = await this.lockDeliveries(tx, attempts);
    const endpoints = await this.lockEndpoints(tx, attempts);
    const givenUp: Claimed[] = [];
    const logged = attempts.flatMap((attempt) => {
      const { claimed, attempted } = attempt;
      const delivery = deliveries.get(keyOf(claimed));
      const endpoint = endpoints.get(claimed.endpointId) ?? WELL;
      if (!delivery) return [];
      delivery.attempts += 1;
      const followed = follow({ ...claimed, ...delivery }, endpoint, attempted, { now, chance: Math.random() });
      delivery.delivered ||= followed.delivered;
      // Acknowledged or moved to another channel while it was under way: a failure makes it due no more.
      delivery.dueAt = delivery.isDue && !delivery.delivered ? followed.dueAt : null;
      if (delivery.isDue && !delivery.delivered && delivery.dueAt === null) givenUp.push(claimed);
      // Nearly always a success at an endpoint that is well: its row stays as it is, and is not even locked.
      if (endpoint.failures > 0 || followed.health.failures > 0) endpoints.set(claimed.endpointId, after(endpoint, followed));
      return [loggedOf(attempt, delivery.attemptsBefore + delivery.attempts)];
    });
    await this.keepAttempts(tx, logged);
    await this.ledger.add(tx, logged.map(ledgerEntry));
    await this.keepDeliveries(tx, [...deliveries.values()], now);
    return [...(await noteGivenUp(tx, givenUp, now)), ...(await this.keepEndpoints(tx, [...endpoints], now))];
  }

  async list(caller: Principal, filter: AttemptFilter): Promise<Page<AttemptEntry>> {
    // What is no id names nothing, and PostgreSQL would refuse it.
    const named = [filter.feedbackId, filter.endpointId].filter((id) => id !== undefined);
    if (!named.every((id) => isUuid(id))) return { items: [], next: null };
    const [before = null] = filter.cursor === undefined ? [] : decodeCursor(LIST, filter.cursor);
    const platform = caller.kind === 'PLATFORM' ? caller.id : (filter.platform ?? null);
    const rows: (AttemptEntry & { id: string })[] = await this.db.query(
      `SELECT attempt_id AS id, feedback_id AS "feedbackId", revision, recipient_id AS "recipientId", position, endpoint_id AS "endpointId",
         attempt, outcome, status, reason, started_at AS "startedAt", took_ms AS "tookMs"
       FROM webhook_attempts
       WHERE ($1::text IS NULL OR recipient_id = $1) AND ($2::bigint IS NULL OR attempt_id < $2)
         AND ($3::uuid IS NULL OR feedback_id = $3) AND ($4::uuid IS NULL OR endpoint_id = $4)
         AND ($5::text IS NULL OR outcome = $5)
         AND ($6::timestamptz IS NULL OR started_at >= $6) AND ($7::timestamptz IS NULL OR started_at < $7)
       ORDER BY attempt_id DESC
       LIMIT $8`,
      [
        platform,
        before,
        filter.feedbackId ?? null,
        filter.endpointId ?? null,
        filter.outcome ?? null,
        filter.since ?? null,
        filter.until ?? null,
        filter.limit + 1,
      ],
    );
    const { items, next } = pageOf(LIST, rows, filter.limit, ({ id }) => [id]);
    return { items: items.map(({ id: _id, ...entry }) => entry), next };
  }

  /** One revision again, delivered or not; its webhook-id stays. */
  async resend(caller: Principal, { feedbackId, revision }: RevisionName, platform: string | null): Promise<Due> {
    const id = platformOf(caller, platform);
    return this.again(id, isUuid(feedbackId) ? 'feedback_id = $3 AND revision = $4' : 'FALSE', [feedbackId, revision], () => {
      throw new DeliveryUnknown(['']);
    });
  }

  /** Everything told since a moment again, delivered or not. */
  async replay(caller: Principal, since: Date, platform: string | null): Promise<Due> {
    const id = platformOf(caller, platform);
    if (since < replayedSince(this.clock.now())) throw new ReplayTooOld('/since');
    return this.again(id, 'told_at >= $3', [since], () => undefined);
  }

  /** Everything that is not delivered at once, also what was given up; the endpoint's breaker is closed for it. */
  async drain(caller: Principal, platform: string | null): Promise<Due> {
    const id = platformOf(caller, platform);
    return this.db.transaction(async (tx) => {
      await assertByWebhook(tx, id);
      const due = await dueAtOnce(tx, id, this.clock.now());
      await tx.query(`UPDATE webhook_endpoints SET paused_until = NULL WHERE organisation_id = $1 AND status = 'ACTIVE'`, [id]);
      return { due };
    });
  }

  private async again(id: string, which: string, parameters: readonly unknown[], onNone: () => void): Promise<Due> {
    return this.db.transaction(async (tx) => {
      await assertByWebhook(tx, id);
      const [rows]: [unknown[], number] = await tx.query(
        `UPDATE deliveries SET channel = 'WEBHOOK', due_at = $2, ${SCHEDULE_ANEW}
         WHERE (recipient_id, position) IN (
           SELECT recipient_id, position FROM deliveries WHERE recipient_id = $1 AND ${which} ORDER BY position FOR UPDATE)
         RETURNING position`,
        [id, this.clock.now(), ...parameters],
      );
      if (rows.length === 0) onNone();
      return { due: rows.length };
    });
  }

  private async lockDeliveries(tx: EntityManager, attempts: readonly Attempt[]): Promise<Map<string, LockedDelivery>> {
    const { from, values } = unnested(
      PLACE,
      attempts.map(({ claimed }) => placeOf(claimed)),
    );
    const rows: Omit<LockedDelivery, 'delivered' | 'dueAt'>[] = await tx.query(
      `SELECT d.recipient_id AS "recipientId", d.position, d.attempts, d.attempts_before AS "attemptsBefore", d.due_at IS NOT NULL AS "isDue"
       FROM ${from} JOIN deliveries d ON d.recipient_id = given.recipient AND d.position = given.place
       ORDER BY d.recipient_id, d.position FOR UPDATE OF d`,
      [...values],
    );
    return new Map(rows.map((row) => [keyOf(row), { ...row, delivered: false, dueAt: null }]));
  }

  /** Those that failed now or before: successes elsewhere change nothing, and processes do not wait for each other to keep them. */
  private async lockEndpoints(tx: EntityManager, attempts: readonly Attempt[]): Promise<Map<string, LockedEndpoint>> {
    const failed = attempts.filter(({ attempted }) => attempted.outcome !== 'DELIVERED');
    const rows: (Health & { endpointId: string })[] = await tx.query(
      `SELECT endpoint_id AS "endpointId", failures, failing_since AS "failingSince", paused_until AS "pausedUntil"
       FROM webhook_endpoints WHERE endpoint_id = ANY($1) AND (failures > 0 OR endpoint_id = ANY($2)) ORDER BY endpoint_id FOR UPDATE`,
      [attempts, failed].map((some) => [...new Set(some.map(({ claimed }) => claimed.endpointId))]),
    );
    return new Map(rows.map(({ endpointId, ...health }) => [endpointId, { ...health, ends: null, isChanged: false }]));
  }

  private async keepAttempts(tx: EntityManager, logged: readonly Logged[]): Promise<void> {
    const { columns, from, values } = unnested<keyof typeof LOGGED>(LOGGED, logged);
    const names = columns.replace('place', 'position');
    await tx.query(`INSERT INTO webhook_attempts (${names}) SELECT ${columns} FROM ${from} ORDER BY given.position`, [...values]);
  }

  private async keepDeliveries(tx: EntityManager, deliveries: readonly LockedDelivery[], now: Date): Promise<void> {
    const { from, values } = unnested(FOLLOWED, deliveries.map(followedOf), 2);
    await tx.query(
      `UPDATE deliveries d
       SET attempts = given.attempts, due_at = given.due_at, leased_until = NULL,
           delivered_at = CASE WHEN given.delivered THEN coalesce(d.delivered_at, $1) ELSE d.delivered_at END,
           delivered_by = CASE WHEN given.delivered THEN coalesce(d.delivered_by, 'WEBHOOK') ELSE d.delivered_by END
       FROM ${from} WHERE d.recipient_id = given.recipient AND d.position = given.place`,
      [now, ...values],
    );
  }

  private async keepEndpoints(tx: EntityManager, endpoints: readonly [string, LockedEndpoint][], now: Date): Promise<NoticeReason[]> {
    const noticed: NoticeReason[] = [];
    for (const [endpointId, { failures, failingSince, pausedUntil, ends, isChanged }] of endpoints) {
      if (!isChanged) continue;
      await tx.query(`UPDATE webhook_endpoints SET failures = $2, failing_since = $3, paused_until = $4 WHERE endpoint_id = $1`, [
        endpointId,
        failures,
        failingSince,
        pausedUntil,
      ]);
      if (ends === null) continue;
      const ended: { endpointId: string }[] = await tx.query(
        `WITH ended AS (
           UPDATE webhook_endpoints SET status = $2, status_reason = $3, status_since = $4 WHERE endpoint_id = $1 AND status = 'ACTIVE'
           RETURNING organisation_id, endpoint_id, contact
         )
         INSERT INTO contact_notices (organisation_id, platform_id, endpoint_id, reason, contact, noticed_at)
         SELECT organisation_id, organisation_id, endpoint_id, $3, contact, $4 FROM ended
         RETURNING endpoint_id AS "endpointId"`,
        [endpointId, ends === 'GONE' ? 'ENDED' : 'DISABLED', ends, now],
      );
      const endpointIds = ended.map(endpointOf);
      // For ever: nothing is signed for it any more.
      if (ends === 'GONE') await tx.delete(WebhookSecret, { endpointId: In(endpointIds) });
      await sayEndpoints(tx, this.outbox, endpointIds, now);
      noticed.push(...endpointIds.map((): NoticeReason => ends));
    }
    return noticed;
  }
}

interface LockedDelivery {
  readonly recipientId: string;
  readonly position: number;
  readonly isDue: boolean;
  /** Those of schedules before the present one. */
  readonly attemptsBefore: number;
  attempts: number;
  delivered: boolean;
  dueAt: Date | null;
}
type LockedEndpoint = Health & { readonly ends: Followed['ends']; readonly isChanged: boolean };
const WELL: LockedEndpoint = { ...HEALTHY, ends: null, isChanged: false };

const after = ({ ends }: LockedEndpoint, followed: Followed): LockedEndpoint => ({
  ...followed.health,
  ends: followed.ends ?? ends,
  isChanged: true,
});

const PLACE = { recipient: 'text', place: 'integer' };
const FOLLOWED = { ...PLACE, attempts: 'integer', due_at: 'timestamptz', delivered: 'boolean' };
const LOGGED = {
  recipient_id: 'text',
  place: 'integer',
  feedback_id: 'uuid',
  revision: 'integer',
  endpoint_id: 'uuid',
  attempt: 'integer',
  outcome: 'text',
  status: 'integer',
  reason: 'text',
  started_at: 'timestamptz',
  took_ms: 'integer',
};

interface Logged extends Record<keyof typeof LOGGED, unknown> {
  readonly kind: FeedbackKind;
  readonly recipient_id: string;
  readonly feedback_id: string;
  readonly revision: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly started_at: Date;
}

const endpointOf = ({ endpointId }: { endpointId: string }): string => endpointId;
const placeOf = ({ recipientId, position }: Claimed) => ({ recipient: recipientId, place: position });
const keyOf = ({ recipientId, position }: { recipientId: string; position: number }): string => `${recipientId} ${position}`;

const ledgerEntry = (logged: Logged): Entry => ({
  kind: 'ATTEMPTED',
  feedbackId: logged.feedback_id,
  feedbackRevision: logged.revision,
  recipientId: logged.recipient_id,
  ...deliveredUnder(logged.recipient_id, logged.kind),
  attempt: logged.attempt,
  outcome: logged.outcome,
  ...(logged.status !== null && { status: logged.status }),
  at: logged.started_at.toISOString(),
});

const loggedOf = ({ claimed, attempted, startedAt, tookMs }: Attempt, attempt: number): Logged => ({
  kind: claimed.kind,
  recipient_id: claimed.recipientId,
  place: claimed.position,
  feedback_id: claimed.feedbackId,
  revision: claimed.revision,
  endpoint_id: claimed.endpointId,
  attempt,
  outcome: attempted.outcome,
  status: attempted.status,
  reason: attempted.reason,
  started_at: startedAt,
  took_ms: tookMs,
});

const followedOf = ({ recipientId, position, attempts, dueAt, delivered }: LockedDelivery): Record<keyof typeof FOLLOWED, unknown> => ({
  recipient: recipientId,
  place: position,
  attempts,
  due_at: dueAt,
  delivered,
});

/** Until the transaction ends. */
async function switchOff(tx: EntityManager, settings: readonly string[]): Promise<void> {
  await tx.query(`SELECT set_config(name, 'off', TRUE) FROM unnest($1::text[]) AS name`, [settings]);
}

function platformOf({ kind, id }: Principal, platform: string | null): string {
  if (kind === 'PLATFORM') return id;
  if (platform === null) throw new PlatformMissing();
  return platform;
}

/** Under the lock of its channel: what is sent again is due by webhook, and a change of channel has to see it. */
async function assertByWebhook(tx: EntityManager, id: string): Promise<void> {
  const rows: unknown[] = await tx.query(`SELECT FROM recipients WHERE organisation_id = $1 AND channel = 'WEBHOOK' FOR UPDATE`, [id]);
  if (rows.length === 0) throw new ChannelNotWebhook();
}
