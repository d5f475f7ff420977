import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { unnested } from './unnested.js';

/** A partition as one group reads it. */
export interface Place {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** Where a partition stands, and whether its records have to be handled one by one. */
export interface Beginning {
  readonly stored: bigint | null;
  readonly isolate: boolean;
}

/** A partition that is about to be handled up to, but without, the offset `to`. */
export interface Move {
  readonly from: Place;
  readonly to: bigint;
}

/** An event as the inbox knows it. */
export interface Arrival {
  readonly source: string;
  readonly id: string;
  readonly hash: Buffer;
}

/** A batch begun this often in a row without coming back is handled record by record. */
const ATTEMPTS_BEFORE_ISOLATION = 3;

/** The statements on `inbox` and `consumer_offsets`: everything a consumer waits for but its handlers and its dead letters. */
@Injectable()
export class ConsumerTables {
  constructor(private readonly db: DataSource) {}

  async transaction(work: (tx: EntityManager) => Promise<void>): Promise<void> {
    await this.db.transaction(work);
  }

  /** How far the partitions of a group are handled; those that are not listed were never begun. */
  async stored(group: string): Promise<{ topic: string; partition: number; next: bigint }[]> {
    const rows: { topic: string; partition: number; next_offset: string }[] = await this.db.query(
      'SELECT topic, partition, next_offset FROM consumer_offsets WHERE group_id = $1 AND next_offset IS NOT NULL',
      [group],
    );
    return rows.map(({ topic, partition, next_offset }) => ({ topic, partition, next: BigInt(next_offset) }));
  }

  /**
   * Writes down that a partition begins. `begun` is where this process began it before (undefined: never): counted is a beginning once by
   * each process, not by each retry, since what has to wait for the database kills nobody.
   */
  async begin({ group, topic, partition }: Place, begun: bigint | null | undefined): Promise<Beginning> {
    const rows: { next_offset: string | null; isolate: boolean }[] = await this.db.query(
      `INSERT INTO consumer_offsets AS stored (group_id, topic, partition, attempts) VALUES ($1, $2, $3, 1)
       ON CONFLICT (group_id, topic, partition) DO UPDATE
         SET attempts = stored.attempts + CASE WHEN $4::boolean AND stored.next_offset IS NOT DISTINCT FROM $5::bigint THEN 0 ELSE 1 END
       RETURNING next_offset, attempts > $6 OR suspect_offset IS NOT NULL AS isolate`,
      [group, topic, partition, begun !== undefined, begun == null ? null : String(begun), ATTEMPTS_BEFORE_ISOLATION],
    );
    return { stored: offsetOf(rows[0]?.next_offset), isolate: rows[0]?.isolate ?? false };
  }

  /** Writes down that a record is about to be handled alone. Answers how many processes have begun it so; `again`: this one had. */
  async suspect({ group, topic, partition }: Place, offset: string, again: boolean): Promise<number> {
    const written: [{ suspect_count: number }[], number] = await this.db.query(
      `UPDATE consumer_offsets
       SET suspect_count = CASE WHEN suspect_offset = $4 THEN suspect_count + CASE WHEN $5::boolean THEN 0 ELSE 1 END ELSE 1 END,
           suspect_offset = $4
       WHERE group_id = $1 AND topic = $2 AND partition = $3 RETURNING suspect_count`,
      [group, topic, partition, offset, again],
    );
    return written[0][0]?.suspect_count ?? 1;
  }

  /** Takes one back of those that began a record alone: it came back. */
  async absolve({ group, topic, partition }: Place, offset: string): Promise<void> {
    await this.db.query(
      `UPDATE consumer_offsets SET suspect_count = suspect_count - 1
       WHERE group_id = $1 AND topic = $2 AND partition = $3 AND suspect_offset = $4 AND suspect_count > 0`,
      [group, topic, partition, offset],
    );
  }

  /**
   * Moves partitions on and holds them until the end of the transaction, always in the same order. Answers where each stood before;
   * undefined when its row is gone.
   */
  async advance(tx: EntityManager, moves: readonly Move[]): Promise<(bigint | null | undefined)[]> {
    const wanted = moves.map(({ from: { group, topic, partition }, to }) => ({ group_id: group, topic, partition, next: String(to) }));
    const { from, values } = unnested({ group_id: 'text', topic: 'text', partition: 'integer', next: 'bigint' }, wanted);
    const rows: { position: number; next_offset: string | null }[] = await tx.query(
      `WITH held AS (
         SELECT group_id, topic, partition, next_offset, given.next, given.position
         FROM ${from} JOIN consumer_offsets AS stored USING (group_id, topic, partition)
         ORDER BY group_id, topic, partition FOR UPDATE OF stored
       ), moved AS (
         UPDATE consumer_offsets AS stored
         SET next_offset = held.next, attempts = 0, suspect_offset = NULL, suspect_count = 0, updated_at = clock_timestamp()
         FROM held WHERE (stored.group_id, stored.topic, stored.partition) = (held.group_id, held.topic, held.partition)
       )
       SELECT position::integer, next_offset FROM held`,
      [...values],
    );
    const before = new Map(rows.map(({ position, next_offset }) => [position, offsetOf(next_offset)]));
    return moves.map((_, index) => before.get(index + 1));
  }

  /** Takes events into the inbox. Answers those that were there before, with the hash they had then. */
  async takeIn(tx: EntityManager, arrivals: readonly Arrival[]): Promise<Arrival[]> {
    const rows = arrivals.map(({ source, id, hash }) => ({ source, event_id: id, hash: `\\x${hash.toString('hex')}` }));
    const { from, values } = unnested({ source: 'text', event_id: 'text', hash: 'bytea' }, rows);
    // Only where one was there already is it worth looking which.
    const known: { source: string; event_id: string; hash: Buffer }[] = await tx.query(
      `WITH arrived AS (
         SELECT source, event_id, hash FROM ${from}
       ), taken AS (
         INSERT INTO inbox (source, event_id, hash) SELECT source, event_id, hash FROM arrived ORDER BY source, event_id
         ON CONFLICT (source, event_id) DO NOTHING RETURNING source, event_id
       )
       SELECT inbox.source, inbox.event_id, inbox.hash FROM inbox JOIN arrived USING (source, event_id)
       WHERE (SELECT count(*) FROM taken) < (SELECT count(*) FROM arrived)
         AND NOT EXISTS (SELECT FROM taken WHERE taken.source = arrived.source AND taken.event_id = arrived.event_id)`,
      [...values],
    );
    return known.map(({ source, event_id, hash }) => ({ source, id: event_id, hash }));
  }

  async forget(tx: EntityManager, arrivals: readonly Arrival[]): Promise<void> {
    const rows = arrivals.map(({ source, id }) => ({ source, event_id: id }));
    const { from, values } = unnested({ source: 'text', event_id: 'text' }, rows);
    await tx.query(`DELETE FROM inbox USING ${from} WHERE inbox.source = given.source AND inbox.event_id = given.event_id`, [...values]);
  }
}

const offsetOf = (column: string | null | undefined): bigint | null => (column == null ? null : BigInt(column));
