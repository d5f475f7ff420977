import type { ServerAddresses } from '@jinqiao/infra-local';
import type pg from 'pg';
import { connected } from './place.js';

/*
 * Rows of results long since handled, as a service with a past has them: of fifty departments, day after day, a third of them sold online,
 * few on a small platform. PostgreSQL makes them itself; states are short, so that what grows is the number of rows and their indexes.
 */
export const SMALL_PLATFORM = 'amazon-cn';
const FIRST_DAY = '2024-01-01';
const A_DAY = 25_000;

/** The day on which the n-th stored result was sampled. */
export const dayOf = (n: number): string => new Date(Date.parse(FIRST_DAY) + Math.floor(n / A_DAY) * 86_400_000).toISOString().slice(0, 10);

/** `nth` counts the results of one department. */
const ROWS = `FROM (SELECT n, n / 50 AS nth, 'dept-' || lpad((n % 50)::text, 2, '0') AS department, 'A' || lpad(n::text, 10, '0') AS sample
                    FROM generate_series($1::bigint, $2::bigint) AS n) AS rows`;
const SUBJECT = `department || ':' || sample`;
const VERDICT = `CASE WHEN nth % 20 = 0 THEN 'UNQUALIFIED' ELSE 'QUALIFIED' END`;
const PLATFORM = `CASE WHEN nth % 6000 = 0 THEN '${SMALL_PLATFORM}' ELSE (ARRAY['jd', 'tmall', 'taobao'])[1 + nth / 3 % 3] END`;
const DAY = `date '${FIRST_DAY}' + (n / ${A_DAY})::integer`;

export interface Filling {
  readonly table: string;
  /** Here from the first row's number to the last one's. */
  readonly statement: string;
}

const INBOX: Filling = {
  table: 'inbox',
  statement: `INSERT INTO inbox (source, event_id, hash)
    SELECT '/services/inspection', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), decode(repeat('5a', 32), 'hex') ${ROWS}`,
};

const FILLINGS: Readonly<Record<string, readonly Filling[]>> = {
  inspection: [
    {
      table: 'sampling_results',
      statement: `INSERT INTO sampling_results (reporter_id, sample_no, status, revision, reported_revision, reported_hash, accepted_at, state,
                                                channel, regime, verdict, platform, dated_on)
        SELECT department, sample, 'PUBLISHED', 1, 1, repeat('5a', 32), now(), jsonb_build_object('sampleNo', sample), 'HTTP', 'PRODUCT',
               ${VERDICT}, CASE WHEN nth % 3 = 0 THEN ${PLATFORM} END, ${DAY} ${ROWS}`,
    },
  ],
  credit: [
    { table: 'followed_subjects', statement: `INSERT INTO followed_subjects (subject, revision) SELECT ${SUBJECT}, 1 ${ROWS}` },
    {
      table: 'credit_records',
      statement: `INSERT INTO credit_records (record_no, revision, uscc, type, department_id, subject, source_revision, legal_basis,
                                              public_from, public_until, standing)
        SELECT gen_random_uuid(), 1, 'A' || lpad((n % 99991)::text, 17, '0'), 'SAMPLING_RESULT', department, ${SUBJECT}, 1, '{}',
               current_date - 30, current_date + 300, 'PUBLIC' ${ROWS} WHERE nth % 20 = 0`,
    },
    INBOX,
  ],
  monitoring: [
    {
      table: 'contributions',
      statement: `INSERT INTO contributions (subject, revision, verdict, period, period_basis, regime, category, platform, division, coverage)
        SELECT ${SUBJECT}, 1, ${VERDICT}, to_char(${DAY}, 'YYYY-MM'), 'SAMPLED_ON', 'PRODUCT', '家用电器', ${PLATFORM}, '120101', 'UNKNOWN' ${ROWS}`,
    },
    INBOX,
  ],
  exchange: [
    { table: 'subjects', statement: `INSERT INTO subjects (subject, revision, applied_at) SELECT ${SUBJECT}, 1, now() ${ROWS}` },
    {
      table: 'feedbacks',
      statement: `INSERT INTO feedbacks (feedback_id, recipient_id, kind, subject, publisher_id, matched_by, revision, status, asked_since)
        SELECT gen_random_uuid(), ${PLATFORM}, 'SAMPLING_RESULT', ${SUBJECT}, department, ${PLATFORM}, 1, 'ISSUED', 1 ${ROWS} WHERE nth % 3 = 0`,
    },
    INBOX,
  ],
};

/** Brings the services' tables from `from` to `to` stored results. Indexes, statistics and visibility are those of tables at rest. */
export async function storeRows(servers: ServerAddresses, from: number, to: number): Promise<void> {
  await Promise.all(
    Object.entries(FILLINGS).map(async ([service, fillings]) => {
      const url = new URL(servers.databaseAdminUrl);
      url.pathname = `/jinqiao_${service}`;
      const database = await connected(url.href);
      // Foreign keys are not asked about row by row: what they point to is there.
      await database.query("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'");
      for (const filling of fillings) await filled(database, filling, [from + 1, to]);
      await database.end();
    }),
  );
  const admin = await connected(servers.databaseAdminUrl);
  await admin.query('CHECKPOINT');
  await admin.end();
}

/** Fills a table by one statement; `database` may touch the catalogue. */
export async function filled(database: pg.Client, { table, statement }: Filling, params: readonly unknown[]): Promise<void> {
  // The indexes are made anew when the rows are there: several times as quick as keeping them meanwhile.
  await database.query('UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = $1::regclass', [table]);
  await database.query(statement, [...params]);
  await database.query(`REINDEX TABLE ${table}`);
  await database.query(`VACUUM (ANALYZE) ${table}`);
}
