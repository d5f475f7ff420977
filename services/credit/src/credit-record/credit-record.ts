import {
  CREDIT_ENDED_REASONS,
  type CreditEndedReason,
  type CreditRecordPublished,
  type CreditRecordType,
  type LegalBasis,
  type SamplingResultPublished,
  subjectOf,
} from '@jinqiao/contracts';
import { dayInChina, deadline, readUscc, rule, wholeDate } from '@jinqiao/law';
import { v5 as uuidv5 } from 'uuid';

/**
 * Which credit records a sampling result makes, and from when until when the public may read them.
 * Results are published by law: 产品质量法 §24, 消费者权益保护法实施条例 §29. How long a record stays public is the dated rule row
 * CREDIT_PUBLICATION_SAMPLING_RESULT; the period counts from the date of the document and publication stops by itself when it is over
 * (信用修复管理办法, 国家发展改革委令第36号). A producer that denies having made the sample is not charged with it until that is settled.
 */

/** Why a record that stands is not public. */
export type WithheldReason = 'NO_DOCUMENT_DATE' | 'NOT_YET' | 'PERIOD_OVER' | 'NO_RULE';

/** PUBLIC, or the one reason why not: withheld, or ended. */
export type Standing = 'PUBLIC' | WithheldReason | CreditEndedReason;

export interface CreditRecordState {
  readonly recordNo: string;
  /** Of the public series; 0 until the record is first published. */
  readonly revision: number;
  readonly uscc: string;
  readonly type: CreditRecordType;
  readonly departmentId: string;
  readonly subject: string;
  readonly sourceRevision: number;
  readonly legalBasis: readonly LegalBasis[];
  readonly documentDate: string | null;
  readonly publicFrom: string | null;
  readonly publicUntil: string | null;
  readonly standing: Standing;
}

/** One revision of a sampling result; `result` is null when it was withdrawn. */
export interface Source {
  readonly subject: string;
  readonly revision: number;
  readonly result: SamplingResultPublished | null;
}

/** A record as it is from now on, and what the public is told of it. */
export interface RecordChange {
  readonly record: CreditRecordState;
  readonly announced: 'PUBLISHED' | 'ENDED' | null;
}

type Term = Pick<CreditRecordState, 'legalBasis' | 'documentDate' | 'publicFrom' | 'publicUntil' | 'standing'>;

// Any fixed UUID will do; another one would give every record a second number.
const RECORD_NO_NAMESPACE = '6f0d2a3e-5c1b-5e7a-9b44-1d0c7a2f8e63';

/** UUID v5 of (SAMPLING_RESULT, reporterId:sampleNo, uscc): whoever derives the record again gets the same number. */
export const recordNoOf = (subject: string, uscc: string): string =>
  uuidv5(JSON.stringify(['SAMPLING_RESULT', subject, uscc]), RECORD_NO_NAMESPACE);

/**
 * Applies one revision of a result to the records its subject has so far. Every record of the subject is in the answer. A record that
 * has followed its source further stays: after a restore the source is read again, and some of what followed from it was said already.
 */
export function followSource(known: readonly CreditRecordState[], source: Source, today: string): RecordChange[] {
  const ahead = known.filter(({ sourceRevision }) => sourceRevision > source.revision);
  const behind = known.filter(({ sourceRevision }) => sourceRevision <= source.revision);
  const changes = followBehind(behind, source, today).filter(({ record }) => !ahead.some(({ recordNo }) => recordNo === record.recordNo));
  return [...ahead.map((record) => ({ record, announced: null })), ...changes];
}

function followBehind(known: readonly CreditRecordState[], source: Source, today: string): RecordChange[] {
  const { result } = source;
  if (result === null) return known.map((record) => takeBack(record, source, 'REVOKED'));
  const charged = chargedBy(result);
  const term = termOf(result.notice?.publishedOn, today);
  const changes = known.map((record) => {
    const charge = charged.get(record.uscc);
    charged.delete(record.uscc);
    return charge ? support(record, source, term, charge) : takeBack(record, source, 'CORRECTED');
  });
  for (const [uscc, charge] of charged) changes.push(support(begin(uscc, result), source, term, charge));
  return changes;
}

/** What the clock alone changes: a period begins or is over. */
export function followClock(record: CreditRecordState, today: string): RecordChange {
  const { standing, publicFrom, publicUntil } = record;
  if (publicFrom === null || publicUntil === null) return { record, announced: null };
  if (standing === 'PUBLIC' && today > publicUntil) return announce(record, { ...record, standing: 'EXPIRED' });
  if (standing === 'NOT_YET') return announce(record, { ...record, standing: standingIn(publicFrom, publicUntil, today) });
  return { record, announced: null };
}

export const isPublic = (record: CreditRecordState): boolean => record.standing === 'PUBLIC';

export function endedReasonOf(standing: Standing): CreditEndedReason | null {
  return CREDIT_ENDED_REASONS.find((reason) => reason === standing) ?? null;
}

/** What is known of a record by the last that was said of it. */
export function recordFrom(said: CreditRecordPublished, isPublished: boolean): CreditRecordState {
  const { recordNo, revision, uscc, type, source, legalBasis, documentDate, publicFrom, publicUntil, endedReason } = said;
  return {
    recordNo,
    revision,
    uscc,
    type,
    ...source,
    legalBasis,
    documentDate: documentDate ?? null,
    publicFrom: publicFrom ?? null,
    publicUntil: publicUntil ?? null,
    standing: isPublished ? 'PUBLIC' : (endedReason ?? 'CORRECTED'),
  };
}

/** The public state, as both events of a record carry it. */
export function publicStateOf({ record, announced }: RecordChange): CreditRecordPublished {
  return {
    recordNo: record.recordNo,
    revision: record.revision,
    uscc: record.uscc,
    type: record.type,
    source: { departmentId: record.departmentId, subject: record.subject, sourceRevision: record.sourceRevision },
    legalBasis: [...record.legalBasis],
    ...(record.documentDate !== null && { documentDate: record.documentDate }),
    ...(record.publicFrom !== null && { publicFrom: record.publicFrom }),
    ...(record.publicUntil !== null && { publicUntil: record.publicUntil }),
    // A public record whose new date leaves nothing to publish still stands; what the public saw has been corrected.
    ...(announced === 'ENDED' && { endedReason: endedReasonOf(record.standing) ?? 'CORRECTED' }),
  };
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

function validCode(text: string | undefined): string | null {
  if (text === undefined) return null;
  const { code, outcome } = readUscc(text);
  return outcome === 'VALID' ? code : null;
}

function termOf(printed: string | undefined, today: string): Term {
  if (printed === undefined) return { ...NO_TERM, standing: 'NO_DOCUMENT_DATE' };
  const publicFrom = wholeDate(printed);
  const row = rule('CREDIT_PUBLICATION_SAMPLING_RESULT', { on: publicFrom });
  if (row === 'NO_RULE') return { ...NO_TERM, documentDate: printed, standing: 'NO_RULE' };
  const { due } = deadline(publicFrom, row);
  const publicUntil = typeof due === 'string' ? due : dayInChina(due);
  const legalBasis = [{ ...row.legalBasis, ruleVersion: row.version }];
  return { legalBasis, documentDate: printed, publicFrom, publicUntil, standing: standingIn(publicFrom, publicUntil, today) };
}

const NO_TERM = { legalBasis: [], documentDate: null, publicFrom: null, publicUntil: null };

function standingIn(publicFrom: string, publicUntil: string, today: string): Standing {
  if (today < publicFrom) return 'NOT_YET';
  return today > publicUntil ? 'PERIOD_OVER' : 'PUBLIC';
}

const begin = (uscc: string, result: SamplingResultPublished): CreditRecordState => ({
  ...NO_TERM,
  recordNo: recordNoOf(subjectOf(result), uscc),
  revision: 0,
  uscc,
  type: 'SAMPLING_RESULT',
  departmentId: result.reporterId,
  subject: subjectOf(result),
  sourceRevision: result.revision,
  standing: 'NO_DOCUMENT_DATE',
});

function support(record: CreditRecordState, source: Source, term: Term, charge: Charge): RecordChange {
  const followed = { ...record, sourceRevision: source.revision };
  if (isOver(record)) return { record: followed, announced: null };
  return announce(record, { ...followed, ...term, standing: charge === 'DISPUTED' ? 'HELD' : term.standing });
}

function takeBack(record: CreditRecordState, source: Source, reason: 'CORRECTED' | 'REVOKED'): RecordChange {
  const followed = { ...record, sourceRevision: source.revision };
  if (isOver(record) || record.standing === 'CORRECTED' || record.standing === 'REVOKED') return { record: followed, announced: null };
  return announce(record, { ...followed, standing: reason });
}

// A record's own clock and repairs survive a new revision of its source: what expired or was repaired stays so.
const isOver = ({ standing }: CreditRecordState): boolean => standing === 'EXPIRED' || standing === 'REPAIRED';

// The revision counts what the public could see: the source's number alone, or a change behind the curtain, is none.
function announce(before: CreditRecordState, after: CreditRecordState): RecordChange {
  const published = isPublic(after) && (!isPublic(before) || !sameTerm(before, after));
  const ended = isPublic(before) && !isPublic(after);
  if (!published && !ended) return { record: after, announced: null };
  return { record: { ...after, revision: before.revision + 1 }, announced: published ? 'PUBLISHED' : 'ENDED' };
}

function sameTerm(one: Term, other: Term): boolean {
  return (
    one.documentDate === other.documentDate &&
    one.publicFrom === other.publicFrom &&
    one.publicUntil === other.publicUntil &&
    one.legalBasis.map((basis) => basis.ruleVersion).join() === other.legalBasis.map((basis) => basis.ruleVersion).join()
  );
}
