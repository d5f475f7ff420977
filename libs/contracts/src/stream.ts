/** A class whose instances are the payload of one event; its name is the literal wire name. */
export type EventClass<E extends object = object> = new () => E;

/** The services that write or read streams. */
export type ServiceName = 'registration' | 'inspection' | 'exchange' | 'credit' | 'monitoring' | 'gateway';

/** Who reads a stream: services, the organisation whose topic it is, or any organisation at all. */
export type StreamReader = ServiceName | 'owner' | 'anyone';

export const isService = (reader: StreamReader): reader is ServiceName => reader !== 'owner' && reader !== 'anyone';

/** Which organisations a per-organisation topic is made for. */
export type OwnerKind = 'DEPARTMENT' | 'PLATFORM';

/** LAST_STATE: compacted, earlier revisions and tombstones kept 90 days. A number: days until deletion. */
export type Retention = 'LAST_STATE' | number;

export interface StreamDeclaration<E extends object> {
  /** Topic name; `{owner}` stands for the organisation's id where every organisation has a topic of its own. */
  readonly topic: string;
  readonly about: string;
  readonly writer: ServiceName | 'owner';
  readonly readers: readonly StreamReader[];
  readonly retention: Retention;
  /** May a null value be written (design §3.2: the series of revisions goes on after a tombstone)? */
  readonly tombstones?: boolean;
  /** Only for per-organisation topics: whose they are, and which organisation an event goes to or comes from. */
  readonly owner?: { readonly kind: OwnerKind; readonly of?: (event: E) => string };
  /** What order depends on. No personal data. */
  readonly key: (event: E) => string;
  readonly events: readonly EventClass<E>[];
}

export interface Stream {
  readonly topic: string;
  /** The topic without owner and version, the first part of `ce_type`: `inspection.sampling-result`. */
  readonly name: string;
  readonly about: string;
  readonly writer: ServiceName | 'owner';
  readonly readers: readonly StreamReader[];
  readonly retention: Retention;
  readonly tombstones: boolean;
  readonly owner?: { readonly kind: OwnerKind; readonly of: (event: object) => string };
  readonly key: (event: object) => string;
  readonly events: readonly EventClass[];
}

const declared: Stream[] = [];
const streamByEvent = new Map<EventClass, Stream>();

/** Joins topic, key, writer, readers, retention and classes; a class belongs to exactly one stream. */
export function stream<E extends object>(declaration: StreamDeclaration<E>): Stream {
  const { owner, tombstones = false, ...rest } = declaration;
  // The registry holds streams of every event type; each key function only ever sees events of its own stream.
  const made = {
    ...rest,
    tombstones,
    name: declaration.topic.replace('.{owner}', '').replace(/\.v\d+$/, ''),
    ...(owner && { owner: { kind: owner.kind, of: owner.of ?? (() => '') } }),
  } as unknown as Stream;
  for (const event of declaration.events) {
    if (streamByEvent.has(event)) throw new Error(`${event.name} is declared in two streams`);
    streamByEvent.set(event, made);
  }
  declared.push(made);
  return made;
}

/** Every declared stream, in the order of declaration. */
export const allStreams = (): readonly Stream[] => declared;

/** The stream an event class is declared in. Throws for a class no stream declares. */
export function streamOf(event: EventClass): Stream {
  const found = streamByEvent.get(event);
  if (!found) throw new Error(`${event.name} is not declared in any stream`);
  return found;
}

/** The topic of one organisation, or the one topic of a stream without owners. */
export const topicOf = (of: Stream, owner?: string): string => of.topic.replace('{owner}', owner ?? '');

/** `ce_type`: `<stream name>.<event name>`, e.g. `inspection.sampling-result.SamplingResultPublished`. */
export const typeOf = (event: EventClass): string => `${streamOf(event).name}.${event.name}`;

/** Where a consumer puts what it could not handle. */
export const deadLetterTopic = (consumer: ServiceName): string => `${consumer}.dlt.v1`;

/** The organisation a topic belongs to, or null where the topic is not one of this stream's. */
export function ownerOf(of: Stream, topic: string): string | null {
  const [before = '', after = ''] = of.topic.split('{owner}');
  if (!of.owner || !topic.startsWith(before) || !topic.endsWith(after)) return null;
  const owner = topic.slice(before.length, topic.length - after.length);
  return owner.length > 0 && !owner.includes('.') ? owner : null;
}
