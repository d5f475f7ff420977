/*
 * What inspection keeps of an object and says to nobody: its rows, with its history and its clocks, go whole to a topic that inspection
 * alone may read, with everything that is done to the object. A database that was set back to a backup takes them over again (ADR-0020).
 */
import {
  type EventClass,
  type KeptRows,
  ProbableDuplicateKept,
  RecallKept,
  ReinspectionLaboratoryListKept,
  SamplingCaseKept,
  SamplingPlanKept,
  SamplingPlanStepKept,
  SamplingRoundKept,
  SamplingSheetKept,
} from '@jinqiao/contracts';
import { event, type Outbox, type Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';

/** Where the rows of one object are. */
export interface Kept {
  readonly type: EventClass<KeptRows>;
  /** The columns that name the object, in each of its tables. */
  readonly key: readonly string[];
  /** The object's own table first: its column `kept_revision` counts what was done. Others refer to those before them. */
  readonly tables: readonly string[];
  /** Of these rows are only ever added. */
  readonly added: readonly string[];
  /** Columns that are kept otherwise, since they may be larger than a record. */
  readonly without?: readonly string[];
  /** What else has to be known here before the object is: a condition on its own row, `own`. */
  readonly holds: string;
}

export const SHEETS: Kept = {
  type: SamplingSheetKept,
  key: ['organiser_id', 'sample_no'],
  tables: ['sampling_sheets', 'sampling_sheet_clocks', 'sampling_sheet_steps', 'evidence'],
  added: ['sampling_sheet_steps', 'evidence'],
  holds: 'true',
};

/** What was announced of a draw is kept when it is announced; what was drawn follows from it. */
export const ROUNDS: Kept = {
  type: SamplingRoundKept,
  key: ['round_id'],
  tables: ['sampling_rounds', 'sampling_round_steps'],
  added: ['sampling_round_steps'],
  without: ['pool', 'announced', 'drawn'],
  holds: `NOT EXISTS (
      SELECT FROM sampling_rounds o WHERE o.organiser_id = own.organiser_id AND o.round_no = own.round_no AND o.round_id <> own.round_id)`,
};

/** Its steps go apart, each once: every one has the whole content of the plan, which may have some hundred kilobytes. */
export const PLANS: Kept = {
  type: SamplingPlanKept,
  key: ['plan_id'],
  tables: ['sampling_plans'],
  added: [],
  holds: `NOT EXISTS (
      SELECT FROM sampling_plans o
      WHERE (o.organiser_id, o.year, o.plan_no) = (own.organiser_id, own.year, own.plan_no) AND o.plan_id <> own.plan_id)`,
};

export const PLAN_STEPS: Kept = {
  type: SamplingPlanStepKept,
  key: ['plan_id', 'step_no'],
  tables: ['sampling_plan_steps'],
  added: [],
  holds: 'EXISTS (SELECT FROM sampling_plans p WHERE p.plan_id = own.plan_id)',
};

/** A pair is asked again where its results do not show what was ruled: what waits is in no event. */
export const PAIRS: Kept = {
  type: ProbableDuplicateKept,
  key: ['pair_id'],
  tables: ['probable_duplicates', 'probable_duplicate_rulings'],
  added: ['probable_duplicate_rulings'],
  holds: `EXISTS (
      SELECT FROM sampling_results l, sampling_results e
      WHERE (l.reporter_id, l.sample_no, e.reporter_id, e.sample_no)
        = (own.reporter_id, own.sample_no, own.earlier_reporter_id, own.earlier_sample_no)
        AND CASE own.status WHEN 'SAME' THEN num_nonnulls(l.merged_into, e.merged_into) > 0 WHEN 'DIFFERENT' THEN l.status <> 'WAITING' ELSE true END)
    AND NOT EXISTS (SELECT FROM probable_duplicates o WHERE o.pair_key = own.pair_key AND o.pair_id <> own.pair_id)`,
};

export const CASES: Kept = {
  type: SamplingCaseKept,
  key: ['reporter_id', 'sample_no'],
  tables: ['sampling_cases', 'sampling_case_tracks', 'sampling_case_clocks', 'sampling_case_steps'],
  added: ['sampling_case_steps'],
  holds: 'EXISTS (SELECT FROM sampling_results r WHERE r.reporter_id = own.reporter_id AND r.sample_no = own.sample_no)',
};

/** A national number that was corrected and given to another recall since belongs to whoever has it by now. */
export const RECALLS: Kept = {
  type: RecallKept,
  key: ['recall_no'],
  tables: ['recalls', 'recall_clocks', 'recall_steps'],
  added: ['recall_steps'],
  holds: 'NOT EXISTS (SELECT FROM recalls o WHERE o.national_no = own.national_no AND o.recall_no <> own.recall_no)',
};

/** What was stated does not change. */
export const LABORATORY_LISTS: Kept = {
  type: ReinspectionLaboratoryListKept,
  key: ['list_no'],
  tables: ['reinspection_laboratory_lists'],
  added: [],
  holds: 'true',
};

/** To be called last, under the locks of the objects, which are named by the values of their keys: says how their rows stand now. */
export async function keepRows(
  tx: EntityManager,
  outbox: Outbox,
  { type, key, tables, without = [] }: Kept,
  objects: readonly Readonly<Record<string, string>>[],
): Promise<void> {
  if (objects.length === 0) return;
  const [own = ''] = tables;
  const keyOf = (table: string): string => `(${key.map((column) => `${table}.${column}`).join(', ')})`;
  const given = `jsonb_populate_recordset(NULL::${own}, $1::jsonb) AS given`;
  await tx.query(`UPDATE ${own} AS own SET kept_revision = own.kept_revision + 1 FROM ${given} WHERE ${keyOf('own')} = ${keyOf('given')}`, [
    JSON.stringify(objects),
  ]);
  const rowsOf = tables.map(
    (table) =>
      `'${table}', (SELECT coalesce(jsonb_agg(to_jsonb(t) - $2::text[]), '[]') FROM ${table} t WHERE ${keyOf('t')} = ${keyOf('own')})`,
  );
  const kept: KeptRows[] = await tx.query(
    `SELECT concat_ws(':', ${key.map((column) => `own.${column}`).join(', ')}) AS subject, own.kept_revision AS revision,
       jsonb_build_object(${rowsOf.join(', ')}) AS rows
     FROM ${own} AS own JOIN ${given} ON ${keyOf('own')} = ${keyOf('given')} ORDER BY subject`,
    [JSON.stringify(objects), without],
  );
  await outbox.add(
    tx,
    kept.map((rows) => event(type, rows)),
  );
}

type Rows = KeptRows['rows'];
/** Adds what is kept otherwise; null where that is not there. */
type Complete = (tx: EntityManager, rows: Rows) => Promise<Rows | null>;

/** Takes over what a database that was set back does not know. Objects whose `holds` fails, or that are not complete, are left out. */
export function takeOverRows(
  kept: Kept,
  complete: Complete = (_tx, rows) => Promise.resolve(rows),
): (tx: EntityManager, said: readonly Received<object | null>[]) => Promise<number> {
  return async (tx, said) => {
    const newest = new Map<string, KeptRows>();
    for (const { key, record } of said) {
      // As it was written: what is read as a payload has lost every null and "", which a row has to have again.
      const rows = JSON.parse(String(record.value)) as KeptRows;
      if (rows.revision > (newest.get(key)?.revision ?? 0)) newest.set(key, rows);
    }
    let taken = 0;
    for (const { rows } of newest.values())
      if (await isNews(tx, kept, rows)) taken += await takeOverOne(tx, kept, await complete(tx, rows));
    return taken;
  };
}

async function isNews(tx: EntityManager, { key, tables, holds }: Kept, rows: Rows): Promise<boolean> {
  const [own = ''] = tables;
  const news: unknown[] = await tx.query(
    `SELECT FROM jsonb_populate_record(NULL::${own}, $1::jsonb) AS own LEFT JOIN ${own} AS there USING (${key.join(', ')})
     WHERE coalesce(there.kept_revision, 0) < own.kept_revision AND ${holds}`,
    [JSON.stringify(rows[own]?.[0])],
  );
  return news.length > 0;
}

async function takeOverOne(tx: EntityManager, { tables, added }: Kept, rows: Rows | null): Promise<number> {
  if (!rows) return 0;
  for (const table of tables) await write(tx, table, rows[table] ?? [], added.includes(table));
  return 1;
}

/** Replaces what is there of the object, or adds what is missing. A column that came later than the rows has its default. */
async function write(tx: EntityManager, table: string, rows: readonly object[], isAdded: boolean): Promise<void> {
  const columns: { name: string; isKey: boolean }[] = await tx.query(
    `SELECT quote_ident(attname) AS name, attnum = ANY (indkey) AS "isKey" FROM pg_attribute JOIN pg_index ON indrelid = attrelid AND indisprimary
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND $2::jsonb -> 0 ? attname`,
    [table, JSON.stringify(rows)],
  );
  if (columns.length === 0) return;
  const names = columns.map(({ name }) => name).join(', ');
  const keys = columns.flatMap(({ name, isKey }) => (isKey ? [name] : []));
  const replaced = columns.flatMap(({ name, isKey }) => (isKey ? [] : [`${name} = excluded.${name}`]));
  await tx.query(
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)
     ON CONFLICT (${keys.join(', ')}) DO ${isAdded ? 'NOTHING' : `UPDATE SET ${replaced.join(', ')}`}`,
    [JSON.stringify(rows)],
  );
}
