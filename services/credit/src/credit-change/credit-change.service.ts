import { Clock, decodeCursor, encodeCursor } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { EntityState } from '../credit-status/credit-status.js';
import {
  assertWithin,
  changeOf,
  type ChangeSeries,
  type EntityChange,
  movedTo,
  type ReaderPlace,
  theStart,
  tombstonesKeptSince,
} from './credit-change.js';

/** A stretch of the feed. There is always a cursor behind it, so that a reader goes on from there whenever it likes. */
export interface Changes {
  readonly items: EntityChange[];
  readonly cursor: string;
  readonly more: boolean;
}

/** Any number; whoever numbers changes or erases tombstones holds it until its transaction ends. */
const SERIES_LOCK = 5_110_031;
const CURSORS = 'credit-changes';
/** An entity may have 10,000 numbers of records: a page ends with the entity that brings it to this many, whatever the limit. */
export const RECORD_NOS_A_PAGE = 100_000;

/**
 * The series as one statement sees it. Its epoch names the database besides (server, timeline, which one of its databases), for a database
 * that was restored or promoted shows that by itself, before anybody has noticed.
 */
const SERIES = `SELECT md5(concat_ws(' ', s.epoch, system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), oid)) AS epoch,
    last_position AS "lastPosition", erased_through AS "erasedThrough"
  FROM change_series s, pg_control_system(), pg_database WHERE datname = current_database()`;

type SeriesRow = Record<'lastPosition' | 'erasedThrough', string> & { epoch: string };
type Row = SeriesRow & EntityState & { position: string | null };

/**
 * Numbers changes and tells them. A transaction that changes an entity only leaves its code at the door (`changed_entities`); one process
 * at a time then gives it the next position. So positions become visible in their order and no reader goes past one that is still to
 * come, and no business transaction waits for another's place: under a lock of the series they would commit one by one.
 */
@Injectable()
export class CreditChanges {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** What has changed behind a cursor. The cursor is judged by the statement that reads the page: nothing is erased in between. */
  async list(after: string | undefined, limit: number): Promise<Changes> {
    const from = after === undefined ? null : placeOf(after);
    const rows: Row[] = await this.db.query(
      `SELECT series.*, page.* FROM (${SERIES}) AS series LEFT JOIN (
         SELECT * FROM (
           SELECT c.position, e.uscc, e.revision, e.public_records AS "publicRecords", e.record_nos AS "recordNos", e.commitments, e.records,
             sum(jsonb_array_length(e.record_nos)) OVER (ORDER BY c.position) - jsonb_array_length(e.record_nos) AS nos_before
           FROM (SELECT uscc, position FROM credit_changes WHERE position > $1 ORDER BY position LIMIT $2) AS c
           JOIN credit_entities AS e USING (uscc)
         ) AS numbered WHERE nos_before < $3
       ) AS page ON TRUE
       ORDER BY page.position`,
      [from?.position ?? 0, limit, RECORD_NOS_A_PAGE],
    );
    const series = seriesOf(rows[0]);
    const place = from ?? theStart(series);
    assertWithin(place, series);
    const page = rows.filter(({ position }) => position !== null);
    // Nothing lies behind an empty page: its reader has come as far as the series.
    const position = Number(page.at(-1)?.position ?? series.lastPosition);
    return { items: page.map(changeOf), cursor: cursorAt(movedTo(place, position, series)), more: position < series.lastPosition };
  }

  /** How far the feed has come, as the transaction sees it. */
  async series(tx: EntityManager): Promise<ChangeSeries> {
    const [row]: SeriesRow[] = await tx.query(SERIES);
    return seriesOf(row);
  }

  /**
   * Gives at most so many changes their positions; answers how many it took from the door. Whoever finds another process at it leaves
   * it to that one. The feed's rows refer to no entity by a foreign key: its check would wait for the lock under which one is restated.
   */
  async number(most: number): Promise<number> {
    return this.inTurn(async (tx) => {
      const [row]: { taken: number }[] = await tx.query(
        `WITH taken AS (
           DELETE FROM changed_entities WHERE id IN (SELECT id FROM changed_entities ORDER BY id LIMIT $1) RETURNING id, uscc, ended
         ), changed AS (
           SELECT uscc, row_number() OVER (ORDER BY max(id)) AS place FROM taken GROUP BY uscc
         ), series AS (
           UPDATE change_series SET last_position = last_position + (SELECT count(*) FROM changed) WHERE EXISTS (SELECT FROM changed)
           RETURNING old.last_position
         ), ended AS (
           INSERT INTO credit_ends AS kept (record_no, uscc, department_id, position, told_at)
           SELECT DISTINCT record_no, r.uscc, r.department_id, series.last_position + place, $2::timestamptz
           FROM taken JOIN changed USING (uscc) CROSS JOIN series CROSS JOIN unnest(taken.ended) AS record_no
           JOIN credit_records AS r USING (record_no) WHERE r.standing <> 'PUBLIC'
           ON CONFLICT (record_no) DO UPDATE SET position = excluded.position, told_at = excluded.told_at
         ), numbered AS (
           INSERT INTO credit_changes AS kept (uscc, position, changed_at, removed)
           SELECT uscc, series.last_position + place, $2::timestamptz, public_records = '[]'
           FROM changed JOIN credit_entities USING (uscc) CROSS JOIN series
           ON CONFLICT (uscc) DO UPDATE SET position = excluded.position, changed_at = excluded.changed_at, removed = excluded.removed
         )
         SELECT count(*)::integer AS taken FROM taken`,
        [most, this.clock.now()],
      );
      return row?.taken ?? 0;
    });
  }

  /** Erases at most so many tombstones whose time has passed; answers how many. */
  async eraseTombstones(most: number): Promise<number> {
    return this.inTurn(async (tx) => {
      const [row]: { erased: number }[] = await tx.query(
        `WITH erased AS (
           DELETE FROM credit_changes WHERE uscc IN (
             SELECT uscc FROM credit_changes WHERE removed AND changed_at < $1 ORDER BY changed_at, position LIMIT $2)
           RETURNING position
         ), series AS (
           UPDATE change_series SET erased_through = greatest(erased_through, (SELECT max(position) FROM erased))
           WHERE EXISTS (SELECT FROM erased)
         )
         SELECT count(*)::integer AS erased FROM erased`,
        [tombstonesKeptSince(this.clock.now()), most],
      );
      return row?.erased ?? 0;
    });
  }

  private async inTurn(work: (tx: EntityManager) => Promise<number>): Promise<number> {
    return this.db.transaction(async (tx) => {
      const [row]: { taken: boolean }[] = await tx.query('SELECT pg_try_advisory_xact_lock($1) AS taken', [SERIES_LOCK]);
      return row?.taken ? work(tx) : 0;
    });
  }
}

/** After the database was set back: whatever a reader knows, it may be of a time that did not happen here. */
export async function beginEpoch(tx: EntityManager): Promise<void> {
  await tx.query('UPDATE change_series SET epoch = gen_random_uuid()');
}

/** The cursor of a place in the series. */
export const cursorAt = ({ epoch, position, floor, cleared }: ReaderPlace): string =>
  encodeCursor(CURSORS, [epoch, position, floor, cleared]);

export function placeOf(cursor: string): ReaderPlace {
  // Cursors that were given out before they said so say nothing of what their holder has cleared.
  const [epoch, position, floor, cleared = 0] = decodeCursor(CURSORS, cursor);
  return { epoch: String(epoch), position: Number(position), floor: Number(floor), cleared: Number(cleared) };
}

function seriesOf(row: SeriesRow | undefined): ChangeSeries {
  if (!row) throw new Error('the series of changes has lost its row');
  return { epoch: row.epoch, lastPosition: Number(row.lastPosition), erasedThrough: Number(row.erasedThrough) };
}
