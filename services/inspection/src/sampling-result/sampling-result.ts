/*
 * A sampling result in its reporter's revisions and in ours (抽检结果): what a report must hold, which revision counts, and what is
 * announced of it. Before publication only the platform concerned may learn of a result (食品安全抽样检验管理办法, on publishing results);
 * a result is public when it is final and carries the number of a notice. What was published can be taken back, never unsaid: each
 * change is the next revision of one series over both topics.
 */
import {
  type ResultDecision,
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultReported,
  SamplingResultRetracted,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import { dayInChina, divisionExists, readUscc, type ReadUscc } from '@jinqiao/law';
import type { ItemAnswer } from '@jinqiao/platform';
import { check, contentHash, DomainError, type Finding, gapFindings, placeOf } from '@jinqiao/schema';
import { batchKeyOf, NO_BATCH } from '../probable-duplicate/batch.js';
import { type Announcement, type HeldResult, isAnnounced, type Status, type Submission } from './held-result.js';
import { decided, EMBARGOED_AGAIN, isEmbargoDecided, standing, undoneBy } from './sampling-result.decision.js';

export type Reading =
  | { readonly ok: true; readonly submission: Submission; readonly warnings: readonly Finding[]; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly unknownFields: readonly string[] };

export type Decision =
  | Accepted
  | { readonly outcome: 'duplicate'; readonly held: HeldResult }
  | { readonly outcome: 'rejected'; readonly findings: readonly Finding[] };

export interface Accepted {
  readonly outcome: 'accepted';
  readonly held: HeldResult;
  readonly announcements: readonly Announcement[];
  /** It waits for a person: it would undo these or, where none is named, report again what another result reports. */
  readonly undoes?: readonly ResultDecision[];
}

/** With the subject of a result that probably reports the same, and whether the result is, or may still be, objected to in its case. */
type Sound = Reading & { readonly ok: true; readonly alike?: string | null; readonly isOpenToObjections?: boolean };

/** One result alone was refused. Nothing of it is kept; the code is that of the first finding, all of them are listed. */
/** What became of one submission. */
export interface Answer extends ItemAnswer {
  readonly sampleNo: string | null;
  readonly status?: Status;
  readonly acceptedAt?: string;
  /** The reporter is in the sandbox: this is how it would have been answered, and nobody is told of it. */
  readonly sandbox?: true;
}

export class SamplingResultRejected extends DomainError {
  constructor(findings: readonly Finding[]) {
    const [first] = findings;
    const isAboutRevision = first?.code === 'REVISION_CONFLICT' || first?.code === 'STALE_REVISION';
    const title = { zh: '抽检结果未被接收', en: 'The sampling result was not accepted' };
    super(first?.code ?? 'SAMPLING_RESULT_REJECTED', isAboutRevision ? 409 : 422, title, findings);
  }
}

export class SamplingResultUnknown extends DomainError {
  constructor() {
    super('SAMPLING_RESULT_UNKNOWN', 404, { zh: '没有该抽样单编号的结果', en: 'Nothing is known under this sampleNo' });
  }
}

export class ReporterNotNamed extends DomainError {
  constructor() {
    super('FIELD_MISSING', 400, { zh: '请注明报送部门', en: 'Say whose result is meant' }, [
      { code: 'FIELD_MISSING', pointer: '/reporterId', message: 'is required: a sampleNo is unique per reporting department only' },
    ]);
  }
}

/** Reads a report from any channel. Every finding is listed, in the order structure, failing item, party, others: the first is counted. */
export function readReport(input: unknown, now: Date): Reading {
  const checked = check(SamplingResultReported, input);
  const { unknownFields } = checked;
  if (!checked.ok) {
    // The rules also look at what is sound of a malformed report, so that its sender learns everything in one answer.
    const sound = soundPart(input, checked.findings);
    const rest = findingsOf(sound, usccsOf(sound), now);
    const findings = [
      ...checked.findings,
      ...rest.filter(({ pointer }) => !checked.findings.some((known) => overlap(known.pointer, pointer))),
    ];
    return { ok: false, findings, unknownFields };
  }
  const usccs = usccsOf(checked.value);
  const findings = findingsOf(checked.value, usccs, now);
  if (findings.length > 0) return { ok: false, findings, unknownFields };
  const report = normalised(checked.value, usccs);
  const { revision } = report;
  const hash = contentHash(SamplingResultReported, withDefaults(report));
  return {
    ok: true,
    submission: { kind: 'REPORT', report, revision, hash, batchKey: batchKeyOf(report) },
    warnings: legacyCandidates(usccs),
    unknownFields,
  };
}

export function readRetraction(input: unknown): Reading {
  const checked = check(SamplingResultRetracted, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { ok: false, findings: checked.findings, unknownFields };
  const { sampleNo, revision, reason } = checked.value;
  const hash = contentHash(SamplingResultRetracted, checked.value);
  return { ok: true, submission: { kind: 'RETRACTION', sampleNo, reason, revision, hash }, warnings: [], unknownFields };
}

/** What follows from a submission, given what is held of the result. The caller holds the lock of its row. */
export function decide(
  held: HeldResult | null,
  reporterId: string,
  { submission, warnings, alike = null, isOpenToObjections = false }: Sound,
  now: Date,
): Decision {
  if (held) {
    const { reportedRevision: last, reportedHash: hash, restoredRevision } = held;
    const place = placeOf({ revision: last, hash, restoredRevision }, submission);
    if (place === 'DUPLICATE') return { outcome: 'duplicate', held };
    if (place !== 'NEXT') return { outcome: 'rejected', findings: [place] };
    if (isOpenToObjections && goesFurther(held, submission)) return { outcome: 'rejected', findings: [OBJECTION_OPEN] };
  }
  const at = now.toISOString();
  const undoes = held ? undoneBy(submission, held) : [];
  if (held && (undoes.length > 0 || undoesMerge(held, submission))) return wait(held, submission, at, undoes);
  const follow = { held, reporterId, at, warnings: [...warnings, ...seriesWarnings(held, submission)], givenUp: [] };
  // Whoever was told of a result is told of its corrections, too.
  return submission.kind === 'REPORT' && alike !== null && !isAnnounced(held)
    ? waitBeside(alike, follow, submission)
    : accept(follow, submission);
}

/** Makes a result final that was not, or public. */
export function goesFurther({ status, state }: HeldResult, submission: Submission): boolean {
  if (submission.kind === 'RETRACTION') return false;
  const { finality, notice } = submission.report;
  return (finality === 'FINAL' && state?.finality !== 'FINAL') || (notice !== undefined && status !== 'PUBLISHED');
}

/**
 * What may be objected to is neither final nor public before that is decided, or the time is over (产品质量监督抽查管理暂行办法 §36, §37,
 * §42; 食品安全法 §88).
 */
export const OBJECTION_OPEN: Finding = {
  code: 'OBJECTION_OPEN',
  pointer: '/finality',
  message: 'an objection is under way in its case, or the time for one is not over: until then it is neither final nor public',
};

/** What follows when a person lets a submission that waited undo what was decided. */
export const admit = (held: HeldResult, submission: Submission, now: Date): Accepted =>
  accept({ held, reporterId: held.reporterId, at: now.toISOString(), warnings: [], givenUp: undoneBy(submission, held) }, submission);

/** It was given up for another result, and is reported again. */
const undoesMerge = ({ mergedInto }: HeldResult, { kind }: Submission): boolean => mergedInto !== null && kind === 'REPORT';

function wait(held: HeldResult, { revision, hash }: Submission, at: string, undoes: readonly ResultDecision[]): Accepted {
  const what = [
    ...undoes.map(({ kind, on }) => `${kind} of ${on}`),
    ...(held.mergedInto === null ? [] : [`the merge into ${held.mergedInto}`]),
  ].join(', ');
  const warnings = [warning('WAITS_FOR_RULING', '/revision', `would undo ${what}: it waits for a person`)];
  return {
    outcome: 'accepted',
    held: { ...held, reportedRevision: revision, reportedHash: hash, acceptedAt: at, warnings },
    announcements: [],
    undoes,
  };
}

/** Probably a second report of what another result reports: nobody is told twice before a person has looked. */
function waitBeside(alike: string, { held, reporterId, at, warnings }: Follow, submission: Submission & { kind: 'REPORT' }): Accepted {
  const waits = warning('WAITS_FOR_RULING', '/sampleNo', `probably reports the same as ${alike}: it waits for a person`);
  const { report, revision, hash, batchKey = null } = submission;
  const fresh = { reporterId, sampleNo: report.sampleNo, status: 'WAITING', revision: 0, state: null, withdrawal: null } as const;
  return {
    outcome: 'accepted',
    held: {
      restoredRevision: null,
      mergedInto: null,
      ...(held ?? fresh),
      batchKey,
      reportedRevision: revision,
      reportedHash: hash,
      acceptedAt: at,
      warnings: [...warnings, waits],
    },
    announcements: [],
    undoes: [],
  };
}

interface Follow {
  readonly held: HeldResult | null;
  readonly reporterId: string;
  readonly at: string;
  readonly warnings: readonly Finding[];
  readonly givenUp: readonly ResultDecision[];
}

const accept = (follow: Follow, submission: Submission): Accepted =>
  submission.kind === 'REPORT' ? acceptReport(follow, submission) : acceptRetraction(follow, submission);

function acceptReport(
  { held, reporterId, at, warnings, givenUp }: Follow,
  { report, revision, hash, batchKey }: Submission & { kind: 'REPORT' },
): Accepted {
  const announcements: Announcement[] = [];
  const decisions = held ? standing(held, report, givenUp) : [];
  const stated = decisions.length > 0 ? decided({ ...announced(report), decisions }) : announced(report);
  const isPublic = stated.notice !== undefined;
  let next = held?.revision ?? 0;
  if (held?.state && held.status === 'PUBLISHED' && !isPublic) {
    next += 1;
    const back = { ...held.state, revision: next, reportedRevision: revision, acceptedAt: at, reason: EMBARGOED_AGAIN, withdrawnAt: at };
    announcements.push({ type: SamplingResultWithdrawn, data: back });
  }
  const publishedAt = held?.status === 'PUBLISHED' ? held.state?.publishedAt : at;
  const state: SamplingResultPublished = {
    ...stated,
    reporterId,
    revision: next + 1,
    reportedRevision: revision,
    acceptedAt: at,
    ...(isPublic && { publishedAt }),
  };
  // Publication supersedes the notice: the published revision alone is enough to end it.
  announcements.push({ type: isPublic ? SamplingResultPublished : SamplingResultNotified, data: state });
  return {
    outcome: 'accepted',
    announcements,
    held: {
      reporterId,
      sampleNo: report.sampleNo,
      status: isPublic ? 'PUBLISHED' : 'NOTIFIED',
      revision: state.revision,
      reportedRevision: revision,
      reportedHash: hash,
      restoredRevision: held?.restoredRevision ?? null,
      acceptedAt: at,
      state,
      withdrawal: null,
      mergedInto: null,
      batchKey: batchKey ?? null,
      warnings,
    },
  };
}

function acceptRetraction({ held, reporterId, at, warnings, givenUp }: Follow, retraction: Submission & { kind: 'RETRACTION' }): Accepted {
  const { sampleNo, reason, revision: reportedRevision, hash: reportedHash } = retraction;
  const withdrawal = { reason, withdrawnAt: at };
  const withdrawn = {
    reporterId,
    sampleNo,
    status: 'WITHDRAWN',
    reportedRevision,
    reportedHash,
    restoredRevision: held?.restoredRevision ?? null,
    acceptedAt: at,
    withdrawal,
    mergedInto: held?.mergedInto ?? null,
    batchKey: held ? held.batchKey : NO_BATCH,
    warnings,
  } as const;
  if (!held?.state || held.status === 'WITHDRAWN') {
    const unchanged = { ...withdrawn, revision: held?.revision ?? 0, state: held?.state ?? null };
    return { outcome: 'accepted', held: unchanged, announcements: [] };
  }
  const decisions = (held.state.decisions ?? []).filter((one) => !givenUp.includes(one));
  const state = {
    ...held.state,
    revision: held.revision + 1,
    reportedRevision,
    acceptedAt: at,
    ...(held.state.decisions && { decisions }),
  };
  // The last state decides the topic: a state under embargo must not reach the public one, even if an earlier state was published.
  const type = held.status === 'PUBLISHED' ? SamplingResultWithdrawn : SamplingNoticeWithdrawn;
  return {
    outcome: 'accepted',
    held: { ...withdrawn, revision: state.revision, state },
    announcements: [{ type, data: { ...state, ...withdrawal } }],
  };
}

/** What is held of a result by the last that was announced of it. What was never announced of it is not known. */
export function heldBy({ type, data }: Announcement): HeldResult {
  const { reason, withdrawnAt, mergedInto, ...state } = { reason: '', withdrawnAt: null, mergedInto: null, ...data };
  // Half of what a report said: the other half, the notice of the same reported revision, is still to come or to be reported again.
  // Where it was decided the next report says the other half.
  const isHalf = reason === EMBARGOED_AGAIN && !isEmbargoDecided(state);
  const reportedRevision = isHalf ? state.reportedRevision - 1 : state.reportedRevision;
  return {
    reporterId: state.reporterId,
    sampleNo: state.sampleNo,
    status: statusAfter(type),
    revision: state.revision,
    reportedRevision,
    reportedHash: '',
    restoredRevision: reportedRevision,
    acceptedAt: state.acceptedAt,
    state,
    withdrawal: withdrawnAt === null ? null : { reason, withdrawnAt },
    mergedInto,
    batchKey: batchKeyOf(state),
    warnings: [],
  };
}

function statusAfter(type: Announcement['type']): Status {
  if (type === SamplingResultPublished) return 'PUBLISHED';
  return type === SamplingResultNotified ? 'NOTIFIED' : 'WITHDRAWN';
}

function seriesWarnings(held: HeldResult | null, { kind, revision }: Submission): Finding[] {
  if (!held && kind === 'RETRACTION')
    return [warning('NEVER_REPORTED', '/sampleNo', 'was never reported; lower revisions are stale from now on')];
  const gap = gapFindings(held?.reportedRevision ?? 0, revision);
  if (held?.status !== 'WITHDRAWN' || kind === 'REPORT') return gap;
  return [...gap, warning('ALREADY_WITHDRAWN', '/sampleNo', 'had been withdrawn before; nothing is announced')];
}

const warning = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });

/** The rules beyond the structure, in the order in which a result with several findings is counted. */
function findingsOf(report: Partial<SamplingResultReported>, usccs: readonly PrintedUscc[], now: Date): Finding[] {
  const findings: Finding[] = [];
  const find = (code: string, pointer: string, message: string): void => void findings.push({ code, pointer, message });
  if (report.verdict === 'UNQUALIFIED' && !report.failingItems?.length)
    find('FAILING_ITEM_MISSING', '/failingItems', 'is required for UNQUALIFIED');
  if (!report.sampledParty && !report.nominalProducer && !report.online?.shopName) {
    find('PARTY_MISSING', '/sampledParty', 'or nominalProducer or online.shopName is required');
  }
  if (report.notice && report.finality !== 'FINAL') find('NOTICE_NOT_FINAL', '/finality', 'must be FINAL for a result with a notice');
  if (report.verdict === 'NOT_TESTED' && !report.notTestedReason)
    find('NOT_TESTED_REASON_MISSING', '/notTestedReason', 'is required for NOT_TESTED');
  if ((report.revision ?? 1) > 1 && !report.revisionReason)
    find('REVISION_REASON_MISSING', '/revisionReason', 'is required from revision 2 on');
  for (const { pointer, outcome } of usccs) {
    if (outcome === 'MALFORMED') find('USCC_CHECK_FAILED', pointer, 'is not the shape of a USCC, so its check digits cannot be right');
    if (outcome === 'CHECK_FAILED') find('USCC_CHECK_FAILED', pointer, 'has a wrong check digit');
  }
  for (const party of ['sampledParty', 'nominalProducer'] as const) {
    const code = report[party]?.divisionCode;
    if (code && !divisionExists(code)) find('DIVISION_UNKNOWN', `/${party}/divisionCode`, 'is not and never was a code of GB/T 2260');
  }
  if (isLarge(report)) find('RESULT_TOO_LARGE', '', `has more than ${STATE_BYTES_MAX} bytes, too many for one event`);
  if (report.sampledOn && report.sampledOn > dayInChina(now)) find('SAMPLED_IN_FUTURE', '/sampledOn', 'lies in the future');
  return findings;
}

// The broker takes 1 MiB a record; what a withdrawal adds, and the headers, need room.
const STATE_BYTES_MAX = 800_000;

/** Only long lists make a result large, so the others are not measured. */
function isLarge(report: Partial<SamplingResultReported>): boolean {
  const entries = (report.failingItems?.length ?? 0) + (report.online?.listings?.length ?? 0);
  return entries > 50 && Buffer.byteLength(JSON.stringify(report)) > STATE_BYTES_MAX;
}

const PARTIES = ['sampledParty', 'nominalProducer', 'laboratory'] as const;

interface PrintedUscc extends ReadUscc {
  readonly party: (typeof PARTIES)[number];
  readonly pointer: string;
}

function usccsOf(report: Partial<SamplingResultReported>): PrintedUscc[] {
  return PARTIES.flatMap((party) => {
    const printed = report[party]?.uscc;
    return printed === undefined ? [] : [{ party, pointer: `/${party}/uscc`, ...readUscc(printed) }];
  });
}

// A code of the 2015 pilot is legal though it fails one check digit; only the register can settle it.
const legacyCandidates = (usccs: readonly PrintedUscc[]): Finding[] =>
  usccs
    .filter(({ outcome }) => outcome === 'CHECK_FAILED_LEGACY_CANDIDATE')
    .map(({ pointer }) => warning('CHECK_FAILED_LEGACY_CANDIDATE', pointer, 'may be a pilot code of 2015; the register has to settle it'));

/** With its codes as the register writes them. */
function normalised(report: SamplingResultReported, usccs: readonly PrintedUscc[]): SamplingResultReported & { revision: number } {
  const read = { ...report, revision: report.revision ?? 1 };
  for (const { party, code } of usccs) {
    const holder = read[party];
    if (holder && holder.uscc !== code) read[party] = { ...holder, uscc: code };
  }
  return read;
}

// For the hash alone (design §3.1): what was not printed stays absent in what is announced.
function withDefaults(report: SamplingResultReported): SamplingResultReported {
  const { nominalProducer } = report;
  return nominalProducer
    ? { ...report, nominalProducer: { ...nominalProducer, authorship: nominalProducer.authorship ?? 'UNDISPUTED' } }
    : report;
}

/** The reported fields that leave inspection: without the sampler's order number and the reporter's own bookkeeping. */
function announced({ revision: _revision, reportedAt: _reportedAt, online, ...fields }: SamplingResultReported) {
  if (!online) return fields;
  const { orderNo: _orderNo, ...sale } = online;
  return { ...fields, online: sale };
}

// Declared fields are at most four steps deep (/online/listings/0/url); what lies deeper is an unknown field.
const DEEPEST = 4;
// No list holds more than 500 entries, no object more than 30 fields.
const WIDEST = 1_000;

/** A malformed report without its malformed fields. */
function soundPart(input: unknown, findings: readonly Finding[]): Partial<SamplingResultReported> {
  const bad = new Set(findings.map(({ pointer }) => pointer));
  const sound = (value: unknown, pointer: string, depth: number): unknown => {
    if (value === null || value === '' || bad.has(pointer) || depth > DEEPEST) return undefined;
    if (typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.slice(0, WIDEST).map((entry, index) => sound(entry, `${pointer}/${index}`, depth + 1));
    const fields = Object.entries(value).slice(0, WIDEST);
    return Object.fromEntries(fields.map(([name, entry]) => [name, sound(entry, `${pointer}/${name}`, depth + 1)]));
  };
  // Every declared field that is left has passed its schema, so the shape is that of a report with fields missing.
  return sound(input, '', 0) ?? {};
}

const overlap = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`) || a === '' || b === '';
