import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Message, Partitioners, type Producer } from 'kafkajs';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { KafkaConnection } from './kafka.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { Outbox } from './outbox.js';

/*
 * One active relay per database publishes the outbox.
 *
 * Order: a row's seq is taken under its aggregate's lock, so per key seq order is commit order. The relay reads the rows it can see,
 * lowest first, with no cursor: a transaction that commits late is simply seen later, and per key never out of order.
 *
 * Crash points: killed between the broker's answer and the delete, the next relay publishes the same rows again (same ce_id, so
 * inboxes drop them). Frozen past its lease, another relay takes over; when the first one thaws it may repeat what it had read, which
 * the other has sent already, and its delete finds that the lease is gone. Nothing else can be sent twice, and order is that of first
 * appearances.
 */
const BATCH_ROWS = 1_000;
const BATCH_BYTES = 4_000_000;
const LEASE_MS = 10_000;
const POLL_MS = 200;
const HOLD_MS = 1_000;
const BACKOFF_MS = { first: 100, longest: 5_000 };
const CHANNEL = 'outbox';

interface Row {
  readonly seq: string;
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: string | null;
  readonly raw: Buffer | null;
}

/** A record the broker refused; later events of its key wait behind it. */
export interface ParkedKey {
  readonly seq: string;
  readonly topic: string;
  readonly key: string | null;
  readonly parkedAt: Date;
  readonly reason: string;
}

class LeaseLost extends Error {}

@Injectable()
export class Relay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(Relay.name);
  private readonly holder = randomUUID();
  private producer: Producer | null = null;
  private listener: pg.Client | null = null;
  private readonly held = new Map<string, number>();
  private leaseUntil = 0;
  private running = false;
  private finished: Promise<void> = Promise.resolve();
  private wakeUp: () => void = () => undefined;
  private pending = false;
  private notifying = false;

  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
    private readonly db: DataSource,
    outbox: Outbox,
  ) {
    outbox.onCommitted(() => this.committed());
  }

  get leading(): boolean {
    return performance.now() < this.leaseUntil;
  }

  onApplicationBootstrap(): void {
    this.running = true;
    this.finished = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.running = false;
    this.wake();
    await this.finished;
    await this.listener?.end().catch(() => undefined);
    await this.producer?.disconnect().catch(() => undefined);
    await this.db.query('DELETE FROM relay_leases WHERE holder = $1', [this.holder]).catch(() => undefined);
  }

  /** Looks at the outbox now instead of at the next poll. */
  wake(): void {
    this.pending = true;
    this.wakeUp();
  }

  /** What the broker refused, oldest first, at most 200. */
  async parked(): Promise<ParkedKey[]> {
    return this.db.query(
      `SELECT seq, topic, key, parked_at AS "parkedAt", parked_reason AS reason FROM outbox WHERE parked_at IS NOT NULL ORDER BY seq LIMIT 200`,
    );
  }

  /** Publishes again what the broker refused, once the reason is mended. */
  async unpark(topic: string, key: string): Promise<number> {
    const freed: [unknown[], number] = await this.db.query(
      'UPDATE outbox SET parked_at = NULL, parked_reason = NULL WHERE topic = $1 AND key = $2 AND parked_at IS NOT NULL',
      [topic, key],
    );
    this.wake();
    return freed[1];
  }

  // The relay of this process, or of another one of the service: NOTIFY goes out after the commit, and one at a time.
  private committed(): void {
    if (this.leading) return this.wake();
    if (this.notifying) return;
    this.notifying = true;
    void this.db
      .query(`NOTIFY ${CHANNEL}`)
      .catch(() => undefined)
      .finally(() => (this.notifying = false));
  }

  private async run(): Promise<void> {
    let backoff = BACKOFF_MS.first;
    while (this.running) {
      try {
        const published = (await this.lead()) ? await this.publishNext() : 0;
        backoff = BACKOFF_MS.first;
        if (published === 0) await this.rest(POLL_MS);
      } catch (error) {
        if (error instanceof LeaseLost) this.leaseUntil = 0;
        else this.log.warn(`outbox waits: ${error instanceof Error ? error.message : String(error)}`);
        await this.rest(backoff);
        backoff = Math.min(backoff * 2, BACKOFF_MS.longest);
      }
    }
  }

  private async rest(ms: number): Promise<void> {
    if (!this.pending && this.running) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.pending = false;
  }

  private async lead(): Promise<boolean> {
    if (performance.now() < this.leaseUntil - LEASE_MS / 2) return true;
    const asked = performance.now();
    const rows: unknown[] = await this.db.query(
      `INSERT INTO relay_leases AS lease (name, holder, expires_at) VALUES ('outbox', $1, clock_timestamp() + $2 * interval '1 ms')
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE lease.holder = excluded.holder OR lease.expires_at < clock_timestamp()
       RETURNING name`,
      [this.holder, LEASE_MS],
    );
    this.leaseUntil = rows.length > 0 ? asked + LEASE_MS : 0;
    if (rows.length > 0) await this.listen();
    return rows.length > 0;
  }

  // It only shortens the wait for the next poll: it may fail, and must not hold the relay up.
  private async listen(): Promise<void> {
    if (this.listener) return;
    const { url } = this.db.options as { url?: string };
    const limits = { connectionTimeoutMillis: 5_000, query_timeout: 5_000, keepAlive: true };
    const listener = new pg.Client({ connectionString: url, application_name: `${this.options.service}-relay`, ...limits });
    const forget = (): void => {
      if (this.listener === listener) this.listener = null;
    };
    listener.on('error', forget);
    listener.on('end', forget);
    listener.on('notification', () => this.wake());
    try {
      await listener.connect();
      await listener.query(`LISTEN ${CHANNEL}`);
      this.listener = listener;
    } catch (error) {
      this.log.warn(`the relay only polls: ${error instanceof Error ? error.message : String(error)}`);
      await listener.end().catch(() => undefined);
    }
  }

  private async publishNext(): Promise<number> {
    const rows: Row[] = await this.db.query(
      `SELECT seq, topic, key, headers, value, raw FROM outbox AS next
       WHERE parked_at IS NULL AND topic <> ALL($2::text[])
         AND NOT EXISTS (SELECT FROM outbox AS parked WHERE parked.parked_at IS NOT NULL AND parked.topic = next.topic AND parked.key = next.key)
       ORDER BY seq LIMIT $1`,
      [BATCH_ROWS, this.heldTopics()],
    );
    for (const batch of bySize(rows)) await this.publish(batch);
    return rows.length;
  }

  private async publish(rows: readonly Row[]): Promise<void> {
    if (!this.leading) throw new LeaseLost();
    try {
      await this.send(rows);
    } catch (error) {
      await this.forgetProducer();
      const refused = refusalOf(error);
      if (!refused) throw error;
      const [alone] = rows;
      if (!alone || rows.length > 1) return this.publishHalves(rows);
      return refused.of === 'RECORD' ? this.park(alone, refused.reason) : this.hold(alone.topic, refused.reason);
    }
    await this.remove(rows);
  }

  // Order is kept: the second half goes only after the first was sent, or its refused keys are parked.
  private async publishHalves(rows: readonly Row[]): Promise<void> {
    const middle = Math.ceil(rows.length / 2);
    await this.publish(rows.slice(0, middle));
    const parked: { topic: string; key: string | null }[] = await this.db.query(
      'SELECT topic, key FROM outbox WHERE parked_at IS NOT NULL',
    );
    const waits = new Set(parked.map((row) => `${row.topic}\n${row.key ?? ''}`));
    const rest = rows.slice(middle).filter((row) => !waits.has(`${row.topic}\n${row.key ?? ''}`) && !this.held.has(row.topic));
    if (rest.length > 0) await this.publish(rest);
  }

  private async send(rows: readonly Row[]): Promise<void> {
    const byTopic = new Map<string, Message[]>();
    for (const row of rows) {
      const topic = this.kafka.physical(row.topic);
      const messages = byTopic.get(topic) ?? [];
      if (messages.length === 0) byTopic.set(topic, messages);
      messages.push({ key: row.key, value: row.raw ?? row.value, headers: row.headers });
    }
    const producer = await this.connectedProducer();
    await producer.sendBatch({ acks: -1, topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })) });
  }

  private async connectedProducer(): Promise<Producer> {
    if (this.producer) return this.producer;
    const producer = this.kafka.client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 50, retries: 3 },
    });
    await producer.connect();
    this.producer = producer;
    return producer;
  }

  // After a failed send KafkaJS may have lost count of its sequence numbers (kafkajs#598): a new producer starts a new count.
  private async forgetProducer(): Promise<void> {
    const producer = this.producer;
    this.producer = null;
    await producer?.disconnect().catch(() => undefined);
  }

  private async remove(rows: readonly Row[]): Promise<void> {
    const removed: [unknown[], number] = await this.db.query(
      `DELETE FROM outbox WHERE seq = ANY($1::bigint[])
       AND EXISTS (SELECT FROM relay_leases WHERE name = 'outbox' AND holder = $2 AND expires_at > clock_timestamp())`,
      [rows.map((row) => row.seq), this.holder],
    );
    if (removed[1] < rows.length) throw new LeaseLost();
  }

  private async park(row: Row, reason: string): Promise<void> {
    this.log.error(`the broker refused ${row.topic} seq ${row.seq}: ${reason}; its key is parked`);
    await this.db.query('UPDATE outbox SET parked_at = clock_timestamp(), parked_reason = $2 WHERE seq = $1', [row.seq, reason]);
  }

  // The rows stay in their order and are tried again; the topics beside it go on.
  private hold(topic: string, reason: string): void {
    this.log.error(`the broker takes nothing for ${topic}: ${reason}; trying again every ${HOLD_MS} ms`);
    this.held.set(topic, performance.now() + HOLD_MS);
  }

  private heldTopics(): string[] {
    for (const [topic, until] of this.held) if (performance.now() > until) this.held.delete(topic);
    return [...this.held.keys()];
  }
}

function* bySize(rows: readonly Row[]): Generator<readonly Row[]> {
  let batch: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = (row.value?.length ?? 0) + (row.raw?.length ?? 0) + 1_000;
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Refused for what the record is: waiting will not help, so its key is parked until a person looks. */
const ABOUT_THE_RECORD = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP', 'POLICY_VIOLATION']);
/** Refused for where it goes. A broker that has just started says so too, until it knows its topics and rules again. */
const ABOUT_THE_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION']);

/** What the broker has against a record or its topic; null for what may pass (network, leader election) and is tried again. */
function refusalOf(error: unknown): { reason: string; of: 'RECORD' | 'TOPIC' } | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const reason = 'type' in cause ? String(cause.type) : '';
    if (ABOUT_THE_RECORD.has(reason)) return { reason, of: 'RECORD' };
    if (ABOUT_THE_TOPIC.has(reason)) return { reason, of: 'TOPIC' };
  }
  return null;
}
