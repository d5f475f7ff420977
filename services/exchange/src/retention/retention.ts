/**
 * What is kept, and for how long. What was told is kept until the time that was told with it (ce_retentionuntil: the trade records of
 * 电子商务法 article 31), then it goes as a whole: revisions, deliveries, attempts, answers, disputes. The ledger keeps that it was told and
 * erased, by hash, so nothing can be put in its place. Records without such a time go by a rule row. Topics go by their own retention,
 * which is shorter than any of these (ADR-0008).
 */
import type { Regime } from '@jinqiao/contracts';
import { pastBefore } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';

/** Why something stays although its time has passed. */
export const HELD_REASONS = ['OPEN', 'UNDELIVERED', 'DISPUTED', 'STANDS'] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/**
 * Tables whose rows go by age, and the rule row that says when. The last two are copies of what others publish: the row of a merchant that
 * has left, or of a recall that is over, is emptied, and its revision stays, so that nothing older comes back in its place.
 */
export const AGING = {
  contact_notices: { rule: 'NETWORK_LOGS_KEPT' },
  reconciliations: { rule: 'SHARING_LOGS_KEPT' },
  granted_keys: { rule: 'SHARING_LOGS_KEPT' },
  platform_merchants: { rule: 'MERCHANT_IDENTITY_KEPT' },
  recalls: { rule: 'RECALL_RECORDS_KEPT', regime: 'PRODUCT' },
} as const satisfies Record<string, { readonly rule: string; readonly regime?: Regime }>;
export type Aging = keyof typeof AGING;

/** Whatever is older is past its time; null = no rule says how long it is kept. */
export function pastOf(table: Aging, now: Date): Date | null {
  const { rule, regime }: { readonly rule: string; readonly regime?: Regime } = AGING[table];
  return pastBefore(rule, now, regime);
}

export class AsOfInPast extends DomainError {
  constructor() {
    super('AS_OF_IN_PAST', 422, { zh: '时点早于当前时间', en: 'What has gone by then is gone' }, [
      { code: 'AS_OF_IN_PAST', pointer: '/asOf', message: 'lies in the past' },
    ]);
  }
}

/** The first UUID v7 of an instant: what was made before it sorts before it. */
export function firstIdOf(instant: Date): string {
  const hex = instant.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
