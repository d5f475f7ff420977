import { Injectable, Logger } from '@nestjs/common';
import type { EventClass, Stream } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { DataSource, type EntityManager } from 'typeorm';
import { DeadLetters } from './dead-letters.js';
import { isTransient } from './failures.js';
import { type RawRecord, receive, Received, type Refusal } from './received.js';

/** One decorated method of the service. */
export interface EventHandler {
  readonly method: symbol;
  readonly batch: boolean;
  readonly call: (received: Received<object | null> | Received<object | null>[], tx: EntityManager) => Promise<void>;
}

/** Which streams a service reads, and what it does with each type of event. */
export interface Subscriptions {
  readonly streamOf: (topic: string) => Stream | null;
  readonly handlerOf: (type: EventClass) => EventHandler | null;
}

/** A partition this process was given. `known` is the stored offset it last wrote or sought; null before the first. */
export interface Position {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  known: bigint | null;
}

/** The stored offset is not what this process last wrote: another process took over, or the database was set back. */
export class Fenced extends Error {
  constructor(readonly stored: bigint | null) {
    super(`fenced: the stored offset is ${stored ?? 'gone'}`);
  }
}

const ISOLATED_ATTEMPTS = 3;

/**
 * One transaction per batch: parse, validate, dedupe, handle, dead-letter, store the offset. What fails with the batch is found by
 * halving it; what stands alone and still fails becomes a dead letter in the transaction that stores the offset behind it.
 */
@Injectable()
export class Batches {
  private readonly log = new Logger(Batches.name);
  /** The record of each partition that this process has counted as begun alone, and what it counted. */
  private readonly suspected = new Map<string, { offset: string; tries: number }>();

  constructor(
    private readonly db: DataSource,
    private readonly deadLetters: DeadLetters,
  ) {}

  /** Applies records of one partition, in order. Throws Fenced, or a transient error when waiting may help. */
  async apply(position: Position, records: readonly RawRecord[], subscriptions: Subscriptions): Promise<void> {
    try {
      await this.inOneTransaction(position, records, (tx) => this.effects(tx, records, subscriptions));
    } catch (error) {
      if (error instanceof Fenced || isTransient(error)) throw error;
      const [alone] = records;
      if (records.length === 1 && alone) return this.bury(position, alone, error);
      const middle = Math.ceil(records.length / 2);
      await this.apply(position, records.slice(0, middle), subscriptions);
      await this.apply(position, records.slice(middle), subscriptions);
    }
  }

  /** One record in a transaction of its own, with the attempt written down first: a record that kills the process is found this way. */
  async applyIsolated(position: Position, record: RawRecord, subscriptions: Subscriptions): Promise<void> {
    const tries = await this.suspect(position, record);
    if (tries <= ISOLATED_ATTEMPTS) return this.apply(position, [record], subscriptions);
    const refusal = { code: 'CONSUMER_KILLED', reason: `the process ended ${ISOLATED_ATTEMPTS} times while it handled this record alone` };
    await this.inOneTransaction(position, [record], (tx) => this.deadLetters.keep(tx, record, refusal));
  }

  /** Handles a dead letter again. Answers why it failed again, or null. */
  async replay(id: string, subscriptions: Subscriptions): Promise<Refusal | null> {
    try {
      await this.db.transaction(async (tx) => {
        const record = await this.deadLetters.getForReplay(tx, id);
        if (!record) return;
        const refusals = await this.effectsOnce(tx, [record], subscriptions);
        const [again] = refusals;
        if (again) throw new FailedAgain(again.refusal);
        await this.deadLetters.markReplayed(tx, id);
      });
      return null;
    } catch (error) {
      if (isTransient(error) || (error instanceof DomainError && error.code === 'DEAD_LETTER_UNKNOWN')) throw error;
      const refusal = error instanceof FailedAgain ? error.refusal : refusalOf(error);
      await this.deadLetters.markFailedAgain(id, refusal);
      return refusal;
    }
  }

  // Counted once by each process: a retry while the database is away is no death.
  private async suspect({ group, topic, partition }: Position, { offset }: RawRecord): Promise<number> {
    const name = `${group} ${topic} ${partition}`;
    const counted = this.suspected.get(name);
    if (counted?.offset === offset) return counted.tries;
    const written: [{ suspect_count: number }[], number] = await this.db.query(
      `UPDATE consumer_offsets
       SET suspect_count = CASE WHEN suspect_offset = $4 THEN suspect_count + 1 ELSE 1 END, suspect_offset = $4
       WHERE group_id = $1 AND topic = $2 AND partition = $3 RETURNING suspect_count`,
      [group, topic, partition, offset],
    );
    const tries = written[0][0]?.suspect_count ?? 1;
    this.suspected.set(name, { offset, tries });
    return tries;
  }

  private async inOneTransaction(
    position: Position,
    records: readonly RawRecord[],
    work: (tx: EntityManager) => Promise<void>,
  ): Promise<void> {
    const last = records.at(-1);
    if (!last) return;
    const next = BigInt(last.offset) + 1n;
    await this.db.transaction(async (tx) => {
      await fence(tx, position);
      await work(tx);
      await tx.query(
        `UPDATE consumer_offsets SET next_offset = $4, attempts = 0, suspect_offset = NULL, suspect_count = 0, updated_at = clock_timestamp()
         WHERE group_id = $1 AND topic = $2 AND partition = $3`,
        [position.group, position.topic, position.partition, String(next)],
      );
    });
    position.known = next;
  }

  private async effects(tx: EntityManager, records: readonly RawRecord[], subscriptions: Subscriptions): Promise<void> {
    for (const { record, refusal } of await this.effectsOnce(tx, records, subscriptions)) {
      this.log.warn(`${refusal.code} ${record.topic}[${record.partition}]@${record.offset} ${refusal.pointer ?? ''}`);
      await this.deadLetters.keep(tx, record, refusal);
    }
  }

  private async effectsOnce(tx: EntityManager, records: readonly RawRecord[], subscriptions: Subscriptions): Promise<Refused[]> {
    const refused: Refused[] = [];
    const received: Handled[] = [];
    for (const record of records) {
      const stream = subscriptions.streamOf(record.topic);
      if (!stream) continue;
      const event = receive(stream, record);
      if (!(event instanceof Received)) {
        refused.push({ record, refusal: event });
        continue;
      }
      const handler = subscriptions.handlerOf(event.type);
      if (handler) received.push({ event, handler });
    }
    const fresh = await leaveOutDuplicates(tx, received, refused);
    for (const run of runs(fresh)) await call(run, tx);
    const rejected = fresh.filter(({ event }) => event.refusal);
    await forget(tx, rejected);
    for (const { event } of rejected) if (event.refusal) refused.push({ record: event.record, refusal: event.refusal });
    return refused;
  }

  private async bury(position: Position, record: RawRecord, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    // The dead letter keeps the reason; in a log it might quote what the event says of somebody.
    const where = `${record.topic}[${record.partition}]@${record.offset}`;
    this.log.error(error instanceof Error ? error : new Error(typeof error), `${refusal.code} ${where}`);
    await this.inOneTransaction(position, [record], (tx) => this.deadLetters.keep(tx, record, refusal));
  }
}

interface Handled {
  readonly event: Received<object | null>;
  readonly handler: EventHandler;
}

interface Refused {
  readonly record: RawRecord;
  readonly refusal: Refusal;
}

class FailedAgain extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.reason);
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof DomainError)
    return { code: error.code, reason: error.message, ...(error.findings[0] && { pointer: error.findings[0].pointer }) };
  return { code: 'HANDLER_FAILED', reason: (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 2_000) };
}

async function fence(tx: EntityManager, position: Position): Promise<void> {
  const rows: { next_offset: string | null }[] = await tx.query(
    'SELECT next_offset FROM consumer_offsets WHERE group_id = $1 AND topic = $2 AND partition = $3 FOR UPDATE',
    [position.group, position.topic, position.partition],
  );
  const stored = rows[0]?.next_offset == null ? null : BigInt(rows[0].next_offset);
  if (rows.length === 0 || stored !== position.known) throw new Fenced(stored);
}

/** Takes (source, id) into the inbox. What is there already with the same bytes is left out, with other bytes it is refused. */
async function leaveOutDuplicates(tx: EntityManager, received: readonly Handled[], refused: Refused[]): Promise<Handled[]> {
  if (received.length === 0) return [];
  const first = new Map<string, Handled>();
  const later: Handled[] = [];
  for (const one of received) {
    const identity = identityOf(one.event);
    if (first.has(identity)) later.push(one);
    else first.set(identity, one);
  }
  const rows = [...first.values()].map(({ event }) => ({ source: event.source, event_id: event.id, hash: event.hash.toString('hex') }));
  const known: { source: string; event_id: string; hash: string }[] = await tx.query(
    `WITH arrived AS (
       SELECT source, event_id, decode(hash, 'hex') AS hash FROM json_to_recordset($1::json) AS row (source text, event_id text, hash text)
     ), taken AS (
       INSERT INTO inbox (source, event_id, hash) SELECT source, event_id, hash FROM arrived ORDER BY source, event_id
       ON CONFLICT (source, event_id) DO NOTHING RETURNING source, event_id
     )
     SELECT inbox.source, inbox.event_id, encode(inbox.hash, 'hex') AS hash FROM inbox JOIN arrived USING (source, event_id)
     WHERE NOT EXISTS (SELECT FROM taken WHERE taken.source = arrived.source AND taken.event_id = arrived.event_id)`,
    [JSON.stringify(rows)],
  );
  const hashOfKnown = new Map(known.map((row) => [`${row.source}\n${row.event_id}`, row.hash]));
  const fresh: Handled[] = [];
  for (const [identity, one] of first) {
    const hash = hashOfKnown.get(identity);
    if (hash === undefined) fresh.push(one);
    else if (hash !== one.event.hash.toString('hex')) refused.push({ record: one.event.record, refusal: reused(one.event) });
  }
  for (const one of later) {
    const earlier = first.get(identityOf(one.event));
    if (earlier && !earlier.event.hash.equals(one.event.hash)) refused.push({ record: one.event.record, refusal: reused(one.event) });
  }
  return fresh;
}

const identityOf = (event: Received<object | null>): string => `${event.source}\n${event.id}`;
const reused = (event: Received<object | null>): Refusal => ({
  code: 'EVENT_ID_REUSED',
  reason: `ce_id ${event.id} came before with other bytes`,
  pointer: '/ce_id',
});

// A rejected event may be replayed, so it must not count as handled.
async function forget(tx: EntityManager, rejected: readonly Handled[]): Promise<void> {
  if (rejected.length === 0) return;
  const rows = rejected.map(({ event }) => ({ source: event.source, event_id: event.id }));
  await tx.query(
    `DELETE FROM inbox USING json_to_recordset($1::json) AS row (source text, event_id text)
     WHERE inbox.source = row.source AND inbox.event_id = row.event_id`,
    [JSON.stringify(rows)],
  );
}

/** Consecutive events of one method, so that a batch handler gets as many as order allows. */
function runs(handled: readonly Handled[]): Handled[][] {
  const all: Handled[][] = [];
  for (const one of handled) {
    const current = all.at(-1);
    if (current?.[0]?.handler.method === one.handler.method) current.push(one);
    else all.push([one]);
  }
  return all;
}

async function call(run: readonly Handled[], tx: EntityManager): Promise<void> {
  const handler = run[0]?.handler;
  if (!handler) return;
  if (handler.batch)
    return handler.call(
      run.map(({ event }) => event),
      tx,
    );
  for (const { event } of run) await handler.call(event, tx);
}
