import type { FeedbackAnswerAccepted, FeedbackContested } from '@jinqiao/contracts';
import { unnested } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { effectOf } from './dispute.js';

const CONTESTED = {
  feedback_id: 'uuid',
  feedback_revision: 'integer',
  answer_revision: 'integer',
  reason_code: 'text',
  opened_at: 'timestamptz',
} as const;
const DROPPED = { feedback_id: 'uuid', feedback_revision: 'integer', answer_revision: 'integer', dropped_at: 'timestamptz' } as const;

/**
 * Opens and drops disputes as accepted answers say, in the transaction that keeps them. The answer with the highest revision decides,
 * whatever order they come in, and what has been ruled on stays ruled.
 */
export async function followAnswers(tx: EntityManager, answers: readonly FeedbackContested[]): Promise<void> {
  const contested = answers.filter((answer) => effectOf(answer) === 'OPENS').sort(byRevision);
  const dropped = answers.filter((answer) => effectOf(answer) === 'DROPS').sort(byRevision);
  if (contested.length > 0) await open(tx, [...new Map(contested.map((answer) => [answersTo(answer), answer])).values()]);
  if (dropped.length > 0) await drop(tx, [...new Map(dropped.map((answer) => [answersTo(answer), answer])).values()]);
}

/** Contested again, a dispute keeps its age; contested anew, after it was dropped, it begins anew. */
async function open(tx: EntityManager, contested: readonly FeedbackContested[]): Promise<void> {
  const rows = contested.map(({ feedbackId, feedbackRevision, revision, reasonCode, acceptedAt }) => ({
    feedback_id: feedbackId,
    feedback_revision: feedbackRevision,
    answer_revision: revision,
    reason_code: reasonCode,
    opened_at: acceptedAt,
  }));
  const { columns, from, values } = unnested(CONTESTED, rows);
  await tx.query(
    `INSERT INTO disputes AS kept (${columns}) SELECT ${columns} FROM ${from} JOIN feedback_revisions AS told USING (feedback_id)
     WHERE told.revision = feedback_revision
     ON CONFLICT (feedback_id, feedback_revision) DO UPDATE SET answer_revision = excluded.answer_revision, reason_code = excluded.reason_code,
       opened_at = CASE WHEN kept.dropped_at IS NULL THEN kept.opened_at ELSE excluded.opened_at END, dropped_at = NULL
     WHERE kept.ruling IS NULL AND kept.answer_revision < excluded.answer_revision`,
    [...values],
  );
}

async function drop(tx: EntityManager, answers: readonly FeedbackAnswerAccepted[]): Promise<void> {
  const rows = answers.map(({ feedbackId, feedbackRevision, revision, acceptedAt }) => ({
    feedback_id: feedbackId,
    feedback_revision: feedbackRevision,
    answer_revision: revision,
    dropped_at: acceptedAt,
  }));
  const { from, values } = unnested(DROPPED, rows);
  await tx.query(
    `UPDATE disputes AS kept SET dropped_at = given.dropped_at, answer_revision = given.answer_revision FROM ${from}
     WHERE kept.feedback_id = given.feedback_id AND kept.feedback_revision = given.feedback_revision
       AND kept.answer_revision < given.answer_revision AND kept.ruling IS NULL`,
    [...values],
  );
}

/** After a restore: what was told again says what had been ruled. */
export async function takeOverRulings(tx: EntityManager, feedbackIds: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE disputes AS kept SET ruling = told.ruling, ruled_in = told.revision, dropped_at = NULL
     FROM (SELECT feedback_id, (said -> 'ruling')::jsonb AS ruling, min(revision) AS revision FROM feedback_revisions
           WHERE feedback_id = ANY($1) AND said ->> 'ruling' IS NOT NULL GROUP BY 1, 2) AS told
     WHERE kept.feedback_id = told.feedback_id AND kept.feedback_revision = (told.ruling ->> 'feedbackRevision')::integer AND kept.ruling IS NULL`,
    [[...new Set(feedbackIds)]],
  );
}

const byRevision = (one: FeedbackAnswerAccepted, other: FeedbackAnswerAccepted): number => one.revision - other.revision;

const answersTo = ({ feedbackId, feedbackRevision }: FeedbackAnswerAccepted): string => `${feedbackId}#${feedbackRevision}`;
