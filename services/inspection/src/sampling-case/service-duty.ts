import { dayInChina } from '@jinqiao/law';
import type { EntityManager } from 'typeorm';
import { type HeldResult, isAnnounced } from '../sampling-result/held-result.js';

/** Does a change of a result leave nothing that failed to tell its parties of? It was taken back, or it passed after all. */
export const endsService = (before: HeldResult | null, after: HeldResult | null): boolean => isToBeTold(before) && !isToBeTold(after);

const isToBeTold = (held: HeldResult | null): boolean => isAnnounced(held) && held?.state?.verdict === 'UNQUALIFIED';

/** Ends the time to tell the parties of these results. Gives back the sampleNos of the cases in which it ran. */
export async function endService(
  tx: EntityManager,
  { reporterId, now }: { readonly reporterId: string; readonly now: Date },
  sampleNos: readonly string[],
): Promise<string[]> {
  if (sampleNos.length === 0) return [];
  const ended: { sampleNo: string }[] = await tx.query(
    `WITH ended AS (
       UPDATE sampling_case_clocks SET stopped_on = $3
       WHERE reporter_id = $1 AND sample_no = ANY ($2::text[]) AND clock = 'SERVICE' AND stopped_on IS NULL RETURNING sample_no)
     SELECT DISTINCT sample_no AS "sampleNo" FROM ended`,
    [reporterId, sampleNos, dayInChina(now)],
  );
  return ended.map(({ sampleNo }) => sampleNo);
}
