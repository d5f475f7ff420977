/**
 * A credit record as a department reports it: what a report must hold, and which revision counts. A department has a series of revisions
 * for each of its record numbers; the same again is a duplicate, another content under the same revision a conflict. What the record is
 * for the public follows from it in credit-record.ts; what may be one, and for how long, is a dated row of libs/law.
 */
import { CreditRecordReported, CreditRecordRetracted } from '@jinqiao/contracts';
import {
  dayInChina,
  divisionExists,
  isInTianjin,
  publishBy,
  readUscc,
  type RecordType,
  recordTypesOn,
  repairableFrom,
  termOf,
} from '@jinqiao/law';
import { check, contentHash, DomainError, type Finding, gapFindings, placeOf } from '@jinqiao/schema';
import type { Claim, Source } from '../credit-record/credit-record.js';
import type { RepairedUnder } from '../repair/repair.js';
import { withdrawalOf } from '../withdrawal.js';
import { claimsOf, commitmentFindings } from './commitment.js';

/** What is held of one of a department's record numbers. */
export interface HeldReport {
  readonly recordNo: string;
  /** The department's; 0 = nothing was accepted yet. */
  readonly revision: number;
  readonly hash: string;
  /** Revisions up to this one were taken over from our own topic: what their sender wrote is not known any more. */
  readonly restoredRevision: number | null;
  readonly acceptedAt: Date | string;
  /** Null where it was retracted before it ever came. */
  readonly report: CreditRecordReported | null;
  readonly retraction: CreditRecordRetracted | null;
  readonly warnings: readonly Finding[];
  readonly unknownFields: readonly string[];
  /** Of a repair by its department; null: there was none, or it was not kept then. */
  readonly repairedUnder: readonly RepairedUnder[] | null;
}

/** A report or a retraction that is right in itself. */
export interface Submission {
  readonly recordNo: string;
  readonly revision: number;
  readonly hash: string;
  readonly report: CreditRecordReported | null;
  readonly retraction: CreditRecordRetracted | null;
}

export type Reading = { readonly unknownFields: readonly string[] } & (
  | { readonly ok: true; readonly submission: Submission; readonly source: Source; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] }
);

export type Decision =
  | { readonly outcome: 'accepted'; readonly held: HeldReport }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'rejected'; readonly findings: readonly Finding[] };

/** One record alone was refused. Nothing of it is kept; the code is that of the first finding, all of them are listed. */
export class RecordRejected extends DomainError {
  constructor(findings: readonly Finding[]) {
    const [first] = findings;
    const isAboutRevision = first?.code === 'REVISION_CONFLICT' || first?.code === 'STALE_REVISION';
    const title = { zh: '信用记录未被接收', en: 'The credit record was not accepted' };
    super(first?.code ?? 'RECORD_REJECTED', isAboutRevision ? 409 : 422, title, findings);
  }
}

export class RecordUnknown extends DomainError {
  constructor() {
    super('RECORD_UNKNOWN', 404, { zh: '没有该编号的信用记录', en: 'This department has reported nothing under this number' });
  }
}

export class DepartmentNotNamed extends DomainError {
  constructor() {
    super('FIELD_MISSING', 400, { zh: '请注明报送部门', en: 'Say whose record is meant' }, [
      { code: 'FIELD_MISSING', pointer: '/departmentId', message: 'is required: a recordNo is unique per department only' },
    ]);
  }
}

/** Which department says it, and on which day it came. */
export interface Sender {
  readonly departmentId: string;
  readonly receivedOn: string;
}

export const subjectOf = (departmentId: string, recordNo: string): string => `${departmentId}:${recordNo}`;

export function readReport(input: unknown, sender: Sender): Reading {
  const checked = check(CreditRecordReported, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { ok: false, findings: checked.findings, unknownFields };
  const { code, outcome } = readUscc(checked.value.uscc);
  const report = { ...checked.value, uscc: code };
  const row = rowFor(report);
  const findings = [
    ...(outcome === 'VALID' ? [] : [finding(USCC_CODES[outcome], '/uscc', 'is not a code that may be published against')]),
    ...ownFindings(report, sender),
    ...commitmentFindings(report, sender.receivedOn),
    ...restrictionFindings(report),
    ...(Array.isArray(row) ? row : periodFindings(report, row, sender)),
  ];
  if (Array.isArray(row) || findings.length > 0) return { ok: false, findings, unknownFields };
  const { recordNo, revision = 1 } = report;
  return {
    ok: true,
    submission: { recordNo, revision, hash: contentHash(CreditRecordReported, { ...report, revision }), report, retraction: null },
    source: {
      subject: subjectOf(sender.departmentId, recordNo),
      revision,
      claims: claimsOf(claimOf(report, row, sender)),
      takenBack: null,
    },
    warnings: lateWarnings(report, row, sender),
    unknownFields,
  };
}

export function readRetraction(input: unknown, { departmentId, receivedOn }: Sender): Reading {
  const checked = check(CreditRecordRetracted, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { ok: false, findings: checked.findings, unknownFields };
  const retraction = checked.value;
  const { recordNo, revision, ground, reason, decidedOn } = retraction;
  const findings = proofFindings(retraction, receivedOn);
  if (decidedOn !== undefined && decidedOn > receivedOn) findings.push(finding('DATED_IN_FUTURE', '/decidedOn', 'lies in the future'));
  if (findings.length > 0) return { ok: false, findings, unknownFields };
  return {
    ok: true,
    submission: { recordNo, revision, hash: contentHash(CreditRecordRetracted, retraction), report: null, retraction },
    source: {
      subject: subjectOf(departmentId, recordNo),
      revision,
      claims: [],
      takenBack: { ground, reason, decidedOn: decidedOn ?? null },
    },
    warnings: withdrawnLate(retraction, receivedOn),
    unknownFields,
  };
}

/** What only a repair has to establish, by documents that are there. */
function proofFindings({ ground, ...retraction }: CreditRecordRetracted, receivedOn: string): Finding[] {
  return (['dutiesPerformed', 'notExcluded'] as const).flatMap((name) => {
    const proof = retraction[name];
    if (proof === undefined) return [];
    if (ground !== 'REPAIRED') return [finding('FIELD_UNEXPECTED', `/${name}`, `does not go with ${ground}`)];
    return proof.on > receivedOn ? [finding('DATED_IN_FUTURE', `/${name}/on`, 'lies in the future')] : [];
  });
}

/** What follows from a submission, given what is held of its number. The caller holds the lock of that row. */
export function decide(held: HeldReport, { submission, warnings, unknownFields }: Reading & { ok: true }, acceptedAt: Date): Decision {
  const place = placeOf(held, submission);
  if (place === 'DUPLICATE') return { outcome: 'duplicate' };
  if (place !== 'NEXT') return { outcome: 'rejected', findings: [place] };
  return {
    outcome: 'accepted',
    held: {
      ...submission,
      report: submission.report ?? held.report,
      repairedUnder: held.repairedUnder,
      restoredRevision: held.restoredRevision,
      acceptedAt,
      warnings: [...warnings, ...repairedEarly(held, submission, dayInChina(acceptedAt)), ...seriesWarnings(held, submission)],
      unknownFields,
    },
  };
}

/** Whoever decided on the record decides on its repair; the least period is the law's all the same. */
function repairedEarly({ report }: HeldReport, { retraction }: Submission, today: string): Finding[] {
  if (retraction?.ground !== 'REPAIRED' || report === null) return [];
  const repairable = repairableFrom(report.type, report.class ?? null, report.documentDate, today);
  if (repairable === null || (retraction.decidedOn ?? today) >= repairable.from) return [];
  const { from, legalBasis } = repairable;
  return [finding('REPAIRED_EARLY', '/ground', `was to be repaired from ${from} at the earliest (${legalBasis.ruleVersion})`)];
}

function seriesWarnings(held: HeldReport, { revision, retraction }: Submission): Finding[] {
  if (held.revision === 0 && retraction)
    return [finding('NEVER_REPORTED', '/recordNo', 'was never reported; lower revisions are stale from now on')];
  const gap = gapFindings(held.revision, revision);
  return held.retraction && retraction
    ? [...gap, finding('ALREADY_WITHDRAWN', '/recordNo', 'had been taken back before; nothing is announced')]
    : gap;
}

const finding = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });

const USCC_CODES = {
  MALFORMED: 'USCC_MALFORMED',
  CHECK_FAILED: 'USCC_CHECK_FAILED',
  // A pilot code of 2015 may be real; nothing is published against it until a register has confirmed it.
  CHECK_FAILED_LEGACY_CANDIDATE: 'CHECK_FAILED_LEGACY_CANDIDATE',
} as const;

function ownFindings(report: CreditRecordReported, sender: Sender): Finding[] {
  const { departmentId, documentDate, pushedOn, digest } = report;
  const { divisionCode } = digest;
  return [
    ...(departmentId !== undefined && departmentId !== sender.departmentId
      ? [finding('NOT_ITS_RECORD', '/departmentId', `is not the sender, ${sender.departmentId}: a department reports its own records`)]
      : []),
    ...(documentDate > sender.receivedOn ? [finding('DATED_IN_FUTURE', '/documentDate', 'lies in the future')] : []),
    ...(pushedOn !== undefined && pushedOn > sender.receivedOn ? [finding('DATED_IN_FUTURE', '/pushedOn', 'lies in the future')] : []),
    ...(pushedOn !== undefined && pushedOn < documentDate ? [finding('OUT_OF_RANGE', '/pushedOn', `is before ${documentDate}`)] : []),
    ...(pushedOn !== undefined && !isFromOutside(report)
      ? [finding('NOT_FROM_OUTSIDE', '/pushedOn', 'is of decisions of another province: digest.divisionCode names none')]
      : []),
    ...(divisionCode !== undefined && !divisionExists(divisionCode)
      ? [finding('DIVISION_UNKNOWN', '/digest/divisionCode', 'is not and never was a code of GB/T 2260')]
      : []),
  ];
}

function restrictionFindings({ type, documentDate, restriction }: CreditRecordReported): Finding[] {
  if (restriction === undefined) return [];
  if (type !== 'PENALTY') return [finding('FIELD_UNEXPECTED', '/restriction', `is not for ${type}`)];
  return restriction.until < documentDate ? [finding('OUT_OF_RANGE', '/restriction/until', `is before ${documentDate}`)] : [];
}

/** The dated row for this type and class, or why there is none. */
function rowFor({ type, class: itsClass, documentDate }: CreditRecordReported): RecordType | Finding[] {
  if (type === 'SAMPLING_RESULT')
    return [finding('TYPE_NOT_REPORTED', '/type', 'follows from published sampling results and is not reported')];
  const rows = recordTypesOn(type, documentDate);
  const row = rows.find((one) => one.class === itsClass);
  if (row) return row;
  if (rows.length === 0) return [finding('NO_RULE', '/documentDate', `is a day on which no rule made a record of ${type}`)];
  const classes = rows.flatMap((one) => one.class ?? []).join(', ');
  if (classes === '') return [finding('CLASS_UNEXPECTED', '/class', `is not for ${type}`)];
  if (itsClass === undefined) return [finding('CLASS_MISSING', '/class', `is required for ${type}: ${classes}`)];
  return [finding('CLASS_NOT_IN_FORCE', '/class', `was none of ${documentDate}; it is one of ${classes}`)];
}

function periodFindings(report: CreditRecordReported, row: RecordType, sender: Sender): Finding[] {
  const { documentDate, publishFrom, publicUntil, pushedOn = sender.receivedOn } = report;
  const { published } = publishBy(row, { documentDate, pushedOn, isFromOutside: isFromOutside(report) });
  const { earliestEnd, latestEnd } = termOf(row, documentDate, publishFrom ?? sender.receivedOn, report.restriction?.until);
  const findings: Finding[] = [];
  if (row.publicity === 'INTERNAL' && (publishFrom ?? publicUntil) !== undefined)
    findings.push(finding('NOT_PUBLIC', publishFrom === undefined ? '/publicUntil' : '/publishFrom', `is never public (${row.version})`));
  if (publishFrom !== undefined && publishFrom < documentDate)
    findings.push(finding('PUBLISHED_BEFORE_DOCUMENT', '/publishFrom', `is before ${documentDate}`));
  if (publishFrom !== undefined && publishFrom > sender.receivedOn && published !== null && publishFrom > published)
    findings.push(finding('PUBLICATION_TOO_LATE', '/publishFrom', `is after ${published}, by which it has to be public (${row.version})`));
  if (publicUntil !== undefined && latestEnd !== null && publicUntil > latestEnd)
    findings.push(finding('PERIOD_TOO_LONG', '/publicUntil', `is after ${latestEnd}, the last day the law allows (${row.version})`));
  const least = earliestEnd ?? documentDate;
  if (publicUntil !== undefined && publicUntil < least)
    findings.push(finding('PERIOD_TOO_SHORT', '/publicUntil', `is before ${least}, the first day on which it may end (${row.version})`));
  return findings;
}

const isFromOutside = ({ digest: { divisionCode } }: CreditRecordReported): boolean =>
  divisionCode !== undefined && !isInTianjin(divisionCode);

/** What was late already when it came: it is published all the same. */
function lateWarnings(report: CreditRecordReported, row: RecordType, { receivedOn }: Sender): Finding[] {
  const { documentDate, publishFrom = receivedOn, pushedOn = receivedOn } = report;
  const { pushed, published } = publishBy(row, { documentDate, pushedOn, isFromOutside: isFromOutside(report) });
  const late = (code: string, due: string) => finding(code, '/documentDate', `was due by ${due}`);
  return [
    ...(pushed !== null && pushedOn > pushed ? [late('PUSHED_LATE', pushed)] : []),
    ...(row.publicity === 'PUBLIC' && published !== null && publishFrom > published ? [late('PUBLISHED_LATE', published)] : []),
  ];
}

function withdrawnLate({ ground, decidedOn }: CreditRecordRetracted, receivedOn: string): Finding[] {
  if (ground !== 'REVOKED' || decidedOn === undefined) return [];
  const due = withdrawalOf(decidedOn)?.dueOn;
  return due !== undefined && receivedOn > due ? [finding('WITHDRAWN_LATE', '/decidedOn', `was to be taken back by ${due}`)] : [];
}

function claimOf(report: CreditRecordReported, row: RecordType, { departmentId }: Sender): Claim {
  const { uscc, type, documentDate, publishFrom = null, publicUntil = null, digest, commitment = null, annotations = [] } = report;
  return {
    uscc,
    type,
    class: report.class ?? null,
    departmentId,
    documentDate,
    row,
    isPublic: row.publicity === 'PUBLIC' || (row.publicity === 'ON_REQUEST' && publicUntil !== null),
    publishFrom,
    publicUntil,
    restrictedUntil: report.restriction?.until ?? null,
    isDisputed: false,
    repaired: null,
    digest,
    commitment,
    regime: null,
    isContested: report.contested ?? false,
    annotations,
  };
}
