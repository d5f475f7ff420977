import { FeedbackIssued, type FeedbackWithdrawn } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { putBackDelivery } from '../delivery/delivery.series.js';
import { takeOverRulings } from '../dispute/dispute.queue.js';
import { unreceivedSince } from '../escalation/escalation.js';
import { toldEntry } from '../ledger/ledger.js';
import { asksToUndo, clockRuleOf, clockStartOf, goodsOf, keptUntil } from './feedback.js';
import type { Ledger } from '../ledger/ledger.service.js';
import { deliveryOf } from './feedback.teller.js';

type Said = Received<FeedbackIssued | FeedbackWithdrawn>;

/** Every revision as it was told, byte for byte: platforms answer with its hash. One by one, as they are only those that are not known. */
export const takeOverFeedback =
  (ledger: Ledger) =>
  async (tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> => {
    const told = said as readonly Said[];
    const known = await knownRevisions(tx, told);
    const news: Said[] = [];
    for (const one of told) {
      const name = `${one.data.feedbackId} ${one.data.revision}`;
      if (known.has(name)) continue;
      known.add(name);
      await keep(tx, one);
      await putBackDelivery(tx, deliveryOf(one.is(FeedbackIssued) ? 'FeedbackIssued' : 'FeedbackWithdrawn', one.data), positionOf(one));
      news.push(one);
    }
    await ledger.add(
      tx,
      news.map(({ data }) => toldEntry(data)),
    );
    await takeOverRulings(
      tx,
      news.map(({ data }) => data.feedbackId),
    );
    return news.length;
  };

/** As told before there were positions: none. */
function positionOf({ record }: Said): number | null {
  const position = Number(record.headers.ce_sequence);
  return Number.isInteger(position) && position > 0 ? position : null;
}

async function knownRevisions(tx: EntityManager, told: readonly Said[]): Promise<Set<string>> {
  const rows: { name: string }[] = await tx.query(
    `SELECT feedback_id || ' ' || revision AS name FROM feedback_revisions WHERE feedback_id = ANY($1::uuid[])`,
    [[...new Set(told.map(({ data }) => data.feedbackId))]],
  );
  return new Set(rows.map(({ name }) => name));
}

/** What a body, read as SQL, asks for: RESUME allows, it asks for nothing. */
export const askedIn = (said: string): string => `jsonb_path_query_array(${said}, '$.actionsRequired[*] ? (@.action != "RESUME")')`;

async function keep(tx: EntityManager, one: Said): Promise<void> {
  const { feedbackId, recipientId, kind, subject, revision, dueAt, actionsRequired, contentHash } = one.data;
  const unreceived = unreceivedSince(one.data);
  const goods = goodsOf(one.data) ?? null;
  const publisherId = kind === 'SAMPLING_RESULT' ? subject.slice(0, subject.indexOf(':')) : null;
  const [before]: { same: boolean }[] = await tx.query(
    `SELECT ${askedIn('r.said::jsonb')} = ${askedIn('$2::jsonb')}
       AND ($3::jsonb IS NULL OR coalesce((r.said #> '{content,product}')::jsonb = $3::jsonb, true)) AS same
     FROM feedbacks f JOIN feedback_revisions r ON r.feedback_id = f.feedback_id AND r.revision = f.revision WHERE f.feedback_id = $1`,
    [feedbackId, JSON.stringify({ actionsRequired }), goods && JSON.stringify(goods)],
  );
  // What was done stays done, and a clock goes on, as long as the same is asked: as when the revision was told first.
  await tx.query(
    `INSERT INTO feedbacks AS kept (feedback_id, recipient_id, kind, subject, publisher_id, revision, status, due_at, escalates_at, undo_since,
       asked_since, clock_rule, clock_starts, clock_started_at, kept_until, unreceived_since, unreceived_next_at)
     VALUES ($1, $2, $3, $4, coalesce($5, (SELECT state ->> 'keeperId' FROM recalls WHERE $3 = 'RECALL' AND recall_no = $4)), $6, $7, $8, $8, $10, $6, $11, $12, $13, $14, $15, $16)
     ON CONFLICT (feedback_id) DO UPDATE SET revision = excluded.revision, status = excluded.status,
       answer_status = NULL, answered_at = NULL, clock_rule = excluded.clock_rule, clock_starts = excluded.clock_starts,
       undo_since = CASE WHEN excluded.undo_since IS NULL THEN NULL ELSE coalesce(kept.undo_since, excluded.undo_since) END,
       kept_until = greatest(kept.kept_until, excluded.kept_until),
       asked_since = CASE WHEN $9 THEN kept.asked_since ELSE excluded.asked_since END,
       closed_at = CASE WHEN $9 THEN kept.closed_at END,
       clock_started_at = CASE WHEN $9 THEN kept.clock_started_at ELSE excluded.clock_started_at END,
       due_at = CASE WHEN $9 THEN kept.due_at ELSE excluded.due_at END,
       overdue_raised_at = CASE WHEN $9 THEN kept.overdue_raised_at END,
       escalated_steps = CASE WHEN $9 THEN kept.escalated_steps ELSE 0 END,
       escalates_at = CASE WHEN $9 THEN kept.escalates_at ELSE excluded.due_at END,
       unreceived_since = CASE WHEN $9 THEN kept.unreceived_since ELSE excluded.unreceived_since END,
       unreceived_steps = CASE WHEN $9 THEN kept.unreceived_steps ELSE 0 END,
       unreceived_next_at = CASE WHEN $9 THEN kept.unreceived_next_at ELSE excluded.unreceived_next_at END
     WHERE kept.revision < excluded.revision`,
    [
      feedbackId,
      recipientId,
      kind,
      subject,
      publisherId,
      revision,
      one.is(FeedbackIssued) ? 'ISSUED' : 'WITHDRAWN',
      dueAt ?? null,
      before?.same ?? false,
      asksToUndo(one.data) ? one.data.issuedAt : null,
      clockRuleOf(one.data),
      one.data.clock?.startsOn ?? null,
      clockStartOf(one.data),
      keptUntil(one.data) ?? 'infinity',
      unreceived.unreceived_since,
      unreceived.unreceived_next_at,
    ],
  );
  await tx.query(
    'INSERT INTO feedback_revisions (feedback_id, revision, content_hash, said) VALUES ($1, $2, $3, $4::json) ON CONFLICT DO NOTHING',
    [feedbackId, revision, contentHash, one.record.value?.toString('utf8') ?? ''],
  );
}
