import { SamplingNoticeWithdrawn, SamplingResultNotified, SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import type { Announcement } from './held-result.js';
import { rowOf } from './sampling-result.rows.js';
import { heldBy } from './sampling-result.js';

/** What stands beside the state in a row and is in no event: it is known where the row is, else unknown. */
const NOT_ANNOUNCED = { order_no: null, reported_at: null, unknown_fields: [], other_columns: null, import_id: null };

const TAKEN = [
  'status',
  'revision',
  'reported_revision',
  'reported_hash',
  'restored_revision',
  'accepted_at',
  'state',
  'withdrawal_reason',
  'withdrawn_at',
  'merged_into',
  'batch_key',
  'regime',
  'verdict',
  'platform',
  'dated_on',
];

/** Results that were announced and that a database which was set back does not know (ADR-0009). */
export async function takeOverResults(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, ReturnType<typeof rowOf>>();
  for (const one of said) {
    const announcement = announcementIn(one);
    if (!announcement || announcement.data.revision <= (newest.get(one.key)?.revision ?? 0)) continue;
    const channel = one.record.headers['ce_causationid'] === undefined ? 'HTTP' : 'KAFKA';
    newest.set(one.key, rowOf({ held: heldBy(announcement), carried: { ...NOT_ANNOUNCED, channel } }));
  }
  const rows = JSON.stringify([...newest.values()]);
  await tx.query(
    `INSERT INTO sampled_batches SELECT DISTINCT batch_key FROM jsonb_populate_recordset(NULL::sampling_results, $1::jsonb)
     WHERE batch_key <> 0 ORDER BY batch_key ON CONFLICT DO NOTHING`,
    [rows],
  );
  const columns = ['reporter_id', 'sample_no', ...TAKEN, 'channel', 'warnings', 'unknown_fields'].join(', ');
  const taken: unknown[] = await tx.query(
    `INSERT INTO sampling_results AS kept (${columns})
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::sampling_results, $1::jsonb) ORDER BY reporter_id, sample_no
     ON CONFLICT (reporter_id, sample_no) DO UPDATE
       SET ${TAKEN.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}, applied_at = clock_timestamp()
       WHERE kept.revision < EXCLUDED.revision
     RETURNING 1`,
    [rows],
  );
  return taken.length;
}

/** Null for a tombstone: it keeps nothing of the result (ADR-0008). */
function announcementIn(one: Received<object | null>): Announcement | null {
  if (one.data === null) return null;
  for (const type of [SamplingResultNotified, SamplingResultPublished] as const) if (one.is(type)) return { type, data: one.data };
  if (one.is(SamplingNoticeWithdrawn)) return { type: SamplingNoticeWithdrawn, data: one.data };
  return one.is(SamplingResultWithdrawn) ? { type: SamplingResultWithdrawn, data: one.data } : null;
}
