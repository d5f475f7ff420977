import { Outbox } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isAnnounced, type ResultName, type Status } from '../sampling-result/held-result.js';
import type { Channel } from '../sampling-result/sampling-result.entity.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import { batchKeyOf, NO_BATCH } from './batch.js';
import { type Facts, wayOf } from './likeness.js';
import { ProbableDuplicates } from './probable-duplicate.service.js';
import { type Asked, findPairs, keepPairs } from './probable-duplicate.store.js';

const EVERY_MS = 30_000;
const AT_ONCE = 200;
const BY = 'inspection';
const REASON = 'what it probably reported again has been taken back';

/**
 * Puts right what the intake cannot see: results from before there were batch keys, of which a pair is raised where both have been told
 * of, and results that wait beside one that has been taken back since. An annulled one is for a person: what was found then is void.
 */
@Injectable()
export class ProbableDuplicateSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(ProbableDuplicateSweep.name);
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly duplicates: ProbableDuplicates,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.sweep(stopping), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  async sweep(stopping?: AbortSignal): Promise<void> {
    let compared = 0;
    for (let portion = AT_ONCE; portion === AT_ONCE && !stopping?.aborted; compared += portion) {
      portion = await this.results.inTransaction((tx) => this.compareSome(tx));
    }
    const left = await this.leftAlone();
    for (const name of left) await this.results.inTransaction((tx) => this.settle(tx, name));
    if (compared + left.length > 0) this.log.warn(`${compared} results were compared late, ${left.length} looked at again`);
  }

  /** One reporter's after the other, so that the second finds what the first has. */
  private async compareSome(tx: EntityManager): Promise<number> {
    const rows: NotCompared[] = await tx.query(
      `SELECT reporter_id AS "reporterId", sample_no AS "sampleNo", status, channel, state AS facts FROM sampling_results
       WHERE batch_key IS NULL ORDER BY reporter_id, sample_no LIMIT $1 FOR UPDATE SKIP LOCKED`,
      [AT_ONCE],
    );
    for (const own of Map.groupBy(rows, ({ reporterId, channel }) => `${wayOf(channel)} ${reporterId}`).values()) {
      const keys = own.map(({ facts }) => (facts ? batchKeyOf(facts) : NO_BATCH));
      await tx.query(
        `UPDATE sampling_results r SET batch_key = given.batch_key FROM unnest($2::text[], $3::bigint[]) AS given (sample_no, batch_key)
         WHERE r.reporter_id = $1 AND r.sample_no = given.sample_no`,
        [own[0]?.reporterId, own.map(({ sampleNo }) => sampleNo), keys],
      );
      const asked = own.flatMap(({ status, channel, facts, ...name }, place): Asked[] =>
        facts && isAnnounced({ status }) ? [{ ...name, facts, way: wayOf(channel), batchKey: keys[place] ?? NO_BATCH }] : [],
      );
      const pairs = await findPairs(tx, asked);
      await keepPairs(
        tx,
        this.outbox,
        pairs.flatMap((pair) => pair ?? []),
        this.clock.now(),
      );
    }
    return rows.length;
  }

  /** The later ones of pairs whose earlier one has been taken back by its reporter, or given up for another. */
  private leftAlone(): Promise<ResultName[]> {
    return this.db.query(
      `SELECT p.reporter_id AS "reporterId", p.sample_no AS "sampleNo"
       FROM probable_duplicates p JOIN sampling_results e ON e.reporter_id = p.earlier_reporter_id AND e.sample_no = p.earlier_sample_no
       WHERE p.status = 'OPEN' AND e.status = 'WITHDRAWN' AND NOT coalesce(e.state -> 'decisions' @> '[{"kind": "ANNULMENT"}]', false)
       ORDER BY p.pair_id LIMIT $1`,
      [AT_ONCE],
    );
  }

  private settle(tx: EntityManager, name: ResultName): Promise<void> {
    return this.duplicates.settle(tx, name, { reason: REASON, actorId: BY, now: this.clock.now() });
  }
}

interface NotCompared extends ResultName {
  readonly status: Status;
  readonly channel: Channel;
  readonly facts: Facts | null;
}
