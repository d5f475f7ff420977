import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import type { Findings } from './findings.js';

/** A record as a plain client reads it. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the broker appended it. */
  readonly at: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

/** The first appearance of an event on its topic: what is sent again has the same id, and is the same. */
export interface Event extends TopicRecord {
  readonly id: string;
  readonly type: string;
  readonly revision: number;
  readonly body: Readonly<Record<string, unknown>> | null;
}

const READ_MS_MAX = 600_000;
/** What the checker asks of a record's headers; a long run has hundreds of thousands of records. */
const HEADERS = /^(ce_(id|source|type|revision)|dlt-(topic|partition|offset)|x-chaos-marker)$/;
const NAMES = /^(inspection|credit|registration|exchange|monitoring|platform|department|intake|stock)\./;

export interface Topics {
  readonly records: ReadonlyMap<string, readonly TopicRecord[]>;
  readonly ends: ReadonlyMap<string, number>;
}

/** Every record of every topic, from the first to the last there is now; of its headers those that are asked for. */
export async function readTopics(kafka: Kafka, headers = HEADERS): Promise<Topics> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => NAMES.test(topic));
  const left = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      ends.set(`${topic}[${partition}]`, Number(high));
      if (Number(high) > Number(low)) left.set(`${topic}[${partition}]`, Number(high));
    }
  }
  await admin.disconnect();
  const records = new Map<string, TopicRecord[]>();
  if (left.size > 0) await readAll(kafka, { topics, left, records, headers });
  for (const list of records.values()) list.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  return { records, ends };
}

interface Reading {
  readonly topics: readonly string[];
  readonly left: Map<string, number>;
  readonly records: Map<string, TopicRecord[]>;
  readonly headers: RegExp;
}

async function readAll(kafka: Kafka, { topics, left, records, headers }: Reading): Promise<void> {
  const consumer = kafka.consumer({ groupId: `chaos-checker-${randomUUID()}`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`topics could not be read to their ends: ${[...left.keys()].join(', ')}`)), READ_MS_MAX);
    const take = (topic: string, partition: number, messages: readonly Parameters<typeof recordOf>[2][]): void => {
      const list = records.get(topic) ?? [];
      records.set(topic, list);
      for (const message of messages) list.push(recordOf(topic, partition, message, headers));
      const name = `${topic}[${partition}]`;
      if (Number(messages.at(-1)?.offset ?? -1) + 1 >= (left.get(name) ?? 0)) left.delete(name);
      if (left.size === 0) resolve();
    };
    consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => take(batch.topic, batch.partition, batch.messages) }).catch(reject);
  });
  clearTimeout(timer);
  await consumer.disconnect();
}

interface Message {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
}

function recordOf(topic: string, partition: number, { offset, timestamp, key, value, headers = {} }: Message, kept: RegExp): TopicRecord {
  const used = Object.entries(headers).filter(([name]) => kept.test(name));
  const read = used.map(([name, header]) => [name, String(Array.isArray(header) ? header[0] : header)]);
  return {
    ...{ topic, partition, offset: Number(offset), at: Number(timestamp) },
    key: key?.toString() ?? '',
    value: value?.toString() ?? null,
    headers: Object.fromEntries(read) as Record<string, string>,
  };
}

export const isPoison = ({ headers }: TopicRecord): boolean => headers['x-chaos-marker'] !== undefined;

/** Events of a topic, each at its first appearance; an id that comes back with other bytes or elsewhere is a finding. */
export function eventsOn({ records }: Topics, topic: string, findings: Findings): Event[] {
  const first = new Map<string, TopicRecord>();
  for (const record of records.get(topic) ?? []) {
    if (isPoison(record)) continue;
    const id = identityOf(record);
    const before = first.get(id);
    if (!before) first.set(id, record);
    else {
      const same = before.value === record.value && before.key === record.key && before.partition === record.partition;
      findings.expect(same, 'EVENT_CHANGED', `${topic} holds ${id} twice with different content`);
    }
  }
  return [...first.values()].map((record) => ({
    ...record,
    id: record.headers['ce_id'] ?? '',
    type: (record.headers['ce_type'] ?? '').split('.').at(-1) ?? '',
    revision: Number(record.headers['ce_revision']),
    body: record.value === null ? null : (JSON.parse(record.value) as Record<string, unknown>),
  }));
}

export const identityOf = ({ headers }: TopicRecord): string => `${headers['ce_source'] ?? ''} ${headers['ce_id'] ?? ''}`;

/** Each key's revisions have to be 1, 2, 3 … up to `last`, each once, each at a later offset than the one before. */
export function checkSeries(events: readonly Event[], expected: { name: string; last: number }, findings: Findings): void {
  const { name, last } = expected;
  const revisions = events.map(({ revision }) => revision);
  const counts = new Map<number, number>();
  for (const revision of revisions) counts.set(revision, (counts.get(revision) ?? 0) + 1);
  for (let revision = 1; revision <= last; revision++) {
    findings.expect(counts.has(revision), 'EVENT_LOST', `${name} revision ${revision} of ${last} was never published`);
  }
  for (const [revision, count] of counts) {
    findings.expect(count === 1, 'EVENT_DOUBLED', `${name} revision ${revision} was published as ${count} events`);
    findings.expect(revision <= last, 'EVENT_UNCOMMITTED', `${name} revision ${revision} was published, the tables end at ${last}`);
  }
  const inOrder = revisions.every((revision, index) => index === 0 || (revisions[index - 1] ?? 0) <= revision);
  findings.expect(inOrder, 'EVENT_ORDER', `${name} was published in the order ${revisions.join(', ')}`);
}

export function groupedBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
