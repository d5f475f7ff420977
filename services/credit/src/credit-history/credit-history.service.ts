import { dayInChina, readUscc } from '@jinqiao/law';
import { decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { CreditRecordState, Standing } from '../credit-record/credit-record.js';
import { validDays } from './credit-history.js';

/** A record as it was known from one moment until another (null: still). */
export interface RecordVersion {
  readonly recordNo: string;
  readonly versionNo: number;
  readonly knownFrom: Date;
  readonly knownUntil: Date | null;
  /** Null on both sides: on no day. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly standing: Standing;
  /** A regime and the day of a repair are absent where there is none. */
  readonly state: Omit<CreditRecordState, 'sourceRevision' | 'regime' | 'repairedOn'> &
    Partial<Pick<CreditRecordState, 'regime' | 'repairedOn'>>;
}

export interface KnownRecord {
  readonly record: CreditRecordState;
  readonly knownFrom: Date;
}

export interface VersionsWanted {
  readonly uscc: string;
  readonly validOn?: string;
  readonly knownAt?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'credit-history';

@Injectable()
export class CreditHistory {
  constructor(private readonly db: DataSource) {}

  /** Notes how records are from a moment on; what has not changed but for the number of its source is no version. The caller holds their locks. */
  async append(tx: EntityManager, known: readonly KnownRecord[]): Promise<void> {
    const versions = known.map(({ record, knownFrom }) => {
      const { sourceRevision: _sourceRevision, regime, repairedOn, ...rest } = record;
      // Versions of before it was kept have none: what has not changed is no version.
      const state = { ...rest, ...(regime !== null && { regime }), ...(repairedOn !== null && { repairedOn }) };
      return { state, knownFrom, validDays: validDays(record, dayInChina(knownFrom)) };
    });
    await tx.query(
      `INSERT INTO credit_record_versions (record_no, version_no, known_from, valid_days, standing, state)
       SELECT (state ->> 'recordNo')::uuid, coalesce(last_no, 0) + 1, "knownFrom", "validDays", state ->> 'standing', state
       FROM jsonb_to_recordset($1::jsonb) AS x ("knownFrom" timestamptz, "validDays" daterange, state jsonb)
       LEFT JOIN LATERAL (SELECT version_no AS last_no, v.state AS last_state FROM credit_record_versions v
                          WHERE v.record_no = (x.state ->> 'recordNo')::uuid ORDER BY version_no DESC LIMIT 1) AS last ON TRUE
       WHERE last_state IS DISTINCT FROM state`,
      [JSON.stringify(versions)],
    );
  }

  /** Versions of an entity's records, of a department those of its own: all, or what was known at a moment, or was valid on a day. */
  async list(caller: Principal, { uscc, validOn, knownAt, cursor, limit }: VersionsWanted): Promise<Page<RecordVersion>> {
    const [afterRecord = null, afterVersion = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: RecordVersion[] = await this.db.query(
      `SELECT record_no AS "recordNo", version_no AS "versionNo", known_from AS "knownFrom", known_until AS "knownUntil",
              lower(valid_days)::text AS "validFrom", (upper(valid_days) - 1)::text AS "validUntil", standing, state
       FROM (SELECT v.*, lead(known_from) OVER (PARTITION BY record_no ORDER BY version_no) AS known_until
             FROM credit_record_versions v JOIN credit_records r USING (record_no)
             WHERE r.uscc = $1 AND ($2::text IS NULL OR r.department_id = $2)) AS versions
       WHERE ($3::date IS NULL OR valid_days @> $3::date)
         AND ($4::timestamptz IS NULL OR (known_from <= $4 AND (known_until IS NULL OR known_until > $4)))
         AND ($5::uuid IS NULL OR (record_no, version_no) > ($5::uuid, $6::integer))
       ORDER BY record_no, version_no LIMIT $7`,
      [
        readUscc(uscc).code,
        caller.kind === 'DEPARTMENT' ? caller.id : null,
        validOn ?? null,
        knownAt ?? null,
        afterRecord,
        afterVersion,
        limit + 1,
      ],
    );
    return pageOf(LIST, rows, limit, ({ recordNo, versionNo }) => [recordNo, String(versionNo)]);
  }
}
