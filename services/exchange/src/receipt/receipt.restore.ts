import type { FeedbackAnswerAccepted } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { receivedBy } from '../clock/clock.js';
import { startClocks } from '../clock/clock.receipts.js';
import { followAnswers, takeOverRulings } from '../dispute/dispute.queue.js';
import { askedIn } from '../feedback/feedback.restore.js';
import { closes } from './receipt.js';

/**
 * Answers that were accepted. The outcome says what was answered, not everything that was written: the rest comes again with the answer
 * itself, which is read again from the platform's topic or has to be sent again (decide).
 */
export async function takeOverAnswers(tx: EntityManager, said: readonly Received<FeedbackAnswerAccepted>[]): Promise<number> {
  const outcomes = said.map(({ data }) => ({ ...data, closes: closes(data) }));
  const taken: unknown[] = await tx.query(
    `WITH outcome AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS x ("feedbackId" uuid, "feedbackRevision" integer, revision integer, status text,
         superseded boolean, "acceptedAt" timestamptz, closes boolean)
     ), taken AS (
       INSERT INTO answers (feedback_id, feedback_revision, revision, status, actions, answered_at, superseded, accepted_at)
       SELECT "feedbackId", "feedbackRevision", revision, status, '[]', "acceptedAt", superseded, "acceptedAt"
       FROM outcome
       WHERE EXISTS (SELECT FROM feedback_revisions AS told WHERE told.feedback_id = "feedbackId" AND told.revision = "feedbackRevision")
       ON CONFLICT DO NOTHING
       RETURNING feedback_id, feedback_revision, revision, status, accepted_at, superseded
     ), newest AS (
       SELECT DISTINCT ON (feedback_id, feedback_revision) taken.*,
         min(taken.accepted_at) FILTER (WHERE outcome.closes) OVER (PARTITION BY feedback_id, feedback_revision) AS closed_at
       FROM taken JOIN outcome ON ("feedbackId", "feedbackRevision", outcome.revision) = (feedback_id, feedback_revision, taken.revision)
       WHERE NOT taken.superseded
       ORDER BY feedback_id, feedback_revision, taken.revision DESC
     ), present AS (
       -- What was done about an earlier revision counts as long as the present one asks the same.
       SELECT newest.*, feedbacks.revision = newest.feedback_revision AS stands FROM newest
       JOIN feedbacks USING (feedback_id)
       JOIN feedback_revisions AS read ON read.feedback_id = newest.feedback_id AND read.revision = newest.feedback_revision
       JOIN feedback_revisions AS told ON told.feedback_id = newest.feedback_id AND told.revision = feedbacks.revision
       WHERE ${askedIn('read.said::jsonb')} = ${askedIn('told.said::jsonb')}
     ), settled AS (
       UPDATE feedbacks
       SET answer_status = CASE WHEN stands THEN present.status ELSE feedbacks.answer_status END,
           answered_at = CASE WHEN stands THEN present.accepted_at ELSE feedbacks.answered_at END,
           closed_at = coalesce(feedbacks.closed_at, present.closed_at)
       FROM present WHERE feedbacks.feedback_id = present.feedback_id
     )
     SELECT FROM taken`,
    [JSON.stringify(outcomes)],
  );
  await startClocks(
    tx,
    said.map(({ data }) => receivedBy(data)),
  );
  await followAnswers(
    tx,
    said.map(({ data }) => data),
  );
  await takeOverRulings(
    tx,
    said.map(({ data }) => data.feedbackId),
  );
  return taken.length;
}
