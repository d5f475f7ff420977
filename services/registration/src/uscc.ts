/**
 * A code in what departments and platforms send. A legacy candidate comes from a register and is settled there: it is kept and marked. A code
 * with a wrong check digit is a typing error of the sender's and is refused.
 */
import { readUscc, type UsccOutcome } from '@jinqiao/law';
import type { Finding } from '@jinqiao/schema';

export interface CheckedUscc {
  readonly code: string;
  readonly outcome: UsccOutcome;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

export function checkUscc(text: string): CheckedUscc {
  const { code, outcome } = readUscc(text);
  const finding = (message: string, of = 'USCC_CHECK_FAILED'): Finding => ({ code: of, pointer: '/uscc', message });
  switch (outcome) {
    case 'VALID':
      return { code, outcome, errors: [], warnings: [] };
    case 'CHECK_FAILED_LEGACY_CANDIDATE':
      return { code, outcome, errors: [], warnings: [finding('is kept as a code of the pilot of 2015', 'USCC_LEGACY_CANDIDATE')] };
    case 'CHECK_FAILED':
      return { code, outcome, errors: [finding('has a wrong check digit')], warnings: [] };
    case 'MALFORMED':
      return { code, outcome, errors: [finding('is not the shape of a USCC, so its check digits cannot be right')], warnings: [] };
  }
}
