import { unnested } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { type Receipt, type Receivable, start } from './clock.js';

const STARTED = { feedback_id: 'uuid', started_at: 'timestamptz', due_at: 'timestamptz' } as const;

/** Starts what starts on receipt. Locks feedbacks: call it before deliveries are locked. */
export async function startClocks(tx: EntityManager, receipts: readonly Receipt[]): Promise<void> {
  if (receipts.length === 0) return;
  const clocks: Receivable[] = await tx.query(
    `SELECT feedback_id AS "feedbackId", asked_since AS "askedSince", clock_rule AS rule, clock_started_at AS "startedAt"
     FROM feedbacks WHERE feedback_id = ANY($1) AND clock_starts = 'RECEIVED' ORDER BY feedback_id FOR UPDATE`,
    [[...new Set(receipts.map(({ feedbackId }) => feedbackId))]],
  );
  const started = clocks.map((clock) => start(clock, receipts)).filter((one) => one !== null);
  if (started.length === 0) return;
  const rows = started.map(({ feedbackId, startedAt, dueAt }) => ({ feedback_id: feedbackId, started_at: startedAt, due_at: dueAt }));
  const { from, values } = unnested(STARTED, rows);
  await tx.query(
    `UPDATE feedbacks AS f SET clock_started_at = given.started_at, due_at = given.due_at, unreceived_since = NULL, unreceived_next_at = NULL,
       escalates_at = CASE f.escalated_steps WHEN 0 THEN given.due_at ELSE f.escalates_at END
     FROM ${from} WHERE f.feedback_id = given.feedback_id`,
    [...values],
  );
}
