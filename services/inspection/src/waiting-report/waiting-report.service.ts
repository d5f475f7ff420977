import type { ResultDecision } from '@jinqiao/contracts';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { actorOf, isProvince, seenBy } from '../actor.js';
import { type ResultName, SamplingResults } from '../sampling-result/sampling-result.service.js';
import type { Submission } from '../sampling-result/held-result.js';
import { admit } from '../sampling-result/sampling-result.js';
import { mayGiveUp, NothingWaits, RulingNotCompetent } from './waiting-report.js';

export interface WaitingReport extends ResultName {
  readonly reportedRevision: number;
  readonly submission: Submission;
  readonly undoes: readonly ResultDecision[];
  readonly since: Date;
}

export interface Ruling {
  readonly reportedRevision: number;
  readonly admitted: boolean;
  readonly reason: string;
}

export interface WaitingFilter {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

const LIST = 'waiting-reports';
const ROW = `w.reporter_id AS "reporterId", w.sample_no AS "sampleNo", w.reported_revision AS "reportedRevision", w.submission, w.undoes, w.since`;
/** One that was followed by a later submission waits no more. */
const WAITS = `waiting_reports w JOIN sampling_results r
  ON r.reporter_id = w.reporter_id AND r.sample_no = w.sample_no AND r.reported_revision = w.reported_revision AND w.ruled_at IS NULL`;

@Injectable()
export class WaitingReports {
  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly clock: Clock,
  ) {}

  /** What waits, of a department its own; in the order of reporter and sampleNo. */
  async list(caller: Principal, { cursor, limit }: WaitingFilter): Promise<Page<WaitingReport>> {
    const [reporterAfter = '', sampleAfter = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: WaitingReport[] = await this.db.query(
      `SELECT ${ROW} FROM ${WAITS} WHERE ($1::text IS NULL OR w.reporter_id = $1) AND (w.reporter_id, w.sample_no) > ($2, $3)
       ORDER BY w.reporter_id, w.sample_no LIMIT $4`,
      [await seenBy(this.db.manager, caller), reporterAfter, sampleAfter, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ reporterId, sampleNo }) => [reporterId, sampleNo]);
  }

  /** Lets in what waits, or turns it down. `reportedRevision` is the one that was read: a later one is ruled on for itself. */
  async rule(caller: Principal, name: ResultName, { reportedRevision, admitted, reason }: Ruling): Promise<void> {
    const now = this.clock.now();
    await this.db.transaction(async (tx) => {
      const actor = await actorOf(tx, caller);
      if (actor.id !== name.reporterId && !isProvince(actor)) throw new NothingWaits();
      await this.results.change(tx, name, async (held) => {
        const [waiting]: WaitingReport[] = await tx.query(
          `SELECT ${ROW} FROM ${WAITS} WHERE w.reporter_id = $1 AND w.sample_no = $2 AND w.reported_revision = $3 FOR UPDATE OF w`,
          [name.reporterId, name.sampleNo, reportedRevision],
        );
        if (!waiting) throw new NothingWaits();
        if (admitted && !mayGiveUp(isProvince(actor) ? 'PROVINCE' : 'ORGANISER', waiting.undoes)) throw new RulingNotCompetent();
        await tx.query(
          `UPDATE waiting_reports SET admitted = $4, reason = $5, actor_id = $6, ruled_at = $7
           WHERE reporter_id = $1 AND sample_no = $2 AND reported_revision = $3`,
          [name.reporterId, name.sampleNo, reportedRevision, admitted, reason, actor.id, now],
        );
        return admitted ? admit(held, waiting.submission, now) : { held: { ...held, warnings: [] }, announcements: [] };
      });
    });
  }
}
