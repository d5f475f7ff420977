import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Message, Partitioners, type Producer } from 'kafkajs';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Bell } from './bell.js';
import { KafkaConnection } from './kafka.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { Outbox } from './outbox.js';
import { OutboxTable, type ParkedKey } from './outbox-table.js';
import { OwnTopics } from './own-topics.js';
import { LeaseLost, type OutboxRow, Relaying } from './relaying.js';

const POLL_MS = 200;
/** Rounds that find something begin no faster than this, so that single events share their statements and requests. */
const PACE_MS = 10;
const BACKOFF_MS = { first: 100, longest: 5_000 };
const CHANNEL = 'outbox';

/** Publishes the outbox of this service's database, as long as it holds the lease; what it decides is in relaying.ts. */
@Injectable()
export class Relay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(Relay.name);
  private readonly holder = randomUUID();
  private readonly relaying: Relaying;
  private producer: Producer | null = null;
  private listener: pg.Client | null = null;
  private running = false;
  private finished: Promise<void> = Promise.resolve();
  private readonly bell = new Bell();
  private notifying = false;

  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
    private readonly db: DataSource,
    private readonly table: OutboxTable,
    private readonly ownTopics: OwnTopics,
    outbox: Outbox,
  ) {
    this.relaying = new Relaying({
      table,
      send: (rows) => this.send(rows),
      holder: this.holder,
      now: () => performance.now(),
      report: (problem) => this.log.error(problem),
      running: () => this.running,
    });
    outbox.onCommitted(() => this.committed());
  }

  get leading(): boolean {
    return this.relaying.leading;
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
    await this.table.resign(this.holder).catch(() => undefined);
  }

  /** Looks at the outbox now instead of at the next poll. */
  wake(): void {
    this.bell.ring();
  }

  /** What the broker refused, oldest first, at most 200. */
  parked(): Promise<ParkedKey[]> {
    return this.table.parked();
  }

  /** Publishes again what the broker refused, once the reason is mended. */
  async unpark(topic: string, key: string): Promise<number> {
    const freed = await this.table.unpark(topic, key);
    this.wake();
    return freed;
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
        const paced = performance.now() + PACE_MS;
        const published = await this.relaying.publishAll();
        if (this.leading) await this.listen();
        backoff = BACKOFF_MS.first;
        if (published === 0) await this.bell.rest(POLL_MS);
        else await sleep(Math.max(0, paced - performance.now()));
      } catch (error) {
        if (!(error instanceof LeaseLost)) this.log.warn(`outbox waits: ${error instanceof Error ? error.message : String(error)}`);
        await this.bell.rest(backoff);
        backoff = Math.min(backoff * 2, BACKOFF_MS.longest);
      }
    }
    // Whoever leads next would send it again.
    await this.relaying.settled().catch(() => undefined);
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

  private async send(rows: readonly OutboxRow[]): Promise<void> {
    const byTopic = new Map<string, Message[]>();
    for (const row of rows) {
      const messages = byTopic.get(row.topic) ?? [];
      if (messages.length === 0) byTopic.set(row.topic, messages);
      messages.push({ key: row.key, value: row.raw ?? row.value, headers: row.headers });
    }
    try {
      const producer = await this.connectedProducer();
      const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic: this.kafka.physical(topic), messages }));
      await producer.sendBatch({ acks: -1, topicMessages });
    } catch (error) {
      await this.forgetProducer();
      throw error;
    }
    this.ownTopics.published(byTopic.keys());
  }

  private async connectedProducer(): Promise<Producer> {
    if (this.producer) return this.producer;
    // One attempt: KafkaJS 2.2.4 keeps the answers of the brokers over its retries and sends nothing more to one that has answered, so
    // what a partition waits for is dropped without an error when such a broker becomes its leader in between (kafkajs#1798). Sequence
    // numbers serve only those retries, and an idempotent producer has to have some.
    const producer = this.kafka.client.producer({
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 0 },
    });
    await producer.connect();
    this.producer = producer;
    return producer;
  }

  // A new producer asks the brokers afresh who leads what; what the old one still had on its way comes as a repeat.
  private async forgetProducer(): Promise<void> {
    const producer = this.producer;
    this.producer = null;
    await producer?.disconnect().catch(() => undefined);
  }
}
