import type { CorrectionRequestState, FeedbackKind } from '@jinqiao/contracts';
import { arrangedUntil, dayInChina } from '@jinqiao/law';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import { isProvisional } from '../deadline/answer-period.js';
import { NotCompetent } from '../entitlement/entitlement.js';
import { type EntitlementEntry, Entitlements, providersOf } from '../entitlement/entitlement.service.js';
import { FeedbackNotFound } from '../feedback/feedback.queries.js';
import {
  answer,
  type Changed,
  computedAgain,
  type CorrectionAnswer,
  type CorrectionDraft,
  CorrectionRequestUnknown,
  file,
  NothingReceived,
  overdue,
  periodOf,
  PublisherUnclear,
  withdraw,
} from './correction-request.js';

const LIST = 'correction-requests';
const AT_ONCE = 500;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
/** The stream that feedback comes from where no single department is its publisher. */
const STREAM_BEHIND: Partial<Record<FeedbackKind, string>> = { CREDIT_STATUS: 'credit.credit-status' };

export interface CorrectionFilter {
  readonly status?: CorrectionRequestState['status'];
  readonly subject?: string;
  /** Not answered within the statutory period. */
  readonly overdue?: boolean;
  readonly cursor?: string;
  readonly limit: number;
}

/** Requests to correct what was received, and their answers. */
@Injectable()
export class CorrectionRequests {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly entitlements: Entitlements,
    private readonly clock: Clock,
  ) {}

  async file(caller: Principal, draft: CorrectionDraft): Promise<CorrectionRequestState> {
    const entitlement = await this.entitlements.one(caller, draft.entitlementId);
    if (entitlement.recipientId !== caller.id) throw new NotCompetent(['RECIPIENT']);
    return this.db.transaction(async (tx) => {
      const publisherId = await publisherOf(tx, entitlement, draft.subject);
      const filed = file(draft, { requestId: uuidv7(), filedBy: caller.id, publisherId }, this.clock.now());
      return this.keep(tx, filed);
    });
  }

  async answer(caller: Principal, requestId: string, given: CorrectionAnswer): Promise<CorrectionRequestState> {
    return this.db.transaction(async (tx) => {
      return this.keep(tx, answer(await getForUpdate(tx, requestId), given, caller.id, this.clock.now()));
    });
  }

  async withdraw(caller: Principal, requestId: string): Promise<CorrectionRequestState> {
    return this.db.transaction(async (tx) => this.keep(tx, withdraw(await getForUpdate(tx, requestId), caller.id, this.clock.now())));
  }

  /** Open ones whose period waited for holidays that are published by now. Gives back how many that were. */
  async computeAgain(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const waiting: { state: CorrectionRequestState }[] = await tx.query(
        `SELECT state FROM correction_requests WHERE status = 'FILED' AND answer_provisional AND answer_due_on <= $1::date
         ORDER BY request_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [arrangedUntil(), AT_ONCE],
      );
      for (const { state } of waiting) {
        const moved = computedAgain(state);
        if (moved) await this.keep(tx, moved);
        else await tx.query('UPDATE correction_requests SET answer_provisional = FALSE WHERE request_id = $1', [state.requestId]);
      }
      return waiting.length;
    });
  }

  /** Says of each open request once that it was not answered in time. Gives back of how many. */
  async raiseOverdue(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const now = this.clock.now();
      const late: { state: CorrectionRequestState }[] = await tx.query(
        `SELECT state FROM correction_requests
         WHERE status = 'FILED' AND answer_due_on < $1::date AND state ->> 'overdueRaisedAt' IS NULL
         ORDER BY request_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [dayInChina(now), AT_ONCE],
      );
      for (const { state } of late) await this.keep(tx, overdue(state, now));
      return late.length;
    });
  }

  async one(caller: Principal, requestId: string): Promise<CorrectionRequestState> {
    const [state] = isUuid(requestId) ? await this.find(caller, { limit: 1 }, { requestId, after: FIRST_ID }) : [];
    if (!state) throw new CorrectionRequestUnknown();
    return state;
  }

  /** What an organisation filed and what it was asked, the oldest first; everybody's for those who look after all. */
  async list(caller: Principal, filter: CorrectionFilter): Promise<Page<CorrectionRequestState>> {
    const [after = FIRST_ID] = filter.cursor === undefined ? [] : decodeCursor(LIST, filter.cursor);
    const states = await this.find(caller, { ...filter, limit: filter.limit + 1 }, { requestId: null, after });
    return pageOf(LIST, states, filter.limit, ({ requestId }) => [requestId]);
  }

  private async find(
    { kind, id }: Principal,
    { status, subject, overdue, limit }: CorrectionFilter,
    { requestId, after }: { requestId: string | null; after: unknown },
  ): Promise<CorrectionRequestState[]> {
    const rows: { state: CorrectionRequestState }[] = await this.db.query(
      `SELECT state FROM correction_requests
       WHERE ($1::text IS NULL OR $1 IN (filed_by, publisher_id)) AND ($2::uuid IS NULL OR request_id = $2) AND request_id > $3
         AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR subject = $5)
         AND ($6::boolean IS NULL OR (status = 'FILED' AND answer_due_on < $7::date) = $6)
       ORDER BY request_id
       LIMIT $8`,
      [
        kind === 'OPERATOR' || kind === 'AUDITOR' ? null : id,
        requestId,
        after,
        status ?? null,
        subject ?? null,
        overdue ?? null,
        dayInChina(this.clock.now()),
        limit,
      ],
    );
    return rows.map(({ state }) => state);
  }

  private async keep(tx: EntityManager, { event: type, state }: Changed): Promise<CorrectionRequestState> {
    await keepState(tx, state);
    await this.outbox.add(tx, event(type, state));
    return state;
  }
}

/** Who published what was received: of feedback its publisher, of a stream the department that provides it. */
async function publisherOf(tx: EntityManager, entitlement: EntitlementEntry, subject: string): Promise<string> {
  if (entitlement.kind === 'GRANT') {
    if (entitlement.status !== 'ACTIVE' && entitlement.status !== 'SUSPENDED') throw new NothingReceived();
    if (entitlement.providerId === undefined) throw new PublisherUnclear();
    return entitlement.providerId;
  }
  const [feedback]: { publisherId: string | null }[] = await tx.query(
    'SELECT publisher_id AS "publisherId" FROM feedbacks WHERE recipient_id = $1 AND kind = $2 AND subject = $3',
    [entitlement.recipientId, entitlement.feedbackKind, subject],
  );
  if (!feedback) throw new FeedbackNotFound();
  if (feedback.publisherId !== null) return feedback.publisherId;
  const stream = entitlement.feedbackKind && STREAM_BEHIND[entitlement.feedbackKind];
  const [provider, another] = stream === undefined ? [] : await providersOf(tx, stream);
  if (provider === undefined || another !== undefined) throw new PublisherUnclear();
  return provider;
}

async function getForUpdate(tx: EntityManager, requestId: string): Promise<CorrectionRequestState> {
  if (!isUuid(requestId)) throw new CorrectionRequestUnknown();
  const [row]: { state: CorrectionRequestState }[] = await tx.query(
    'SELECT state FROM correction_requests WHERE request_id = $1 FOR UPDATE',
    [requestId],
  );
  if (!row) throw new CorrectionRequestUnknown();
  return row.state;
}

/** True when the state was news. */
async function keepState(tx: EntityManager, state: CorrectionRequestState): Promise<boolean> {
  const { requestId, revision, status, filedBy, publisherId, subject, answerDueOn } = state;
  const period = answerDueOn === undefined ? null : periodOf(state);
  const rows: unknown[] = await tx.query(
    `INSERT INTO correction_requests AS kept (request_id, revision, status, filed_by, publisher_id, subject, answer_due_on, state, answer_from,
       answer_rule, answer_provisional)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (request_id) DO UPDATE SET revision = excluded.revision, status = excluded.status, state = excluded.state,
       answer_due_on = excluded.answer_due_on, answer_provisional = excluded.answer_provisional
     WHERE kept.revision < excluded.revision
     RETURNING revision`,
    [
      requestId,
      revision,
      status,
      filedBy,
      publisherId,
      subject,
      answerDueOn ?? null,
      JSON.stringify(state),
      period?.startedOn ?? null,
      period?.ruleVersion ?? null,
      period !== null && answerDueOn !== undefined && isProvisional(period, answerDueOn),
    ],
  );
  return rows.length > 0;
}

/** Requests as they were announced last (ADR-0009). */
export async function takeOverCorrectionRequests(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<CorrectionRequestState>[]) if (await keepState(tx, data)) news += 1;
  return news;
}
