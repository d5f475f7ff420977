import { FeedbackIssued, type FeedbackKind, FeedbackWithdrawn } from '@jinqiao/contracts';
import { event, type EventOptions, Outbox, type OutgoingEvent, type Received } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { addDeliveries, type Delivery, dueAgain } from '../delivery/delivery.series.js';
import { entitlementOf, TOLD_UNDER } from '../entitlement/entitlement.js';
import { unreceivedSince } from '../escalation/escalation.js';
import { toldEntry } from '../ledger/ledger.js';
import { Ledger } from '../ledger/ledger.service.js';
import { asksToUndo, clockRuleOf, clockStartOf, type Feedback, keptUntil } from './feedback.js';

/** A feedback to tell, with the event it follows from. */
export interface Told {
  readonly feedback: Feedback;
  readonly causedBy: Received<object | null> | null;
}

interface Announced {
  readonly feedback: Pick<Feedback, 'status' | 'said'>;
  readonly causedBy: Told['causedBy'];
}

/** Tells recipients, and keeps what they were told: the last revision of every feedback, and every revision as it was sent. */
@Injectable()
export class FeedbackTeller {
  constructor(
    private readonly outbox: Outbox,
    private readonly ledger: Ledger,
  ) {}

  /** The feedbacks about these subjects, locked in the order of their ids. */
  async load(tx: EntityManager, kind: FeedbackKind, subjects: readonly string[]): Promise<Map<string, Feedback[]>> {
    const bySubject = new Map<string, Feedback[]>();
    if (subjects.length === 0) return bySubject;
    for (const feedback of await lastTold(tx, 'f.kind = $1 AND f.subject = ANY($2)', [kind, subjects])) {
      const about = bySubject.get(feedback.said.subject) ?? [];
      bySubject.set(feedback.said.subject, [...about, feedback]);
    }
    return bySubject;
  }

  /** One feedback, locked; null where there is none. */
  async find(tx: EntityManager, feedbackId: string): Promise<Feedback | null> {
    const [feedback] = await lastTold(tx, 'f.feedback_id = $1', [feedbackId]);
    return feedback ?? null;
  }

  /** Keeps, numbers and announces revisions, in the given order. A feedback may occur with several revisions. */
  async tell(tx: EntityManager, told: readonly Told[]): Promise<void> {
    if (told.length === 0) return;
    const [, , positions] = await Promise.all([
      keep(tx, told),
      this.ledger.add(
        tx,
        told.map(({ feedback }) => toldEntry(feedback.said)),
      ),
      addDeliveries(
        tx,
        told.map((one) => ({ ...deliveryOf(typeOf(one.feedback), one.feedback.said), acceptedAt: acceptedAt(one) })),
      ),
    ]);
    await this.outbox.add(
      tx,
      told.map((one, index) => announcement(one, positions[index])),
    );
  }

  /** The last revision of these feedbacks once more, in the same bytes, by the recipient's channel. Nothing else of them changes. */
  async tellAgain(tx: EntityManager, recipientId: string, feedbackIds: readonly string[]): Promise<void> {
    const rows = await lastTold(tx, 'f.recipient_id = $1 AND f.feedback_id = ANY($2)', [recipientId, feedbackIds]);
    const byTopic = await dueAgain(
      tx,
      recipientId,
      rows.map(({ said }) => said),
    );
    const again = rows.flatMap((feedback) => {
      const position = byTopic.get(feedback.said.feedbackId);
      return position === undefined ? [] : [announcement({ feedback, causedBy: null }, position)];
    });
    await this.outbox.add(tx, again);
  }
}

function keep(tx: EntityManager, told: readonly Told[]): Promise<unknown> {
  return tx.query(
    `WITH told AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(feedback_id uuid, recipient_id text, kind text, subject text, publisher_id text,
         matched_by text, revision integer, status text, due_at timestamptz, closed_at timestamptz, undo_since timestamptz,
         asked_since integer, clock_rule text, clock_starts text, clock_started_at timestamptz, kept_until timestamptz, unreceived_since timestamptz,
         unreceived_next_at timestamptz, content_hash text, said text)
     ), kept AS (
       INSERT INTO feedback_revisions (feedback_id, revision, content_hash, said)
       SELECT feedback_id, revision, content_hash, said::json FROM told
     )
     INSERT INTO feedbacks (feedback_id, recipient_id, kind, subject, publisher_id, matched_by, revision, status, due_at, closed_at,
       escalates_at, undo_since, asked_since, clock_rule, clock_starts, clock_started_at, kept_until, unreceived_since, unreceived_next_at)
     SELECT DISTINCT ON (feedback_id) feedback_id, recipient_id, kind, subject, publisher_id, matched_by, revision, status, due_at, closed_at,
       due_at, undo_since, asked_since, clock_rule, clock_starts, clock_started_at, kept_until, unreceived_since, unreceived_next_at
     FROM told
     ORDER BY feedback_id, revision DESC
     ON CONFLICT (feedback_id) DO UPDATE SET
       publisher_id = EXCLUDED.publisher_id, matched_by = EXCLUDED.matched_by, revision = EXCLUDED.revision, status = EXCLUDED.status,
       closed_at = EXCLUDED.closed_at, answer_status = NULL, answered_at = NULL,
       kept_until = greatest(feedbacks.kept_until, EXCLUDED.kept_until),
       asked_since = EXCLUDED.asked_since, clock_rule = EXCLUDED.clock_rule, clock_starts = EXCLUDED.clock_starts,
       -- Where the same is asked its clock goes on, and so does what was asked to be undone.
       due_at = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.due_at ELSE EXCLUDED.due_at END,
       clock_started_at = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.clock_started_at
                               ELSE EXCLUDED.clock_started_at END,
       escalated_steps = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.escalated_steps ELSE 0 END,
       overdue_raised_at = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.overdue_raised_at END,
       escalates_at = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.escalates_at ELSE EXCLUDED.due_at END,
       unreceived_since = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.unreceived_since
                               ELSE EXCLUDED.unreceived_since END,
       unreceived_steps = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.unreceived_steps ELSE 0 END,
       unreceived_next_at = CASE WHEN feedbacks.asked_since = EXCLUDED.asked_since THEN feedbacks.unreceived_next_at
                                 ELSE EXCLUDED.unreceived_next_at END,
       undo_since = CASE WHEN EXCLUDED.undo_since IS NULL THEN NULL ELSE coalesce(feedbacks.undo_since, EXCLUDED.undo_since) END`,
    [JSON.stringify(told.map(rowOf))],
  );
}

/**
 * Locked first, in the order of their ids, and read then: in one statement, whoever waited for a lock would join the row as it has become
 * with the revisions as they were, and find nothing.
 */
async function lastTold(tx: EntityManager, which: string, given: readonly unknown[]): Promise<Feedback[]> {
  const [, told] = await Promise.all([
    tx.query(`SELECT FROM feedbacks f WHERE ${which} ORDER BY f.feedback_id FOR UPDATE`, [...given]),
    tx.query<Feedback[]>(
      `SELECT f.status, f.publisher_id AS "publisherId", f.matched_by AS "matchedBy", f.closed_at AS "closedAt",
         f.asked_since AS "askedSince", r.said
       FROM feedbacks f JOIN feedback_revisions r ON r.feedback_id = f.feedback_id AND r.revision = f.revision
       WHERE ${which} ORDER BY f.feedback_id`,
      [...given],
    ),
  ]);
  return told;
}

function rowOf({ feedback }: Told): object {
  const { status, said, publisherId, matchedBy, closedAt, askedSince } = feedback;
  return {
    feedback_id: said.feedbackId,
    recipient_id: said.recipientId,
    kind: said.kind,
    subject: said.subject,
    publisher_id: publisherId,
    matched_by: matchedBy,
    revision: said.revision,
    status,
    due_at: said.dueAt ?? null,
    closed_at: closedAt,
    undo_since: asksToUndo(said) ? said.issuedAt : null,
    asked_since: askedSince,
    clock_rule: clockRuleOf(said),
    clock_starts: said.clock?.startsOn ?? null,
    clock_started_at: clockStartOf(said),
    kept_until: keptUntil(said) ?? 'infinity',
    ...unreceivedSince(said),
    content_hash: said.contentHash,
    // Text inside, so that jsonb does not reorder it: a pull gives the bytes that Kafka gave.
    said: JSON.stringify(said),
  };
}

/** Why a recipient may have it and how long it may keep it: the same by every channel. */
export function deliveryOf(type: Delivery['type'], said: Feedback['said']): Delivery {
  const { feedbackId, revision, recipientId, kind, subject, actionsRequired, legalBasis, issuedAt } = said;
  const [basis] = legalBasis;
  return {
    feedbackId,
    revision,
    recipientId,
    kind,
    subject,
    type,
    purpose: TOLD_UNDER[kind].purpose,
    classification: 'RESTRICTED_TO_RECIPIENT',
    legalBasis: basis ? `${basis.instrument}${basis.article ?? ''}` : null,
    retentionUntil: keptUntil(said),
    toldAt: issuedAt,
    acceptedAt: null,
    asksAction: actionsRequired.some(({ mandatory }) => mandatory),
  };
}

/** When the fact was accepted that it follows from. What waited for its platform could not be told before it is. */
function acceptedAt({ feedback, causedBy }: Told): string {
  const accepted = causedBy?.data && 'acceptedAt' in causedBy.data ? causedBy.data.acceptedAt : causedBy?.time.toISOString();
  return typeof accepted === 'string' ? accepted : feedback.said.issuedAt;
}

const typeOf = ({ status }: Pick<Feedback, 'status'>): Delivery['type'] => (status === 'ISSUED' ? 'FeedbackIssued' : 'FeedbackWithdrawn');

function announcement({ feedback, causedBy }: Announced, sequence: number | undefined): OutgoingEvent {
  const { purpose, classification, legalBasis, retentionUntil } = deliveryOf(typeOf(feedback), feedback.said);
  const options: EventOptions = {
    entitlement: entitlementOf(feedback.said.recipientId, feedback.said.kind),
    purpose,
    classification,
    ...(legalBasis && { legalBasis }),
    ...(retentionUntil && { retentionUntil }),
    ...(sequence && { sequence }),
    ...(causedBy && { causedBy }),
  };
  return event<FeedbackIssued | FeedbackWithdrawn>(
    feedback.status === 'ISSUED' ? FeedbackIssued : FeedbackWithdrawn,
    feedback.said,
    options,
  );
}
