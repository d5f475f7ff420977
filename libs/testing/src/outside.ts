import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaOf, type ServerAddresses } from '@jinqiao/infra-local';
import { type IHeaders, type Kafka, type KafkaMessage, logLevel } from 'kafkajs';

export interface OutsideMessage {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON; text, bytes and null as they are. */
  readonly value: object | string | Buffer | null;
  readonly partition?: number;
}

export interface OutsideRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
  /** The value read as JSON; null for a tombstone. */
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly appendedAt: Date;
}

/**
 * A Kafka client of somebody outside: plain KafkaJS with that principal's own token, nothing of our messaging. Every call opens its
 * connection and closes it again, so that nothing has to be closed after a test.
 */
export class Outside {
  private readonly kafka: Kafka;

  constructor(
    servers: ServerAddresses,
    private readonly namespace: string,
    private readonly principal: string,
  ) {
    this.kafka = kafkaOf(servers, principal, { logLevel: logLevel.NOTHING, retry: { retries: 6, initialRetryTime: 100 } });
  }

  /** Resolves when the broker has them; rejects when it refuses. Topics are named without the namespace. */
  async produce(topic: string, messages: OutsideMessage | readonly OutsideMessage[]): Promise<void> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    try {
      const all = 'value' in messages ? [messages] : messages;
      await producer.send({
        topic: this.namespace + topic,
        acks: -1,
        messages: all.map(({ key = null, headers, value, partition }) => ({
          key,
          value: bytesOf(value),
          ...(headers && { headers: { ...headers } }),
          ...(partition !== undefined && { partition }),
        })),
      });
    } finally {
      await producer.disconnect();
    }
  }

  /** Everything the topic holds at the moment, in order per partition. */
  async readAll(topic: string): Promise<OutsideRecord[]> {
    const ends = await this.ends(topic);
    const wanted = ends.filter(({ from, to }) => to > from);
    const done = (_records: readonly OutsideRecord[], reached: ReadonlyMap<number, bigint>): boolean =>
      wanted.every(({ partition, to }) => (reached.get(partition) ?? -1n) >= to - 1n);
    return wanted.length === 0 ? [] : this.read(topic, done, 20_000);
  }

  /** Reads from the beginning until the records satisfy the question; fails after the deadline. One connection for the whole wait. */
  async readUntil(
    topic: string,
    enough: (records: readonly OutsideRecord[]) => boolean,
    { within = 10_000 }: { within?: number } = {},
  ): Promise<OutsideRecord[]> {
    return this.read(topic, enough, within);
  }

  private async ends(topic: string): Promise<{ partition: number; from: bigint; to: bigint }[]> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const offsets = await admin.fetchTopicOffsets(this.namespace + topic);
      return offsets.map(({ partition, low, high }) => ({ partition, from: BigInt(low), to: BigInt(high) }));
    } finally {
      await admin.disconnect();
    }
  }

  private async read(
    topic: string,
    enough: (records: readonly OutsideRecord[], reached: ReadonlyMap<number, bigint>) => boolean,
    within: number,
  ): Promise<OutsideRecord[]> {
    const records: OutsideRecord[] = [];
    const reached = new Map<number, bigint>();
    const crashed: { error?: Error } = {};
    const consumer = this.kafka.consumer({
      groupId: `${this.namespace}${this.principal}.outside-${randomUUID()}`,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => (crashed.error = payload.error));
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.namespace + topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) records.push(recordOf(topic, batch.partition, message));
          reached.set(batch.partition, BigInt(batch.lastOffset()));
        },
      });
      const deadline = Date.now() + within;
      while (!enough(records, reached)) {
        if (crashed.error) throw crashed.error;
        if (Date.now() > deadline)
          throw new Error(`${topic} did not hold what was awaited within ${within / 1000} s; it holds ${records.length} records`);
        await sleep(20);
      }
      return records;
    } finally {
      await consumer.disconnect();
    }
  }
}

const bytesOf = (value: OutsideMessage['value']): string | Buffer | null =>
  value === null || typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);

function recordOf(topic: string, partition: number, message: KafkaMessage): OutsideRecord {
  const value = message.value?.toString('utf8') ?? null;
  return {
    topic,
    partition,
    offset: message.offset,
    key: message.key?.toString('utf8') ?? null,
    headers: textHeaders(message.headers ?? {}),
    value,
    body: jsonOf(value),
    appendedAt: new Date(Number(message.timestamp)),
  };
}

function jsonOf(value: string | null): OutsideRecord['body'] {
  if (value === null) return null;
  try {
    return JSON.parse(value) as OutsideRecord['body'];
  } catch {
    return null;
  }
}

const textHeaders = (headers: IHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : (value ?? ''))]));
