/**
 * What a merchant sees of itself: every record that is kept against it, whatever became of it, who asked about it and why, and what of its
 * records is or was contested (个人信息保护法 art. 44 and 45, 信用修复管理办法). Which merchant it is the directory says, never the request.
 */
import { DomainError } from '@jinqiao/schema';
import { type CreditRecordState, endedReasonOf, type Standing } from '../credit-record/credit-record.js';
import type { Enquiry } from '../enquiry/enquiry.service.js';

export class MerchantNotNamed extends DomainError {
  constructor() {
    super('MERCHANT_NOT_NAMED', 403, {
      zh: '机构名录未登记该机构的统一社会信用代码',
      en: 'The directory does not say which merchant this organisation is; the operator registers its code',
    });
  }
}

/** A line of the log as the merchant reads it that was asked about. */
export type EnquiryAbout = Omit<Enquiry, 'seq' | 'uscc'>;

export const aboutMerchant = ({ askedAt, askerId, askerKind, kind, purpose, applicationId, basis }: Enquiry): EnquiryAbout => ({
  askedAt,
  askerId,
  askerKind,
  kind,
  purpose,
  applicationId,
  basis,
});

/** CONTESTED: an objection, a review or a suit, as its department says. AUTHORSHIP_DENIED: the producer named on a sample denies it. */
type Ground = 'CONTESTED' | 'AUTHORSHIP_DENIED';

interface Contest {
  readonly ground: Ground;
  readonly since: Date;
  /** Null: pending. */
  readonly settledAt: Date | null;
  /** How the record stood when it was settled: PUBLIC, or withheld, where it stands; CORRECTED, REVOKED, REPAIRED or EXPIRED. */
  readonly standing: Standing | null;
}

/** A record that is or was contested. How its department proceeds is known there. */
export interface ObjectedRecord extends Pick<
  CreditRecordState,
  'recordNo' | 'type' | 'digest' | 'documentDate' | 'departmentId' | 'subject'
> {
  readonly standing: Standing;
  readonly annotations: readonly string[];
  readonly contests: readonly Contest[];
}

/** A version of a record, as far as it says whether it was contested. */
export interface ContestedVersion extends Pick<CreditRecordState, 'standing' | 'isContested'> {
  readonly knownFrom: Date;
}

/** When a record was contested and what became of it, out of all its versions in their order. */
export function contestsOf(versions: readonly ContestedVersion[]): Contest[] {
  const contests: Contest[] = [];
  for (const { knownFrom, standing, isContested } of versions) {
    const ground = groundOf({ standing, isContested });
    const pending = contests.find(({ settledAt }) => settledAt === null);
    if ((pending?.ground ?? null) === ground) continue;
    if (pending) contests[contests.length - 1] = { ...pending, settledAt: knownFrom, standing };
    if (ground !== null) contests.push({ ground, since: knownFrom, settledAt: null, standing: null });
  }
  return contests;
}

/** What has ended is contested no more, whatever its flag says. */
function groundOf({ standing, isContested }: Omit<ContestedVersion, 'knownFrom'>): Ground | null {
  if (standing === 'HELD') return 'AUTHORSHIP_DENIED';
  return isContested && endedReasonOf(standing) === null ? 'CONTESTED' : null;
}
