import { Logger } from '@nestjs/common';
import { type Batches, Fenced, type Position, type Subscriptions } from './batches.js';
import type { ConsumerTables, Place } from './consumer-tables.js';
import { isTransient } from './failures.js';
import type { RawRecord } from './received.js';

const BATCH_RECORDS = 1_000;
/** What is not stored was never read here, whatever the broker keeps of this group from before a restore. */
const BEGINNING = 0n;
const BACKOFF_MS = { first: 100, longest: 2_000 };

/** What one fetch brought for a partition. */
export interface Fetched {
  readonly records: readonly RawRecord[];
  /** Is the partition still this process's, and read from where these records came? */
  readonly isMine: () => boolean;
  /** Tells the broker, in its own time, that everything up to this offset is done. */
  readonly resolve: (offset: string) => void;
  readonly heartbeat: () => Promise<void>;
}

/** What a partition needs besides its records. */
export interface Surroundings {
  readonly tables: Pick<ConsumerTables, 'begin'>;
  readonly batches: Pick<Batches, 'apply' | 'applyIsolated'>;
  readonly subscriptions: Subscriptions;
  /** Reads on from the given offset, or from where the log begins behind it. What was fetched before is not mine any more. */
  readonly seek: (place: Place, offset: bigint) => void;
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * One partition in one process. The offset of truth is the one stored with the effects: the partition is sought to it on joining and
 * whenever a batch does not hold it, and what has to wait for the database is tried again for as long as it takes.
 */
export class Partition {
  private readonly log = new Logger(Partition.name);
  private position: (Position & { isolate: boolean }) | null = null;
  /** The stored offset that was sought: what comes then is what the log has. What comes from elsewhere, or behind that, says nothing of it. */
  private sought: bigint | null = null;
  /** The stored offset from which this process has begun. */
  private begun: bigint | null | undefined;

  constructor(
    private readonly place: Place,
    private readonly around: Surroundings,
  ) {}

  /** The group was joined: where the partition stands is not known any more. */
  forget(): void {
    this.position = null;
    this.sought = null;
  }

  /** A group whose stored offsets went back (a restored database) has to see again what it has read, even if nothing new comes. */
  resume(stored: bigint | null): void {
    if (this.position) return;
    this.sought = null;
    this.around.seek(this.place, stored ?? BEGINNING);
  }

  /** Applies records for as long as they are this process's. Answers the last offset that is done, or null when it reads elsewhere. */
  async take({ records, isMine, resolve, heartbeat }: Fetched): Promise<string | null> {
    let done = 0;
    let backoff = BACKOFF_MS.first;
    while (done < records.length && isMine()) {
      try {
        const position = await this.claim(records);
        if (!position) return null;
        const chunk = await this.applyNext(position, notYetDone(records, done, position));
        this.sought = null;
        done = indexAfter(records, chunk);
        if (done === records.length) position.isolate = false;
        resolve(records[done - 1]?.offset ?? '0');
        backoff = BACKOFF_MS.first;
      } catch (error) {
        if (error instanceof Fenced) return this.refetch(error.stored);
        if (!isTransient(error)) throw error;
        this.log.warn(`${this.name} waits: ${error instanceof Error ? error.message : String(error)}`);
        // Part of the batch may be committed; what is left is told by the stored offset, asked for again.
        this.position = null;
        await this.around.pause(backoff);
        backoff = Math.min(backoff * 2, BACKOFF_MS.longest);
      }
      await heartbeat();
    }
    return records[done - 1]?.offset ?? null;
  }

  // The first batch after joining, and one that lies below what is done, asks where the partition stands; null = sought elsewhere.
  private async claim(records: readonly RawRecord[]): Promise<(Position & { isolate: boolean }) | null> {
    if (this.position && reaches(records, this.position.known ?? BEGINNING)) return this.position;
    const { stored, isolate } = await this.around.tables.begin(this.place, this.begun);
    this.begun = stored;
    // After compaction, retention or a log made anew no batch will ever hold the stored offset: one seek is enough to know.
    const from = stored ?? BEGINNING;
    if (!holds(records, from) && this.sought !== from) {
      this.sought = from;
      this.around.seek(this.place, from);
      return null;
    }
    this.position = { ...this.place, known: stored, isolate };
    return this.position;
  }

  private async applyNext(position: Position & { isolate: boolean }, records: readonly RawRecord[]): Promise<readonly RawRecord[]> {
    const { batches, subscriptions } = this.around;
    const [next] = records;
    if (position.isolate && next) {
      await batches.applyIsolated(position, next, subscriptions);
      return [next];
    }
    const chunk = records.slice(0, BATCH_RECORDS);
    await batches.apply({ position, records: chunk, subscriptions });
    return chunk;
  }

  private refetch(stored: bigint | null): null {
    this.log.warn(`${this.name} is fenced; reading again from ${stored ?? 'the beginning'}`);
    this.forget();
    this.around.seek(this.place, stored ?? BEGINNING);
    return null;
  }

  private get name(): string {
    return `${this.place.topic}[${this.place.partition}]`;
  }
}

const reaches = (records: readonly RawRecord[], offset: bigint): boolean => BigInt(records.at(-1)?.offset ?? -1) >= offset;
const holds = (records: readonly RawRecord[], offset: bigint): boolean =>
  BigInt(records[0]?.offset ?? -1) <= offset && reaches(records, offset);

// A log that was made anew starts below what is stored; then everything is new, and the inbox drops what is not.
function notYetDone(records: readonly RawRecord[], done: number, { known }: Position): readonly RawRecord[] {
  if (known === null || !reaches(records, known)) return records.slice(done);
  return records.slice(done).filter((record) => BigInt(record.offset) >= known);
}

const indexAfter = (records: readonly RawRecord[], chunk: readonly RawRecord[]): number => {
  const last = chunk.at(-1);
  return last ? records.indexOf(last) + 1 : records.length;
};
