import { Logger } from '@nestjs/common';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { DataSource } from 'typeorm';
import { type Batches, Fenced, type Position, type Subscriptions } from './batches.js';
import { isTransient } from './failures.js';
import type { KafkaConnection } from './kafka.js';
import type { RawRecord } from './received.js';

/** A service that still may not read its topics after this long ends, with the broker's reason. */
const SUBSCRIBE_WITHIN_MS = 30_000;
const BATCH_RECORDS = 1_000;
/** The least a broker allows by default: a killed member's partitions are free again after this. */
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 2_000;
const BACKOFF_MS = { first: 100, longest: 2_000 };
/** A batch begun this often in a row without coming back is handled record by record. */
const ATTEMPTS_BEFORE_ISOLATION = 3;

interface Beginning {
  readonly next_offset: string | null;
  readonly isolate: boolean;
}

export interface Lag {
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
}

/**
 * One consumer group on one set of topics. The offset of truth is the one stored with the effects: partitions are sought to it on
 * joining, and every batch is fenced by it, so that a member that lost a partition without noticing (kafkajs#1046) changes nothing.
 */
export class Reader {
  private readonly log = new Logger(Reader.name);
  private readonly consumer: Consumer;
  private readonly positions = new Map<string, Position & { isolate: boolean }>();
  private readonly lags = new Map<string, Lag>();
  private readonly sought = new Map<string, bigint>();
  /** The stored offset from which this process has begun each partition. */
  private readonly begun = new Map<string, string | null>();
  private assigned = new Set<string>();
  private stopping = false;

  constructor(
    private readonly group: string,
    private readonly topics: readonly string[],
    private readonly kafka: KafkaConnection,
    private readonly db: DataSource,
    private readonly batches: Batches,
    private readonly subscriptions: Subscriptions,
    private readonly onFatal: (error: Error) => void,
  ) {
    this.consumer = kafka.client.consumer({
      groupId: kafka.physical(group),
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: 5 * SESSION_MS,
      maxWaitTimeInMs: 1_000,
      maxBytesPerPartition: 2_097_152,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8, restartOnFailure: () => Promise.resolve(!this.stopping) },
    });
  }

  async start(): Promise<void> {
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => {
      const assignment = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic: this.kafka.logical(topic) ?? topic, partition })),
      );
      this.positions.clear();
      this.sought.clear();
      this.lags.clear();
      this.assigned = new Set(assignment.map(({ topic, partition }) => `${topic}[${partition}]`));
      void this.seekToStored(assignment);
    });
    // KafkaJS leaves the process alive with a dead consumer when it gives up; the process has to end instead.
    this.consumer.on(this.consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart && !this.stopping) this.onFatal(payload.error);
    });
    await this.consumer.connect();
    await this.subscribe();
    await this.consumer.run({
      eachBatchAutoResolve: false,
      autoCommitInterval: 1_000,
      partitionsConsumedConcurrently: 3,
      eachBatch: (payload) => this.take(payload),
    });
  }

  // Topics and rules made a moment ago, or about to be made by whoever sets up the broker, take a while to be seen.
  private async subscribe(): Promise<void> {
    const topics = this.topics.map((topic) => this.kafka.physical(topic));
    const giveUpAt = Date.now() + SUBSCRIBE_WITHIN_MS;
    for (;;) {
      try {
        return await this.consumer.subscribe({ topics, fromBeginning: true });
      } catch (error) {
        if (this.stopping || Date.now() > giveUpAt) throw error;
        this.log.warn(`${this.group} waits for its topics: ${error instanceof Error ? error.message : String(error)}`);
        await pause(BACKOFF_MS.first * 5);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.consumer.disconnect();
  }

  lag(): Lag[] {
    return [...this.lags.values()];
  }

  // A group whose stored offsets went back (a restored database) has to see again what it has already read, even if nothing new comes.
  private async seekToStored(assignment: readonly { topic: string; partition: number }[]): Promise<void> {
    try {
      const rows: { topic: string; partition: number; next_offset: string }[] = await this.db.query(
        'SELECT topic, partition, next_offset FROM consumer_offsets WHERE group_id = $1 AND next_offset IS NOT NULL',
        [this.group],
      );
      for (const { topic, partition } of assignment) {
        const stored = rows.find((row) => row.topic === topic && row.partition === partition);
        // What is not stored was never read here, whatever the broker keeps of this group from before a restore.
        if (!this.positions.has(`${topic}[${partition}]`)) this.seek(topic, partition, stored?.next_offset ?? '0');
      }
    } catch (error) {
      // The first batch of each partition asks again.
      this.log.warn(`stored offsets could not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private seek(topic: string, partition: number, offset: string): void {
    this.consumer.seek({ topic: this.kafka.physical(topic), partition, offset });
  }

  private async take(payload: EachBatchPayload): Promise<void> {
    const topic = this.kafka.logical(payload.batch.topic) ?? payload.batch.topic;
    const { partition, messages } = payload.batch;
    const records = messages.map((message) => toRecord(topic, partition, message));
    const isMine = (): boolean => payload.isRunning() && !payload.isStale() && this.assigned.has(`${topic}[${partition}]`);
    let done = 0;
    let backoff = BACKOFF_MS.first;
    while (done < records.length && isMine()) {
      try {
        const position = await this.claim(topic, partition, records[0]);
        if (!position) return;
        const size = position.isolate ? 1 : BATCH_RECORDS;
        const chunk = notYetDone(records, done, position).slice(0, size);
        if (position.isolate && chunk[0]) await this.batches.applyIsolated(position, chunk[0], this.subscriptions);
        else await this.batches.apply(position, chunk, this.subscriptions);
        done = indexAfter(records, chunk);
        if (done === records.length) position.isolate = false;
        payload.resolveOffset(String(BigInt(records[done - 1]?.offset ?? '0')));
        backoff = BACKOFF_MS.first;
      } catch (error) {
        if (error instanceof Fenced) return this.refetch(topic, partition, error.stored);
        if (!isTransient(error)) throw error;
        this.log.warn(`${topic}[${partition}] waits: ${error instanceof Error ? error.message : String(error)}`);
        // Part of the batch may be committed; what is left is told by the stored offset, asked for again.
        this.positions.delete(`${topic}[${partition}]`);
        await pause(backoff);
        backoff = Math.min(backoff * 2, BACKOFF_MS.longest);
      }
      await payload.heartbeat();
    }
    const behind = Number(payload.batch.highWatermark) - 1 - Number(records[done - 1]?.offset ?? -1);
    this.lags.set(`${topic}[${partition}]`, { topic, partition, lag: Math.max(0, behind) });
  }

  // A beginning is written down once by each process, not by each retry: what has to wait for the database kills nobody.
  private async begin(topic: string, partition: number): Promise<Beginning | undefined> {
    const name = `${topic}[${partition}]`;
    const rows: Beginning[] = await this.db.query(
      `INSERT INTO consumer_offsets AS stored (group_id, topic, partition, attempts) VALUES ($1, $2, $3, 1)
       ON CONFLICT (group_id, topic, partition) DO UPDATE
         SET attempts = stored.attempts + CASE WHEN $4::boolean AND stored.next_offset IS NOT DISTINCT FROM $5::bigint THEN 0 ELSE 1 END
       RETURNING next_offset, attempts > $6 OR suspect_offset IS NOT NULL AS isolate`,
      [this.group, topic, partition, this.begun.has(name), this.begun.get(name) ?? null, ATTEMPTS_BEFORE_ISOLATION],
    );
    if (rows[0]) this.begun.set(name, rows[0].next_offset);
    return rows[0];
  }

  // The first batch after joining reads where the partition stands and writes down that it begins; null = sought elsewhere.
  private async claim(topic: string, partition: number, first: RawRecord | undefined): Promise<(Position & { isolate: boolean }) | null> {
    const name = `${topic}[${partition}]`;
    const held = this.positions.get(name);
    if (held) return held;
    const row = await this.begin(topic, partition);
    const stored = row?.next_offset == null ? null : BigInt(row.next_offset);
    const position = { group: this.group, topic, partition, known: stored, isolate: row?.isolate ?? false };
    this.positions.set(name, position);
    // After compaction or retention the first record lies beyond the stored offset for good: one seek is enough to know.
    if (stored === null || !first || BigInt(first.offset) <= stored || this.sought.get(name) === stored) return position;
    this.sought.set(name, stored);
    this.seek(topic, partition, String(stored));
    return null;
  }

  private refetch(topic: string, partition: number, stored: bigint | null): void {
    this.log.warn(`${topic}[${partition}] is fenced; reading again from ${stored ?? 'the beginning'}`);
    this.positions.delete(`${topic}[${partition}]`);
    this.sought.delete(`${topic}[${partition}]`);
    if (stored !== null) this.seek(topic, partition, String(stored));
  }
}

// A log that was made anew starts below what is stored; then everything is new, and the inbox drops what is not.
function notYetDone(records: readonly RawRecord[], done: number, position: Position): readonly RawRecord[] {
  const known = position.known;
  const last = records.at(-1);
  if (known === null || !last || BigInt(last.offset) < known) return records.slice(done);
  return records.slice(done).filter((record) => BigInt(record.offset) >= known);
}

const indexAfter = (records: readonly RawRecord[], chunk: readonly RawRecord[]): number => {
  const last = chunk.at(-1);
  return last ? records.indexOf(last) + 1 : records.length;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function toRecord(topic: string, partition: number, message: KafkaMessage): RawRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const single = Array.isArray(value) ? value[0] : value;
    if (single !== undefined) headers[name] = single.toString();
  }
  return { topic, partition, offset: message.offset, timestamp: message.timestamp, key: message.key, value: message.value, headers };
}
