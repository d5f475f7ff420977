import type { UsccOutcome } from '@jinqiao/law';
import type { Finding } from '@jinqiao/schema';

/** A code that may be asked about or passed on. A legacy candidate (pilot code of 2015) may be real and is taken as what it is. */
export type AskableUscc = Extract<UsccOutcome, 'VALID' | 'CHECK_FAILED_LEGACY_CANDIDATE'>;

export const isAskable = (outcome: UsccOutcome): outcome is AskableUscc => outcome !== 'MALFORMED' && outcome !== 'CHECK_FAILED';

/** What is wrong with a code that is read where one is asked about or passed on. */
export function usccFindings(outcome: UsccOutcome, pointer = '/uscc'): Finding[] {
  if (isAskable(outcome)) return [];
  const message = outcome === 'MALFORMED' ? 'is not the shape of a USCC' : 'has a wrong check digit';
  return [{ code: `USCC_${outcome}`, pointer, message }];
}
