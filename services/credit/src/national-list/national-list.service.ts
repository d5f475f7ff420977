import type { Readable } from 'node:stream';
import type { CreditRecordType } from '@jinqiao/contracts';
import { unnested } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal, type Upload } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { assertCreditOffice } from '../credit-office.js';
import type { Standing } from '../credit-record/credit-record.js';
import { readTable } from '../table.js';
import {
  columnsOf,
  type DifferenceKind,
  ENTRIES_MAX,
  type Entry,
  LISTED_TYPES,
  ListTooLong,
  NoListYet,
  readEntry,
} from './national-list.js';

export interface TakenList {
  readonly takenAt: Date;
  readonly takenBy: string;
  /** Distinct ones. */
  readonly entries: number;
  readonly refused: number;
  /** The first of the rows that are no entries. */
  readonly errors: readonly Finding[];
}

/** One fact that only one of the two publishes. */
export interface Difference extends Entry {
  readonly difference: DifferenceKind;
  /** How it stands here; null: this document was never reported. */
  readonly recordNo: string | null;
  readonly type: CreditRecordType | null;
  readonly standing: Standing | null;
}

export interface DifferencesWanted {
  readonly difference?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'national-differences';
const ERRORS_MAX = 100;
const ROWS_A_STATEMENT = 10_000;

@Injectable()
export class NationalLists {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Takes a list in place of the one before, all of it or nothing; rows that are no entries are told and left out. */
  async take(caller: Principal, { content }: Upload): Promise<TakenList> {
    await assertCreditOffice(this.db.manager, caller);
    const { entries, refused, errors } = await read(content);
    const list = { takenAt: this.clock.now(), takenBy: caller.id, entries: entries.length, refused, errors };
    await this.db.transaction(async (tx) => {
      // One list at a time: the later of two that come at once is the one that stays.
      await tx.query('LOCK TABLE national_list_entries IN SHARE ROW EXCLUSIVE MODE');
      await tx.query('DELETE FROM national_list_entries');
      for (let from = 0; from < entries.length; from += ROWS_A_STATEMENT) await add(tx, entries.slice(from, from + ROWS_A_STATEMENT));
      await tx.query('INSERT INTO national_lists (taken_at, taken_by, entries, refused, errors) VALUES ($1, $2, $3, $4, $5::jsonb)', [
        ...[list.takenAt, list.takenBy, list.entries, list.refused],
        JSON.stringify(errors),
      ]);
    });
    return list;
  }

  /** What differs now from the last list, by code and document. */
  async differences({ difference, cursor, limit }: DifferencesWanted): Promise<Page<Difference> & { list: TakenList }> {
    const [list]: TakenList[] = await this.db.query(
      `SELECT taken_at AS "takenAt", taken_by AS "takenBy", entries, refused, errors FROM national_lists ORDER BY list_no DESC LIMIT 1`,
    );
    if (!list) throw new NoListYet();
    const [uscc = null, documentNo = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: Difference[] = await this.db.query(
      `WITH here AS (
         SELECT DISTINCT ON (uscc, document_no) uscc, document_no, record_no, type, standing
         FROM credit_records, LATERAL (SELECT digest ->> 'documentNo' AS document_no) AS named
         WHERE type = ANY ($1) AND document_no IS NOT NULL
         ORDER BY uscc, document_no, (standing = 'PUBLIC') DESC, record_no),
       there AS (SELECT uscc, document_no, TRUE AS listed FROM national_list_entries),
       different AS (
         SELECT *, CASE WHEN listed THEN 'ONLY_THERE' ELSE 'ONLY_HERE' END AS difference FROM here FULL JOIN there USING (uscc, document_no)
         WHERE coalesce(listed, FALSE) <> coalesce(standing = 'PUBLIC', FALSE))
       SELECT uscc, document_no AS "documentNo", difference, record_no AS "recordNo", type, standing FROM different
       WHERE ($2::text IS NULL OR difference = $2) AND ($3::text IS NULL OR (uscc, document_no) > ($3, $4))
       ORDER BY uscc, document_no LIMIT $5`,
      [LISTED_TYPES, difference ?? null, uscc, documentNo, limit + 1],
    );
    return { list, ...pageOf(LIST, rows, limit, (one) => [one.uscc, one.documentNo]) };
  }
}

type ReadList = Pick<TakenList, 'refused' | 'errors'> & { readonly entries: readonly Entry[] };

async function read(content: Readable): Promise<ReadList> {
  const entries = new Map<string, Entry>();
  const errors: Finding[] = [];
  let refused = 0;
  await readTable(content, columnsOf, (row, columns, line) => {
    const entry = readEntry(row, columns, line);
    if ('code' in entry) {
      refused += 1;
      if (errors.length < ERRORS_MAX) errors.push(entry);
    } else {
      entries.set(`${entry.uscc} ${entry.documentNo}`, entry);
    }
    if (entries.size > ENTRIES_MAX) throw new ListTooLong();
  });
  return { entries: [...entries.values()], refused, errors };
}

async function add(tx: EntityManager, entries: readonly Entry[]): Promise<void> {
  const rows = entries.map(({ uscc, documentNo }) => ({ uscc, document_no: documentNo }));
  const { from, values } = unnested({ uscc: 'text', document_no: 'text' }, rows);
  await tx.query(`INSERT INTO national_list_entries (uscc, document_no) SELECT uscc, document_no FROM ${from}`, [...values]);
}
