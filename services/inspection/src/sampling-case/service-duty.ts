import type { Outbox } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { CASES, keepRows } from '../kept-rows/kept-rows.js';
import { type HeldResult, isAnnounced } from '../sampling-result/held-result.js';

/** Does a change of a result leave nothing that failed to tell its parties of? It was taken back, or it passed after all. */
export const endsService = (before: HeldResult | null, after: HeldResult | null): boolean => isToBeTold(before) && !isToBeTold(after);

const isToBeTold = (held: HeldResult | null): boolean => isAnnounced(held) && held?.state?.verdict === 'UNQUALIFIED';

/** Ends the time to tell the parties of these results. The caller holds their locks. */
export async function endService(
  tx: EntityManager,
  outbox: Outbox,
  { reporterId, sampleNos, on }: { readonly reporterId: string; readonly sampleNos: readonly string[]; readonly on: string },
): Promise<void> {
  if (sampleNos.length === 0) return;
  const ended: { reporter_id: string; sample_no: string }[] = await tx.query(
    `WITH ended AS (
       UPDATE sampling_case_clocks SET stopped_on = $3
       WHERE reporter_id = $1 AND sample_no = ANY ($2::text[]) AND clock = 'SERVICE' AND stopped_on IS NULL RETURNING reporter_id, sample_no)
     SELECT DISTINCT reporter_id, sample_no FROM ended ORDER BY sample_no`,
    [reporterId, sampleNos, on],
  );
  await keepRows(tx, outbox, CASES, ended);
}
