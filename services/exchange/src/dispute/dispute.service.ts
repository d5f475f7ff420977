import type { FeedbackKind, Ruling } from '@jinqiao/contracts';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { withRuling } from '../feedback/feedback.js';
import { FeedbackTeller } from '../feedback/feedback.teller.js';
import { SEEN, sightOf } from '../feedback/feedback.queries.js';
import { decide, type Dispute, type DisputeStatus, DisputeUnknown, type Given } from './dispute.js';

export interface DisputeFilter {
  readonly status?: DisputeStatus;
  readonly platform?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface DisputeEntry {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly status: DisputeStatus;
  readonly reasonCode: string | null;
  readonly openedAt: Date;
  /** From its opening to its end, or to now. */
  readonly openHours: number;
  readonly droppedAt: Date | null;
  readonly ruling: Ruling | null;
  /** What the platform has been told last. */
  readonly presentRevision: number;
}

/** The ruling with the revision of the feedback in which the platform reads it. */
export interface Ruled {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly revision: number;
  readonly ruling: Ruling;
}

const LIST = 'disputes';
const FIRST: readonly (string | number | null)[] = ['-infinity', '00000000-0000-0000-0000-000000000000', 0];
const STATUS = `CASE WHEN d.ruling IS NOT NULL THEN 'RULED' WHEN d.dropped_at IS NOT NULL THEN 'DROPPED' ELSE 'OPEN' END`;

/** The queue of those who published what a platform contests, and their rulings. */
@Injectable()
export class Disputes {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly clock: Clock,
  ) {}

  /** The oldest first. */
  async list(caller: Principal, filter: DisputeFilter): Promise<Page<DisputeEntry>> {
    const { recipient, publisher } = sightOf(caller);
    const after = filter.cursor === undefined ? FIRST : decodeCursor(LIST, filter.cursor);
    const rows: (DisputeEntry & { at: string })[] = await this.db.query(
      `SELECT d.feedback_id AS "feedbackId", d.feedback_revision AS "feedbackRevision", f.recipient_id AS "recipientId", f.kind, f.subject,
         ${STATUS} AS status, d.reason_code AS "reasonCode", d.opened_at AS "openedAt", d.opened_at::text AS at,
         floor(extract(epoch FROM coalesce((d.ruling ->> 'ruledAt')::timestamptz, d.dropped_at, $3) - d.opened_at) / 3600)::integer
           AS "openHours",
         d.dropped_at AS "droppedAt", d.ruling, f.revision AS "presentRevision"
       FROM disputes d JOIN feedbacks f USING (feedback_id)
       WHERE ${SEEN} AND ($4::text IS NULL OR ${STATUS} = $4) AND ($5::text IS NULL OR f.recipient_id = $5)
         AND (d.opened_at, d.feedback_id, d.feedback_revision) > ($6::timestamptz, $7::uuid, $8::integer)
       ORDER BY d.opened_at, d.feedback_id, d.feedback_revision
       LIMIT $9`,
      [recipient, publisher, this.clock.now(), filter.status ?? null, filter.platform ?? null, ...after, filter.limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, filter.limit, ({ at, feedbackId, feedbackRevision }) => [at, feedbackId, feedbackRevision]);
    return { items: items.map(({ at: _at, ...entry }) => entry), next };
  }

  /** Rules on one, and tells the platform so. The same ruling may be given again. */
  async rule(caller: Principal, about: { feedbackId: string; feedbackRevision: number }, given: Given): Promise<Ruled> {
    if (!isUuid(about.feedbackId)) throw new DisputeUnknown();
    return this.db.transaction(async (tx) => {
      const feedback = await this.teller.find(tx, about.feedbackId);
      const dispute = await this.find(tx, caller, about);
      if (!feedback || !dispute) throw new DisputeUnknown();
      const now = this.clock.now();
      const ruling = decide(dispute, caller, given, now);
      if (ruling === null) return { ...about, revision: dispute.ruledIn ?? 0, ruling: dispute.ruling as Ruling };
      const next = withRuling(feedback, ruling, now);
      await tx.query('UPDATE disputes SET ruling = $3, ruled_in = $4 WHERE feedback_id = $1 AND feedback_revision = $2', [
        about.feedbackId,
        about.feedbackRevision,
        ruling,
        next.said.revision,
      ]);
      await this.teller.tell(tx, [{ feedback: next, causedBy: null }]);
      return { ...about, revision: next.said.revision, ruling };
    });
  }

  private async find(
    tx: EntityManager,
    caller: Principal,
    { feedbackId, feedbackRevision }: { feedbackId: string; feedbackRevision: number },
  ): Promise<Dispute | null> {
    const { recipient, publisher } = sightOf(caller);
    const [dispute]: Dispute[] = await tx.query(
      `SELECT d.feedback_id AS "feedbackId", d.feedback_revision AS "feedbackRevision", f.publisher_id AS "publisherId",
         d.dropped_at AS "droppedAt", d.ruling, d.ruled_in AS "ruledIn"
       FROM disputes d JOIN feedbacks f USING (feedback_id)
       WHERE ${SEEN} AND d.feedback_id = $3 AND d.feedback_revision = $4`,
      [recipient, publisher, feedbackId, feedbackRevision],
    );
    return dispute ?? null;
  }
}
