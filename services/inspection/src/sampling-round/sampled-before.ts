import { unnested } from '@jinqiao/messaging';
import type { Regime } from '@jinqiao/contracts';
import type { EntityManager } from 'typeorm';
import type { SampledBefore } from './sampling-round.js';

/** The same product: producer, standard, brand and specification (产品质量监督抽查管理暂行办法 §8). */
export interface SameProduct {
  readonly object_id: string;
  readonly producer: string;
  readonly standard: string | undefined;
  readonly brand: string | undefined;
  readonly spec: string | undefined;
}

const PRODUCTS = { object_id: 'text', producer: 'text', standard: 'text', brand: 'text', spec: 'text' } as const;

/** Samplings of these products in the year before: results that were reported here, and sheets that are on their way to one. */
export async function sampledBefore(
  tx: EntityManager,
  products: readonly SameProduct[],
  { regime, today }: { readonly regime: Regime; readonly today: string },
): Promise<SampledBefore[]> {
  const { from, values } = unnested(PRODUCTS, products, 3);
  return tx.query(
    `SELECT given.object_id AS "objectId", b.by AS "reporterId", b.taken_on::text AS "sampledOn", b.round_no AS "roundNo", o.level
       FROM ${from}
       JOIN LATERAL (
         SELECT reporter_id AS by, dated_on AS taken_on, state->'round'->>'no' AS round_no, state->'product' AS product
         FROM sampling_results WHERE state->'nominalProducer'->>'uscc' = given.producer AND status <> 'WITHDRAWN' AND regime = $2
         UNION ALL
         SELECT organiser_id, (sample->>'takenOn')::date, round_no, sample->'product'
         FROM sampling_sheets WHERE sample #>> '{nominalProducer,uscc}' = given.producer AND state <> 'CONFIRMED' AND regime = $2
       ) b ON b.product->>'standard' IS NOT DISTINCT FROM given.standard AND b.product->>'brand' IS NOT DISTINCT FROM given.brand
         AND b.product->>'spec' IS NOT DISTINCT FROM given.spec
       LEFT JOIN sampling_rounds o ON o.organiser_id = b.by AND o.round_no = b.round_no
       WHERE b.taken_on > $1::date - interval '1 year' AND b.taken_on <= $1::date`,
    [today, regime, ...values],
  );
}
