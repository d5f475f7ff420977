import { type Stream, topicOf } from '@jinqiao/contracts';
import type { KafkaConnection } from './kafka.js';
import { toRecord } from './reader.js';
import { type Received, receive, type Refusal } from './received.js';

/** The longest silence of the broker before reading is given up. */
const SILENCE_MS = 30_000;

/** What a consumer is given, or why it dead-letters the record instead. */
type Take = (read: Received<object | null> | Refusal) => void;

/**
 * Reads a stream of one topic from its beginning to its present end, in a group of its own and without committing anything: for commands
 * that hold what a service keeps against what it was told. Resolves with the number of records.
 */
export async function readStream(kafka: KafkaConnection, stream: Stream, group: string, take: Take): Promise<number> {
  const topic = topicOf(stream);
  const left = await unread(kafka, topic);
  let records = 0;
  if (left.size === 0) return records;
  const consumer = kafka.client.consumer({ groupId: kafka.physical(group), allowAutoTopicCreation: false, maxWaitTimeInMs: 500 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: kafka.physical(topic), fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const silent = setTimeout(() => reject(new Error(`${topic} sent nothing for ${SILENCE_MS / 1_000} s`)), SILENCE_MS);
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const finished = (): void => {
        clearTimeout(silent);
        resolve();
      };
      void consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            const { partition, messages } = batch;
            silent.refresh();
            const end = left.get(partition);
            // A new member may be assigned twice while the group settles; what lies beyond the end came after the question.
            if (end === undefined) return;
            for (const message of messages.filter(({ offset }) => BigInt(offset) < end)) {
              records += 1;
              take(receive(stream, toRecord(topic, partition, message)));
            }
            if (BigInt(batch.lastOffset()) >= end - 1n) left.delete(partition);
            if (left.size === 0) finished();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

/** The end of each partition that holds anything. */
async function unread(kafka: KafkaConnection, topic: string): Promise<Map<number, bigint>> {
  const admin = kafka.client.admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(kafka.physical(topic));
    return new Map(offsets.filter(({ low, high }) => BigInt(high) > BigInt(low)).map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
}
