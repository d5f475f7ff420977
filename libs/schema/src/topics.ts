import { allStreams, deadLetterTopic, isService, topicOf, type OwnerKind, type ServiceName, type Stream } from '@jinqiao/contracts';

/** A topic as the broker must have it. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a last-state topic keeps earlier revisions and tombstones, and how long a dead letter stays (design §3.2). */
const KEPT_DAYS = 90;

/** Kafka's settings of a stream's topics (design §3.2). */
export function topicSettings(stream: Pick<Stream, 'retention'>): Readonly<Record<string, string>> {
  // LogAppendTime: the broker's clock decides what is late, and retention does not hang on a writer's clock.
  const always = { 'message.timestamp.type': 'LogAppendTime' };
  if (stream.retention !== 'LAST_STATE')
    return { ...always, 'cleanup.policy': 'delete', 'retention.ms': String(stream.retention * DAY_MS) };
  const kept = String(KEPT_DAYS * DAY_MS);
  return { ...always, 'cleanup.policy': 'compact', 'min.compaction.lag.ms': kept, 'delete.retention.ms': kept };
}

/** The services that read streams, each with a dead letter topic of its own. */
export const consumers = (): readonly ServiceName[] =>
  [...new Set(allStreams().flatMap((stream) => stream.readers))].filter(isService).sort();

/** Every topic that exists before any organisation registers. */
export function sharedTopics({ namespace = '', partitions }: { namespace?: string; partitions: number }): readonly Topic[] {
  const streams = allStreams().filter((stream) => !stream.owner);
  const deadLetters = consumers().map((consumer) => ({ topic: deadLetterTopic(consumer), retention: KEPT_DAYS }));
  return [...streams, ...deadLetters].map((one) => ({ name: namespace + one.topic, partitions, settings: topicSettings(one) }));
}

/** The topics an organisation gets when it registers: one partition each, its volume needs no more. */
export function organisationTopics(kind: string, id: string, namespace = ''): readonly Topic[] {
  return organisationStreams(kind).map((stream) => ({
    name: namespace + topicOf(stream, id),
    partitions: 1,
    settings: topicSettings(stream),
  }));
}

/** The streams of which every organisation of this kind has a topic of its own. */
export const organisationStreams = (kind: string): readonly Stream[] =>
  allStreams().filter((stream) => stream.owner?.kind === (kind as OwnerKind));
