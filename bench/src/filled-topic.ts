import { randomUUID } from 'node:crypto';
import { SamplingResultPublished, streamOf, topicOf, typeOf } from '@jinqiao/contracts';
import type { ServerAddresses } from '@jinqiao/infra-local';
import kafkajs, { type Consumer, type EachBatchPayload } from 'kafkajs';
import { makeTopic, recordsOn, stackKafka } from './place.js';
import { publishedAt } from './results.js';

const { Partitioners } = kafkajs;

/** The topic of published results, without the namespace a benchmark puts before it. */
export const RESULTS = topicOf(streamOf(SamplingResultPublished));
const AT_ONCE = 1_000;

/** A topic with `count` published results on it, with every header ours would write; for contenders that consume. */
export async function filledTopic(servers: ServerAddresses, namespace: string, of: { count: number; partitions: number }): Promise<string> {
  const topic = namespace + RESULTS;
  await makeTopic(servers, topic, of.partitions);
  const producer = stackKafka(servers).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (let from = 0; from < of.count; from += AT_ONCE) {
    const messages = Array.from({ length: Math.min(AT_ONCE, of.count - from) }, (_, place) => {
      const result = publishedAt('R', from + place);
      return { key: streamOf(SamplingResultPublished).key(result), value: JSON.stringify(result), headers: headersOf(result.revision) };
    });
    await producer.send({ topic, messages, acks: -1 });
  }
  await producer.disconnect();
  const there = await recordsOn(servers, topic);
  if (there !== of.count) throw new Error(`${topic} has ${there} records instead of ${of.count}`);
  return topic;
}

const headersOf = (revision: number): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: randomUUID(),
  ce_source: '/services/inspection',
  ce_type: typeOf(SamplingResultPublished),
  ce_time: '2026-09-10T01:00:00.000Z',
  ce_dataschema: 'http://localhost:3000/schemas/SamplingResultPublished',
  'content-type': 'application/json',
  ce_revision: String(revision),
});

/** The time between the first and the last of `count` items; joining a group is not what is measured. */
export class Span {
  private began = 0;
  private ended = 0;
  items = 0;
  private finish: () => void = () => undefined;
  readonly done = new Promise<void>((resolve) => (this.finish = resolve));

  constructor(private readonly count: number) {}

  /** Told before an item or batch is worked on. */
  begin(): void {
    this.began ||= performance.now();
  }

  add(items: number): void {
    this.items += items;
    if (this.items < this.count) return;
    this.ended = performance.now();
    this.finish();
  }

  get seconds(): number {
    return (this.ended - this.began) / 1000;
  }
}

/** A consumer of a fresh group that reads a topic from its beginning, batch by batch, as KafkaJS documents it. */
export async function consumeBatches(
  servers: ServerAddresses,
  of: { topic: string; group: string },
  eachBatch: (payload: EachBatchPayload) => Promise<void>,
): Promise<Consumer> {
  const consumer = stackKafka(servers).consumer({ groupId: of.group });
  await consumer.connect();
  await consumer.subscribe({ topics: [of.topic], fromBeginning: true });
  await consumer.run({ partitionsConsumedConcurrently: 3, eachBatch });
  return consumer;
}
