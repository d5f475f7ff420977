import { type FeedbackKind, FeedbackOverdue } from '@jinqiao/contracts';
import { event, Outbox, type Received, unnested } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { NoticeReason } from '../contact-notice/contact-notice.js';
import { ContactNotices, noteOverdue, noteUnreceived } from '../contact-notice/contact-notice.service.js';
import { isReal } from '../conformance/conformance.js';
import { type Escalating, escalate, stepAt, unreceivedStepAt } from './escalation.js';

const EVERY_MS = 30_000;
const AT_ONCE = 500;
const TOLD = { feedback_id: 'uuid', steps: 'integer', next_at: 'timestamptz' } as const;
const ESCALATED = { feedback_id: 'uuid', steps: 'integer', next_at: 'timestamptz', raised_at: 'timestamptz' } as const;

interface NotReceived {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly publisherId: string | null;
  readonly kind: FeedbackKind;
  readonly since: Date;
  readonly steps: number;
}

/** Says what is overdue, and has contacts told of what is not received. Any number of processes may do so at once: each step is said by one of them, after any downtime. */
@Injectable()
export class Escalations implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly notices: ContactNotices,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.escalate(), new Logger(Escalations.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Takes every step that is due by now. Gives back how many that were. */
  async escalate(): Promise<number> {
    let taken = 0;
    for (let portion = AT_ONCE; portion === AT_ONCE; taken += portion) portion = await this.takeSteps();
    for (let portion = AT_ONCE; portion === AT_ONCE; taken += portion) portion = await this.takeUnreceived();
    return taken;
  }

  private async takeUnreceived(): Promise<number> {
    const now = this.clock.now();
    const { taken, noted } = await this.db.transaction(async (tx) => {
      const due: NotReceived[] = await tx.query(
        `SELECT f.feedback_id AS "feedbackId", f.recipient_id AS "recipientId", f.publisher_id AS "publisherId", f.kind,
           f.unreceived_since AS since, f.unreceived_steps AS steps
         FROM feedbacks f WHERE f.unreceived_next_at <= $1 AND ${isReal('f')}
         ORDER BY f.unreceived_next_at, f.feedback_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [now, AT_ONCE],
      );
      const steps = due.map((one) => ({ ...one, step: one.steps + 1 }));
      const { from, values } = unnested(
        TOLD,
        steps.map(({ feedbackId, step, since }) => ({ feedback_id: feedbackId, steps: step, next_at: unreceivedStepAt(step + 1, since) })),
      );
      await tx.query(
        `UPDATE feedbacks AS f SET unreceived_steps = given.steps, unreceived_next_at = given.next_at
         FROM ${from} WHERE f.feedback_id = given.feedback_id`,
        [...values],
      );
      return { taken: due.length, noted: await noteUnreceived(tx, steps, now) };
    });
    this.notices.count(noted);
    return taken;
  }

  private async takeSteps(): Promise<number> {
    const now = this.clock.now();
    const { taken, noted } = await this.db.transaction((tx) => this.sayOverdue(tx, now));
    this.notices.count(noted);
    return taken;
  }

  private async sayOverdue(tx: EntityManager, now: Date): Promise<{ taken: number; noted: NoticeReason[] }> {
    const due: (Escalating & { publisherId: string | null })[] = await tx.query(
      `SELECT feedback_id AS "feedbackId", recipient_id AS "recipientId", kind, subject, revision AS "feedbackRevision", due_at AS "dueAt",
         escalated_steps AS steps, publisher_id AS "publisherId"
       FROM feedbacks WHERE escalates_at <= $1 AND closed_at IS NULL
       ORDER BY escalates_at, feedback_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [now, AT_ONCE],
    );
    const escalated = due.map(({ publisherId: _publisher, ...one }) => escalate(one, now));
    const rows = escalated.map(({ said, nextAt }) => ({
      feedback_id: said.feedbackId,
      steps: said.revision,
      next_at: nextAt,
      raised_at: said.raisedAt,
    }));
    const { from, values } = unnested(ESCALATED, rows);
    await tx.query(
      `UPDATE feedbacks AS f SET escalated_steps = given.steps, escalates_at = given.next_at,
         overdue_raised_at = coalesce(f.overdue_raised_at, given.raised_at)
       FROM ${from} WHERE f.feedback_id = given.feedback_id`,
      [...values],
    );
    await this.outbox.add(
      tx,
      escalated.map(({ said }) => event(FeedbackOverdue, said)),
    );
    const noted = await noteOverdue(
      tx,
      due.map(({ steps, ...one }) => ({ ...one, step: steps + 1 })),
      now,
    );
    return { taken: due.length, noted };
  }
}

/** Steps that were said of what still stands: they are not said again. */
export async function takeOverEscalations(tx: EntityManager, said: readonly Received<FeedbackOverdue>[]): Promise<number> {
  let news = 0;
  for (const { data } of said) {
    const { feedbackId, revision: step, dueAt, raisedAt } = data;
    const taken: [unknown[], number] = await tx.query(
      `UPDATE feedbacks SET escalated_steps = $2, escalates_at = $3, overdue_raised_at = coalesce(overdue_raised_at, $5)
       WHERE feedback_id = $1 AND due_at = $4 AND escalated_steps < $2`,
      [feedbackId, step, stepAt(step + 1, new Date(dueAt)), dueAt, raisedAt],
    );
    news += taken[1];
  }
  return news;
}
