import { stream, typeOf, Whole } from '@jinqiao/contracts';
import fc from 'fast-check';
import { DataSource, type EntityManager } from 'typeorm';
import type { EventHandler, Subscriptions } from './batches.js';
import { type Arrival, type Beginning, ConsumerTables, type Move } from './consumer-tables.js';
import { DeadLetters } from './dead-letters.js';
import { isTransient } from './failures.js';
import { Outbox } from './outbox.js';
import type { RawRecord, Received, Refusal } from './received.js';
import type { Process } from './virtual-time.harness.js';

/** Handled many at a time. */
class Told {
  @Whole({ min: 0, max: 1_000 }) no: number;
}
/** Handled one by one. */
class Asked {
  @Whole({ min: 0, max: 1_000 }) no: number;
}
const made = stream<Told | Asked>({
  topic: 'inspection.made-up.v1',
  about: 'For models only.',
  writer: 'inspection',
  readers: ['credit'],
  retention: 1,
  key: ({ no }) => String(no),
  events: [Told, Asked],
});

export const PLACE = { group: 'credit', topic: made.topic, partition: 0 };

/** What becomes of a record of the made-up log. */
export type Kind = 'good' | 'poison' | 'rejected' | 'invalid' | 'killer' | 'duplicate' | 'reused';

export interface Made {
  readonly kind: Kind;
  readonly record: RawRecord;
  /** Duplicate and reused: the good record that came first with its id. */
  readonly first: number;
}

/** A log: offsets rise, with gaps as compaction leaves them; duplicates follow what they repeat. */
export function logs(kinds: readonly Kind[], maxLength = 12): fc.Arbitrary<Made[]> {
  const one = fc.record({
    kind: fc.oneof({ weight: 3, arbitrary: fc.constant<Kind>('good') }, { weight: 2, arbitrary: fc.constantFrom(...kinds) }),
    single: fc.boolean(),
    gap: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3)),
    of: fc.nat(),
  });
  return fc.array(one, { minLength: 1, maxLength, size: 'max' }).map((drawn) => {
    let offset = -1;
    const good: { no: number; single: boolean }[] = [];
    return drawn.map(({ kind: wanted, single, gap, of }, no) => {
      offset += 1 + gap;
      const repeated = wanted === 'duplicate' || wanted === 'reused' ? good[of % (good.length || 1)] : { no, single };
      const kind = repeated ? wanted : 'good';
      if (kind === 'good') good.push({ no, single });
      const first = repeated ?? { no, single };
      const shown = { no: kind === 'reused' ? no : first.no, kind };
      return { kind, first: first.no, record: recordOf(first, String(offset), shown) };
    });
  });
}

export function recordOf(first: { no: number; single: boolean }, offset: string, shown: { no: number; kind: Kind }): RawRecord {
  const { topic, partition } = PLACE;
  const id: Record<string, string> = shown.kind === 'invalid' ? {} : { ce_id: `id${first.no}` };
  const type = typeOf(first.single ? Asked : Told);
  return {
    topic,
    partition,
    offset,
    timestamp: '0',
    key: Buffer.from(shown.kind),
    value: Buffer.from(JSON.stringify({ no: shown.no })),
    headers: { ...id, ce_specversion: '1.0', ce_source: '/services/inspection', ce_type: type },
  };
}

interface Row {
  readonly next: bigint | null;
  readonly attempts: number;
  readonly suspect: string | null;
  readonly suspects: number;
}

/** What a transaction would do. */
class Staged {
  readonly inbox = new Map<string, Buffer | null>();
  readonly effects: string[] = [];
  readonly dead: [string, string][] = [];
  next: bigint | null = null;
  broken = false;
}
const staged = (tx: EntityManager): Staged => tx as unknown as Staged;
const identityOf = ({ source, id }: Arrival): string => `${source} ${id}`;

/** A database of one partition, as everybody sees it once it is committed. */
export class Database {
  row: Row | null = null;
  inbox = new Map<string, Buffer>();
  /** Offsets of the records whose effects are committed, in that order. */
  effects: string[] = [];
  /** Offset and code of every dead letter. */
  dead = new Map<string, string>();
  /** Stored offsets that went back without the database being set back. */
  readonly wentBack: string[] = [];
  private holder: Staged | null = null;
  private waiting: (() => void)[] = [];
  private backup: Pick<Database, 'row' | 'inbox' | 'effects' | 'dead'> = { row: null, inbox: new Map(), effects: [], dead: new Map() };

  /** The row's lock, for a transaction or (null) one statement. */
  async lock(tx: Staged | null): Promise<void> {
    while (this.holder && this.holder !== tx) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (tx && !tx.broken) this.holder = tx;
  }

  commit(tx: Staged): void {
    for (const [identity, hash] of tx.inbox) {
      if (hash) this.inbox.set(identity, hash);
      else this.inbox.delete(identity);
    }
    this.effects.push(...tx.effects);
    for (const [offset, code] of tx.dead) this.dead.set(`${offset} ${code}`, code);
    if (tx.next === null || !this.row) return;
    if (this.row.next !== null && tx.next < this.row.next) this.wentBack.push(`${this.row.next} to ${tx.next}`);
    this.row = { next: tx.next, attempts: 0, suspect: null, suspects: 0 };
  }

  release(tx: Staged): void {
    tx.broken = true;
    if (this.holder !== tx) return;
    this.holder = null;
    for (const wake of this.waiting.splice(0)) wake();
  }

  backUp(): void {
    this.backup = { row: this.row, inbox: new Map(this.inbox), effects: [...this.effects], dead: new Map(this.dead) };
  }

  /** Everybody's connections are closed, and the backup is what there is. */
  setBack(): void {
    if (this.holder) this.release(this.holder);
    const { row, inbox, effects, dead } = this.backup;
    this.row = row;
    this.inbox = new Map(inbox);
    this.effects = [...effects];
    this.dead = new Map(dead);
  }
}

const nowhere = new DataSource({ type: 'postgres' });
const options = { service: 'credit', brokers: [], namespace: '', schemaBaseUrl: '', partitions: 1, onFatal: () => undefined } as const;

/** The tables as one process reaches them. */
export class TablesInMemory extends ConsumerTables {
  /** Called before anything is asked: did the core have the right to ask? */
  asked: () => void = () => undefined;
  /** The record that this process began alone and did not come back from, as far as it could say so. */
  alone: string | null = null;
  /** Called as this process is counted among those that began a record alone. */
  counted: (offset: string) => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly process: Process,
  ) {
    super(nowhere);
  }

  override async transaction(work: (tx: EntityManager) => Promise<void>): Promise<void> {
    this.asked();
    const tx = new Staged();
    this.process.onDeath(() => this.database.release(tx));
    try {
      await work(tx as unknown as EntityManager);
      await this.within(tx, () => this.database.commit(tx));
      this.alone = null;
    } catch (error) {
      // What is poison is still handled alone, by the transaction that sets it aside.
      if (isTransient(error)) this.alone = null;
      throw error;
    } finally {
      this.database.release(tx);
    }
  }

  override async begin(_place: unknown, begun: bigint | null | undefined): Promise<Beginning> {
    this.asked();
    await this.database.lock(null);
    return this.process.call(() => {
      const { next = null, attempts = 0, suspect = null, suspects = 0 } = this.database.row ?? {};
      const again = this.database.row !== null && begun !== undefined && begun === next;
      this.database.row = { next, attempts: attempts + (again ? 0 : 1), suspect, suspects };
      return { stored: next, isolate: this.database.row.attempts > 3 || suspect !== null };
    });
  }

  override async suspect(_place: unknown, offset: string, again: boolean): Promise<number> {
    this.alone = offset;
    await this.database.lock(null);
    return this.process.call(() => {
      const row = this.database.row;
      if (!row) return 1;
      this.counted(offset);
      this.database.row = { ...row, suspect: offset, suspects: row.suspect === offset ? row.suspects + (again ? 0 : 1) : 1 };
      return this.database.row.suspects;
    });
  }

  override async absolve(_place: unknown, offset: string): Promise<void> {
    this.alone = offset;
    await this.database.lock(null);
    await this.process.call(() => {
      const row = this.database.row;
      if (row?.suspect === offset && row.suspects > 0) this.database.row = { ...row, suspects: row.suspects - 1 };
    });
    this.alone = null;
  }

  override async advance(tx: EntityManager, moves: readonly Move[]): Promise<(bigint | null | undefined)[]> {
    await this.database.lock(staged(tx));
    return this.within(staged(tx), () =>
      moves.map(({ to }) => {
        staged(tx).next = to;
        return this.database.row ? this.database.row.next : undefined;
      }),
    );
  }

  override async takeIn(tx: EntityManager, arrivals: readonly Arrival[]): Promise<Arrival[]> {
    return this.within(staged(tx), () =>
      arrivals.flatMap((arrival) => {
        const before = this.database.inbox.get(identityOf(arrival));
        if (!before) staged(tx).inbox.set(identityOf(arrival), arrival.hash);
        return before ? [{ source: arrival.source, id: arrival.id, hash: before }] : [];
      }),
    );
  }

  override async forget(tx: EntityManager, arrivals: readonly Arrival[]): Promise<void> {
    await this.within(staged(tx), () => {
      for (const arrival of arrivals) staged(tx).inbox.set(identityOf(arrival), null);
    });
  }

  /** A statement of a transaction: where it fails, and when the connection is gone, nothing of the transaction is kept. */
  private within<T>(tx: Staged, effect: () => T): Promise<T> {
    return this.process.call(() => {
      if (tx.broken) throw new Error('Connection terminated');
      return effect();
    });
  }
}

export class DeadLettersInMemory extends DeadLetters {
  constructor(
    private readonly process: Process,
    private readonly setAside: (offset: string, code: string) => void = () => undefined,
  ) {
    super(options, nowhere, new Outbox(options, nowhere));
  }

  override async keep(tx: EntityManager, record: RawRecord, { code }: Refusal): Promise<void> {
    this.setAside(record.offset, code);
    await this.process.call(() => staged(tx).dead.push([record.offset, code]));
  }
}

/** Handlers that do with each record what its kind says. */
export function handlers(process: Process): Subscriptions {
  const handle = async (event: Received<object | null>, tx: EntityManager): Promise<void> => {
    const kind = event.record.key?.toString();
    if (kind === 'killer') process.die();
    await process.call(() => staged(tx).effects.push(event.offset));
    if (kind === 'poison') throw new Error('this one is poison');
  };
  const call: EventHandler['call'] = async (received, tx) => {
    for (const one of Array.isArray(received) ? received : [received]) {
      if (one.record.key?.toString() === 'rejected') one.reject('REJECTED', 'by the handler');
      else await handle(one, tx);
    }
  };
  const told = { method: Symbol('told'), batch: true, call };
  const asked = { method: Symbol('asked'), batch: false, call };
  return { streamOf: () => made, handlerOf: (type) => (type === Told ? told : asked) };
}

interface Found {
  readonly effects: string[];
  readonly dead: Record<string, string>;
  readonly inbox: string[];
  readonly wentBack: string[];
}

/** What is in the end to be found of a log: effects in their order, dead letters, and in the inbox what had an effect. */
export function expected(log: readonly Made[]): Found {
  const codes: Partial<Record<Kind, string>> = {
    poison: 'HANDLER_FAILED',
    rejected: 'REJECTED',
    invalid: 'CE_ID_MISSING',
    killer: 'CONSUMER_KILLED',
    reused: 'EVENT_ID_REUSED',
  };
  const good = log.filter(({ kind }) => kind === 'good');
  const dead = log.flatMap(({ kind, record }) => (codes[kind] ? [[`${record.offset} ${codes[kind]}`, codes[kind]] as const] : []));
  return {
    effects: good.map(({ record }) => record.offset),
    dead: Object.fromEntries(dead),
    inbox: good.map(({ first }) => `/services/inspection id${first}`).sort(),
    wentBack: [],
  };
}

export function found({ effects, dead, inbox, wentBack }: Database): Found {
  return { effects, dead: Object.fromEntries(dead), inbox: [...inbox.keys()].sort(), wentBack };
}
