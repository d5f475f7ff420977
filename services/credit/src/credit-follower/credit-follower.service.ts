import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { assertWithin } from '../credit-change/credit-change.js';
import { CreditChanges, placeOf } from '../credit-change/credit-change.service.js';
import { clockOf, NotAFollower } from './credit-follower.js';

/** How far a follower has said that it has come. */
export interface Confirmation {
  /** What ended up to this position of the feed it does not hold. */
  readonly position: number;
  readonly confirmedAt: Date;
}

/** A follower that may still hold what has ended. */
export interface Unconfirmed {
  readonly followerId: string;
  /** With records that have ended and that it has not confirmed; the caller sees those of its own records counted alone. */
  readonly entities: number;
  readonly oldestToldAt: Date;
  readonly dueOn: string | null;
  readonly ruleVersion: string | null;
  readonly overdue: boolean;
  /** When it last asked and confirmed: for those who look after all. */
  readonly askedAt?: Date;
  readonly confirmedAt?: Date | null;
}

export interface UnconfirmedWanted {
  readonly hoursLeast?: number;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'unconfirmed followers';

@Injectable()
export class CreditFollowers {
  constructor(
    private readonly db: DataSource,
    private readonly changes: CreditChanges,
    private readonly clock: Clock,
  ) {}

  /**
   * Notes that a department is about to be given what lies behind a cursor; called before it is read, so that nothing that ends in
   * between is taken for known. Others look after the feed and keep no copy.
   */
  async note({ kind, id }: Principal, after: string | undefined): Promise<void> {
    if (kind !== 'DEPARTMENT') return;
    await this.db.query(
      `INSERT INTO credit_followers AS kept (department_id, began_at, asked_at, cleared_through)
       SELECT $1, $2, $2, least(last_position, $3) FROM change_series
       ON CONFLICT (department_id) DO UPDATE SET asked_at = excluded.asked_at WHERE kept.asked_at < excluded.asked_at`,
      [id, this.clock.now(), after === undefined ? null : placeOf(after).cleared],
    );
  }

  /** May be repeated, and never goes back: whoever confirms less than before is answered with what stands. */
  async confirm({ id }: Principal, cursor: string): Promise<Confirmation> {
    const place = placeOf(cursor);
    assertWithin(place, await this.changes.series(this.db.manager), '/cursor');
    const [rows]: [{ position: string; confirmedAt: Date }[], number] = await this.db.query(
      `UPDATE credit_followers SET cleared_through = greatest(cleared_through, $2),
         confirmed_at = CASE WHEN confirmed_at IS NULL OR cleared_through < $2 THEN $3 ELSE confirmed_at END
       WHERE department_id = $1 RETURNING cleared_through AS position, confirmed_at AS "confirmedAt"`,
      [id, place.cleared, this.clock.now()],
    );
    const [stands] = rows;
    if (!stands) throw new NotAFollower();
    return { position: Number(stands.position), confirmedAt: stands.confirmedAt };
  }

  /** The department keeps nothing of what it was given, so nothing is asked of it until it asks again. */
  async leave({ id }: Principal): Promise<void> {
    await this.db.query('DELETE FROM credit_followers WHERE department_id = $1', [id]);
  }

  /** Who has not confirmed that something has ended, the oldest first; of a department those that may hold records which it decided. */
  async unconfirmed(caller: Principal, { hoursLeast = 0, cursor, limit }: UnconfirmedWanted): Promise<Page<Unconfirmed>> {
    const now = this.clock.now();
    const isDepartment = caller.kind === 'DEPARTMENT';
    const [toldAfter = '-infinity', idAfter = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: (Required<Pick<Unconfirmed, 'followerId' | 'entities' | 'oldestToldAt' | 'askedAt' | 'confirmedAt'>> & { at: string })[] =
      await this.db.query(
        `SELECT f.department_id AS "followerId", count(DISTINCT e.uscc)::integer AS entities, min(e.told_at) AS "oldestToldAt",
           min(e.told_at)::text AS at, f.asked_at AS "askedAt", f.confirmed_at AS "confirmedAt"
         FROM credit_followers AS f JOIN credit_ends AS e ON e.position > f.cleared_through
         JOIN credit_records AS r USING (record_no)
         WHERE r.standing <> 'PUBLIC' AND ($1::text IS NULL OR e.department_id = $1)
         GROUP BY f.department_id
         HAVING min(e.told_at) <= $2::timestamptz - $3::integer * interval '1 hour'
           AND (min(e.told_at), f.department_id) > ($4::timestamptz, $5)
         ORDER BY min(e.told_at), f.department_id LIMIT $6`,
        [isDepartment ? caller.id : null, now, hoursLeast, toldAfter, idAfter, limit + 1],
      );
    const { items, next } = pageOf(LIST, rows, limit, ({ at, followerId }) => [at, followerId]);
    const entries = items.map(({ at: _at, askedAt, confirmedAt, ...entry }) => ({
      ...entry,
      ...clockOf(entry.oldestToldAt, now),
      ...(!isDepartment && { askedAt, confirmedAt }),
    }));
    return { items: entries, next };
  }
}
