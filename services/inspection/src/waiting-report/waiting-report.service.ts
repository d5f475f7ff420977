import { type Competence, type ResultDecision, subjectOf } from '@jinqiao/contracts';
import { Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Actor, actorOf, isProvince, seenBy, viewerOf } from '../actor.js';
import { type Concern, disclosed, type Seen } from '../disclosure/disclosure.js';
import { giveUpMerge, mergedAs } from '../probable-duplicate/probable-duplicate.store.js';
import { reportedBy } from '../sampling-case/publication.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import type { HeldResult, ResultName, Submission } from '../sampling-result/held-result.js';
import { type Accepted, admit } from '../sampling-result/sampling-result.js';
import { mayGiveUp, mayGiveUpMerge, NothingWaits, RuledOnInPair, RulingNotCompetent } from './waiting-report.js';

export interface WaitingReport extends ResultName {
  readonly reportedRevision: number;
  readonly submission: Submission;
  readonly undoes: readonly ResultDecision[];
  /** What has to be given up for it, or has to be ruled out first. */
  readonly waitsFor: 'DECISION' | 'MERGE' | 'PROBABLE_DUPLICATE';
  /** Subject of the result that stands in its place. */
  readonly mergedInto: string | null;
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
const ROW = `w.reporter_id AS "reporterId", w.sample_no AS "sampleNo", w.reported_revision AS "reportedRevision",
  w.submission #- '{report,online,orderNo}' AS submission, w.undoes, w.since, r.merged_into AS "mergedInto",
  CASE WHEN r.merged_into IS NOT NULL THEN 'MERGE' WHEN w.undoes <> '[]' THEN 'DECISION' ELSE 'PROBABLE_DUPLICATE' END AS "waitsFor"`;
/** One that was followed by a later submission waits no more. */
const WAITS = `waiting_reports w JOIN sampling_results r
  ON r.reporter_id = w.reporter_id AND r.sample_no = w.sample_no AND r.reported_revision = w.reported_revision AND w.ruled_at IS NULL`;

@Injectable()
export class WaitingReports {
  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** What waits, of a department its own and what was merged into its own; in the order of reporter and sampleNo. */
  async list(caller: Principal, { cursor, limit }: WaitingFilter): Promise<Page<Seen<WaitingReport>>> {
    const [reporterAfter = '', sampleAfter = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const viewer = await viewerOf(this.db.manager, caller);
    const rows: WaitingReport[] = await this.db.query(
      `SELECT ${ROW} FROM ${WAITS} WHERE ($1::text IS NULL OR w.reporter_id = $1 OR split_part(r.merged_into, ':', 1) = $1)
         AND (w.reporter_id, w.sample_no) > ($2, $3)
       ORDER BY w.reporter_id, w.sample_no LIMIT $4`,
      [seenBy(viewer), reporterAfter, sampleAfter, limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ reporterId, sampleNo }) => [reporterId, sampleNo]);
    return { items: items.flatMap((waiting) => disclosed('WAITING_REPORT', viewer, concernOf(waiting), waiting) ?? []), next };
  }

  /** Lets in what waits, or turns it down. `reportedRevision` is the one that was read: a later one is ruled on for itself. */
  async rule(caller: Principal, name: ResultName, { reportedRevision, admitted, reason }: Ruling): Promise<void> {
    const now = this.clock.now();
    await this.db.transaction(async (tx) => {
      const actor = await actorOf(tx, caller);
      const by = { ...reportedBy(actor.id, reportedRevision, now), competence: competenceOf(actor) };
      if (!(await isConcerned(tx, actor, name))) throw new NothingWaits();
      const ruled = async (held: HeldResult): Promise<Pick<Accepted, 'held' | 'announcements'>> => {
        const waiting = await findWaiting(tx, name, reportedRevision);
        if (!waiting) throw new NothingWaits();
        if (waiting.waitsFor === 'PROBABLE_DUPLICATE') throw new RuledOnInPair();
        if (admitted) await giveUp(tx, this.outbox, { actor, waiting, reason, now });
        await answerWaiting(tx, waiting, { admitted, reason, actorId: actor.id, now });
        return admitted ? admit(held, waiting.submission, now) : { held: { ...held, warnings: [] }, announcements: [] };
      };
      await this.results.change(tx, name, ruled, by);
    });
  }
}

const concernOf = ({ reporterId, mergedInto }: Pick<WaitingReport, 'reporterId' | 'mergedInto'>): Concern => ({
  owners: mergedInto === null ? [reporterId] : [reporterId, mergedInto.split(':')[0] ?? ''],
});

/** The department that reported it, the one whose result stands in its place, and the province. */
async function isConcerned(tx: EntityManager, actor: Actor, { reporterId, sampleNo }: ResultName): Promise<boolean> {
  if (actor.id === reporterId || isProvince(actor)) return true;
  const into: unknown[] = await tx.query(
    `SELECT FROM sampling_results WHERE reporter_id = $1 AND sample_no = $2 AND split_part(merged_into, ':', 1) = $3`,
    [reporterId, sampleNo, actor.id],
  );
  return into.length > 0;
}

const competenceOf = (actor: Actor): Competence => (isProvince(actor) ? 'PROVINCE' : 'ORGANISER');

/** Everything that stands against it has to be the actor's to give up. */
async function giveUp(
  tx: EntityManager,
  outbox: Outbox,
  { actor, waiting, reason, now }: { actor: Actor; waiting: WaitingReport; reason: string; now: Date },
): Promise<void> {
  const { undoes, mergedInto } = waiting;
  const competence = competenceOf(actor);
  if (!mayGiveUp(competence, undoes)) throw new RulingNotCompetent();
  if (mergedInto === null) return;
  const merge = { loser: subjectOf(waiting), survivor: mergedInto };
  if (!mayGiveUpMerge(actor, mergedInto, await mergedAs(tx, merge))) throw new RulingNotCompetent();
  await giveUpMerge(tx, outbox, merge, { reason, actorId: actor.id, competence, now });
}

/** What waits of a result that is locked, with the revision that was read. */
export async function findWaiting(tx: EntityManager, name: ResultName, reportedRevision: number): Promise<WaitingReport | null> {
  const [waiting]: WaitingReport[] = await tx.query(
    `SELECT ${ROW} FROM ${WAITS} WHERE w.reporter_id = $1 AND w.sample_no = $2 AND w.reported_revision = $3 FOR UPDATE OF w`,
    [name.reporterId, name.sampleNo, reportedRevision],
  );
  return waiting ?? null;
}

export interface AnswerToWaiting {
  readonly admitted: boolean;
  readonly reason: string;
  readonly actorId: string;
  readonly now: Date;
}

export async function answerWaiting(tx: EntityManager, waiting: WaitingReport, answer: AnswerToWaiting): Promise<void> {
  await tx.query(
    `UPDATE waiting_reports SET admitted = $4, reason = $5, actor_id = $6, ruled_at = $7
     WHERE reporter_id = $1 AND sample_no = $2 AND reported_revision = $3`,
    [waiting.reporterId, waiting.sampleNo, waiting.reportedRevision, answer.admitted, answer.reason, answer.actorId, answer.now],
  );
}
