/**
 * Proves that the rollups are what the events say, in two steps: the rollups are counted again from the contributions, and the contributions
 * are held against the last state of every result in the topic. Changes nothing, and may run beside the service.
 */
import { isDeepStrictEqual } from 'node:util';
import { samplingResults, type SamplingResultPublished } from '@jinqiao/contracts';
import { type KafkaConnection, Received, readStream } from '@jinqiao/messaging';
import type { DataSource, EntityManager } from 'typeorm';
import { type Bucket, type Contribution, newestOf } from './sampling-rate.js';
import { stated } from './sampling-rate.consumer.js';

interface Sums {
  readonly results: number;
  readonly unqualified: number;
}

export interface RollupRecount extends Sums {
  readonly buckets: number;
  /** Applied results that add nothing at present. */
  readonly notCounted: number;
  /** Buckets whose kept sums are not the sums of their contributions. */
  readonly differences: (Bucket & { readonly kept: Sums; readonly counted: Sums })[];
}

export interface EventRecount {
  readonly records: number;
  /** Records that do not meet their contract: dead letters. */
  readonly refused: number;
  readonly subjects: number;
  readonly differences: EventDifference[];
}

export interface EventDifference {
  readonly subject: string;
  /** NOT_APPLIED: a later revision was told (the consumer is behind, or it is a dead letter). NOT_TOLD: kept without an event. */
  readonly problem: 'NOT_APPLIED' | 'DIFFERS' | 'NOT_TOLD';
  readonly told: Contribution | null;
  readonly kept: Contribution | null;
}

const BUCKET = 'period, period_basis, regime, category, platform, division, coverage';

// One statement sees one moment, so it may run while results come in.
const COUNT_AGAIN = `
  WITH counted AS (
    SELECT ${BUCKET}, count(*) AS results, count(*) FILTER (WHERE verdict = 'UNQUALIFIED') AS unqualified
    FROM contributions WHERE verdict IS NOT NULL GROUP BY ${BUCKET}
  ), compared AS (
    SELECT period, period_basis AS "periodBasis", regime, category, platform, division, coverage,
           jsonb_build_object('results', coalesce(k.results, 0), 'unqualified', coalesce(k.unqualified, 0)) AS kept,
           jsonb_build_object('results', coalesce(c.results, 0), 'unqualified', coalesce(c.unqualified, 0)) AS counted
    FROM counted c FULL JOIN rollups k USING (${BUCKET})
  )
  SELECT coalesce(sum((counted ->> 'results')::bigint), 0)::float8 AS results,
         coalesce(sum((counted ->> 'unqualified')::bigint), 0)::float8 AS unqualified,
         (count(*) FILTER (WHERE (counted ->> 'results')::bigint > 0))::float8 AS buckets,
         (SELECT count(*) FROM contributions WHERE verdict IS NULL)::float8 AS "notCounted",
         coalesce(jsonb_agg(to_jsonb(compared)) FILTER (WHERE kept <> counted), '[]') AS differences
  FROM compared`;

/** Counts the rollups again from the contributions. */
export async function recountRollups(tx: EntityManager): Promise<RollupRecount> {
  const [answer] = await tx.query<RollupRecount[]>(COUNT_AGAIN);
  if (!answer) throw new Error('an aggregate without groups answers with one row');
  return answer;
}

/** Holds the contributions against the events of the topic up to its present end. */
export async function recountEvents(db: DataSource, kafka: KafkaConnection): Promise<EventRecount> {
  const [began] = await db.query<{ at: string }[]>('SELECT clock_timestamp()::text AS at');
  const told: Contribution[] = [];
  let refused = 0;
  const records = await readStream(kafka, samplingResults, 'monitoring.recount', (read) => {
    if (read instanceof Received) told.push(stated(read as Received<SamplingResultPublished | null>));
    else refused += 1;
  });
  const last = new Map(newestOf(told).map((contribution) => [contribution.subject, contribution]));
  // What was applied since is not in the question: its events may lie beyond the end that was read.
  const kept = await db.query<(Contribution & { settled: boolean })[]>(KEPT, [began?.at]);
  return { records, refused, subjects: last.size, differences: differencesBetween(last, kept) };
}

const KEPT = `
  SELECT subject, revision, applied_at < $1::timestamptz AS settled,
         CASE WHEN verdict IS NOT NULL THEN jsonb_build_object('verdict', verdict, 'period', period, 'periodBasis', period_basis, 'regime', regime,
           'category', category, 'platform', platform, 'division', division, 'coverage', coverage) END AS counted
  FROM contributions`;

function differencesBetween(
  told: ReadonlyMap<string, Contribution>,
  rows: readonly (Contribution & { settled: boolean })[],
): EventDifference[] {
  const seen = new Set(rows.map(({ subject }) => subject));
  const missing = [...told.values()].filter(({ subject }) => !seen.has(subject));
  const wrong = rows.flatMap(({ settled, ...kept }): EventDifference[] => {
    const last = told.get(kept.subject) ?? null;
    const problem = settled ? problemOf(last, kept) : null;
    return problem ? [{ subject: kept.subject, problem, told: last, kept }] : [];
  });
  return [...missing.map((last) => ({ subject: last.subject, problem: 'NOT_APPLIED' as const, told: last, kept: null })), ...wrong];
}

function problemOf(told: Contribution | null, kept: Contribution): EventDifference['problem'] | null {
  // Tombstones are gone after 90 days; a result that adds nothing may outlive its events.
  if (!told) return kept.counted ? 'NOT_TOLD' : null;
  if (told.revision > kept.revision) return 'NOT_APPLIED';
  if (told.revision < kept.revision) return 'NOT_TOLD';
  return isDeepStrictEqual(told.counted, kept.counted) ? null : 'DIFFERS';
}
