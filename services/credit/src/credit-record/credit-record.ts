import {
  type Commitment,
  CREDIT_ENDED_REASONS,
  type CreditClass,
  type CreditEndedReason,
  type CreditRecordDigest,
  type CreditRecordPublished,
  type CreditRecordType,
  type LegalBasis,
  type Regime,
  type SamplingResultPublished,
  subjectOf,
} from '@jinqiao/contracts';
import { readUscc, type RecordType, recordTypesOn, termOf, wholeDate } from '@jinqiao/law';
import { canonicalForm, DomainError } from '@jinqiao/schema';
import { v5 as uuidv5 } from 'uuid';

/**
 * Which credit records a source makes, and from when until when the public may read them. A source is a sampling result, or a record as
 * its department reports it; it claims facts, and the dated row of a fact's type says whether it is public and for how long (libs/law).
 * Publication begins and stops by itself on its days. Results are published by law: 产品质量法 §24, 消费者权益保护法实施条例 §29;
 * a producer that denies having made the sample is not charged with it until that is settled.
 */

/** Why a record that stands is not public. */
export type WithheldReason = 'NO_DOCUMENT_DATE' | 'NOT_YET' | 'PERIOD_OVER' | 'NO_RULE' | 'NOT_PUBLIC';

/** PUBLIC, or the one reason why not: withheld, or ended. */
export type Standing = 'PUBLIC' | WithheldReason | CreditEndedReason;

export interface CreditRecordState {
  readonly recordNo: string;
  /** Of the public series; 0 until the record is first published. */
  readonly revision: number;
  readonly uscc: string;
  readonly type: CreditRecordType;
  readonly class: CreditClass | null;
  readonly departmentId: string;
  readonly subject: string;
  readonly sourceRevision: number;
  readonly legalBasis: readonly LegalBasis[];
  readonly documentDate: string | null;
  readonly publicFrom: string | null;
  /** Null where only a decision ends it. */
  readonly publicUntil: string | null;
  readonly standing: Standing;
  readonly digest: CreditRecordDigest | null;
  readonly commitment: Commitment | null;
  /** Of a sampling result; null where none was kept. */
  readonly regime: Regime | null;
  readonly isContested: boolean;
  readonly annotations: readonly string[];
  /** Why its department took it back, in words. */
  readonly endedBecause: string | null;
  /** The day on which its repair was decided; null where it was not repaired or nobody said when. */
  readonly repairedOn: string | null;
}

/** What a source says of a record besides its dates, and what the record says then. */
type Said = Pick<CreditRecordState, 'class' | 'digest' | 'commitment' | 'regime' | 'isContested' | 'annotations'>;

/** A source that says nothing of these. */
export const UNSAID: Said = { class: null, digest: null, commitment: null, regime: null, isContested: false, annotations: [] };

/** A decision on a repair, in words, and its day where it is known. */
export interface Repaired {
  readonly because: string | null;
  readonly on: string | null;
}

/** A fact that a source holds against an entity. */
export interface Claim extends Pick<CreditRecordState, 'uscc' | 'type' | 'departmentId' | 'documentDate'>, Said {
  /** The dated row of its type; null: none is law on that day. */
  readonly row: RecordType | null;
  readonly isPublic: boolean;
  /** Null: as soon as it is here. */
  readonly publishFrom: string | null;
  /** Null: for as long as the row says. */
  readonly publicUntil: string | null;
  /** The last day of a restriction that it is of. */
  readonly restrictedUntil: string | null;
  readonly isDisputed: boolean;
  /** The decision that has made it good already. */
  readonly repaired: Repaired | null;
}

/** One revision of a source. What it claims no more has been corrected, unless all of it was taken back for another reason. */
export interface Source {
  readonly subject: string;
  readonly revision: number;
  readonly claims: readonly Claim[];
  readonly takenBack: {
    readonly ground: 'REVOKED' | 'REPAIRED' | 'CORRECTED';
    readonly reason: string | null;
    readonly decidedOn: string | null;
  } | null;
}

/** A record as it is from now on, and what the public is told of it. */
export interface RecordChange {
  readonly record: CreditRecordState;
  readonly announced: 'PUBLISHED' | 'ANNOTATED' | 'CONTESTED' | 'ENDED' | null;
}

type Term = Pick<CreditRecordState, 'legalBasis' | 'documentDate' | 'publicFrom' | 'publicUntil' | 'standing'>;

// Any fixed UUID will do; another one would give every record a second number.
const RECORD_NO_NAMESPACE = '6f0d2a3e-5c1b-5e7a-9b44-1d0c7a2f8e63';

/** UUID v5 of (type, subject, uscc): whoever derives the record again gets the same number. */
export const recordNoOf = (type: CreditRecordType, subject: string, uscc: string): string =>
  uuidv5(JSON.stringify([type, subject, uscc]), RECORD_NO_NAMESPACE);

/** What a sampling result claims; null when it was withdrawn. */
export function sourceOf(subject: string, revision: number, result: SamplingResultPublished | null): Source {
  if (result === null) return { subject, revision, claims: [], takenBack: { ground: 'REVOKED', reason: null, decidedOn: null } };
  const documentDate = result.notice?.publishedOn ?? null;
  const publishFrom = documentDate === null ? null : wholeDate(documentDate);
  const [row = null] = publishFrom === null ? [] : recordTypesOn('SAMPLING_RESULT', publishFrom);
  const usual = { ...UNSAID, type: 'SAMPLING_RESULT', isPublic: true, publicUntil: null, restrictedUntil: null, repaired: null } as const;
  const digest = digestOf(result);
  const claims = [...chargedBy(result)].map(([uscc, charge]) => ({
    ...usual,
    uscc,
    departmentId: result.reporterId,
    documentDate,
    row,
    publishFrom,
    isDisputed: charge === 'DISPUTED',
    digest,
    regime: result.regime,
    annotations: recheckedIn(result, uscc),
  }));
  return { subject: subjectOf(result), revision, claims, takenBack: null };
}

/**
 * Applies one revision of a source to the records its subject has so far. Every record of the subject is in the answer. A record that
 * has followed its source further stays: after a restore the source is read again, and some of what followed from it was said already.
 */
export function followSource(known: readonly CreditRecordState[], source: Source, today: string): RecordChange[] {
  const ahead = known.filter(({ sourceRevision }) => sourceRevision > source.revision);
  const behind = known.filter(({ sourceRevision }) => sourceRevision <= source.revision);
  const changes = followBehind(behind, source, today).filter(({ record }) => !ahead.some(({ recordNo }) => recordNo === record.recordNo));
  return [...ahead.map((record) => ({ record, announced: null })), ...changes];
}

function followBehind(known: readonly CreditRecordState[], source: Source, today: string): RecordChange[] {
  const claimed = new Map(source.claims.map((claim) => [recordNoOf(claim.type, source.subject, claim.uscc), claim]));
  const changes = known.map((record) => {
    const claim = claimed.get(record.recordNo);
    claimed.delete(record.recordNo);
    // Its last day has passed, whether or not the clock has noticed yet.
    if (hasRunOut(record, today)) return expire({ ...record, sourceRevision: source.revision });
    return claim ? support(record, source, claim, today) : takeBack(record, source);
  });
  for (const [recordNo, claim] of claimed) changes.push(support(begin(recordNo, source, claim), source, claim, today));
  return changes;
}

/** What the clock alone changes: a period begins or is over. */
export function followClock(record: CreditRecordState, today: string): RecordChange {
  const { standing, publicFrom, publicUntil } = record;
  if (hasRunOut(record, today)) return expire(record);
  if (standing === 'NOT_YET' && publicFrom !== null)
    return announce(record, { ...record, standing: standingIn(publicFrom, publicUntil, today) });
  return { record, announced: null };
}

const hasRunOut = ({ standing, publicUntil }: CreditRecordState, today: string): boolean =>
  standing === 'PUBLIC' && publicUntil !== null && today > publicUntil;
const expire = (record: CreditRecordState): RecordChange => announce(record, { ...record, standing: 'EXPIRED' });

/** A record that was made good ends for good. What ended otherwise stays as it is. */
export function repair(record: CreditRecordState, { because, on }: Repaired): RecordChange {
  if (!isRepairable(record)) return { record, announced: null };
  return announce(record, { ...record, standing: 'REPAIRED', endedBecause: because, repairedOn: on });
}

export const isRepairable = ({ standing }: CreditRecordState): boolean => standing === 'HELD' || endedReasonOf(standing) === null;

export const isPublic = (record: CreditRecordState): boolean => record.standing === 'PUBLIC';

export function endedReasonOf(standing: Standing): CreditEndedReason | null {
  return CREDIT_ENDED_REASONS.find((reason) => reason === standing) ?? null;
}

/** What whoever reads the number of a record in the change feed is told of it: whose it is and how it stands, or that it has ended and why. */
export type PublicFace =
  | (Pick<CreditRecordState, 'recordNo' | 'revision' | 'uscc' | 'type' | 'class' | 'departmentId' | 'publicFrom' | 'publicUntil'> & {
      readonly standing: 'PUBLIC';
      readonly contested: boolean;
    })
  | (Pick<CreditRecordState, 'recordNo' | 'revision'> & { readonly standing: 'ENDED'; readonly endedReason: CreditEndedReason });

export class NeverPublic extends DomainError {
  constructor() {
    super('RECORD_UNKNOWN', 404, { zh: '没有该编号的公开信用记录', en: 'No record of this number is or was public' });
  }
}

/** Null: it was never public. What its document says is asked for with a purpose (POST /api/credit/verifications). */
export function faceOf(record: CreditRecordState): PublicFace | null {
  const { recordNo, revision, uscc, type, departmentId, publicFrom, publicUntil } = record;
  if (revision === 0) return null;
  if (!isPublic(record)) return { recordNo, revision, standing: 'ENDED', endedReason: endedReasonOf(record.standing) ?? 'CORRECTED' };
  const contested = record.isContested;
  return { recordNo, revision, uscc, type, class: record.class, departmentId, publicFrom, publicUntil, standing: 'PUBLIC', contested };
}

/** What is known of a record by the last that was said of it. */
export function recordFrom(said: CreditRecordPublished, isPublished: boolean): CreditRecordState {
  const { source, endedReason, contested = false, ...stated } = said;
  return {
    ...NO_TERM,
    ...UNSAID,
    endedBecause: null,
    repairedOn: null,
    ...stated,
    ...source,
    isContested: contested,
    standing: isPublished ? 'PUBLIC' : (endedReason ?? 'CORRECTED'),
  };
}

/** The public state, as every event of a record carries it. */
export function publicStateOf({ record, announced }: RecordChange): CreditRecordPublished {
  return {
    recordNo: record.recordNo,
    revision: record.revision,
    uscc: record.uscc,
    type: record.type,
    ...(record.class !== null && { class: record.class }),
    source: { departmentId: record.departmentId, subject: record.subject, sourceRevision: record.sourceRevision },
    legalBasis: [...record.legalBasis],
    ...(record.documentDate !== null && { documentDate: record.documentDate }),
    ...(record.publicFrom !== null && { publicFrom: record.publicFrom }),
    ...(record.publicUntil !== null && { publicUntil: record.publicUntil }),
    ...(record.isContested && { contested: true }),
    ...(record.annotations.length > 0 && { annotations: [...record.annotations] }),
    ...(record.digest !== null && { digest: record.digest }),
    ...(record.commitment !== null && { commitment: record.commitment }),
    ...(record.regime !== null && { regime: record.regime }),
    // A public record whose new date leaves nothing to publish still stands; what the public saw has been corrected.
    ...(announced === 'ENDED' && { endedReason: endedReasonOf(record.standing) ?? 'CORRECTED' }),
    ...(announced === 'ENDED' && record.endedBecause !== null && { endedBecause: record.endedBecause }),
    ...(announced === 'ENDED' && record.repairedOn !== null && { repairedOn: record.repairedOn }),
  };
}

/** As much as the contract takes of a matter. */
const MATTER_MAX = 500;

/** What the notice says of the sample: its number, which product, what failed, who organised it; who reported it where that is not printed. */
function digestOf({ notice, product, failingItems = [], organiser, reporterId }: SamplingResultPublished): CreditRecordDigest | null {
  if (notice === undefined) return null;
  const failed = failingItems.map(({ item }) => item).join('、');
  const matter = failed === '' ? product.name : `${product.name}：${failed}`;
  // A character of two units is not cut in its middle.
  const cut = matter.slice(0, MATTER_MAX).replace(/[\uD800-\uDBFF]$/u, '');
  return { documentNo: notice.no, matter: cut, decision: '抽检不合格', authority: organiser?.name ?? reporterId };
}

type Charge = 'CHARGED' | 'DISPUTED';

/**
 * Whom an unqualified final result is held against: each distinct valid code among the sampled party and the producer named on the sample.
 * A pilot code of 2015 that fails its check digit is left out: a bad record is not published against a code nobody has confirmed.
 * Whoever is both parties answers as the sampled party, whatever the producer denies.
 */
function chargedBy(result: SamplingResultPublished): Map<string, Charge> {
  const charged = new Map<string, Charge>();
  if (result.finality !== 'FINAL' || result.verdict !== 'UNQUALIFIED') return charged;
  const { sampledParty, nominalProducer } = result;
  const producer = validCode(nominalProducer?.uscc);
  if (producer && nominalProducer?.authorship !== 'DENIED_CONFIRMED') {
    charged.set(producer, nominalProducer?.authorship === 'DENIED_UNVERIFIED' ? 'DISPUTED' : 'CHARGED');
  }
  const sampled = validCode(sampledParty?.uscc);
  if (sampled) charged.set(sampled, 'CHARGED');
  return charged;
}

/** A passed re-check lets new batches be sold and leaves the finding (产品质量监督抽查管理暂行办法 §49): it is noted on the record of its party. */
function recheckedIn({ decisions = [], sampledParty, nominalProducer }: SamplingResultPublished, uscc: string): string[] {
  const parties = { SAMPLED_PARTY: sampledParty, NOMINAL_PRODUCER: nominalProducer, PLATFORM: undefined, RESULT: undefined };
  return decisions
    .filter(({ kind, party }) => kind === 'RECHECK' && validCode(parties[party]?.uscc) === uscc)
    .map(({ on }) => `${on} 复查合格`);
}

function validCode(text: string | undefined): string | null {
  if (text === undefined) return null;
  const { code, outcome } = readUscc(text);
  return outcome === 'VALID' ? code : null;
}

const NO_TERM = { legalBasis: [], documentDate: null, publicFrom: null, publicUntil: null };

/** A day of publication that has been set stays: what is corrected does not begin again. */
function termFor({ documentDate, row, ...claim }: Claim, record: CreditRecordState, today: string): Term {
  if (documentDate === null) return { ...NO_TERM, standing: 'NO_DOCUMENT_DATE' };
  if (row === null) return { ...NO_TERM, documentDate, standing: 'NO_RULE' };
  const publicFrom = claim.publishFrom ?? record.publicFrom ?? today;
  const { latestEnd, legalBasis } = termOf(row, wholeDate(documentDate), publicFrom, claim.restrictedUntil);
  if (!claim.isPublic) return { ...NO_TERM, legalBasis, documentDate, standing: 'NOT_PUBLIC' };
  const publicUntil = earlier(claim.publicUntil, latestEnd);
  return { legalBasis, documentDate, publicFrom, publicUntil, standing: standingIn(publicFrom, publicUntil, today) };
}

function earlier(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

function standingIn(publicFrom: string, publicUntil: string | null, today: string): Standing {
  if (publicUntil !== null && today > publicUntil) return 'PERIOD_OVER';
  return today < publicFrom ? 'NOT_YET' : 'PUBLIC';
}

const begin = (recordNo: string, { subject, revision }: Source, { uscc, type, departmentId }: Claim): CreditRecordState => ({
  ...NO_TERM,
  ...UNSAID,
  recordNo,
  revision: 0,
  uscc,
  type,
  departmentId,
  subject,
  sourceRevision: revision,
  standing: 'NO_DOCUMENT_DATE',
  endedBecause: null,
  repairedOn: null,
});

function support(record: CreditRecordState, source: Source, claim: Claim, today: string): RecordChange {
  const followed = { ...record, sourceRevision: source.revision };
  if (isOver(record)) return { record: followed, announced: null };
  const { class: itsClass, digest, commitment, regime, isContested, annotations, repaired } = claim;
  const said = { class: itsClass, digest, commitment, regime, isContested, annotations };
  const term = termFor(claim, record, today);
  const standing = repaired !== null ? 'REPAIRED' : claim.isDisputed ? 'HELD' : term.standing;
  return announce(record, {
    ...followed,
    ...term,
    ...said,
    endedBecause: repaired?.because ?? null,
    repairedOn: repaired?.on ?? null,
    standing,
  });
}

function takeBack(record: CreditRecordState, { revision, takenBack }: Source): RecordChange {
  const followed = { ...record, sourceRevision: revision };
  if (isOver(record) || record.standing === 'CORRECTED' || record.standing === 'REVOKED') return { record: followed, announced: null };
  const { ground, reason, decidedOn } = takenBack ?? { ground: 'CORRECTED', reason: null, decidedOn: null };
  return announce(record, { ...followed, standing: ground, endedBecause: reason, repairedOn: ground === 'REPAIRED' ? decidedOn : null });
}

// A record's own clock and repairs survive a new revision of its source: what expired or was repaired stays so.
const isOver = ({ standing }: CreditRecordState): boolean => standing === 'EXPIRED' || standing === 'REPAIRED';

// The revision counts what the public could see: the source's number alone, or a change behind the curtain, is none.
function announce(before: CreditRecordState, after: CreditRecordState): RecordChange {
  const announced = announcedOf(before, after);
  return { record: announced === null ? after : { ...after, revision: before.revision + 1 }, announced };
}

function announcedOf(before: CreditRecordState, after: CreditRecordState): RecordChange['announced'] {
  if (!isPublic(before)) return isPublic(after) ? 'PUBLISHED' : null;
  if (!isPublic(after)) return 'ENDED';
  if (!areSame(factsOf(before), factsOf(after))) return 'PUBLISHED';
  if (before.isContested !== after.isContested) return 'CONTESTED';
  return areSame(before.annotations, after.annotations) ? null : 'ANNOTATED';
}

// In canonical form: what comes from the database has its fields in another order.
const areSame = (one: object, other: object): boolean => canonicalForm(one) === canonicalForm(other);

const factsOf = ({
  documentDate,
  publicFrom,
  publicUntil,
  class: itsClass,
  digest,
  commitment,
  regime,
  legalBasis,
}: CreditRecordState) => ({
  documentDate,
  publicFrom,
  publicUntil,
  itsClass,
  digest,
  commitment,
  regime,
  rules: legalBasis.map(({ ruleVersion }) => ruleVersion),
});
