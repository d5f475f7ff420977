/**
 * What the contact of an organisation has to be told: somebody has to do something, and no machine will. It is told by e-mail, in Chinese
 * and English: what happened, about which platform, how many items wait and where to look; no subject, no merchant, no person.
 */
import type { ContactRole } from '@jinqiao/contracts';
import type { Contact } from '../contact/contact.js';

export const NOTICE_REASONS = ['GONE', 'FAILING', 'GIVEN_UP', 'NOT_RECEIVED', 'OVERDUE'] as const;
/**
 * GONE, FAILING: the platform's endpoint ended or was disabled. GIVEN_UP: the last retry of a webhook failed. NOT_RECEIVED: a platform
 * has not received what its clock starts with. OVERDUE: a platform has not done in time what is asked.
 */
export type NoticeReason = (typeof NOTICE_REASONS)[number];

export const TELLINGS = ['WAITING', 'TOLD', 'GIVEN_UP'] as const;
export type Telling = (typeof TELLINGS)[number];

/** A notice as it is told. */
export interface Letter {
  readonly subject: string;
  readonly text: string;
}

export interface ToTell {
  readonly noticeId: string;
  readonly platformId: string;
  readonly reason: NoticeReason;
  readonly step: number | null;
  readonly noticedAt: Date;
  /** How many items wait when it is told. */
  readonly items: number;
}

const [MINUTE, HOUR] = [60_000, 3_600_000];
const WAITS_MS = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR];
const LONGEST_WAIT_MS = 12 * HOUR;
/** What was not told within three days is news no more; it stays listed. */
const GIVEN_UP_AFTER_MS = 72 * HOUR;

/** When it is tried again after so many tries; null: it is given up. */
export function tellAgainAt(tried: number, noticedAt: Date, now: Date): Date | null {
  const at = new Date(now.getTime() + (WAITS_MS[tried - 1] ?? LONGEST_WAIT_MS));
  return at.getTime() - noticedAt.getTime() > GIVEN_UP_AFTER_MS ? null : at;
}

/** One address and nothing that a mail server would read as more; telephone numbers are contacts, too. */
const MAILBOX = /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/;
const ROLES: readonly ContactRole[] = ['COMPLIANCE', 'TECHNICAL', 'SECURITY'];

/** The mailbox for it: what the endpoint names, then the office whose business it is, then any other. Null: the organisation has none. */
export function mailboxFor(reason: NoticeReason, named: string | null, contacts: readonly Contact[]): string | null {
  const isTechnical = reason === 'GONE' || reason === 'FAILING' || reason === 'GIVEN_UP';
  const roles = isTechnical ? ['TECHNICAL', ...ROLES] : ROLES;
  const addresses = roles.map((role) => contacts.find((contact) => contact.role === role)?.address ?? '');
  return [named ?? '', ...addresses].find((address) => MAILBOX.test(address)) ?? null;
}

const WHAT: Record<NoticeReason, { readonly zh: string; readonly en: string; readonly where: string }> = {
  GONE: {
    zh: '回调端点已终止（410），须登记新的端点',
    en: 'The webhook endpoint has ended (410); another one has to be registered',
    where: '/api/exchange/webhook-endpoints',
  },
  FAILING: {
    zh: '回调端点连续三天失败，已停用',
    en: 'The webhook endpoint failed for three days and is disabled',
    where: '/api/exchange/webhook-endpoints',
  },
  GIVEN_UP: {
    zh: '回调的最后一次投递失败，已停止投递，可拉取',
    en: 'The last retry of a webhook failed; it is sent no more and waits in pull',
    where: '/api/exchange/deliveries?undelivered=true',
  },
  NOT_RECEIVED: {
    zh: '平台尚未收到须处置的召回信息',
    en: 'The platform has not received a recall that it has to act on',
    where: '/api/exchange/feedback/not-received',
  },
  OVERDUE: {
    zh: '平台未在期限内完成要求的处置',
    en: 'The platform has not done in time what is required',
    where: '/api/exchange/feedback/overdue',
  },
};

export function letterFor({ reason, platformId, step, items, noticedAt }: ToTell): Letter {
  const { zh, en, where } = WHAT[reason];
  const at = noticedAt.toISOString();
  return {
    subject: `[Jinqiao 津桥] ${platformId}: ${zh} / ${en}`,
    text: [
      `${zh}。`,
      `平台：${platformId}`,
      `待处理：${items} 项`,
      ...(step === null ? [] : [`第 ${step} 次催办`]),
      `时间：${at}`,
      `查看：GET ${where}`,
      '',
      `${en}.`,
      `Platform: ${platformId}`,
      `Items that wait: ${items}`,
      ...(step === null ? [] : [`Step of the escalation: ${step}`]),
      `Since: ${at}`,
      `Where to look: GET ${where}`,
      '',
    ].join('\n'),
  };
}
