import type { FeedbackAnswered } from '@jinqiao/contracts';
import { Clock, type Principal } from '@jinqiao/platform';
import { canonicalForm } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource } from 'typeorm';
import { FeedbackQueries } from '../feedback/feedback.queries.js';
import { Ledger } from '../ledger/ledger.service.js';
import { evidenceOf, type Said, type UnsignedEvidence } from './evidence.js';

/** Puts the evidence of one feedback together. */
@Injectable()
export class EvidencePacks {
  constructor(
    private readonly db: DataSource,
    private readonly feedback: FeedbackQueries,
    private readonly ledger: Ledger,
    private readonly clock: Clock,
  ) {}

  /** The whole file, for whoever may see the feedback. Throws FeedbackNotFound for everybody else. */
  async of(caller: Principal, feedbackId: string): Promise<string> {
    const { recipientId, kind, subject } = await this.feedback.one(caller, feedbackId);
    await this.ledger.headOfNow();
    const told: { said: Said }[] = await this.db.query('SELECT said FROM feedback_revisions WHERE feedback_id = $1 ORDER BY revision', [
      feedbackId,
    ]);
    const answers: { given: FeedbackAnswered; jwk: JWK | null }[] = await this.db.query(
      `SELECT given, jwk FROM answers LEFT JOIN feedbacks USING (feedback_id)
       LEFT JOIN signature_keys AS key ON key.recipient_id = feedbacks.recipient_id AND key.kid = signed_by
       WHERE feedback_id = $1 AND given IS NOT NULL ORDER BY feedback_revision, answers.revision`,
      [feedbackId],
    );
    const unsigned: UnsignedEvidence = {
      format: 'jinqiao-evidence-1',
      madeAt: this.clock.now().toISOString(),
      feedbackId,
      recipientId,
      kind,
      subject,
      ...evidenceOf(await this.ledger.proven(feedbackId), {
        told: told.map(({ said }) => said),
        answers: answers.map(({ given }) => given),
      }),
      keys: await this.ledger.keys(),
      recipientKeys: [...new Map(answers.flatMap(({ jwk }) => (jwk ? [[jwk.kid, jwk] as const] : []))).values()],
    };
    return canonicalForm({ ...unsigned, signature: await this.ledger.sign(unsigned) });
  }
}
