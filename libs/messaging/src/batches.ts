import { Injectable, Logger } from '@nestjs/common';
import type { EventClass, Stream } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';
import { type Arrival, ConsumerTables, type Place } from './consumer-tables.js';
import { DeadLetters } from './dead-letters.js';
import { isTransient } from './failures.js';
import { Gathered } from './gathered.js';
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
export interface Position extends Place {
  known: bigint | null;
}

/** The stored offset is not what this process last wrote: another process took over, or the database was set back. */
export class Fenced extends Error {
  constructor(readonly stored: bigint | null) {
    super(`fenced: the stored offset is ${stored ?? 'gone'}`);
  }
}

/** Records of one partition, in order, and who handles them. */
interface Batch {
  readonly position: Position;
  readonly records: readonly RawRecord[];
  readonly subscriptions: Subscriptions;
}

const ISOLATED_ATTEMPTS = 3;
const RECORDS_TOGETHER = 1_000;
/** So many have a transaction of their own beside the one under way. */
const RECORDS_BESIDE = 100;

/**
 * One transaction for the batches that several partitions of a group have at the same time: store the offsets, parse, validate, dedupe,
 * handle, dead-letter. A batch that fails with others is tried alone; what fails in it is found by halving it; what stands alone and still
 * fails becomes a dead letter in the transaction that stores the offset behind it.
 */
@Injectable()
export class Batches {
  private readonly log = new Logger(Batches.name);
  /** The record of each partition that this process has counted as begun alone; `tries` is null while it does not know whether it has. */
  private readonly suspected = new Map<string, { offset: string; tries: number | null }>();
  /** By group: what one waits for does not hold up the other. */
  private readonly together = new Map<string, Gathered<Batch, null>>();

  constructor(
    private readonly tables: ConsumerTables,
    private readonly deadLetters: DeadLetters,
  ) {}

  /** Applies records of one partition, in order. Throws Fenced, or a transient error when waiting may help. */
  async apply(batch: Batch): Promise<void> {
    try {
      await this.togetherIn(batch.position.group).add(batch);
    } catch (error) {
      await this.divide(batch, error);
    }
  }

  private togetherIn(group: string): Gathered<Batch, null> {
    const known = this.together.get(group);
    if (known) return known;
    const apply = async (batches: readonly Batch[]): Promise<null[]> => {
      await this.inOneTransaction(batches, (tx) => this.effects(tx, batches));
      return batches.map(() => null);
    };
    const made = new Gathered(apply, RECORDS_TOGETHER, ({ records }) => records.length, RECORDS_BESIDE);
    this.together.set(group, made);
    return made;
  }

  private async applyAlone(batch: Batch): Promise<void> {
    try {
      await this.inOneTransaction([batch], (tx) => this.effects(tx, [batch]));
    } catch (error) {
      await this.divide(batch, error);
    }
  }

  private async divide({ position, records, subscriptions }: Batch, error: unknown): Promise<void> {
    if (error instanceof Fenced || isTransient(error)) throw error;
    const [alone] = records;
    if (records.length === 1 && alone) return this.bury(position, alone, error);
    const middle = Math.ceil(records.length / 2);
    await this.applyAlone({ position, records: records.slice(0, middle), subscriptions });
    await this.applyAlone({ position, records: records.slice(middle), subscriptions });
  }

  /** One record in a transaction of its own, with the attempt written down first: a record that kills the process is found this way. */
  async applyIsolated(position: Position, record: RawRecord, subscriptions: Subscriptions): Promise<void> {
    try {
      const tries = await this.suspect(position, record);
      const batch = { position, records: [record], subscriptions };
      if (tries <= ISOLATED_ATTEMPTS) return await this.applyAlone(batch);
      const reason = `the process ended ${ISOLATED_ATTEMPTS} times while it handled this record alone`;
      await this.inOneTransaction([batch], (tx) => this.deadLetters.keep(tx, record, { code: 'CONSUMER_KILLED', reason }));
    } catch (error) {
      await this.absolve(position, record);
      throw error;
    }
  }

  /** Handles a dead letter again. Answers why it failed again, or null. */
  async replay(id: string, subscriptions: Subscriptions): Promise<Refusal | null> {
    try {
      await this.tables.transaction(async (tx) => {
        const record = await this.deadLetters.getForReplay(tx, id);
        if (!record) return;
        const refusals = await this.effectsOnce(tx, [{ records: [record], subscriptions }]);
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

  // Counted once by each process: a retry while the database is away is no death, whether the answer came or not.
  private async suspect(position: Position, { offset }: RawRecord): Promise<number> {
    const name = nameOf(position);
    const counted = this.suspected.get(name);
    const before = counted?.offset === offset;
    if (before && counted.tries !== null) return counted.tries;
    this.suspected.set(name, { offset, tries: null });
    const tries = await this.tables.suspect(position, offset, before);
    this.suspected.set(name, { offset, tries });
    return tries;
  }

  // This process lives, so the record did not kill it. Where that can not be written down, it is at least not counted again.
  private async absolve(position: Position, { offset }: RawRecord): Promise<void> {
    try {
      await this.tables.absolve(position, offset);
      this.suspected.delete(nameOf(position));
    } catch (error) {
      this.log.warn(`${nameOf(position)}@${offset} stays counted: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async inOneTransaction(
    batches: readonly Pick<Batch, 'position' | 'records'>[],
    work: (tx: EntityManager) => Promise<void>,
  ): Promise<void> {
    const moves = batches.map(({ position, records }) => ({ from: position, to: BigInt(records.at(-1)?.offset ?? -1) + 1n }));
    await this.tables.transaction(async (tx) => {
      const stored = await this.tables.advance(tx, moves);
      for (const [index, { from }] of moves.entries()) {
        const before = stored[index];
        if (before === undefined || before !== from.known) throw new Fenced(before ?? null);
      }
      await work(tx);
    });
    for (const { from, to } of moves) from.known = to;
  }

  private async effects(tx: EntityManager, batches: readonly Batch[]): Promise<void> {
    for (const { record, refusal } of await this.effectsOnce(tx, batches)) {
      this.log.warn(`${refusal.code} ${record.topic}[${record.partition}]@${record.offset} ${refusal.pointer ?? ''}`);
      await this.deadLetters.keep(tx, record, refusal);
    }
  }

  private async effectsOnce(tx: EntityManager, batches: readonly Pick<Batch, 'records' | 'subscriptions'>[]): Promise<Refused[]> {
    const refused: Refused[] = [];
    // Between partitions there is no order: those of one topic stand together, so that a batch handler is called once for all of them.
    const received = batches.toSorted(byTopic).flatMap(({ records, subscriptions }) => read(records, subscriptions, refused));
    const fresh = await this.leaveOutDuplicates(tx, received, refused);
    for (const run of runs(fresh)) await call(run, tx);
    const rejected = fresh.filter(({ event }) => event.refusal).map(({ event }) => event);
    // A rejected event may be replayed, so it must not count as handled.
    if (rejected.length > 0) await this.tables.forget(tx, rejected);
    for (const { record, refusal } of rejected) if (refusal) refused.push({ record, refusal });
    return refused;
  }

  /** Takes (source, id) into the inbox. What is there already with the same bytes is left out, with other bytes it is refused. */
  private async leaveOutDuplicates(tx: EntityManager, received: readonly Handled[], refused: Refused[]): Promise<Handled[]> {
    if (received.length === 0) return [];
    const identities = received.map(({ event }) => identityOf(event));
    const distinct = new Map<string, Arrival>();
    for (const [index, { event }] of received.entries()) {
      const identity = identities[index] ?? '';
      if (!distinct.has(identity)) distinct.set(identity, event);
    }
    const known = await this.tables.takeIn(tx, [...distinct.values()]);
    const hashes = new Map(known.map((one) => [identityOf(one), one.hash]));
    const fresh: Handled[] = [];
    for (const [index, one] of received.entries()) {
      const identity = identities[index] ?? '';
      const before = hashes.get(identity);
      if (before === undefined) {
        hashes.set(identity, one.event.hash);
        fresh.push(one);
      } else if (!before.equals(one.event.hash)) refused.push({ record: one.event.record, refusal: reused(one.event) });
    }
    return fresh;
  }

  private async bury(position: Position, record: RawRecord, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    // The dead letter keeps the reason; in a log it might quote what the event says of somebody.
    const where = `${record.topic}[${record.partition}]@${record.offset}`;
    this.log.error(error instanceof Error ? error : new Error(typeof error), `${refusal.code} ${where}`);
    await this.inOneTransaction([{ position, records: [record] }], (tx) => this.deadLetters.keep(tx, record, refusal));
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

/** The events that somebody handles. */
function read(records: readonly RawRecord[], subscriptions: Subscriptions, refused: Refused[]): Handled[] {
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
  return received;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof DomainError)
    return { code: error.code, reason: error.message, ...(error.findings[0] && { pointer: error.findings[0].pointer }) };
  return { code: 'HANDLER_FAILED', reason: (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 2_000) };
}

const topicOf = ({ records: [first] }: Pick<Batch, 'records'>): string => first?.topic ?? '';
const byTopic = (a: Pick<Batch, 'records'>, b: Pick<Batch, 'records'>): number =>
  topicOf(a) < topicOf(b) ? -1 : Number(topicOf(a) > topicOf(b));

const nameOf = ({ group, topic, partition }: Place): string => `${group} ${topic}[${partition}]`;
const identityOf = ({ source, id }: Arrival): string => `${source}\n${id}`;
const reused = (event: Received<object | null>): Refusal => ({
  code: 'EVENT_ID_REUSED',
  reason: `ce_id ${event.id} came before with other bytes`,
  pointer: '/ce_id',
});

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
