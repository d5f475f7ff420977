/**
 * What is kept, and for how long. What was told is kept until the time that was told with it (ce_retentionuntil: the trade records of
 * 电子商务法 article 31), then it goes as a whole: revisions, deliveries, attempts, answers, disputes. The ledger keeps that it was told and
 * erased, by hash, so nothing can be put in its place. Records without such a time go by a rule row. Topics go by their own retention,
 * which is shorter than any of these (ADR-0008).
 */
import { DomainError } from '@jinqiao/schema';

/** Why something stays although its time has passed. */
export const HELD_REASONS = ['OPEN', 'UNDELIVERED', 'DISPUTED', 'STANDS'] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/** Tables whose rows go by age, and the rule row that says when. */
export const AGING = { contact_notices: 'NETWORK_LOGS_KEPT', reconciliations: 'SHARING_LOGS_KEPT' } as const;
export type Aging = keyof typeof AGING;

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
