/*
 * What a relay decides: who leads, what is sent next, and what follows from the broker's answer.
 *
 * Order: a row's seq is taken under its aggregate's lock, so per key seq order is commit order. The rows that can be seen are read lowest
 * first, with no cursor: a transaction that commits late is simply seen later, and per key never out of order. While one batch is on its
 * way to the broker, those before it are removed and the one after it is read; a batch is sent only after the broker has answered for the
 * one before, and waits for no removal: what the broker has answered for is left out of what is read until it is gone.
 *
 * Crash points: killed between the broker's answer and the removal, the next relay publishes the same rows again (same ce_id, so
 * inboxes drop them). Frozen past its lease, another relay takes over; when the first one thaws it may repeat what it had read, which
 * the other has sent already, and its removal finds that the lease is gone. Nothing else can be sent twice, and order is that of first
 * appearances.
 */
export interface OutboxRow {
  readonly seq: string;
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: string | null;
  readonly raw: Buffer | null;
}

/** The table, its lease included; every call is one statement. */
export interface OutboxRows {
  /** Takes or keeps the lease; false = another holder has it. */
  lead(holder: string, leaseMs: number): Promise<boolean>;
  /** Committed rows in the order of seq, without parked keys, held topics and the rows `besides`. */
  next(rows: number, besides: readonly string[], heldTopics: readonly string[]): Promise<OutboxRow[]>;
  /** Removes rows if the lease still is the holder's; tells how many it removed. */
  remove(seqs: readonly string[], holder: string): Promise<number>;
  park(seq: string, reason: string): Promise<void>;
}

/** Sends rows and resolves with the broker's answer for all of them. */
export type Send = (rows: readonly OutboxRow[]) => Promise<void>;

export interface RelayPlace {
  readonly table: OutboxRows;
  readonly send: Send;
  readonly holder: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly report: (problem: string) => void;
  /** False = nothing new is begun. */
  readonly running: () => boolean;
}

export class LeaseLost extends Error {}

export const LEASE_MS = 10_000;
/** The most that is read, and about the most that is sent, at once. */
const BATCH = { rows: 1_000, bytes: 4_000_000 };
const HOLD_MS = 1_000;

export class Relaying {
  private readonly held = new Map<string, number>();
  private leaseUntil = 0;
  /** Rows that the broker has answered for and the table may still have: by the statement under way, and by the next one. */
  private leaving: readonly string[] = [];
  private answered: string[] = [];
  private removal: Promise<void> | null = null;
  /** Why a removal failed, until somebody is told. */
  private notRemoved: Error | null = null;

  constructor(
    private readonly place: RelayPlace,
    private readonly largest = BATCH,
  ) {}

  get leading(): boolean {
    return this.place.now() < this.leaseUntil;
  }

  async lead(): Promise<boolean> {
    const { table, holder, now } = this.place;
    const asked = now();
    if (asked < this.leaseUntil - LEASE_MS / 2) return true;
    this.leaseUntil = (await table.lead(holder, LEASE_MS)) ? asked + LEASE_MS : 0;
    return this.leaseUntil > 0;
  }

  /** Publishes what is there, if this relay leads. Tells how many rows it has looked after. */
  async publishAll(): Promise<number> {
    let published = 0;
    try {
      let rows = (await this.lead()) ? await this.next([]) : [];
      while (rows.length > 0) {
        // Only a full batch has more behind it.
        const ahead = rows.length < this.largest.rows ? null : this.next(rows);
        ahead?.catch(() => undefined);
        const setAside = await this.publish(rows);
        published += rows.length;
        if (!ahead || !this.place.running() || !(await this.lead())) break;
        // What was read ahead may hold later events of a key that has to wait from now on.
        rows = setAside.length > 0 ? await this.next([]) : await ahead;
      }
    } catch (error) {
      await this.settled();
      throw error;
    }
    if (published === 0) await this.settled();
    return published;
  }

  /** Resolves when everything that the broker has answered for is removed; throws why it was not. */
  async settled(): Promise<void> {
    await this.removal;
    this.tellOfRemoval();
  }

  /** What is being removed may be there or not, and is never read. */
  private next(besides: readonly OutboxRow[]): Promise<OutboxRow[]> {
    return this.place.table.next(this.largest.rows, [...this.leaving, ...this.answered, ...seqsOf(besides)], this.heldTopics());
  }

  /** Answers what was set aside. What is too much for one request is halved, what is refused until the refused record stands alone. */
  private async publish(rows: readonly OutboxRow[]): Promise<SetAside[]> {
    if (rows.length > 1 && bytesOf(rows) > this.largest.bytes) return this.publishHalves(rows);
    // What was not removed is read again: it is not sent again before the relay has paused.
    this.tellOfRemoval();
    if (!this.leading) throw new LeaseLost();
    try {
      await this.place.send(rows);
    } catch (error) {
      const refused = refusalOf(error);
      if (!refused) throw error;
      const [alone] = rows;
      if (!alone || rows.length > 1) return this.publishHalves(rows);
      return [refused.of === 'RECORD' ? await this.park(alone, refused.reason) : this.hold(alone.topic, refused.reason)];
    }
    await this.remove(seqsOf(rows));
    return [];
  }

  /** One statement at a time; only where the disk is slower than the broker it is waited for. */
  private async remove(seqs: readonly string[]): Promise<void> {
    this.answered.push(...seqs);
    this.removal ??= this.removeAll();
    if (this.answered.length > this.largest.rows) await this.settled();
  }

  private async removeAll(): Promise<void> {
    try {
      while (this.answered.length > 0) {
        this.leaving = this.answered;
        this.answered = [];
        if ((await this.place.table.remove(this.leaving, this.place.holder)) < this.leaving.length) this.loseLease();
      }
    } catch (error) {
      this.notRemoved = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.leaving = [];
      this.answered = [];
      this.removal = null;
    }
  }

  private tellOfRemoval(): void {
    const error = this.notRemoved;
    this.notRemoved = null;
    if (error !== null) throw error;
  }

  // Order is kept: the second half goes only after the first was sent, without what has to wait behind a refused record.
  private async publishHalves(rows: readonly OutboxRow[]): Promise<SetAside[]> {
    const middle = Math.ceil(rows.length / 2);
    const first = await this.publish(rows.slice(0, middle));
    const rest = rows.slice(middle).filter((row) => !first.some((one) => one.blocks(row)));
    return rest.length > 0 ? [...first, ...(await this.publish(rest))] : first;
  }

  // What was sent of its key goes first: behind a parked row it would not be read again, should its removal have failed.
  private async park(row: OutboxRow, reason: string): Promise<SetAside> {
    await this.settled();
    this.place.report(`the broker refused ${row.topic} seq ${row.seq}: ${reason}; its key is parked`);
    await this.place.table.park(row.seq, reason);
    return { blocks: ({ topic, key }) => topic === row.topic && key !== null && key === row.key };
  }

  // The rows stay in their order and are tried again; the topics beside it go on.
  private hold(topic: string, reason: string): SetAside {
    this.place.report(`the broker takes nothing for ${topic}: ${reason}; trying again every ${HOLD_MS} ms`);
    this.held.set(topic, this.place.now() + HOLD_MS);
    return { blocks: (row) => row.topic === topic };
  }

  private heldTopics(): string[] {
    for (const [topic, until] of this.held) if (this.place.now() > until) this.held.delete(topic);
    return [...this.held.keys()];
  }

  private loseLease(): never {
    this.leaseUntil = 0;
    throw new LeaseLost();
  }
}

interface SetAside {
  /** Has this row to wait for what was set aside? */
  readonly blocks: (row: OutboxRow) => boolean;
}

const seqsOf = (rows: readonly OutboxRow[]): string[] => rows.map((row) => row.seq);

/** About what a request with these rows weighs; headers and framing need room. */
const bytesOf = (rows: readonly OutboxRow[]): number =>
  rows.reduce((sum, { value, raw }) => sum + (value?.length ?? 0) + (raw?.length ?? 0) + 1_000, 0);

/** Refused for what the record is: waiting will not help, so its key is parked until a person looks. */
const ABOUT_THE_RECORD = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP', 'POLICY_VIOLATION']);
/** Refused for where it goes. A broker that has just started says so too, until it knows its topics and rules again. */
const ABOUT_THE_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION']);

/** What the broker has against a record or its topic; null for what may pass (network, leader election) and is tried again. */
function refusalOf(error: unknown): { reason: string; of: 'RECORD' | 'TOPIC' } | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const reason = 'type' in cause ? String(cause.type) : '';
    if (ABOUT_THE_RECORD.has(reason)) return { reason, of: 'RECORD' };
    if (ABOUT_THE_TOPIC.has(reason)) return { reason, of: 'TOPIC' };
  }
  return null;
}
