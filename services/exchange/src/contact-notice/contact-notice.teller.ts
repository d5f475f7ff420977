import { Clock, Metrics, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { DataSource } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import type { Contact } from '../contact/contact.js';
import { letterFor, mailboxFor, tellAgainAt, type ToTell } from './contact-notice.js';

interface Claimed extends ToTell {
  readonly contact: string | null;
  readonly contacts: readonly Contact[];
  /** This try included. */
  readonly tried: number;
}

const EVERY_MS = 5_000;
const IN_A_ROUND_MAX = 20;
/** Longer than a letter may take: what is leased beyond it belongs to a process that is gone. */
const LEASE_SECONDS = 120;
const PATIENCE_MS = 20_000;

/**
 * Tells contacts by e-mail what was noted, each notice once: the row is the outbox. It is claimed, sent and recorded in three steps, so a
 * process that dies in between has it sent a second time, under the same Message-ID. Without `SMTP_URL` notices wait, and stay listed.
 */
@Injectable()
export class ContactTeller implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(ContactTeller.name);
  private readonly transport: Transporter | null;
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
    private readonly config: ExchangeConfig,
    metrics: Metrics,
  ) {
    const patience = { connectionTimeout: PATIENCE_MS, greetingTimeout: PATIENCE_MS, socketTimeout: PATIENCE_MS };
    this.transport = config.SMTP_URL === undefined ? null : createTransport({ url: config.SMTP_URL, ...patience });
    const untold = metrics.gauge('contact_notices_untold', 'Notices that wait to be sent to their contact', []);
    metrics.beforeScrape(async () => untold.set(await this.waiting().catch(() => NaN)));
  }

  onApplicationBootstrap(): void {
    if (this.transport !== null) this.job = regularly(EVERY_MS, (stopping) => this.tell(stopping), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
    this.transport?.close();
  }

  /** Any number of processes may do so at once: each notice is taken by one of them. */
  async tell(stopping?: AbortSignal): Promise<void> {
    for (let told = 0; told < IN_A_ROUND_MAX && !stopping?.aborted; told += 1) {
      const notice = await this.claim();
      if (notice === null) return;
      await this.tellOne(notice);
    }
  }

  private async claim(): Promise<Claimed | null> {
    const [rows]: [Claimed[], number] = await this.db.query(
      `WITH due AS (
         SELECT notice_id FROM contact_notices WHERE telling = 'WAITING' AND (tell_at IS NULL OR tell_at <= $1::timestamptz)
         ORDER BY notice_id LIMIT 1 FOR UPDATE SKIP LOCKED
       )
       UPDATE contact_notices n SET tell_at = $1::timestamptz + $2 * interval '1 second', tried = tried + 1
       FROM due WHERE n.notice_id = due.notice_id
       RETURNING n.notice_id AS "noticeId", n.platform_id AS "platformId", n.reason, n.step, n.contact, n.tried, n.noticed_at AS "noticedAt",
         (SELECT coalesce(jsonb_agg(jsonb_build_object('role', c.role, 'address', c.address)), '[]')
          FROM contacts c WHERE c.organisation_id = n.organisation_id) AS contacts,
         (CASE
            WHEN n.reason IN ('NOT_RECEIVED', 'OVERDUE') THEN
              (SELECT count(*) FROM feedbacks f WHERE f.recipient_id = n.platform_id
                 AND (CASE n.reason WHEN 'OVERDUE' THEN f.due_at < $1::timestamptz AND f.closed_at IS NULL ELSE f.unreceived_since IS NOT NULL END)
                 AND (f.publisher_id = n.organisation_id
                      OR NOT EXISTS (SELECT FROM organisations o WHERE o.id = n.organisation_id AND o.kind = 'DEPARTMENT')))
            ELSE (SELECT count(*) FROM deliveries d WHERE d.recipient_id = n.platform_id AND d.delivered_at IS NULL AND d.channel <> 'KAFKA')
          END)::integer AS items`,
      [this.clock.now(), LEASE_SECONDS],
    );
    return rows[0] ?? null;
  }

  /** Only codes are kept and logged: what a mail server says may repeat the address. */
  private async tellOne(notice: Claimed): Promise<void> {
    const to = mailboxFor(notice.reason, notice.contact, notice.contacts);
    const problem = to === null ? 'NO_MAILBOX' : await this.send(notice, to);
    const now = this.clock.now();
    const again = problem === null ? null : tellAgainAt(notice.tried, notice.noticedAt, now);
    const telling = problem === null ? 'TOLD' : again === null ? 'GIVEN_UP' : 'WAITING';
    await this.db.query('UPDATE contact_notices SET telling = $2, tell_at = $3, told_at = $4, problem = $5 WHERE notice_id = $1', [
      notice.noticeId,
      telling,
      again,
      problem === null ? now : null,
      problem,
    ]);
    if (problem !== null) this.log.warn(`the contact was not told of notice ${notice.noticeId}: ${problem}; ${telling}`);
  }

  /** Null when the mail server has taken it, else why not. */
  private async send(notice: Claimed, to: string): Promise<string | null> {
    const from = this.config.SMTP_FROM ?? '';
    const messageId = `<contact-notice-${notice.noticeId}-${notice.noticedAt.getTime()}@${from.slice(from.lastIndexOf('@') + 1)}>`;
    try {
      await this.transport?.sendMail({ from, to, messageId, ...letterFor(notice) });
      return null;
    } catch (error) {
      const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
      return [code, responseCode].filter((one) => typeof one === 'string' || typeof one === 'number').join(' ') || 'FAILED';
    }
  }

  private async waiting(): Promise<number> {
    const [row]: { waiting: number }[] = await this.db.query(
      `SELECT count(*)::integer AS waiting FROM contact_notices WHERE telling = 'WAITING'`,
    );
    return row?.waiting ?? 0;
  }
}
