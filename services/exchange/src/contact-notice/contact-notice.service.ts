import type { FeedbackKind } from '@jinqiao/contracts';
import { lockKeys, unnested } from '@jinqiao/messaging';
import { decodeCursor, Metrics, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { ContactNotice } from './contact-notice.entity.js';
import type { NoticeReason } from './contact-notice.js';

export type Notice = Omit<ContactNotice, 'noticeId'>;

interface ListRequest {
  readonly platform?: string;
  readonly cursor?: string;
  readonly limit: number;
}

/** What a platform has not received or not done, at a step of its escalation. */
export interface Escalated {
  readonly recipientId: string;
  readonly publisherId: string | null;
  readonly kind: FeedbackKind;
  readonly step: number;
}

const LIST = 'contact-notices';
const GIVEN_UP = { endpoint_id: 'uuid', kind: 'text' } as const;
const ESCALATED = { recipient_id: 'text', publisher_id: 'text', kind: 'text', step: 'integer' } as const;

/** What contacts have to be told, for whoever looks. */
@Injectable()
export class ContactNotices {
  private readonly counter;

  constructor(
    private readonly db: DataSource,
    metrics: Metrics,
  ) {
    this.counter = metrics.counter('contact_notices_total', 'What contacts of organisations have to be told, by reason', ['reason']);
  }

  /** When the transaction that noted them is committed. */
  count(reasons: readonly NoticeReason[]): void {
    for (const reason of reasons) this.counter.inc({ reason });
  }

  /** A platform's and a department's own, the newest first; everybody's for those who look after all. */
  async list(caller: Principal, { platform, cursor, limit }: ListRequest): Promise<Page<Notice>> {
    const [before] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const isAnybodys = caller.kind === 'OPERATOR' || caller.kind === 'AUDITOR';
    const rows = await this.db.manager.find(ContactNotice, {
      where: {
        ...(!isAnybodys && { organisationId: caller.id }),
        ...(platform !== undefined && { platformId: platform }),
        ...(before !== undefined && { noticeId: LessThan(String(before)) }),
      },
      order: { noticeId: 'DESC' },
      take: limit + 1,
    });
    const { items, next } = pageOf(LIST, rows, limit, ({ noticeId }) => [noticeId]);
    return { items: items.map(({ noticeId: _id, ...notice }) => notice), next };
  }
}

/** One an hour for an endpoint and a kind, however many were given up. The endpoints are locked. */
export async function noteGivenUp(
  tx: EntityManager,
  givenUp: readonly { endpointId: string; kind: FeedbackKind }[],
  now: Date,
): Promise<NoticeReason[]> {
  if (givenUp.length === 0) return [];
  const { from, values } = unnested(
    GIVEN_UP,
    givenUp.map(({ endpointId, kind }) => ({ endpoint_id: endpointId, kind })),
    2,
  );
  const rows: { reason: NoticeReason }[] = await tx.query(
    `INSERT INTO contact_notices (organisation_id, platform_id, endpoint_id, reason, kind, contact, noticed_at)
     SELECT DISTINCT e.organisation_id, e.organisation_id, e.endpoint_id, 'GIVEN_UP', given.kind, e.contact, $1::timestamptz
     FROM ${from} JOIN webhook_endpoints e ON e.endpoint_id = given.endpoint_id
     WHERE NOT EXISTS (SELECT FROM contact_notices n WHERE n.organisation_id = e.organisation_id AND n.endpoint_id = e.endpoint_id
                         AND n.reason = 'GIVEN_UP' AND n.kind = given.kind AND n.noticed_at > $1::timestamptz - interval '1 hour')
     RETURNING reason`,
    [now, ...values],
  );
  return rows.map(({ reason }) => reason);
}

/**
 * For the platform and the department whose facts they are, one a day at most for a kind and a step: what is overdue may be many. The lock
 * keeps two processes from noting the same.
 */
export async function noteOverdue(tx: EntityManager, overdue: readonly Escalated[], now: Date): Promise<NoticeReason[]> {
  if (overdue.length === 0) return [];
  await lockKeys(tx, LIST, ['OVERDUE']);
  const { from, values } = unnested(ESCALATED, overdue.map(rowOf), 2);
  const rows: { reason: NoticeReason }[] = await tx.query(
    `INSERT INTO contact_notices (organisation_id, platform_id, reason, kind, step, noticed_at)
     SELECT DISTINCT o.id, given.recipient_id, 'OVERDUE', given.kind, given.step, $1::timestamptz
     FROM ${from} JOIN organisations o ON o.id IN (given.recipient_id, given.publisher_id)
     WHERE NOT EXISTS (SELECT FROM contact_notices n WHERE n.organisation_id = o.id AND n.platform_id = given.recipient_id
                         AND n.reason = 'OVERDUE' AND n.kind = given.kind AND n.step = given.step
                         AND n.noticed_at > $1::timestamptz - interval '1 day')
     RETURNING reason`,
    [now, ...values],
  );
  return rows.map(({ reason }) => reason);
}

/** For the platform, for the department whose facts they are, and for the operators: one each, however many items. */
export async function noteUnreceived(tx: EntityManager, unreceived: readonly Escalated[], now: Date): Promise<NoticeReason[]> {
  if (unreceived.length === 0) return [];
  const { from, values } = unnested(ESCALATED, unreceived.map(rowOf), 2);
  const rows: { reason: NoticeReason }[] = await tx.query(
    `INSERT INTO contact_notices (organisation_id, platform_id, reason, kind, step, noticed_at)
     SELECT DISTINCT o.id, given.recipient_id, 'NOT_RECEIVED', given.kind, given.step, $1::timestamptz
     FROM ${from} JOIN organisations o
       ON o.id IN (given.recipient_id, given.publisher_id) OR (o.kind = 'OPERATOR' AND o.status = 'PRODUCTION')
     RETURNING reason`,
    [now, ...values],
  );
  return rows.map(({ reason }) => reason);
}

const rowOf = ({ recipientId, publisherId, kind, step }: Escalated): Record<keyof typeof ESCALATED, unknown> => ({
  recipient_id: recipientId,
  publisher_id: publisherId,
  kind,
  step,
});
