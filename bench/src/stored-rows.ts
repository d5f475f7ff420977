import type pg from 'pg';
import type { ServerAddresses } from '@jinqiao/infra-local';
import { connected } from './place.js';

/*
 * Rows of results long since handled, as a service with a past has them: of fifty departments, a year of days, a sixtieth of them sold on
 * a small platform. PostgreSQL makes them itself; states are short, so that what grows is the number of rows and the size of the indexes.
 */
/** Where few of them were sold. */
export const SMALL_PLATFORM = 'amazon-cn';
const SUBJECT = `'dept-' || lpad((n % 50)::text, 2, '0') || ':' || sample`;
const ROWS = `FROM (SELECT n, 'A' || lpad(n::text, 10, '0') AS sample FROM generate_series($1::bigint, $2::bigint) AS n) AS rows`;
const VERDICT = `CASE WHEN n % 20 = 0 THEN 'UNQUALIFIED' ELSE 'QUALIFIED' END`;
const PLATFORM = `CASE WHEN n % 3 = 0 THEN (ARRAY['jd', 'tmall', 'taobao', '${SMALL_PLATFORM}'])[1 + CASE WHEN n % 60 = 0 THEN 3 ELSE n / 3 % 3 END] END`;
const DAY = `date '2025-10-01' + (n % 365)::integer`;

const INBOX = `INSERT INTO inbox (source, event_id, hash)
  SELECT '/services/inspection', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), decode(repeat('5a', 32), 'hex') ${ROWS}`;

const STATEMENTS: Readonly<Record<string, readonly string[]>> = {
  inspection: [
    `INSERT INTO sampling_results (reporter_id, sample_no, status, revision, reported_revision, reported_hash, accepted_at, state, channel,
                                   regime, verdict, platform, dated_on)
     SELECT 'dept-' || lpad((n % 50)::text, 2, '0'), sample, 'PUBLISHED', 1, 1, repeat('5a', 32), now(),
            jsonb_build_object('sampleNo', sample, 'verdict', ${VERDICT}), 'HTTP', 'PRODUCT', ${VERDICT}, ${PLATFORM}, ${DAY} ${ROWS}`,
  ],
  credit: [
    `INSERT INTO followed_subjects (subject, revision) SELECT ${SUBJECT}, 1 ${ROWS}`,
    `INSERT INTO credit_records (record_no, revision, uscc, type, department_id, subject, source_revision, legal_basis, public_from, public_until, standing)
     SELECT gen_random_uuid(), 1, 'U' || lpad((n % 100000)::text, 17, '0'), 'SAMPLING_UNQUALIFIED', 'dept-' || lpad((n % 50)::text, 2, '0'), ${SUBJECT}, 1,
            '{}', current_date - 30, current_date + 300, 'PUBLIC' ${ROWS} WHERE n % 20 = 0`,
    INBOX,
  ],
  monitoring: [
    `INSERT INTO contributions (subject, revision, verdict, period, period_basis, regime, category, platform, division, coverage)
     SELECT ${SUBJECT}, 1, ${VERDICT}, to_char(${DAY}, 'YYYY-MM'), 'SAMPLED_ON', 'PRODUCT', '家用电器', coalesce(${PLATFORM}, ''), '120101', 'FULL' ${ROWS}`,
    INBOX,
  ],
  exchange: [
    `INSERT INTO subjects (subject, revision, applied_at) SELECT ${SUBJECT}, 1, now() ${ROWS}`,
    `WITH told AS (
       INSERT INTO feedbacks (feedback_id, recipient_id, kind, subject, publisher_id, matched_by, revision, status)
       SELECT gen_random_uuid(), ${PLATFORM}, 'SAMPLING_RESULT', ${SUBJECT}, 'dept-' || lpad((n % 50)::text, 2, '0'), ${PLATFORM}, 1, 'ISSUED'
       ${ROWS} WHERE n % 3 = 0
       RETURNING feedback_id)
     INSERT INTO feedback_revisions (feedback_id, revision, content_hash, said) SELECT feedback_id, 1, repeat('5a', 32), '{}' FROM told`,
    INBOX,
  ],
};

/** Brings the services' tables from `from` to `to` stored results; statistics and visibility are those of a table at rest. */
export async function storeRows(servers: ServerAddresses, from: number, to: number): Promise<void> {
  const admin = await connected(servers.databaseAdminUrl);
  await admin.query("ALTER SYSTEM SET max_wal_size = '16GB'");
  await admin.query('SELECT pg_reload_conf()');
  await Promise.all(
    Object.entries(STATEMENTS).map(async ([service, statements]) => {
      const database = await asAdmin(servers, `jinqiao_${service}`);
      for (const statement of statements) await database.query(statement, [from + 1, to]);
      await database.query('VACUUM (ANALYZE)');
      await database.end();
    }),
  );
  await admin.query('ALTER SYSTEM RESET max_wal_size');
  await admin.query('SELECT pg_reload_conf()');
  await admin.query('CHECKPOINT');
  await admin.end();
}

/** Foreign keys are not asked about row by row: what they point to is there. */
async function asAdmin(servers: ServerAddresses, database: string): Promise<pg.Client> {
  const url = new URL(servers.databaseAdminUrl);
  url.pathname = `/${database}`;
  const client = await connected(url.href);
  await client.query('SET session_replication_role = replica');
  return client;
}
