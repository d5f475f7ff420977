import { allStreams, deadLetterTopic, topicOf, type ServiceName, type Stream, type StreamReader } from '@jinqiao/contracts';
import { consumers, organisationStreams } from './topics.js';

/** One access rule of the broker, in the broker's words; everything no rule allows is refused. */
export interface AccessRule {
  /** `User:` and the `sub` of the principal's token. */
  readonly principal: string;
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER';
  readonly name: string;
  readonly pattern: 'LITERAL' | 'PREFIXED';
  readonly operation: 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE' | 'ALTER' | 'IDEMPOTENT_WRITE';
}

type Resource = Pick<AccessRule, 'resourceType' | 'name' | 'pattern'>;
type Operation = AccessRule['operation'];

/** The name every Kafka cluster has as a resource. */
const CLUSTER: Resource = { resourceType: 'CLUSTER', name: 'kafka-cluster', pattern: 'LITERAL' };
/** Admits organisations, so it makes their topics and rules. */
const REGISTRAR: ServiceName = 'exchange';

const user = (principal: string): string => `User:${principal}`;
/** Whoever has a token, as Kafka writes it. */
const ANYONE = user('*');
const service = (name: ServiceName): string => user(`service.${name}`);
const topic = (name: string): Resource => ({ resourceType: 'TOPIC', name, pattern: 'LITERAL' });
const group = (name: string): Resource => ({ resourceType: 'GROUP', name, pattern: 'LITERAL' });
const startingWith = (prefix: Resource): Resource => ({ ...prefix, pattern: 'PREFIXED' });
const allow = (principal: string, resource: Resource, ...operations: Operation[]): AccessRule[] =>
  operations.map((operation) => ({ principal, ...resource, operation }));

/** What the services may do before any organisation registers. */
export function accessRules(namespace = ''): readonly AccessRule[] {
  const shared = allStreams().filter((stream) => !stream.owner);
  return distinct([
    ...shared.flatMap((stream) => streamRules(stream, namespace)),
    ...consumers().flatMap((consumer) => consumerRules(consumer, namespace)),
    ...allStreams().flatMap((stream) => (stream.writer === 'owner' ? [] : publisherRules(stream.writer, namespace))),
    ...registrarRules(namespace),
  ]);
}

/**
 * What changes on the broker when an organisation registers: its own rules, and those of the services that write and read its topics.
 * Literal names only: a service's rule by prefix would let it write what only the organisation may write.
 */
export function organisationRules(kind: string, id: string, namespace = ''): readonly AccessRule[] {
  const streams = organisationStreams(kind);
  const own = user(id);
  const writes = streams.some((stream) => stream.writer === 'owner');
  return distinct([
    ...streams.flatMap((stream) => streamRules(stream, namespace, id)),
    // For its own topics and for what anyone may read. Ids hold no dot (contracts), so one's prefix never covers another's groups.
    ...allow(own, startingWith(group(`${namespace}${id}.`)), 'READ', 'DESCRIBE'),
    ...(writes ? allow(own, CLUSTER, 'IDEMPOTENT_WRITE') : []),
  ]);
}

/** What a department that was granted a stream may do with its topic, in groups of its own. */
export function grantRules(organisationId: string, stream: Stream, namespace = ''): readonly AccessRule[] {
  const reader = user(organisationId);
  return [
    ...allow(reader, topic(namespace + topicOf(stream)), 'READ', 'DESCRIBE'),
    // Opens nothing by itself, so it stays when the grant ends.
    ...allow(reader, startingWith(group(`${namespace}${organisationId}.`)), 'READ', 'DESCRIBE'),
  ];
}

function streamRules(stream: Stream, namespace: string, id = ''): AccessRule[] {
  const party = (name: StreamReader): string => (name === 'owner' ? user(id) : name === 'anyone' ? ANYONE : service(name));
  const itsTopic = topic(namespace + topicOf(stream, id));
  return [
    ...allow(party(stream.writer), itsTopic, 'WRITE', 'DESCRIBE'),
    // A service reads its own topics when its database has been set back (ADR-0009).
    ...(stream.writer === 'owner' ? [] : allow(service(stream.writer), itsTopic, 'READ')),
    ...stream.readers.flatMap((reader) => allow(party(reader), itsTopic, 'READ', 'DESCRIBE')),
  ];
}

function publisherRules(publisher: ServiceName, namespace: string): AccessRule[] {
  return [
    ...allow(service(publisher), CLUSTER, 'IDEMPOTENT_WRITE'),
    // It reads its own topics in a group of that moment.
    ...allow(service(publisher), startingWith(group(`${namespace}${publisher}.own.`)), 'READ', 'DESCRIBE'),
  ];
}

function consumerRules(consumer: ServiceName, namespace: string): AccessRule[] {
  const readsOwners = allStreams().some((stream) => stream.owner && stream.readers.includes(consumer));
  return [
    ...allow(service(consumer), group(namespace + consumer), 'READ', 'DESCRIBE'),
    ...(readsOwners ? allow(service(consumer), group(`${namespace}${consumer}.intake`), 'READ', 'DESCRIBE') : []),
    // Its recount reads the topic again beside the running service, so in a group of its own.
    ...(consumer === 'monitoring' ? allow(service(consumer), group(`${namespace}${consumer}.recount`), 'READ', 'DESCRIBE') : []),
    ...allow(service(consumer), topic(namespace + deadLetterTopic(consumer)), 'WRITE', 'DESCRIBE'),
    ...allow(service(consumer), CLUSTER, 'IDEMPOTENT_WRITE'),
  ];
}

function registrarRules(namespace: string): AccessRule[] {
  const prefixes = allStreams().flatMap((stream) => (stream.owner ? [stream.topic.split('{owner}')[0] ?? ''] : []));
  return [
    ...allow(service(REGISTRAR), CLUSTER, 'CREATE', 'ALTER', 'DESCRIBE'),
    // After creating a topic it waits until the topic has a leader, also where it neither reads nor writes.
    ...prefixes.flatMap((prefix) => allow(service(REGISTRAR), startingWith(topic(namespace + prefix)), 'DESCRIBE')),
  ];
}

function distinct(rules: readonly AccessRule[]): AccessRule[] {
  return [...new Map(rules.map((rule) => [Object.values(rule).join('|'), rule])).values()];
}
