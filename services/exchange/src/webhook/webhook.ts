/**
 * What follows from an attempt to deliver a webhook: delivered, tried again later, or given up; and what it says about the endpoint. The
 * schedule is that of the Standard Webhooks specification, a recall has a shorter one. What is given up is due no more by webhook and
 * stays in pull; it can be sent again.
 */
import type { FeedbackKind } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import type { RevisionName } from '../delivery/delivery.js';

export const OUTCOMES = [
  'DELIVERED',
  'REDIRECTED',
  'REFUSED',
  'THROTTLED',
  'GONE',
  'FAILED',
  'TIMED_OUT',
  'UNREACHABLE',
  'ADDRESS_REFUSED',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What came of one attempt, as it was seen. */
export interface Attempted {
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly reason: string | null;
  /** The endpoint asked to be left alone until then. */
  readonly retryAt: Date | null;
}

/** How an endpoint has answered lately. */
export interface Health {
  readonly failures: number;
  readonly failingSince: Date | null;
  readonly pausedUntil: Date | null;
}

/** What is to be done with a delivery after an attempt. */
export interface Followed {
  readonly delivered: boolean;
  /** Null: nothing more by itself. */
  readonly dueAt: Date | null;
  readonly health: Health;
  readonly ends: 'GONE' | 'FAILING' | null;
}

export class ChannelNotWebhook extends DomainError {
  constructor() {
    super('CHANNEL_NOT_WEBHOOK', 409, { zh: '该平台未选择回调渠道', en: 'The platform is not told by webhook' });
  }
}

export class PlatformMissing extends DomainError {
  constructor() {
    const message = 'An operator says for which platform.';
    super('PLATFORM_MISSING', 422, { zh: '须指明平台', en: 'The platform is missing' }, [
      { code: 'PLATFORM_MISSING', pointer: '/platform', message },
    ]);
  }
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const RETRIES_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];
/** Goods that hurt people: what is not taken within two hours a person has to see to. */
const RECALL_RETRIES_MS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR];
/** A retry comes up to a fifth later than written, so that what failed together does not come back together. */
const JITTER = 0.2;
/** Of a recall: eight attempts then lie within some three hours, whatever is asked for. */
const RECALL_RETRY_AFTER_MS_MAX = 15 * MINUTE;
/** However long an endpoint asks for. */
const RETRY_AFTER_MS_MAX = 24 * HOUR;

const BREAKER = { opensAfter: 5, firstMs: 30 * SECOND, longestMs: 10 * MINUTE };
const DISABLED_AFTER_MS = 72 * HOUR;

export const HEALTHY: Health = { failures: 0, failingSince: null, pausedUntil: null };

/** Constant over all attempts and by every process. Without a dot, which would be a part of what is signed. */
export const webhookIdOf = ({ feedbackId, revision }: RevisionName): string => `${feedbackId}_${revision}`;

/** Only 2xx is a success; a redirect is never followed, its target was checked by nobody. */
export function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'DELIVERED';
  if (status === 410) return 'GONE';
  if (status === 429) return 'THROTTLED';
  if (status >= 300 && status < 400) return 'REDIRECTED';
  return status < 500 ? 'REFUSED' : 'FAILED';
}

/** `Retry-After`: seconds or a date (RFC 9110). Null where there is none, or nothing that can be read. */
export function retryAtOf(header: string | undefined, now: Date): Date | null {
  if (header === undefined) return null;
  const at = /^\d{1,10}$/.test(header) ? now.getTime() + Number(header) * SECOND : Date.parse(header);
  return Number.isNaN(at) || at <= now.getTime() ? null : new Date(Math.min(at, now.getTime() + RETRY_AFTER_MS_MAX));
}

/** `attempts` with this one; `chance` is from 0 to 1. */
export function follow(
  { kind, attempts }: { kind: FeedbackKind; attempts: number },
  health: Health,
  { outcome, retryAt: asked }: Attempted,
  { now, chance }: { now: Date; chance: number },
): Followed {
  if (outcome === 'DELIVERED') return { delivered: true, dueAt: null, health: HEALTHY, ends: null };
  const retryAt = kind === 'RECALL' && asked ? new Date(Math.min(+asked, now.getTime() + RECALL_RETRY_AFTER_MS_MAX)) : asked;
  const failing = afterFailure(health, retryAt, now);
  // Due at once for the endpoint that comes next; until then it is not asked for.
  if (outcome === 'GONE') return { delivered: false, dueAt: now, health: failing, ends: 'GONE' };
  const since = failing.failingSince ?? now;
  const ends = now.getTime() - since.getTime() >= DISABLED_AFTER_MS ? 'FAILING' : null;
  return { delivered: false, dueAt: nextAttempt(kind, attempts, retryAt, { now, chance }), health: failing, ends };
}

function nextAttempt(
  kind: FeedbackKind,
  attempts: number,
  retryAt: Date | null,
  { now, chance }: { now: Date; chance: number },
): Date | null {
  const delay = (kind === 'RECALL' ? RECALL_RETRIES_MS : RETRIES_MS)[attempts - 1];
  if (delay === undefined) return null;
  const at = now.getTime() + delay * (1 + JITTER * chance);
  return new Date(Math.max(at, retryAt?.getTime() ?? 0));
}

/** From the fifth failure in a row on nothing is sent for a while, each time twice as long; then one attempt decides. */
function afterFailure({ failures, failingSince, pausedUntil }: Health, retryAt: Date | null, now: Date): Health {
  const beyond = failures + 1 - BREAKER.opensAfter;
  const opens = beyond < 0 ? null : now.getTime() + Math.min(BREAKER.firstMs * 2 ** beyond, BREAKER.longestMs);
  const until = Math.max(opens ?? 0, retryAt?.getTime() ?? 0, pausedUntil?.getTime() ?? 0);
  return { failures: failures + 1, failingSince: failingSince ?? now, pausedUntil: until > now.getTime() ? new Date(until) : null };
}
