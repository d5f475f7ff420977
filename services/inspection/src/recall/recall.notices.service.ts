import type { RecallReported } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import type { Received } from '@jinqiao/messaging';
import { batchAnswer, type BatchAnswer, Clock, type ItemAnswer, ITEMS_MAX, TooManyItems, type Upload } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { type ImportAnswer, ImportRuns } from '../import-run/import-run.service.js';
import { countsOf } from '../import-run/import-run.js';
import { readSheet, type Sheet } from '../import/sheet.js';
import { columnOf, decideNotice, noticeFrom, type Reading, readNotice, RecallNoticeRejected } from './recall.notice.js';
import { RecallStore } from './recall.store.js';

/** What became of one notice. */
export interface NoticeAnswer extends ItemAnswer {
  readonly recallNo: string | null;
}

export interface Sent {
  readonly input: unknown;
  readonly causedBy?: Received<RecallReported>;
  /** The row of a file, as it stood. */
  readonly printed?: Readonly<Record<string, string>>;
}

/** Takes in recalls that other authorities have announced. Whoever sends them in keeps them. */
@Injectable()
export class RecallNotices {
  constructor(
    private readonly db: DataSource,
    private readonly store: RecallStore,
    private readonly imports: ImportRuns,
    private readonly clock: Clock,
  ) {}

  /** Refused = nothing of it is kept. */
  async acceptOne(keeperId: string, input: unknown): Promise<NoticeAnswer> {
    const [answer] = await this.db.transaction((tx) => this.accept(tx, keeperId, [{ input }]));
    if (!answer || answer.outcome === 'rejected') throw new RecallNoticeRejected(answer?.errors ?? []);
    return answer;
  }

  /** Up to 1,000, each answered for itself. */
  async acceptMany(keeperId: string, inputs: readonly unknown[]): Promise<BatchAnswer<NoticeAnswer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems({ zh: '召回', en: 'recalls' });
    const sent = inputs.map((input) => ({ input }));
    return batchAnswer(await this.db.transaction((tx) => this.accept(tx, keeperId, sent)));
  }

  /** A whole file of up to 1,000 rows, or nothing of it, as with a file of sampling results; its refused rows are kept. */
  async importFile(keeperId: string, { filename, content }: Upload): Promise<ImportAnswer> {
    const sheet = await readSheet(content, filename);
    if (sheet.rows.length > ITEMS_MAX) throw new TooManyItems({ zh: '召回', en: 'recalls' });
    const sent = sheet.rows.map((cells) => ({ input: noticeFrom(sheet.headings, cells), printed: printedRow(sheet, cells) }));
    return this.db.transaction(async (tx) => {
      const answers = await this.accept(tx, keeperId, sent);
      const columns = sheet.headings.map((heading) => ({ heading, field: columnOf(heading), score: columnOf(heading) ? 1 : 0 }));
      const unknownColumns = columns.flatMap(({ heading, field }) => (field === null && heading !== '' ? [heading] : []));
      const { headings, notes, rows } = sheet;
      const file = { importId: uuidv7(), reporterId: keeperId, fileName: filename, headings, notes, columns, unknownColumns };
      const run = { ...file, ...countsOf(answers), rows: rows.length, results: rows.length, unreadRows: {}, regimesInferred: 0 };
      const rejected = answers.flatMap(({ outcome, errors }, place) =>
        outcome === 'rejected' ? [{ rowNo: sheet.lines[place] ?? 0, cells: rows[place] ?? [], errors }] : [],
      );
      return this.imports.keep(tx, run, rejected);
    });
  }

  /** All that one transaction takes in, before the first of them. */
  async lock(tx: EntityManager, notices: readonly RecallReported[]): Promise<void> {
    await this.store.lockNumbers(tx, notices);
  }

  /** In their order; one that is refused changes nothing. */
  async accept(tx: EntityManager, keeperId: string, sent: readonly Sent[]): Promise<NoticeAnswer[]> {
    const read = sent.map((one) => ({ ...one, reading: readNotice(one.input) }));
    await this.lock(
      tx,
      read.flatMap(({ reading }) => (reading.ok ? [reading.notice] : [])),
    );
    const answers: NoticeAnswer[] = [];
    for (const one of read) {
      const { reading, input } = one;
      answers.push(
        reading.ok ? await this.takeIn(tx, keeperId, { ...one, reading }) : { ...answerTo(input, reading), outcome: 'rejected' },
      );
    }
    return answers;
  }

  private async takeIn(
    tx: EntityManager,
    keeperId: string,
    { reading, printed, causedBy }: Sent & { reading: Reading & { ok: true } },
  ): Promise<NoticeAnswer> {
    const answer = answerTo(reading.notice, reading);
    const now = this.clock.now();
    const before = await this.store.find(tx, reading.notice.recallNo, 'FOR UPDATE');
    const decision = decideNotice(before, reading, { keeperId, today: dayInChina(now), at: now.toISOString() });
    if (decision.outcome === 'duplicate') return { ...answer, outcome: 'duplicate' };
    if (decision.outcome === 'rejected') return { ...answer, outcome: 'rejected', errors: decision.findings };
    const { recall, announcement, warnings } = decision;
    const findings = await this.store.nationalNoFindings(tx, recall.content);
    if (findings.length > 0) return { ...answer, outcome: 'rejected', errors: findings };
    await this.store.keep(tx, {
      recall,
      announcement,
      clocks: [],
      act: 'TAKE_IN',
      from: before?.state ?? null,
      facts: { revision: reading.notice.revision, ...(printed && { printed }) },
      by: { id: keeperId, competence: 'KEEPER' },
      ...(causedBy && { causedBy }),
    });
    return { ...answer, outcome: 'accepted', warnings };
  }
}

const printedRow = ({ headings }: Sheet, cells: readonly string[]): Record<string, string> =>
  Object.fromEntries(headings.map((heading, place) => [heading, cells[place] ?? ''] as const).filter(([, cell]) => cell !== ''));

/** With what a refused input calls itself. */
function answerTo(input: unknown, reading: Reading): Omit<NoticeAnswer, 'outcome'> {
  const { recallNo, revision = 1 } = (typeof input === 'object' && input !== null ? input : {}) as Partial<
    Record<keyof RecallReported, unknown>
  >;
  return {
    recallNo: typeof recallNo === 'string' ? recallNo.slice(0, 100) : null,
    revision: typeof revision === 'number' ? revision : null,
    warnings: [],
    errors: reading.ok ? [] : reading.findings,
    unknownFields: reading.unknownFields,
  };
}
