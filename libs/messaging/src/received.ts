import { createHash } from 'node:crypto';
import { type EventClass, isTimestamp, ownerOf, type Stream } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';

/** A record as the broker (or a dead-letter row) gives it. */
export interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why a record can not be handled. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly pointer?: string;
}

/** One event that passed its contract, on its way to a handler. `data` is null for a tombstone. */
export class Received<E extends object | null = object> {
  refusal: Refusal | null = null;
  private digest: Buffer | null = null;

  constructor(
    readonly record: RawRecord,
    readonly type: EventClass,
    readonly data: E,
    readonly owner: string | null,
    readonly unknownFields: readonly string[],
  ) {}

  get id(): string {
    return this.record.headers.ce_id ?? '';
  }
  get source(): string {
    return this.record.headers.ce_source ?? '';
  }
  get time(): Date {
    return new Date(this.record.headers.ce_time ?? Number(this.record.timestamp));
  }
  get key(): string {
    return this.record.key?.toString('utf8') ?? '';
  }
  get topic(): string {
    return this.record.topic;
  }
  get partition(): number {
    return this.record.partition;
  }
  get offset(): string {
    return this.record.offset;
  }
  /** When the broker appended it. */
  get appendedAt(): Date {
    return new Date(Number(this.record.timestamp));
  }
  get revision(): number | null {
    const revision = Number(this.record.headers.ce_revision);
    return Number.isInteger(revision) && revision > 0 ? revision : null;
  }
  get purpose(): string | undefined {
    return this.record.headers.ce_purpose;
  }
  get correlationId(): string | undefined {
    return this.record.headers.ce_correlationid;
  }
  get traceparent(): string | undefined {
    return this.record.headers.traceparent;
  }

  /** Narrows the payload to one of the types of a batch. */
  is<T extends object>(type: EventClass<T>): this is Received<T> {
    return this.type === (type as EventClass);
  }

  /** Dead-letters this event alone, in the transaction of its batch. */
  reject(code: string, reason: string, pointer?: string): void {
    this.refusal = { code, reason, ...(pointer !== undefined && { pointer }) };
  }

  /** SHA-256 over type and body: what makes the same id a duplicate rather than a reuse. */
  get hash(): Buffer {
    this.digest ??= createHash('sha256')
      .update(this.record.headers.ce_type ?? '')
      .update('\n')
      .update(this.record.value ?? '')
      .digest();
    return this.digest;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads a record of a stream: envelope, then body, then contract. The first thing wrong decides the code. */
export function receive(stream: Stream, record: RawRecord): Received<object | null> | Refusal {
  const { headers } = record;
  if (!headers.ce_id) return { code: 'CE_ID_MISSING', reason: 'the header ce_id is missing', pointer: '/ce_id' };
  if (headers.ce_specversion !== '1.0')
    return { code: 'CE_SPECVERSION_UNKNOWN', reason: 'ce_specversion is not 1.0', pointer: '/ce_specversion' };
  const owner = ownerOf(stream, record.topic);
  const type = eventOf(stream, owner, headers.ce_type);
  if (!type)
    return { code: 'EVENT_TYPE_UNKNOWN', reason: `${headers.ce_type ?? 'no ce_type'} is no event of ${stream.name}`, pointer: '/ce_type' };
  if (!isSourceOf(stream, owner, headers.ce_source)) {
    return {
      code: 'WRONG_SOURCE',
      reason: `ce_source ${headers.ce_source ?? ''} does not belong to the owner of the topic`,
      pointer: '/ce_source',
    };
  }
  if (headers.ce_time !== undefined && !isTimestamp(headers.ce_time)) {
    return { code: 'CE_TIME_INVALID', reason: 'ce_time is not an RFC 3339 date-time', pointer: '/ce_time' };
  }
  if (record.value === null) return receiveTombstone(stream, type, owner, record);
  return receiveBody(type, owner, record, record.value);
}

function receiveTombstone(stream: Stream, type: EventClass, owner: string | null, record: RawRecord): Received<null> | Refusal {
  if (!stream.tombstones) return { code: 'TOMBSTONE_UNEXPECTED', reason: `${stream.name} has no tombstones`, pointer: '' };
  const tombstone = new Received(record, type, null, owner, []);
  if (tombstone.revision === null) return { code: 'REVISION_MISSING', reason: 'a tombstone needs ce_revision', pointer: '/ce_revision' };
  return tombstone;
}

function receiveBody(type: EventClass, owner: string | null, record: RawRecord, value: Buffer): Received | Refusal {
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    return { code: 'NOT_UTF8', reason: 'the body is not UTF-8', pointer: '' };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return { code: 'NOT_JSON', reason: error instanceof Error ? error.message : 'the body is not JSON', pointer: '' };
  }
  const checked = check(type, parsed);
  if (checked.ok) return new Received(record, type, checked.value, owner, checked.unknownFields);
  const [first] = checked.findings;
  const reason = checked.findings.map((finding) => `${finding.pointer} ${finding.message}`).join('; ');
  return { code: first?.code ?? 'VALIDATION_FAILED', reason: reason.slice(0, 2_000), pointer: first?.pointer ?? '' };
}

// An outsider may write the type with or without its own id: intake.sampling-result.X or intake.<id>.sampling-result.X.
function eventOf(stream: Stream, owner: string | null, type: string | undefined): EventClass | undefined {
  const withOwner = stream.topic.replace('{owner}', owner ?? '').replace(/\.v\d+$/, '');
  return stream.events.find((event) => type === `${stream.name}.${event.name}` || type === `${withOwner}.${event.name}`);
}

function isSourceOf(stream: Stream, owner: string | null, source: string | undefined): boolean {
  if (!source) return false;
  if (stream.writer !== 'owner') return source === `/services/${stream.writer}`;
  const home = stream.owner?.kind === 'DEPARTMENT' ? `/departments/${owner ?? ''}` : `/platforms/${owner ?? ''}`;
  return source === home || source.startsWith(`${home}/`);
}
