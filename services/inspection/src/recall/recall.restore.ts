import { RecallClosed, RecallPublished, RecallWithdrawn } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import type { Standing } from './recall.acts.js';

/**
 * Recalls that were said and that a database which was set back does not know (ADR-0009), where their rows were not kept: they were said
 * before rows were, or in the moment before the database was lost. How far one was worked on beyond what is public is in no such event; of
 * one that is known and stands as it stood, it stays.
 */
export async function takeOverRecalls(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, object & { revision: number }>();
  for (const one of said) {
    const row = rowIn(one);
    if (row && row.revision > (newest.get(one.key)?.revision ?? 0)) newest.set(one.key, row);
  }
  const taken: unknown[] = await tx.query(
    `INSERT INTO recalls AS kept (recall_no, keeper_id, state, content, revision, standing, round, said, closed_on, reported_revision, told_uscc,
       last_on)
     SELECT recall_no, keeper_id, state, content, revision, standing, round, said, closed_on, reported_revision, told_uscc, last_on
     FROM jsonb_to_recordset($1::jsonb) AS x (recall_no text, keeper_id text, state text, content jsonb, revision integer, standing text,
       round integer, said jsonb, closed_on date, reported_revision integer, told_uscc text, last_on date)
     ORDER BY recall_no
     ON CONFLICT (recall_no) DO UPDATE SET
       state = CASE WHEN kept.standing = excluded.standing AND kept.round = excluded.round THEN kept.state ELSE excluded.state END,
       content = excluded.content, revision = excluded.revision, standing = excluded.standing, round = excluded.round,
       said = excluded.said, closed_on = excluded.closed_on, reported_revision = excluded.reported_revision, reported_hash = NULL,
       told_uscc = excluded.told_uscc, last_on = greatest(kept.last_on, excluded.last_on)
       WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify([...newest.values()])],
  );
  return taken.length;
}

/** Null for a tombstone: it keeps nothing of the recall (ADR-0008). */
function rowIn(one: Received<object | null>): (object & { revision: number }) | null {
  if (one.is(RecallClosed)) return rowOf('CLOSED', one.data, one.data.closedOn);
  if (one.is(RecallWithdrawn)) return rowOf('WITHDRAWN', one.data, null);
  return one.is(RecallPublished) ? rowOf('PUBLISHED', one.data, null) : null;
}

function rowOf(standing: Standing, state: RecallPublished & Partial<RecallClosed & RecallWithdrawn>, closedOn: string | null) {
  const { reason: _reason, withdrawnAt: _withdrawnAt, closedOn: _closedOn, ...said } = state;
  const { keeperId, revision, reportedRevision = null, round, publishedAt, ...content } = said;
  const inWork = reportedRevision === null ? 'IN_PROGRESS' : 'ANNOUNCED';
  return {
    recall_no: content.recallNo,
    keeper_id: keeperId,
    state: standing === 'PUBLISHED' ? inWork : standing,
    content,
    revision,
    standing,
    round,
    said,
    closed_on: closedOn,
    reported_revision: reportedRevision,
    told_uscc: content.producer.uscc ?? null,
    last_on: closedOn ?? publishedAt.slice(0, 10),
  };
}
