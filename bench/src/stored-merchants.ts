import type pg from 'pg';
import { built } from './place.js';
import { type Filling, filled } from './stored-rows.js';

/*
 * Entities of the register that one platform has under contract, with what is public of them: every fourth has nothing, the others one to
 * three records of different types, the last of these also one that ended. The same in our tables and in those of the stock verification,
 * which does not know that every second of them holds a permit.
 */
export const PLATFORM = 'jd';
// By its path: the library beside it is for specs and brings their tools along.
const { testUscc } = await built<{ testUscc: (n: number) => string }>('libs/testing/dist/uscc.js');

/** The code of the n-th of them, from 1. */
export const usccOf = (n: number): string => testUscc(n);

const CODES_A_STATEMENT = 50_000;
const ENTITY = `FROM bench_codes`;
/** `k` counts the records of one entity; the fourth is the one that ended. */
const RECORD = `FROM bench_codes CROSS JOIN LATERAL generate_series(1, n % 4 + (n % 4 = 3)::integer) AS k`;
const NO = `md5(n || ':' || k)::uuid`;
const TYPE = `(ARRAY['ABNORMAL_OPERATION', 'PENALTY', 'SAMPLING_RESULT', 'PENALTY'])[k]`;
const CLASS = `CASE WHEN ${TYPE} = 'PENALTY' THEN 'GENERAL' END`;
const SUBJECT = `'tj-amr:' || n || '-' || k`;
const BASIS = `jsonb_build_array(jsonb_build_object('instrument', '中华人民共和国产品质量法', 'article', '第二十四条', 'ruleVersion', 'BENCH@2026-01-01'))`;
const DIGEST = `jsonb_build_object('documentNo', '津市监罚〔2026〕' || n || '号', 'matter', '销售不合格产品', 'decision', '罚款',
  'authority', '天津市市场监督管理委员会')`;
const UNTIL = `CASE WHEN k > 1 THEN current_date + 200 + k END`;
const STANDING = `CASE WHEN k = 4 THEN 'REVOKED' ELSE 'PUBLIC' END`;

const OURS: readonly Filling[] = [
  {
    table: 'registered_entities',
    statement: `INSERT INTO registered_entities (uscc, revision, name, status, division_code, industry_code, registered_on)
      SELECT uscc, 1, '天津第' || n || '商行', 'ACTIVE', '120101', 'F52', date '2020-01-01' ${ENTITY}`,
  },
  {
    table: 'registered_permits',
    statement: `INSERT INTO registered_permits (department_id, permit_no, revision, uscc, kind, scope, authority, issued_on, valid_from,
                                                valid_until, status, legal_basis, is_withdrawn)
      SELECT 'tj-amr', 'JY' || n, 1, uscc, '食品经营许可证', '预包装食品销售', '天津市市场监督管理委员会', date '2026-01-01', date '2026-01-01',
             current_date + 200, 'VALID', jsonb_build_object('instrument', '中华人民共和国食品安全法'), FALSE ${ENTITY} WHERE n % 2 = 0`,
  },
  {
    table: 'platform_shops',
    statement: `INSERT INTO platform_shops (platform_id, shop_id, revision, uscc, onboarded_at)
      SELECT '${PLATFORM}', n, 1, uscc, timestamptz '2026-01-01' ${ENTITY}`,
  },
  {
    table: 'credit_records',
    statement: `INSERT INTO credit_records (record_no, revision, uscc, type, class, department_id, subject, source_revision, legal_basis,
                                            document_date, public_from, public_until, standing, digest)
      SELECT ${NO}, 1, uscc, ${TYPE}, ${CLASS}, 'tj-amr', ${SUBJECT}, 1, ${BASIS}, '2026-06-0' || k, current_date - 30, ${UNTIL}, ${STANDING},
             ${DIGEST} ${RECORD}`,
  },
  {
    table: 'credit_entities',
    statement: `INSERT INTO credit_entities (uscc, revision, public_records, record_nos)
      SELECT uscc, 1, jsonb_agg(jsonb_build_object('type', ${TYPE}, 'count', 1) ORDER BY ${TYPE}), jsonb_agg(${NO}) ${RECORD}
      WHERE k < 4 GROUP BY uscc`,
  },
];

const STOCK: readonly Filling[] = [
  {
    table: 'market_entity',
    statement: `INSERT INTO market_entity (uscc, name, status, "divisionCode", "industryCode", "registeredOn")
      SELECT uscc, '天津第' || n || '商行', 'ACTIVE', '120101', 'F52', date '2020-01-01' ${ENTITY}`,
  },
  {
    table: 'platform_shop',
    statement: `INSERT INTO platform_shop ("platformId", "shopId", uscc) SELECT '${PLATFORM}', n, uscc ${ENTITY}`,
  },
  {
    table: 'credit_record',
    statement: `INSERT INTO credit_record ("recordNo", type, class, "departmentId", subject, "legalBasis", digest, "documentDate", "publicFrom",
                                           "publicUntil", standing, uscc)
      SELECT ${NO}, ${TYPE}, ${CLASS}, 'tj-amr', ${SUBJECT}, ${BASIS}, ${DIGEST}, '2026-06-0' || k, current_date - 30, ${UNTIL}, ${STANDING},
             uscc ${RECORD}`,
  },
];

/** Stores so many of them in the database of credit, or in that of the stock verification. `database` may touch the catalogue. */
export async function storeMerchants(database: pg.Client, of: 'ours' | 'stock', count: number): Promise<void> {
  await database.query('CREATE TEMPORARY TABLE bench_codes (n integer, uscc text)');
  for (let from = 1; from <= count; from += CODES_A_STATEMENT) {
    const codes = Array.from({ length: Math.min(CODES_A_STATEMENT, count - from + 1) }, (_, place) => usccOf(from + place));
    await database.query(
      'INSERT INTO bench_codes SELECT $1::integer + place - 1, uscc FROM unnest($2::text[]) WITH ORDINALITY AS x (uscc, place)',
      [from, codes],
    );
  }
  // Foreign keys and triggers are not asked row by row: what they keep is made here.
  await database.query("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'; ANALYZE bench_codes");
  for (const filling of of === 'ours' ? OURS : STOCK) await filled(database, filling, []);
  await database.query('CHECKPOINT');
}
