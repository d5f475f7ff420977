import type { EntityManager } from 'typeorm';
import type { Bucket } from './sampling-rate.js';

/** A bucket whose kept sums are not the sums of its contributions. */
export interface Difference extends Bucket {
  readonly kept: { results: number; unqualified: number };
  readonly counted: { results: number; unqualified: number };
}

export interface Recount {
  /** Results that count, and how many of them failed, by the contributions. */
  readonly results: number;
  readonly unqualified: number;
  readonly buckets: number;
  /** Applied results that add nothing at present. */
  readonly notCounted: number;
  readonly differences: Difference[];
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
export async function recount(tx: EntityManager): Promise<Recount> {
  const [answer] = await tx.query<Recount[]>(COUNT_AGAIN);
  if (!answer) throw new Error('an aggregate without groups answers with one row');
  return answer;
}
