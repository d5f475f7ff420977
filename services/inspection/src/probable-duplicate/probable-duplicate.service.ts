import { type Competence, subjectOf } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { actorOf, seenBy, viewerOf } from '../actor.js';
import { type Concern, disclosed, type Seen } from '../disclosure/disclosure.js';
import { type HeldResult, isAnnounced, type ResultName, type Status } from '../sampling-result/held-result.js';
import { merged } from '../sampling-result/sampling-result.decision.js';
import type { Channel } from '../sampling-result/sampling-result.entity.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import { admit } from '../sampling-result/sampling-result.js';
import { answerWaiting, findWaiting } from '../waiting-report/waiting-report.service.js';
import { NO_BATCH } from './batch.js';
import { type Fact, type Facts, wayOf } from './likeness.js';
import {
  competenceFor,
  mayRule,
  type Merge,
  PairNotOpen,
  type PairStatus,
  PairUnknown,
  type Ruling,
  type RulingKind,
  survivorOf,
  SurvivorWithdrawn,
} from './probable-duplicate.js';
import { findPairs, keepPairs, keepRuling, lapse, type RulingStep } from './probable-duplicate.store.js';

/** One of the two, as it stands or as it waits to. */
export interface ShownResult extends ResultName {
  readonly status: Status;
  readonly channel: Channel;
  readonly acceptedAt: string;
  /** What the other department may know of it, for as long as somebody has to rule; never the sampler's order number. */
  readonly facts: Facts | null;
}

export interface ProbableDuplicate {
  readonly pairId: string;
  readonly status: PairStatus;
  readonly since: Date;
  readonly later: ShownResult;
  readonly earlier: ShownResult;
  /** Why these two: what both state alike, and what one of them does not state. Nothing that both state differs. */
  readonly agrees: readonly Fact[];
  readonly notStated: readonly Fact[];
  readonly rulings: readonly {
    readonly ruling: RulingKind;
    readonly survivor: string | null;
    readonly reason: string;
    readonly actorId: string;
    readonly competence: Competence;
    readonly ruledAt: string;
  }[];
}

export interface PairFilter {
  readonly status?: PairStatus | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

interface PairRow {
  readonly pairId: string;
  readonly status: PairStatus;
  readonly later: ResultName;
  readonly earlier: ResultName;
}

const LIST = 'probable-duplicates';
const FIRST = '00000000-0000-0000-0000-000000000000';

/** One of the two; of what was not announced what it says stands in the queue. */
const shown = (
  result: string,
  waiting: string,
): string => `jsonb_build_object('reporterId', ${result}.reporter_id, 'sampleNo', ${result}.sample_no,
  'status', ${result}.status, 'channel', ${result}.channel, 'acceptedAt', ${result}.accepted_at,
  'facts', CASE WHEN p.status <> 'OPEN' THEN NULL WHEN ${result}.status IN ('NOTIFIED', 'PUBLISHED') THEN ${result}.state
    ELSE coalesce(${waiting}.submission -> 'report', ${result}.state) #- '{online,orderNo}' END)`;
const joined = (result: string, waiting: string, prefix: string): string => `
  JOIN sampling_results ${result} ON ${result}.reporter_id = p.${prefix}reporter_id AND ${result}.sample_no = p.${prefix}sample_no
  LEFT JOIN waiting_reports ${waiting} ON ${waiting}.reporter_id = ${result}.reporter_id AND ${waiting}.sample_no = ${result}.sample_no
    AND ${waiting}.reported_revision = ${result}.reported_revision AND ${waiting}.ruled_at IS NULL`;
const PAIRS = `SELECT p.pair_id AS "pairId", p.status, p.since, ${shown('l', 'lw')} AS later, ${shown('e', 'ew')} AS earlier,
    p.agrees, p.not_stated AS "notStated",
    coalesce((SELECT jsonb_agg(jsonb_build_object('ruling', ruling, 'survivor', survivor, 'reason', reason, 'actorId', actor_id,
      'competence', competence, 'ruledAt', ruled_at) ORDER BY step_no) FROM probable_duplicate_rulings WHERE pair_id = p.pair_id), '[]') AS rulings
  FROM probable_duplicates p ${joined('l', 'lw', '')} ${joined('e', 'ew', 'earlier_')}`;

/** Pairs of results that probably report the same. The locks of both results decide which of two rulings comes first. */
@Injectable()
export class ProbableDuplicates {
  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** Of a department those in which it reported one of the two; in the order in which they were raised. */
  async list(caller: Principal, { status, cursor, limit }: PairFilter): Promise<Page<Seen<ProbableDuplicate>>> {
    const [after = FIRST] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const viewer = await viewerOf(this.db.manager, caller);
    const rows: ProbableDuplicate[] = await this.db.query(
      `${PAIRS} WHERE ($1::text IS NULL OR p.reporter_id = $1 OR p.earlier_reporter_id = $1) AND ($2::text IS NULL OR p.status = $2)
         AND p.pair_id > $3 ORDER BY p.pair_id LIMIT $4`,
      [seenBy(viewer), status ?? null, after, limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ pairId }) => [pairId]);
    return { items: items.flatMap((pair) => disclosed('PAIR', viewer, concernOf(pair), pair) ?? []), next };
  }

  async rule(caller: Principal, pairId: string, ruling: Ruling): Promise<Seen<ProbableDuplicate>> {
    return this.results.inTransaction(async (tx) => {
      const actor = await actorOf(tx, caller);
      const pair = await this.locked(tx, pairId);
      if (!pair || !mayRule(actor, pair)) throw new PairUnknown();
      if (pair.status !== 'OPEN') throw new PairNotOpen(pair.status);
      const merge = survivorOf(pair, ruling);
      const step: RulingStep = {
        ruling: ruling.ruling,
        survivor: merge && subjectOf(merge.survivor),
        reason: ruling.reason,
        actorId: actor.id,
        competence: competenceFor(actor, merge),
        now: this.clock.now(),
      };
      await keepRuling(tx, this.outbox, pairId, step);
      if (merge) await this.merge(tx, merge, step);
      await this.settle(tx, merge?.survivor ?? pair.later, step);
      const [shownPair]: ProbableDuplicate[] = await tx.query(`${PAIRS} WHERE p.pair_id = $1`, [pairId]);
      const seen = shownPair && disclosed('PAIR', await viewerOf(tx, caller), concernOf(shownPair), shownPair);
      if (!seen) throw new PairUnknown();
      return seen;
    });
  }

  /**
   * Looks again at a result that somebody waits with, its row locked before: it waits on beside the next that reports the same, else it is
   * let in. What has been told of already stays as it is.
   */
  async settle(tx: EntityManager, name: ResultName, by: Pick<RulingStep, 'reason' | 'actorId' | 'now'>): Promise<void> {
    await this.results.change(tx, name, async (held) => {
      const waiting = isAnnounced(held) ? null : await findWaiting(tx, name, held.reportedRevision);
      const submission = waiting?.waitsFor === 'PROBABLE_DUPLICATE' ? waiting.submission : null;
      const facts = submission?.kind === 'REPORT' ? submission.report : isAnnounced(held) ? held.state : null;
      await lapse(tx, this.outbox, name.reporterId, [name.sampleNo]);
      const [next] = facts
        ? await findPairs(tx, [{ ...name, facts, way: await wayIn(tx, name), batchKey: held.batchKey ?? NO_BATCH }])
        : [];
      if (next) await keepPairs(tx, this.outbox, [next], by.now);
      if (next || !waiting || !submission) return { held, announcements: [] };
      await answerWaiting(tx, waiting, { ...by, admitted: true });
      return admit(held, submission, by.now);
    });
  }

  /** Gives one up for the other, with what waits of it. What waited for the one that is given up is looked at again by the sweep. */
  private async merge(tx: EntityManager, { survivor, loser }: Merge, step: RulingStep): Promise<void> {
    await this.results.change(tx, survivor, async (held) => {
      if (!isAnnounced(held) && !(await findWaiting(tx, survivor, held.reportedRevision))) throw new SurvivorWithdrawn();
      return { held, announcements: [] };
    });
    const givenUp = async (held: HeldResult): Promise<ReturnType<typeof merged>> => {
      const waiting = await findWaiting(tx, loser, held.reportedRevision);
      if (waiting) await answerWaiting(tx, waiting, { ...step, admitted: false });
      await lapse(tx, this.outbox, loser.reporterId, [loser.sampleNo]);
      return merged(held, subjectOf(survivor), step.now);
    };
    const { actorId, competence } = step;
    await this.results.change(tx, loser, givenUp, { actorId, competence, on: dayInChina(step.now) });
  }

  /** Both results, in the order of their keys, then the pair: as the intake locks them. */
  private async locked(tx: EntityManager, pairId: string): Promise<PairRow | null> {
    const seen = isUuid(pairId) ? await findPair(tx, pairId) : null;
    if (!seen) return null;
    const { later, earlier } = seen;
    await tx.query(
      `SELECT FROM sampling_results WHERE (reporter_id = $1 AND sample_no = $2) OR (reporter_id = $3 AND sample_no = $4)
       ORDER BY reporter_id, sample_no FOR UPDATE`,
      [later.reporterId, later.sampleNo, earlier.reporterId, earlier.sampleNo],
    );
    return findPair(tx, pairId, 'FOR UPDATE');
  }
}

const concernOf = ({ later, earlier }: Pick<ProbableDuplicate, 'later' | 'earlier'>): Concern => ({
  owners: [later.reporterId, earlier.reporterId],
});

async function findPair(tx: EntityManager, pairId: string, lock: '' | 'FOR UPDATE' = ''): Promise<PairRow | null> {
  const [pair]: PairRow[] = await tx.query(
    `SELECT pair_id AS "pairId", status, jsonb_build_object('reporterId', reporter_id, 'sampleNo', sample_no) AS later,
       jsonb_build_object('reporterId', earlier_reporter_id, 'sampleNo', earlier_sample_no) AS earlier
     FROM probable_duplicates WHERE pair_id = $1 ${lock}`,
    [pairId],
  );
  return pair ?? null;
}

async function wayIn(tx: EntityManager, { reporterId, sampleNo }: ResultName): Promise<'SYSTEM' | 'NOTICE'> {
  const [row]: { channel: Channel }[] = await tx.query('SELECT channel FROM sampling_results WHERE reporter_id = $1 AND sample_no = $2', [
    reporterId,
    sampleNo,
  ]);
  return wayOf(row?.channel ?? 'HTTP');
}
