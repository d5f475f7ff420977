import { type Stream, topicOf } from '@jinqiao/contracts';
import type { KafkaConnection } from './kafka.js';
import { toRecord } from './reader.js';
import { type RawRecord, receive, Received, type Refusal } from './received.js';

/** The longest silence of the broker before reading is given up. */
const SILENCE_MS = 30_000;
/** Ends asked for at the same time: a broker that has thousands of topics is not asked about all of them at once. */
const TOPICS_AT_ONCE = 20;

/** What a consumer is given, or why it dead-letters the record instead. */
type Take = (read: Received<object | null> | Refusal) => void;

/** Part of a partition: from an offset up to, without it, an end. */
export interface Stretch {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
}

/**
 * Reads a stream of one topic from its beginning to its present end, in a group of its own and without committing anything: for commands
 * that hold what a service keeps against what it was told. Resolves with the number of records.
 */
export async function readStream(kafka: KafkaConnection, stream: Stream, group: string, take: Take): Promise<number> {
  let records = 0;
  const present = await stretchesOf(kafka, [topicOf(stream)]);
  await readStretches(kafka, group, present, (_stretch, batch) => {
    records += batch.length;
    for (const record of batch) take(receive(stream, record));
    return Promise.resolve();
  });
  return records;
}

/** Part of a topic, read from given offsets on. */
export interface Portion {
  /** By partition, each in its order; records that no consumer could take are left out. */
  readonly received: readonly Received<object | null>[];
  /** From where to go on, by partition. */
  readonly next: ReadonlyMap<number, bigint>;
  /** Something between the given offsets and what is read is not there any more. */
  readonly isCut: boolean;
  readonly hasMore: boolean;
}

/**
 * Reads some of a stream of one topic: from the given offset of each partition, or from its beginning, about `most` records in all. In a
 * group of its own and without committing anything; joining it may take as long as `group.initial.rebalance.delay.ms`.
 */
export async function readPortion(
  kafka: KafkaConnection,
  stream: Stream,
  group: string,
  { from, most }: { from: ReadonlyMap<number, bigint>; most: number },
): Promise<Portion> {
  const present = await stretchesOf(kafka, [topicOf(stream)]);
  const each = BigInt(Math.max(1, Math.floor(most / Math.max(1, present.length))));
  const wanted = present.map((stretch) => {
    const given = from.get(stretch.partition) ?? stretch.from;
    // A topic that was made anew ends below the offset: all of it is unknown then.
    const start = given < stretch.from || given > stretch.end ? stretch.from : given;
    return { ...stretch, from: start, end: start + each < stretch.end ? start + each : stretch.end };
  });
  const received: Received<object | null>[] = [];
  await readStretches(kafka, group, wanted, (_stretch, batch) => {
    for (const record of batch) {
      const read = receive(stream, record);
      if (read instanceof Received) received.push(read);
    }
    return Promise.resolve();
  });
  return {
    received,
    next: new Map(wanted.map(({ partition, end }) => [partition, end])),
    isCut: present.some((stretch) => (from.get(stretch.partition) ?? stretch.from) < stretch.from),
    hasMore: wanted.some(({ end }, nth) => end < (present[nth]?.end ?? end)),
  };
}

/** What each partition of these topics holds at the moment. */
export async function stretchesOf(kafka: KafkaConnection, topics: readonly string[]): Promise<Stretch[]> {
  if (topics.length === 0) return [];
  return kafka.ask(async (admin) => {
    const found: Stretch[] = [];
    for (let first = 0; first < topics.length; first += TOPICS_AT_ONCE) {
      const some = topics.slice(first, first + TOPICS_AT_ONCE).map(async (topic) => {
        const offsets = await admin.fetchTopicOffsets(kafka.physical(topic));
        return offsets.map(({ partition, low, high }): Stretch => ({ topic, partition, from: BigInt(low), end: BigInt(high) }));
      });
      found.push(...(await Promise.all(some)).flat());
    }
    return found;
  });
}

/** Reads stretches to their ends, each in its order, in a group of its own and without committing anything. */
export async function readStretches(
  kafka: KafkaConnection,
  group: string,
  stretches: readonly Stretch[],
  take: (stretch: Stretch, batch: readonly RawRecord[]) => Promise<void>,
): Promise<void> {
  const nameOf = (physical: string, partition: number): string => `${physical}[${partition}]`;
  const left = new Map(
    stretches.filter(({ from, end }) => end > from).map((one) => [nameOf(kafka.physical(one.topic), one.partition), one]),
  );
  if (left.size === 0) return;
  const topics = [...new Set([...left.values()].map(({ topic }) => topic))];
  const consumer = kafka.client.consumer({ groupId: kafka.physical(group), allowAutoTopicCreation: false, maxWaitTimeInMs: 500 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: topics.map((topic) => kafka.physical(topic)), fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const silent = setTimeout(() => reject(new Error(`${topics.join(', ')} sent nothing for ${SILENCE_MS / 1_000} s`)), SILENCE_MS);
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const { topic, partition, from } of left.values()) {
          consumer.seek({ topic: kafka.physical(topic), partition, offset: String(from) });
        }
      });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const finished = (): void => {
        clearTimeout(silent);
        resolve();
      };
      void consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            silent.refresh();
            const name = nameOf(batch.topic, batch.partition);
            const stretch = left.get(name);
            // A new member may be assigned twice while the group settles; what lies beyond the end came after the question.
            if (!stretch) return;
            const records = batch.messages
              .filter(({ offset }) => BigInt(offset) >= stretch.from && BigInt(offset) < stretch.end)
              .map((message) => toRecord(stretch.topic, stretch.partition, message));
            const next = BigInt(batch.lastOffset()) + 1n;
            await take(stretch, records);
            silent.refresh();
            if (next >= stretch.end) left.delete(name);
            else left.set(name, { ...stretch, from: next > stretch.from ? next : stretch.from });
            if (left.size === 0) finished();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}
