import { Readable } from 'node:stream';
import { Clock, CSV_MARK, ITEMS_MAX, type Principal, type Upload } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, MoreThan, type EntityManager } from 'typeorm';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import { resultsFromRows, type ImportedResult, type ImportedRows } from '../import/results.js';
import { readSheet, type Sheet } from '../import/sheet.js';
import type { Answer } from '../sampling-result/sampling-result.js';
import { SamplingResults, type Submitted } from '../sampling-result/sampling-result.service.js';
import { ImportRejectedRow, ImportRun, type ReadColumn } from './import-run.entity.js';
import { countsOf, csvHeading, csvRow, ImportUnknown, type RejectedRow } from './import-run.js';

/** What a department learns of a file, at once and whenever it asks again. */
export type ImportAnswer = Omit<ImportRun, 'headings' | 'acceptedAt'> & { acceptedAt: string };

const ROWS_A_PAGE = 1_000;

@Injectable()
export class ImportRuns {
  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly clock: Clock,
  ) {}

  /** Takes in a whole file or nothing of it: it is read to its end first, then written in one transaction. The uploader is the reporter. */
  async run(reporterId: string, { filename, content }: Upload): Promise<ImportAnswer> {
    const sheet = await readSheet(content, filename);
    const read = resultsFromRows(sheet.headings, sheet.rows, { lines: sheet.lines });
    return this.results.inTransaction(async (tx) => {
      const importId = uuidv7();
      const taken = await this.acceptAll(tx, reporterId, read.results, importId);
      const run = { importId, reporterId, fileName: filename, ...summaryOf(sheet, read, taken) };
      return this.keep(tx, run, rejectedRowsOf(sheet, read, taken));
    });
  }

  /** Keeps what became of a file, with its refused rows. */
  async keep(tx: EntityManager, summary: Omit<ImportRun, 'acceptedAt'>, rejected: readonly RejectedRow[]): Promise<ImportAnswer> {
    const run: ImportRun = { ...summary, acceptedAt: this.clock.now() };
    await tx.insert(ImportRun, run);
    await keepRejectedRows(tx, run.importId, rejected);
    return answerOf(run);
  }

  /** An operator or auditor may see every import, a department its own. */
  async get(principal: Principal, importId: string): Promise<ImportAnswer> {
    return answerOf(await this.getRun(principal, importId));
  }

  /** The rejected rows as CSV, a thousand at a time. */
  async rejectedRows(principal: Principal, importId: string): Promise<Readable> {
    const { headings } = await this.getRun(principal, importId);
    return Readable.from(this.csv(importId, headings));
  }

  /** Sorted, because rows are locked in the order of their keys from one statement to the next. */
  private async acceptAll(tx: EntityManager, reporterId: string, results: readonly ImportedResult[], importId: string): Promise<Taken[]> {
    const sorted = [...results].sort((a, b) =>
      a.report.sampleNo < b.report.sampleNo ? -1 : Number(a.report.sampleNo > b.report.sampleNo),
    );
    const taken: Taken[] = [];
    for (let from = 0; from < sorted.length; from += ITEMS_MAX) {
      const part = sorted.slice(from, from + ITEMS_MAX);
      const answers = await this.results.accept(tx, reporterId, part.map(submittedBy), { channel: 'FILE', importId });
      answers.forEach((answer, place) => taken.push({ answer, rowNumbers: part[place]?.rowNumbers ?? [] }));
    }
    return taken;
  }

  private async getRun(principal: Principal, importId: string): Promise<ImportRun> {
    // PostgreSQL refuses what is no UUID; to the caller it is an import that does not exist.
    const run = isUuid(importId) ? await this.db.getRepository(ImportRun).findOneBy({ importId }) : null;
    if (!run || (principal.kind === 'DEPARTMENT' && run.reporterId !== principal.id)) throw new ImportUnknown();
    return run;
  }

  private async *csv(importId: string, headings: readonly string[]): AsyncGenerator<string> {
    yield CSV_MARK + csvHeading(headings);
    for (let after = 0, more = true; more;) {
      const rows = await this.db
        .getRepository(ImportRejectedRow)
        .find({ where: { importId, rowNo: MoreThan(after) }, order: { rowNo: 'ASC' }, take: ROWS_A_PAGE });
      for (const row of rows) yield csvRow(row, headings);
      after = rows.at(-1)?.rowNo ?? after;
      more = rows.length === ROWS_A_PAGE;
    }
  }
}

interface Taken {
  readonly answer: Answer;
  readonly rowNumbers: readonly number[];
}

const submittedBy = ({ report, extra }: ImportedResult): Submitted => ({
  kind: 'REPORT',
  input: report,
  ...(Object.keys(extra).length > 0 && { otherColumns: extra }),
});

function summaryOf(
  sheet: Sheet,
  read: ImportedRows,
  taken: readonly Taken[],
): Omit<ImportRun, 'importId' | 'reporterId' | 'fileName' | 'acceptedAt'> {
  const unreadRows: Record<string, number> = {};
  for (const { code } of read.rejectedRows) unreadRows[code] = (unreadRows[code] ?? 0) + 1;
  return {
    rows: sheet.rows.length,
    results: read.results.length,
    ...countsOf(taken.map(({ answer }) => answer)),
    unreadRows,
    regimesInferred: read.results.filter(({ regimeInferred }) => regimeInferred).length,
    columns: read.columns.map(({ heading, field, score }): ReadColumn => ({ heading, field, score })),
    unknownColumns: read.unknownColumns,
    headings: sheet.headings,
    notes: sheet.notes,
  };
}

function rejectedRowsOf({ rows, lines }: Sheet, read: ImportedRows, taken: readonly Taken[]): RejectedRow[] {
  const byLine = new Map(lines.map((line, at) => [line, rows[at] ?? []]));
  const unread = read.rejectedRows.map(({ rowNumber, code, cells }) => ({
    rowNo: rowNumber,
    cells,
    errors: [{ code, pointer: '', message: 'the row holds no result' }],
  }));
  const refused = taken.flatMap(({ answer, rowNumbers }) =>
    answer.outcome === 'rejected' ? rowNumbers.map((rowNo) => ({ rowNo, cells: byLine.get(rowNo) ?? [], errors: answer.errors })) : [],
  );
  return [...unread, ...refused];
}

async function keepRejectedRows(tx: EntityManager, importId: string, rows: readonly RejectedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO import_rejected_rows (import_id, row_no, cells, errors)
     SELECT $1, "rowNo", cells, errors FROM jsonb_to_recordset($2::jsonb) AS row("rowNo" integer, cells jsonb, errors jsonb)`,
    [importId, JSON.stringify(rows)],
  );
}

const answerOf = ({ headings: _headings, acceptedAt, ...run }: ImportRun): ImportAnswer => ({
  ...run,
  acceptedAt: acceptedAt.toISOString(),
});
