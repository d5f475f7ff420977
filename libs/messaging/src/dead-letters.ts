import { Inject, Injectable } from '@nestjs/common';
import { deadLetterTopic } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { Outbox } from './outbox.js';
import type { RawRecord, Refusal } from './received.js';

export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly code: string;
  readonly pointer: string | null;
  readonly reason: string;
  readonly failedAt: Date;
  readonly attempts: number;
  readonly replayedAt: Date | null;
}

export interface DeadLetterDetail extends DeadLetter {
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text where it is UTF-8, else null; `valueBase64` always holds its bytes. */
  readonly value: string | null;
  readonly valueBase64: string | null;
}

export class DeadLetterUnknown extends DomainError {
  constructor(id: string) {
    super('DEAD_LETTER_UNKNOWN', 404, { zh: '没有这条死信', en: `there is no dead letter ${id}` });
  }
}

const COLUMNS = `id, topic, partition, "offset", key, code, pointer, reason, failed_at AS "failedAt", attempts, replayed_at AS "replayedAt"`;
// PostgreSQL text cannot hold U+0000; a header or key from outside can.
const storable = (text: string): string => text.replaceAll('\u0000', '\ufffd');

/** What this consumer could not handle: kept as received, announced on the consumer's dead-letter topic, replayed on demand. */
@Injectable()
export class DeadLetters {
  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly db: DataSource,
    private readonly outbox: Outbox,
  ) {}

  /** Keeps a record with the reason, in the transaction that moves the consumer past it. */
  async keep(tx: EntityManager, record: RawRecord, refusal: Refusal): Promise<void> {
    const headers = Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [storable(name), storable(value)]));
    const key = record.key ? storable(record.key.toString('utf8')) : null;
    const reason = storable(refusal.reason);
    const kept: unknown[] = await tx.query(
      `INSERT INTO dead_letters (id, topic, partition, "offset", key, headers, value, code, pointer, reason)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (topic, partition, "offset", code) DO NOTHING RETURNING id`,
      [
        uuidv7(),
        record.topic,
        record.partition,
        record.offset,
        key,
        JSON.stringify(headers),
        record.value,
        refusal.code,
        refusal.pointer ?? null,
        reason,
      ],
    );
    if (kept.length === 0) return;
    await this.outbox.addRaw(tx, {
      topic: deadLetterTopic(this.options.service),
      key,
      headers: {
        ...headers,
        'dlt-topic': record.topic,
        'dlt-partition': String(record.partition),
        'dlt-offset': record.offset,
        'dlt-code': refusal.code,
        'dlt-reason': reason,
      },
      value: record.value,
    });
  }

  /** Newest first; `before` is the id of the last one seen. At most 200 a page. */
  async list(filter: { open?: boolean; code?: string; topic?: string; before?: string; limit?: number } = {}): Promise<DeadLetter[]> {
    return this.db.query(
      `SELECT ${COLUMNS} FROM dead_letters
       WHERE ($1::boolean IS NULL OR (replayed_at IS NULL) = $1) AND ($2::text IS NULL OR code = $2)
         AND ($3::text IS NULL OR topic = $3) AND ($4::uuid IS NULL OR id < $4)
       ORDER BY id DESC LIMIT $5`,
      [filter.open ?? null, filter.code ?? null, filter.topic ?? null, filter.before ?? null, Math.min(filter.limit ?? 50, 200)],
    );
  }

  async inspect(id: string): Promise<DeadLetterDetail> {
    const rows: (DeadLetter & { headers: Record<string, string>; value: Buffer | null })[] = await this.db.query(
      `SELECT ${COLUMNS}, headers, value FROM dead_letters WHERE id = $1`,
      [id],
    );
    const [found] = rows;
    if (!found) throw new DeadLetterUnknown(id);
    const text = found.value?.toString('utf8') ?? null;
    const isText = text !== null && Buffer.from(text, 'utf8').equals(found.value ?? Buffer.alloc(0));
    return { ...found, value: isText ? text : null, valueBase64: found.value?.toString('base64') ?? null };
  }

  /** The record of a dead letter, locked for its replay. Null when it is replayed already. */
  async getForReplay(tx: EntityManager, id: string): Promise<RawRecord | null> {
    const rows: {
      topic: string;
      partition: number;
      offset: string;
      key: string | null;
      headers: Record<string, string>;
      value: Buffer | null;
      failed_at: Date;
      replayed_at: Date | null;
    }[] = await tx.query(
      'SELECT topic, partition, "offset", key, headers, value, failed_at, replayed_at FROM dead_letters WHERE id = $1 FOR UPDATE',
      [id],
    );
    const [found] = rows;
    if (!found) throw new DeadLetterUnknown(id);
    if (found.replayed_at) return null;
    const { topic, partition, offset, headers, value } = found;
    return {
      topic,
      partition,
      offset,
      headers,
      value,
      key: found.key === null ? null : Buffer.from(found.key),
      timestamp: String(found.failed_at.getTime()),
    };
  }

  async markReplayed(tx: EntityManager, id: string): Promise<void> {
    await tx.query('UPDATE dead_letters SET replayed_at = clock_timestamp() WHERE id = $1', [id]);
  }

  async markFailedAgain(id: string, refusal: Refusal): Promise<void> {
    await this.db.query('UPDATE dead_letters SET attempts = attempts + 1, code = $2, pointer = $3, reason = $4 WHERE id = $1', [
      id,
      refusal.code,
      refusal.pointer ?? null,
      storable(refusal.reason),
    ]);
  }
}
