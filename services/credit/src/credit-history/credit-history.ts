/**
 * What was known of a record, and when: each version says on which days the record may be held against its entity (valid time), as known
 * from one moment until the next version (knowledge time). What was revoked or wrong was never valid, though it was known so before.
 */
import type { CreditRecordState } from '../credit-record/credit-record.js';

/** The valid days of a record by what is known today, as PostgreSQL writes a range. Nobody said when it was repaired: today. */
export function validDays({ standing, revision, publicFrom, publicUntil, repairedOn }: CreditRecordState, today: string): string {
  if (publicFrom === null) return NEVER;
  switch (standing) {
    case 'PUBLIC':
    case 'NOT_YET':
    case 'PERIOD_OVER':
    case 'EXPIRED':
      return days(publicFrom, publicUntil);
    case 'REPAIRED': {
      // Whose repair was decided before it came was never held against anybody.
      if (revision === 0) return NEVER;
      const repaired = repairedOn ?? today;
      return days(publicFrom, publicUntil !== null && publicUntil < repaired ? publicUntil : repaired);
    }
    default:
      return NEVER;
  }
}

const NEVER = 'empty';

const days = (from: string, until: string | null): string => (until !== null && until < from ? NEVER : `[${from},${until ?? ''}]`);
