import type { ConformanceRunEnded } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { findingsOf } from './conformance.js';

/** Runs that had ended and that a database that was set back does not know, or takes for running. */
export async function takeOverRuns(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<ConformanceRunEnded>[]) {
    const kept: unknown[] = await tx.query(
      `INSERT INTO conformance_runs AS kept (run_id, organisation_id, channel, revised_id, withdrawn_id, started_at, ends_at, refused, checks,
         passed, finished_at)
       SELECT "runId", "organisationId", channel, "revisedId", "withdrawnId", "startedAt", "endsAt", refused, checks, passed, "finishedAt"
       FROM jsonb_to_record($1::jsonb) AS x ("runId" uuid, "organisationId" text, channel text, "revisedId" uuid, "withdrawnId" uuid,
         "startedAt" timestamptz, "endsAt" timestamptz, refused jsonb, checks jsonb, passed boolean, "finishedAt" timestamptz)
       ON CONFLICT (run_id) DO UPDATE SET refused = excluded.refused, checks = excluded.checks, passed = excluded.passed,
         finished_at = excluded.finished_at
       WHERE kept.finished_at IS NULL
       RETURNING 1`,
      [JSON.stringify({ ...data, checks: withReasons(data.checks), ...findingsOf(data.runId, data.organisationId) })],
    );
    news += kept.length;
  }
  return news;
}

/** What is null in a check is absent in its event. */
const withReasons = (checks: ConformanceRunEnded['checks']): object =>
  Object.fromEntries(Object.entries(checks).map(([check, result]) => [check, { reason: null, ...(result as object) }]));
