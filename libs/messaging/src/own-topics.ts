import { randomUUID } from 'node:crypto';
import { ownerOf, type Stream, topicOf } from '@jinqiao/contracts';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { KafkaConnection } from './kafka.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { readStretches, type Stretch, stretchesOf } from './read-stream.js';
import { type RawRecord, Received, receive } from './received.js';

/*
 * What was published was said. A database that was set back (to a backup, or to a replica that was behind) has forgotten part of it and
 * would assign the same revisions again, with other content, which every reader leaves out. So a service reads its own topics before it
 * does anything else, and its slices take over what their tables do not know (ADR-0009).
 *
 * It does not read them from the beginning: a mark says up to where everything on a partition comes from this very database. It is kept in
 * the database, so it goes back together with the tables, and what lies beyond it is all that they can have forgotten. After a crash
 * that is little and known already; after a restore it is everything since the backup.
 *
 * The mark moves while the service runs: what the topics hold then was committed here before it was published, unless the database has
 * been exchanged meanwhile. That shows in `identity`, read in the transaction that would move the mark; the topics are then read first.
 */
const MARK_EVERY_MS = 5_000;
/** Topics and rules made a moment ago take a while to be seen; after this long the service ends, with the broker's reason. */
const SEEN_WITHIN_MS = 30_000;
const PAUSE_MS = 500;
const RECORDS_A_TRANSACTION = 500;

/** What a slice does with what was said before, in the order of the topic; answers how much of it was news. Revisions make it repeatable. */
export type TakeOver = (tx: EntityManager, said: readonly Received<object | null>[]) => Promise<number>;

interface Taker {
  readonly stream: Stream;
  readonly takeOver: TakeOver;
}

@Injectable()
export class OwnTopics implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(OwnTopics.name);
  private readonly takers: Taker[] = [];
  private readonly repairs: ((tx: EntityManager) => Promise<void>)[] = [];
  private readonly unmarked = new Set<string>();
  private known = '';
  private timer: NodeJS.Timeout | null = null;
  private marking: Promise<void> | null = null;

  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
    private readonly db: DataSource,
  ) {}

  /** To be called by constructors. Streams are taken over in the order in which they are named here. */
  takenOver(stream: Stream, takeOver: TakeOver): void {
    if (stream.writer !== this.options.service) throw new Error(`${stream.topic} is written by ${stream.writer}`);
    this.takers.push({ stream, takeOver });
  }

  /** What has to be done when anything was news, once all streams are taken over. */
  afterTakingOver(repair: (tx: EntityManager) => Promise<void>): void {
    this.repairs.push(repair);
  }

  /** Before consumers, relay, jobs and HTTP: none of them may assign a revision that was published already. */
  async onModuleInit(): Promise<void> {
    if (this.takers.length === 0) return;
    const giveUpAt = performance.now() + SEEN_WITHIN_MS;
    for (;;) {
      try {
        return await this.takeOver();
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        this.log.warn(`own topics could not be read, trying again: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  onApplicationBootstrap(): void {
    if (this.takers.length === 0) return;
    this.timer = setInterval(() => {
      this.marking ??= this.mark()
        .catch((error: unknown) => this.log.warn(`own topics could not be looked at, trying again: ${String(error)}`))
        .finally(() => (this.marking = null));
    }, MARK_EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.marking;
  }

  /** Reads what lies beyond the mark and lets the slices take it over. */
  async takeOver(): Promise<void> {
    const identity = await identityOf(this.db.manager);
    const ends = await this.ends();
    const marks = await this.marks();
    // A group of this moment alone: a process that was killed while it read would keep its partitions for a while.
    const group = `${this.options.service}.own.${randomUUID()}`;
    let news = 0;
    for (const { stream, takeOver } of this.takers) {
      const unknown = ends.filter(({ topic }) => isOf(stream, topic)).map((end) => beyond(marks, end));
      await readStretches(this.kafka, group, unknown, async (stretch, batch) => {
        for (let first = 0; first < batch.length; first += RECORDS_A_TRANSACTION) {
          const records = batch.slice(first, first + RECORDS_A_TRANSACTION);
          news += await this.db.transaction((tx) => this.takeSome(tx, { stream, takeOver }, { stretch, records }));
        }
      });
    }
    if (news > 0) {
      this.log.warn(`the database had been set back: ${news} states were taken over from the topics of this service`);
      for (const repair of this.repairs) await this.db.transaction(repair);
    }
    await this.db.transaction((tx) => write(tx, ends));
    this.known = identity;
  }

  /** This process has published on these topics. */
  published(topics: Iterable<string>): void {
    for (const topic of topics) this.unmarked.add(topic);
  }

  /** Says that this database knows what was published since. Where it may be another one than before, the topics are read first. */
  async mark(): Promise<void> {
    const topics = [...this.unmarked].filter((topic) => this.takers.some(({ stream }) => isOf(stream, topic)));
    this.unmarked.clear();
    try {
      await this.markEnds(topics);
    } catch (error) {
      this.published(topics);
      throw error;
    }
  }

  private async markEnds(topics: readonly string[]): Promise<void> {
    const ends = await stretchesOf(this.kafka, topics);
    const isKnown = await this.db.transaction(async (tx) => {
      if ((await identityOf(tx)) !== this.known) return false;
      await write(tx, ends);
      return true;
    });
    if (!isKnown) await this.takeOver();
  }

  private async takeSome(
    tx: EntityManager,
    { stream, takeOver }: Taker,
    { stretch, records }: { stretch: Stretch; records: readonly RawRecord[] },
  ): Promise<number> {
    const said: Received<object | null>[] = [];
    for (const record of records) {
      const read = receive(stream, record);
      if (read instanceof Received) said.push(read);
      else this.log.warn(`${read.code} ${record.topic}[${record.partition}]@${record.offset} is left out`);
    }
    const news = await takeOver(tx, said);
    // What the topic holds need not be sent again; behind later revisions it would become the last state of a compacted topic.
    await tx.query(`DELETE FROM outbox WHERE topic = $1 AND headers ->> 'ce_id' = ANY($2)`, [stretch.topic, said.map(({ id }) => id)]);
    return news;
  }

  private async ends(): Promise<Stretch[]> {
    return stretchesOf(this.kafka, await this.topics());
  }

  private async topics(): Promise<string[]> {
    const shared = this.takers.filter(({ stream }) => !stream.owner).map(({ stream }) => topicOf(stream));
    if (shared.length === this.takers.length) return shared;
    const listed = (await this.kafka.ask((admin) => admin.listTopics())).flatMap((name) => this.kafka.logical(name) ?? []);
    return [...shared, ...listed.filter((topic) => this.takers.some(({ stream }) => ownerOf(stream, topic) !== null))];
  }

  private async marks(): Promise<Map<string, bigint>> {
    const rows: { topic: string; partition: number; next_offset: string }[] = await this.db.query(
      'SELECT topic, partition, next_offset FROM published_marks',
    );
    return new Map(rows.map((row) => [`${row.topic}[${row.partition}]`, BigInt(row.next_offset)]));
  }
}

const isOf = (stream: Stream, topic: string): boolean => (stream.owner ? ownerOf(stream, topic) !== null : topicOf(stream) === topic);

// A topic that was made anew ends below its mark: all of it is unknown then.
function beyond(marks: ReadonlyMap<string, bigint>, stretch: Stretch): Stretch {
  const mark = marks.get(`${stretch.topic}[${stretch.partition}]`) ?? 0n;
  return mark > stretch.end || mark < stretch.from ? stretch : { ...stretch, from: mark };
}

/** Differs after everything that can exchange a database under a running service: a restart, another server, another database of the name. */
async function identityOf(tx: EntityManager): Promise<string> {
  const [row]: { identity: string }[] = await tx.query(
    `SELECT pg_postmaster_start_time() || ' ' || oid AS identity FROM pg_database WHERE datname = current_database()`,
  );
  return row?.identity ?? '';
}

async function write(tx: EntityManager, ends: readonly Stretch[]): Promise<void> {
  await tx.query(
    `INSERT INTO published_marks AS kept (topic, partition, next_offset)
     SELECT topic, partition, next_offset
     FROM json_to_recordset($1::json) AS x (topic text, partition integer, next_offset bigint)
     ORDER BY topic, partition
     ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset, marked_at = clock_timestamp()
       WHERE kept.next_offset <> excluded.next_offset`,
    [JSON.stringify(ends.map(({ topic, partition, end }) => ({ topic, partition, next_offset: String(end) })))],
  );
}
