import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Consumer, EachBatchPayload, KafkaMessage, TopicPartitionOffset } from 'kafkajs';
import type { Batches, Subscriptions } from './batches.js';
import type { ConsumerTables } from './consumer-tables.js';
import type { KafkaConnection } from './kafka.js';
import { Partition, type Surroundings } from './partition.js';
import type { RawRecord } from './received.js';

/** A service that still may not read its topics after this long ends, with the broker's reason. */
const SUBSCRIBE_WITHIN_MS = 30_000;
/** The least a broker allows by default: a killed member's partitions are free again after this. */
const SESSION_MS = 6_000;
/** At most as often as a fetch ends: so soon the members of a group hear of a new one, which waits for them. */
const HEARTBEAT_MS = 500;
const ASK_AGAIN_MS = 500;
/** KafkaJS would tell the broker after each batch of each partition, and wait for its answer. */
const TELL_BROKER_MS = 1_000;
/**
 * Fetches that bring all there is begin no faster than this, so that a stream of single records is handled a few at a time; what comes when
 * nothing came before is not held up, nor is a backlog.
 */
const PACE_MS = 10;

export interface Lag {
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
}

/** One consumer group on one set of topics: the broker's side of its partitions. */
export class Reader {
  private readonly log = new Logger(Reader.name);
  private readonly consumer: Consumer;
  private readonly around: Surroundings;
  /** Every partition this process ever had; what it counted of one stays known while another process has it. */
  private readonly partitions = new Map<string, Partition>();
  private readonly lags = new Map<string, Lag>();
  /** How far partitions are done that the broker was not told of; only who looks at its groups reads it there. */
  private readonly untold = new Map<string, TopicPartitionOffset>();
  private assigned = new Set<string>();
  private stopping = false;

  constructor(
    private readonly group: string,
    private readonly topics: readonly string[],
    private readonly kafka: KafkaConnection,
    private readonly tables: ConsumerTables,
    consuming: { readonly batches: Batches; readonly subscriptions: Subscriptions },
    private readonly onFatal: (error: Error) => void,
  ) {
    const seek: Surroundings['seek'] = ({ topic, partition }, offset) =>
      this.consumer.seek({ topic: kafka.physical(topic), partition, offset: String(offset) });
    this.around = { ...consuming, tables, seek, pause };
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
      this.lags.clear();
      this.untold.clear();
      this.assigned = new Set(assignment.map(({ topic, partition }) => `${topic}[${partition}]`));
      for (const partition of this.partitions.values()) partition.forget();
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
      autoCommit: false,
      // As many as a fetch may bring: what they have at the same time shares a transaction.
      partitionsConsumedConcurrently: 100,
      eachBatch: (payload) => this.take(payload),
    });
    void this.keepTelling();
  }

  // Topics and rules made a moment ago, or about to be made by whoever sets up the broker, take a while to be seen.
  private async subscribe(): Promise<void> {
    const topics = this.topics.map((topic) => this.kafka.physical(topic));
    const giveUpAt = performance.now() + SUBSCRIBE_WITHIN_MS;
    for (;;) {
      try {
        return await this.consumer.subscribe({ topics, fromBeginning: true });
      } catch (error) {
        if (this.stopping || performance.now() > giveUpAt) throw error;
        this.log.warn(`${this.group} waits for its topics: ${error instanceof Error ? error.message : String(error)}`);
        await pause(ASK_AGAIN_MS);
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

  // Asked until it is answered: where nothing new comes, no batch asks again.
  private async seekToStored(assignment: readonly { topic: string; partition: number }[]): Promise<void> {
    const joined = this.assigned;
    while (this.assigned === joined && !this.stopping) {
      try {
        const stored = await this.tables.stored(this.group);
        for (const { topic, partition } of assignment) {
          const row = stored.find((one) => one.topic === topic && one.partition === partition);
          this.partition(topic, partition).resume(row?.next ?? null);
        }
        return;
      } catch (error) {
        this.log.warn(`stored offsets could not be read: ${error instanceof Error ? error.message : String(error)}`);
        await pause(ASK_AGAIN_MS);
      }
    }
  }

  // One after the other: while the broker is away each is tried again and again.
  private async keepTelling(): Promise<void> {
    while (!this.stopping) {
      await this.tellBroker();
      await sleep(TELL_BROKER_MS, undefined, { ref: false });
    }
  }

  private async tellBroker(): Promise<void> {
    const told = [...this.untold];
    if (told.length === 0) return;
    try {
      await this.consumer.commitOffsets(told.map(([, done]) => done));
      for (const [name, done] of told) if (this.untold.get(name) === done) this.untold.delete(name);
    } catch (error) {
      this.log.debug(`the broker was not told: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async take(payload: EachBatchPayload): Promise<void> {
    const paced = performance.now() + PACE_MS;
    const { partition, messages, highWatermark } = payload.batch;
    const topic = this.kafka.logical(payload.batch.topic) ?? payload.batch.topic;
    const name = `${topic}[${partition}]`;
    const last = await this.partition(topic, partition).take({
      records: messages.map((message) => toRecord(topic, partition, message)),
      isMine: () => payload.isRunning() && !payload.isStale() && this.assigned.has(name),
      resolve: (offset) => {
        payload.resolveOffset(offset);
        this.untold.set(name, { topic: payload.batch.topic, partition, offset: String(BigInt(offset) + 1n) });
      },
      heartbeat: () => payload.heartbeat(),
    });
    const lag = last === null ? 0 : Math.max(0, Number(highWatermark) - 1 - Number(last));
    if (last !== null) this.lags.set(name, { topic, partition, lag });
    if (lag === 0) await pause(Math.max(0, paced - performance.now()));
  }

  private partition(topic: string, partition: number): Partition {
    const name = `${topic}[${partition}]`;
    const known = this.partitions.get(name) ?? new Partition({ group: this.group, topic, partition }, this.around);
    this.partitions.set(name, known);
    return known;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function toRecord(topic: string, partition: number, message: KafkaMessage): RawRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const single = Array.isArray(value) ? value[0] : value;
    if (single !== undefined) headers[name] = single.toString();
  }
  return { topic, partition, offset: message.offset, timestamp: message.timestamp, key: message.key, value: message.value, headers };
}
