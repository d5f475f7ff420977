/**
 * What was known of a record, and when: each version says on which days the record may be held against its entity (valid time), as known
 * from one moment until the next version (knowledge time). What was revoked or wrong was never valid, though it was known so before.
 */
import type { CreditRecordState } from '../credit-record/credit-record.js';

/** The valid days of a record by what is known today, as PostgreSQL writes a range. */
export function validDays({ standing, publicFrom, publicUntil }: CreditRecordState, today: string): string {
  if (publicFrom === null) return NEVER;
  switch (standing) {
    case 'PUBLIC':
    case 'NOT_YET':
    case 'PERIOD_OVER':
    case 'EXPIRED':
      return days(publicFrom, publicUntil);
    case 'REPAIRED':
      return days(publicFrom, publicUntil !== null && publicUntil < today ? publicUntil : today);
    default:
      return NEVER;
  }
}

const NEVER = 'empty';

const days = (from: string, until: string | null): string => (until !== null && until < from ? NEVER : `[${from},${until ?? ''}]`);
