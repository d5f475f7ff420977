import { randomFillSync } from 'node:crypto';
import { type EventClass, streamOf, topicOf, typeOf } from '@jinqiao/contracts';
import { check, DomainError, schemaFile } from '@jinqiao/schema';
import { context, propagation } from '@opentelemetry/api';
import { v7 as uuidv7 } from 'uuid';
import type { Received } from './received.js';

/** The broker's own limit is 1 MiB a record; headers and framing need room. */
const LARGEST_VALUE_BYTES = 900_000;

export interface EventOptions {
  /** The event this one follows from: carries on its correlation and trace. */
  readonly causedBy?: Received<object | null>;
  /** W3C trace context of the request this one follows from, where it is written in another one's turn. */
  readonly traceparent?: string;
  /** Id of what entitles the recipient to it. */
  readonly entitlement?: string;
  readonly purpose?: string;
  readonly legalBasis?: string;
  readonly classification?: string;
  readonly retentionUntil?: string;
  /** The event's number in the series of its recipient. */
  readonly sequence?: number;
}

/** An event on its way into the outbox. */
export interface OutgoingEvent {
  readonly type: EventClass;
  readonly owner?: string;
  readonly key: string;
  readonly revision: number | null;
  readonly data: object | null;
  readonly options: EventOptions;
}

/** What the outbox keeps of an event: what the broker will get. */
export interface Envelope {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

export class EventTooLarge extends DomainError {
  constructor(type: string, bytes: number) {
    super('EVENT_TOO_LARGE', 413, { zh: '事件过大', en: `${type} has ${bytes} bytes, ${LARGEST_VALUE_BYTES} are allowed` });
  }
}

export class EventInvalid extends DomainError {
  constructor(type: string, findings: ConstructorParameters<typeof DomainError>[3]) {
    super('EVENT_INVALID', 500, { zh: '事件不符合契约', en: `${type} does not meet its contract` }, findings);
  }
}

// A call into the system's generator costs more than all else of an id, so one fills 256 of them.
const randomPool = new Uint8Array(256 * 16);
let taken = randomPool.length;

function random(): Uint8Array {
  if (taken === randomPool.length) {
    randomFillSync(randomPool);
    taken = 0;
  }
  taken += 16;
  return randomPool.subarray(taken - 16, taken);
}

const revisionOf = (data: object): number | null => ('revision' in data && typeof data.revision === 'number' ? data.revision : null);

/** Pairs a payload with its declared class; topic and key follow from the declaration. */
export function event<E extends object>(type: EventClass<E>, data: E, options: EventOptions = {}): OutgoingEvent {
  const stream = streamOf(type);
  const owner = stream.owner?.of(data);
  return { type, key: stream.key(data), revision: revisionOf(data), data, options, ...(owner && { owner }) };
}

/** Says that nothing is left of the aggregate; its series of revisions goes on. */
export function tombstone(type: EventClass, of: { key: string; revision: number }, options: EventOptions = {}): OutgoingEvent {
  if (!streamOf(type).tombstones) throw new Error(`${streamOf(type).topic} keeps no last state to end`);
  return { type, key: of.key, revision: of.revision, data: null, options };
}

/** Checks an event against its contract and writes its CloudEvents headers (binary mode, design §3.1). */
export function seal(outgoing: OutgoingEvent, service: string, schemaBaseUrl: string, time: string): Envelope {
  const { type, options } = outgoing;
  const value = outgoing.data === null ? null : JSON.stringify(outgoing.data);
  if (outgoing.data !== null) {
    const checked = check(type, outgoing.data);
    if (!checked.ok) throw new EventInvalid(type.name, checked.findings);
  }
  const bytes = value === null ? 0 : Buffer.byteLength(value);
  if (bytes > LARGEST_VALUE_BYTES) throw new EventTooLarge(type.name, bytes);
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: uuidv7({ rng: random }),
    ce_source: `/services/${service}`,
    ce_type: typeOf(type),
    ce_time: time,
    ce_dataschema: `${schemaBaseUrl}/${schemaFile(type)}`,
    'content-type': 'application/json',
  };
  if (outgoing.revision !== null) headers.ce_revision = String(outgoing.revision);
  if (options.entitlement) headers.ce_entitlement = options.entitlement;
  if (options.purpose) headers.ce_purpose = options.purpose;
  if (options.legalBasis) headers.ce_legalbasis = options.legalBasis;
  if (options.classification) headers.ce_classification = options.classification;
  if (options.retentionUntil) headers.ce_retentionuntil = options.retentionUntil;
  if (options.sequence !== undefined) headers.ce_sequence = String(options.sequence);
  follow(headers, options);
  return { topic: topicOf(streamOf(type), outgoing.owner), key: outgoing.key, headers, value };
}

function follow(headers: Record<string, string>, { causedBy, traceparent = causedBy?.traceparent }: EventOptions): void {
  if (causedBy) {
    headers.ce_causationid = causedBy.id;
    headers.ce_correlationid = causedBy.correlationId ?? causedBy.id;
  }
  if (traceparent) headers.traceparent = traceparent;
  else if (!causedBy) propagation.inject(context.active(), headers);
}
