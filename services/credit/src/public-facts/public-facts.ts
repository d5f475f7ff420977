/**
 * What may be said about a merchant to whoever may ask: what the register holds, the permits that departments keep, and the records that
 * are public today. A record that is withheld, held, ended, or past its last day although the clock has not ended it yet, is not read at
 * all, so no answer can hold or hint at it; of a permit it is public that it has ended (行政许可法 art. 70: 注销). Classes of credit
 * risk (A to D) are nobody's but the regulator's, and none is kept here.
 */
import type {
  Commitment,
  CreditClass,
  CreditRecordDigest,
  CreditRecordSource,
  CreditRecordType,
  LegalBasis,
  MarketEntityStatus,
  PermitBasis,
  PermitStatus,
  Regime,
} from '@jinqiao/contracts';
import { rule } from '@jinqiao/law';

/** An entry of the register; its name is compared, never given out: of an individual business it may be a person's. */
export interface Registration {
  readonly name: string;
  readonly status: MarketEntityStatus;
  readonly divisionCode: string | null;
  readonly industryCode: string | null;
  readonly registeredOn: string | null;
  readonly revision: number;
}

/** A permit, public by law (行政许可法 art. 40), as its department last stated it. */
export interface HeldPermit {
  readonly permitNo: string;
  readonly kind: string;
  readonly scope: string;
  readonly authority: string;
  readonly issuedOn: string;
  readonly validFrom: string;
  /** The last day; absent = without an end. */
  readonly validUntil?: string;
  readonly status: PermitStatus;
  readonly legalBasis: PermitBasis;
  readonly source: Omit<CreditRecordSource, 'sourceRevision'>;
}

/** A public record with where it comes from: who decided what, under which law. */
export interface PublicRecord {
  readonly recordNo: string;
  readonly revision: number;
  readonly type: CreditRecordType;
  readonly class?: CreditClass;
  readonly digest?: CreditRecordDigest;
  readonly commitment?: Commitment;
  /** Of a sampling result, where it is kept. */
  readonly regime?: Regime;
  /** True while an objection, a review or a suit is pending. */
  readonly contested?: boolean;
  readonly annotations?: readonly string[];
  readonly documentDate: string;
  readonly publicFrom: string;
  /** Absent where only a decision ends it. */
  readonly publicUntil?: string;
  readonly legalBasis: readonly LegalBasis[];
  readonly source: Omit<CreditRecordSource, 'sourceRevision'>;
}

/** The records of one type that are public today. */
export interface PublicOfType {
  readonly type: CreditRecordType;
  readonly count: number;
  /** Of commitments: not checked yet, and kept. Neither: kept in part, or broken. */
  readonly open: number;
  readonly kept: number;
  /** Their dates as printed, year, month or day, with the regime of a sampling result where it is kept; each once. */
  readonly documents: readonly { readonly date: string; readonly regime?: Regime }[];
  /** The first of their last days; null where only decisions end them. */
  readonly firstEnd: string | null;
  /** The newest, at most RECORDS_SHOWN_MAX. */
  readonly records: readonly PublicRecord[];
}

export interface PublicFacts {
  readonly registration: Registration | null;
  /** At most RECORDS_SHOWN_MAX, those first that last longest; GET /api/registration/permits lists them all. */
  readonly permits: readonly HeldPermit[];
  readonly held: readonly PublicOfType[];
}

/** Of an entity that nobody has heard of. */
export const UNKNOWN: PublicFacts = { registration: null, permits: [], held: [] };

/** Of one type, in one answer; `count` stays exact beyond it, and GET /api/credit/records lists them all. */
export const RECORDS_SHOWN_MAX = 100;

export const NO_ENDORSEMENT = {
  zh: '本答复仅反映答复时依法公开的信息；查无记录不等于信用良好，不构成任何担保或者推荐。',
  en: 'This says what is public by law at the moment; that no record was found is no endorsement.',
} as const;

/** What goes with every answer, once. */
export interface Noted {
  readonly note: typeof NO_ENDORSEMENT;
}

const HOUR_MS = 3_600_000;

/** Until when an answer of now may be relied on, as long as nothing that it says ends before. */
export function reliedOnUntil(now: Date, on: string): Date {
  const row = rule('VERIFICATION_VALID', { on });
  // Without a rule an answer is worth something at its moment only.
  return new Date(now.getTime() + (row === 'NO_RULE' ? 0 : row.value * HOUR_MS));
}

export const countOf = (held: readonly PublicOfType[], type: CreditRecordType): number => held.find((one) => one.type === type)?.count ?? 0;

/** When a day is over in China. */
export const endOfDay = (day: string): Date => new Date(Date.parse(`${day}T24:00:00+08:00`));
