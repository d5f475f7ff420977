import type { EventClass, KeptRows } from '@jinqiao/contracts';
import type { EntityManager } from 'typeorm';
import { event } from './event.js';
import type { Outbox } from './outbox.js';
import type { Received } from './received.js';

/*
 * What a service keeps of an object and says to nobody: its rows go whole to a topic that this service alone may read, with everything
 * that is done to the object. A database that was set back to a backup takes them over again (ADR-0020).
 */

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
