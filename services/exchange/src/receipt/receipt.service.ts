import { FeedbackAnswerAccepted, type FeedbackAnswered, FeedbackContested } from '@jinqiao/contracts';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { Clock, signerOf } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { receivedBy } from '../clock/clock.js';
import { startClocks } from '../clock/clock.receipts.js';
import { noteRefused } from '../conformance/conformance.runs.js';
import { followAnswers } from '../dispute/dispute.queue.js';
import type { Answered } from '../ledger/ledger.js';
import { Ledger } from '../ledger/ledger.service.js';
import { inForce } from '../signature-key/signature-key.js';
import { SignatureKeys } from '../signature-key/signature-key.service.js';
import { type Answer, type AnswerableFeedback, decide, type Decision, type Known } from './receipt.js';

/** An answer with the platform that gave it, as authentication says. */
interface Incoming {
  readonly answered: FeedbackAnswered;
  readonly by: string;
  readonly causedBy: Received | null;
}

/** What a platform is told about its answer. */
export interface Receipt {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly revision: number;
  readonly status: 'accepted' | 'duplicate' | 'superseded';
  readonly superseded: boolean;
  readonly acceptedAt: string;
}

/** Checks and keeps what platforms answer. */
@Injectable()
export class Receipts {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly ledger: Ledger,
    private readonly keys: SignatureKeys,
    private readonly clock: Clock,
  ) {}

  /** One answer over HTTP. Throws the error that refuses it. */
  async accept(by: string, answered: FeedbackAnswered): Promise<Receipt> {
    const [decision] = await this.db.transaction((tx) => this.take(tx, [{ answered, by, causedBy: null }]));
    if (!decision) throw new Error('an answer was not decided');
    if (decision.outcome === 'REFUSED') throw decision.error;
    const { feedbackId, feedbackRevision, revision, superseded, acceptedAt } = decision.answer;
    const fresh = superseded ? 'superseded' : 'accepted';
    return {
      feedbackId,
      feedbackRevision,
      revision,
      status: decision.outcome === 'ACCEPTED' ? fresh : 'duplicate',
      superseded,
      acceptedAt,
    };
  }

  /** Answers over Kafka; what is refused becomes a dead letter of its own. */
  async follow(tx: EntityManager, received: readonly Received<FeedbackAnswered>[]): Promise<void> {
    const incoming = received.map((one): Incoming => ({ answered: one.data, by: one.owner ?? '', causedBy: one }));
    const decisions = await this.take(tx, incoming);
    for (const [index, decision] of decisions.entries()) {
      if (decision.outcome !== 'REFUSED') continue;
      const { code, message, findings } = decision.error;
      received[index]?.reject(code, message, findings[0]?.pointer);
    }
  }

  private async take(tx: EntityManager, incoming: readonly Incoming[]): Promise<Decision[]> {
    const feedbacks = await this.feedbacks(tx, incoming);
    const hashes = await this.hashes(tx, incoming);
    const newest = await this.newestAnswers(tx, incoming);
    const incomplete = await this.incompleteAnswers(tx, incoming);
    const signers = await this.signers(tx, incoming, incomplete);
    const now = this.clock.now();
    const decisions = incoming.map(({ answered, by }, place): Decision => {
      const answers = answersOf(answered);
      const known: Known = {
        feedback: feedbacks.get(answered.feedbackId) ?? null,
        hash: hashes.get(answers) ?? null,
        earlier: newest.get(answers) ?? null,
        incomplete: incomplete.get(nameOf(answered)) ?? null,
        signedBy: signers[place] ?? null,
      };
      const decision = decide(answered, by, known, now);
      if (decision.outcome === 'ACCEPTED') newest.set(answers, decision.answer);
      return decision;
    });
    const refused = decisions.flatMap((decision, index) => {
      const from = incoming[index];
      const feedback = from && feedbacks.get(from.answered.feedbackId);
      if (decision.outcome !== 'REFUSED' || !feedback || feedback.recipientId !== from.by) return [];
      const { feedbackId, feedbackRevision, status } = from.answered;
      return [{ subject: feedback.subject, feedbackId, feedbackRevision, status, code: decision.error.code, at: now.toISOString() }];
    });
    await noteRefused(tx, refused);
    await this.keep(tx, incoming, decisions, signers);
    await this.complete(tx, incoming, decisions, signers);
    return decisions;
  }

  /** Locked, so that an answer and the next revision of its feedback come one after the other. */
  private async feedbacks(tx: EntityManager, incoming: readonly Incoming[]): Promise<Map<string, AnswerableFeedback>> {
    const rows: AnswerableFeedback[] = await tx.query(
      `SELECT feedback_id AS "feedbackId", recipient_id AS "recipientId", kind, subject, revision
       FROM feedbacks WHERE feedback_id = ANY($1) ORDER BY feedback_id FOR UPDATE`,
      [named(incoming).map(({ feedbackId }) => feedbackId)],
    );
    return new Map(rows.map((row) => [row.feedbackId, row]));
  }

  private async hashes(tx: EntityManager, incoming: readonly Incoming[]): Promise<Map<string, string>> {
    const rows: { feedbackId: string; feedbackRevision: number; hash: string }[] = await tx.query(
      `SELECT r.feedback_id AS "feedbackId", r.revision AS "feedbackRevision", r.content_hash AS hash
       FROM feedback_revisions r
       JOIN jsonb_to_recordset($1::jsonb) AS x("feedbackId" uuid, "feedbackRevision" integer)
         ON r.feedback_id = x."feedbackId" AND r.revision = x."feedbackRevision"`,
      [JSON.stringify(named(incoming))],
    );
    return new Map(rows.map((row) => [answersOf(row), row.hash]));
  }

  private async newestAnswers(tx: EntityManager, incoming: readonly Incoming[]): Promise<Map<string, Answer>> {
    const rows: StoredAnswer[] = await tx.query(
      `SELECT DISTINCT ON (a.feedback_id, a.feedback_revision) a.feedback_id AS "feedbackId", a.feedback_revision AS "feedbackRevision",
         a.revision, a.content_hash AS "contentHash", a.superseded, a.accepted_at AS "acceptedAt"
       FROM answers a
       JOIN jsonb_to_recordset($1::jsonb) AS x("feedbackId" uuid, "feedbackRevision" integer)
         ON a.feedback_id = x."feedbackId" AND a.feedback_revision = x."feedbackRevision"
       ORDER BY a.feedback_id, a.feedback_revision, a.revision DESC`,
      [JSON.stringify(named(incoming))],
    );
    return new Map(rows.map((row) => [answersOf(row), answerIn(row)]));
  }

  /** There are some after a restore only. */
  private async incompleteAnswers(tx: EntityManager, incoming: readonly Incoming[]): Promise<Map<string, Answer>> {
    const rows: StoredAnswer[] = await tx.query(
      `SELECT feedback_id AS "feedbackId", feedback_revision AS "feedbackRevision", revision, content_hash AS "contentHash", superseded,
         accepted_at AS "acceptedAt"
       FROM answers WHERE content_hash IS NULL AND feedback_id = ANY($1)`,
      [named(incoming).map(({ feedbackId }) => feedbackId)],
    );
    return new Map(rows.map((row) => [nameOf(row), answerIn(row)]));
  }

  /**
   * By which key each answer is signed, in the order of the answers; null where it is not, or not rightly. What was accepted before the
   * database was set back may be signed by a key that was revoked since.
   */
  private async signers(
    tx: EntityManager,
    incoming: readonly Incoming[],
    incomplete: ReadonlyMap<string, Answer>,
  ): Promise<(string | null)[]> {
    const signed = incoming.filter(({ answered }) => answered.signature !== undefined);
    const keys = await this.keys.of(
      tx,
      signed.map(({ by }) => by),
    );
    return Promise.all(
      incoming.map(async ({ answered: { signature, ...unsigned }, by }) => {
        if (signature === undefined) return null;
        const accepted = incomplete.get(nameOf(unsigned));
        return signerOf(signature, unsigned, inForce(keys.get(by) ?? [], accepted ? new Date(accepted.acceptedAt) : null));
      }),
    );
  }

  private async keep(
    tx: EntityManager,
    incoming: readonly Incoming[],
    decisions: readonly Decision[],
    signers: readonly (string | null)[],
  ): Promise<void> {
    const kept = decisions.flatMap((decision, index) => {
      const from = incoming[index];
      return decision.outcome === 'ACCEPTED' && from ? [{ ...decision, ...from, signedBy: signers[index] ?? null }] : [];
    });
    if (kept.length === 0) return;
    await tx.query(
      `WITH kept AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(feedback_id uuid, feedback_revision integer, revision integer, status text,
           reason_code text, searched text, actions jsonb, answered_at timestamptz, signature text, content_hash text, superseded boolean,
           accepted_at timestamptz, closes boolean, given text, signed_by text)
       ), stored AS (
         INSERT INTO answers (feedback_id, feedback_revision, revision, status, reason_code, searched, actions, answered_at, signature,
           content_hash, superseded, accepted_at, given, signed_by)
         SELECT feedback_id, feedback_revision, revision, status, reason_code, searched, actions, answered_at, signature, content_hash,
           superseded, accepted_at, given::json, signed_by
         FROM kept
       ), newest AS (
         SELECT DISTINCT ON (feedback_id) feedback_id, status, accepted_at, bool_or(closes) OVER (PARTITION BY feedback_id) AS closes
         FROM kept WHERE NOT superseded
         ORDER BY feedback_id, revision DESC
       )
       UPDATE feedbacks f
       SET answer_status = n.status, answered_at = n.accepted_at,
           closed_at = CASE WHEN n.closes THEN coalesce(f.closed_at, n.accepted_at) ELSE f.closed_at END
       FROM newest n WHERE f.feedback_id = n.feedback_id`,
      [JSON.stringify(kept.map(rowOf))],
    );
    await this.ledger.add(tx, kept.map(ledgerEntry));
    await startClocks(
      tx,
      kept.map(({ announced }) => receivedBy(announced)),
    );
    await followAnswers(
      tx,
      kept.map(({ announced }) => announced),
    );
    const events = kept.map(({ announced, causedBy }) =>
      event(announced.status === 'CONTESTED' ? FeedbackContested : FeedbackAnswerAccepted, announced, causedBy ? { causedBy } : {}),
    );
    await this.outbox.add(tx, events);
  }

  private async complete(
    tx: EntityManager,
    incoming: readonly Incoming[],
    decisions: readonly Decision[],
    signers: readonly (string | null)[],
  ): Promise<void> {
    const completed = decisions.flatMap((decision, index) => {
      const from = incoming[index];
      const signedBy = signers[index] ?? null;
      return decision.outcome === 'COMPLETED' && from ? [{ ...decision, ...from, signedBy, closes: false }] : [];
    });
    if (completed.length === 0) return;
    await this.ledger.add(tx, completed.map(ledgerEntry));
    await tx.query(
      `UPDATE answers AS kept
       SET reason_code = x.reason_code, searched = x.searched, actions = x.actions, answered_at = x.answered_at, signature = x.signature,
           content_hash = x.content_hash, given = x.given::json, signed_by = x.signed_by
       FROM jsonb_to_recordset($1::jsonb) AS x(feedback_id uuid, feedback_revision integer, revision integer, reason_code text,
         searched text, actions jsonb, answered_at timestamptz, signature text, content_hash text, given text, signed_by text)
       WHERE kept.feedback_id = x.feedback_id AND kept.feedback_revision = x.feedback_revision AND kept.revision = x.revision`,
      [JSON.stringify(completed.map(rowOf))],
    );
  }
}

type StoredAnswer = Omit<Answer, 'acceptedAt'> & { readonly acceptedAt: Date };

const answerIn = (row: StoredAnswer): Answer => ({ ...row, acceptedAt: row.acceptedAt.toISOString() });

/** What an answer answers: one revision of one feedback. */
const answersOf = ({ feedbackId, feedbackRevision }: { feedbackId: string; feedbackRevision: number }): string =>
  `${feedbackId}#${feedbackRevision}`;

/** One answer among those to the same revision of a feedback. */
const nameOf = (answer: { feedbackId: string; feedbackRevision: number; revision: number }): string =>
  `${answersOf(answer)}#${answer.revision}`;

/** The revisions that are answered. What is no UUID names no feedback, and PostgreSQL would refuse the whole batch for it. */
const named = (incoming: readonly Incoming[]): { feedbackId: string; feedbackRevision: number }[] => {
  const all = incoming.map(({ answered: { feedbackId, feedbackRevision } }) => ({ feedbackId, feedbackRevision }));
  return all.filter(({ feedbackId }) => isUuid(feedbackId));
};

/** An answer that is kept, as it was given. */
interface Kept {
  readonly answered: FeedbackAnswered;
  readonly by: string;
  readonly answer: Answer;
  readonly signedBy: string | null;
  readonly closes: boolean;
}

const ledgerEntry = ({ answered, by, answer, signedBy }: Kept): Answered => ({
  kind: 'ANSWERED',
  feedbackId: answer.feedbackId,
  feedbackRevision: answer.feedbackRevision,
  recipientId: by,
  revision: answer.revision,
  status: answered.status,
  contentHash: answer.contentHash ?? '',
  superseded: answer.superseded,
  ...(signedBy !== null && { signedBy }),
  at: answer.acceptedAt,
});

function rowOf({ answered, answer, signedBy, closes }: Kept): object {
  return {
    feedback_id: answer.feedbackId,
    feedback_revision: answer.feedbackRevision,
    revision: answer.revision,
    status: answered.status,
    reason_code: answered.reasonCode ?? null,
    searched: answered.searched ?? null,
    actions: answered.actions ?? [],
    answered_at: answered.answeredAt,
    signature: answered.signature ?? null,
    content_hash: answer.contentHash,
    superseded: answer.superseded,
    accepted_at: answer.acceptedAt,
    closes,
    // Text inside, so that jsonb does not reorder it.
    given: JSON.stringify(answered),
    signed_by: signedBy,
  };
}
