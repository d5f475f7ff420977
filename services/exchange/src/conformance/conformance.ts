/**
 * What a platform shows in the sandbox before anything real is told to it. Two made-up findings are told by its own channel, by the very
 * path that real ones take. Once both are answered, the first comes again, then its next revision; the second is withdrawn; and an endpoint
 * gets a message that somebody else has signed. What the platform answers, and what it leaves unanswered, is what is judged.
 */
import type { AnswerStatus, OrganisationStatus, SamplingResultPublished } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import type { Channel } from '../delivery/delivery.js';
import {
  actionsFor,
  type Draft,
  type Feedback,
  feedbackIdOf,
  issue,
  NOTICE_ENTITLEMENT,
  noticeBasis,
  sourceOf,
  withdraw,
} from '../feedback/feedback.js';
import { SANDBOX } from '../organisation/organisation.js';
import { closes } from '../receipt/receipt.js';

export const CHECKS = ['RECEIVES', 'DEDUPES', 'REVISION', 'WITHDRAWAL', 'BAD_SIGNATURE'] as const;
export type Check = (typeof CHECKS)[number];

export interface CheckResult {
  readonly state: 'WAITING' | 'PASSED' | 'FAILED' | 'NOT_APPLICABLE';
  /** Why it failed, or does not apply. */
  readonly reason: Reason | null;
}

/**
 * NOT_ANSWERED: no answer that something was done came in time. ANSWERED_TWICE: what came again was answered again. TAKEN: the endpoint
 * took what was wrongly signed. NOT_REACHED: the endpoint gave no HTTP status. CHANNEL_HAS_NO_SIGNATURES: the connection is what proves
 * the sender.
 */
export type Reason = 'NOT_ANSWERED' | 'ANSWERED_TWICE' | 'TAKEN' | 'NOT_REACHED' | 'CHANNEL_HAS_NO_SIGNATURES';

export interface Run {
  readonly runId: string;
  readonly organisationId: string;
  readonly channel: Channel;
  readonly startedAt: Date;
  readonly endsAt: Date;
  /** When the second part was told; null until the first is answered. */
  readonly repeatedAt: Date | null;
  readonly forged: Forged | null;
}

/** What an endpoint answered to the message that it has to refuse. */
export interface Forged {
  readonly status: number | null;
}

/** The two findings of a run: one is revised, the other withdrawn. */
export const PARTS = ['REVISED', 'WITHDRAWN'] as const;
export type Part = (typeof PARTS)[number];

/** An answer of the platform, also one that was refused. */
export interface Seen {
  readonly part: Part;
  readonly feedbackRevision: number;
  readonly status: AnswerStatus;
  readonly at: Date;
  readonly isRefused: boolean;
}

/** TELL_ON: the second part is due. */
export interface Judged {
  readonly next: 'WAIT' | 'TELL_ON' | 'FINISH';
  readonly checks: Readonly<Record<Check, CheckResult>>;
}

export class NotInSandbox extends DomainError {
  constructor(status: OrganisationStatus) {
    const title = { zh: '仅限沙箱阶段', en: 'This is for an organisation in the sandbox' };
    super('NOT_IN_SANDBOX', 409, title, [], { organisationStatus: status });
  }
}

export class ConformanceRunning extends DomainError {
  constructor() {
    super('CONFORMANCE_RUNNING', 409, { zh: '合规检测正在进行', en: 'A conformance run is under way; wait for its end' });
  }
}

export class ConformanceRunUnknown extends DomainError {
  constructor() {
    super('CONFORMANCE_RUN_UNKNOWN', 404, { zh: '没有这次合规检测', en: 'There is no such conformance run' });
  }
}

const RUN_MS_MAX = 15 * 60_000;
/** After the last answer: one that should not come may be on its way. */
const SETTLE_MS = 2_000;

export const endOf = (startedAt: Date): Date => new Date(startedAt.getTime() + RUN_MS_MAX);

/** What a finding is made up for: a part of a run, a forged signature, or the test of an endpoint. */
type MadeUp = Part | 'FORGED' | 'TEST';

/** The subject of a finding; no department has this id. */
export const subjectFor = (runId: string, part: MadeUp): string => `${SANDBOX}:${runId}-${part}`;

/** What the platform is told in a run. */
export function findingsOf(runId: string, organisationId: string): { revisedId: string; withdrawnId: string } {
  const idOf = (part: Part): string => feedbackIdOf(organisationId, 'SAMPLING_RESULT', subjectFor(runId, part));
  return { revisedId: idOf('REVISED'), withdrawnId: idOf('WITHDRAWN') };
}

/** Leaves out what was made up: `f` or `d` is the row with the subject. */
export const isReal = (row: 'f' | 'd'): string => `NOT starts_with(${row}.subject, '${SANDBOX}:')`;

export function judge(run: Run, seen: readonly Seen[], now: Date): Judged {
  const { channel, endsAt, repeatedAt, forged } = run;
  const isOver = now >= endsAt;
  const waits: CheckResult = isOver ? failed('NOT_ANSWERED') : WAITING;
  const done = (part: Part, revision: number): boolean =>
    seen.some((one) => one.part === part && one.feedbackRevision === revision && !one.isRefused && closes({ ...one, superseded: false }));
  const receives = PARTS.every((part) => done(part, 1)) ? PASSED : waits;
  const second = (part: Part): CheckResult => (repeatedAt !== null && done(part, 2) ? PASSED : waits);
  const checks = {
    RECEIVES: receives,
    REVISION: second('REVISED'),
    WITHDRAWAL: second('WITHDRAWN'),
    BAD_SIGNATURE: channel === 'WEBHOOK' ? (forged ? refusal(forged) : waits) : NOT_APPLICABLE,
  };
  const hasAll = Object.values(checks).every(({ state }) => state !== 'WAITING');
  const last = Math.max(...seen.map(({ at }) => at.getTime()), repeatedAt?.getTime() ?? 0);
  const isSettled = isOver || (hasAll && now.getTime() - last >= SETTLE_MS);
  const dedupes = isSettled ? repetition(seen, repeatedAt) : WAITING;
  const next = repeatedAt === null && receives === PASSED && !isOver ? 'TELL_ON' : isSettled ? 'FINISH' : 'WAIT';
  return { next, checks: { ...checks, DEDUPES: dedupes } };
}

export const isPassed = (checks: Judged['checks']): boolean =>
  Object.values(checks).every(({ state }) => state === 'PASSED' || state === 'NOT_APPLICABLE');

const WAITING: CheckResult = { state: 'WAITING', reason: null };
const PASSED: CheckResult = { state: 'PASSED', reason: null };
const NOT_APPLICABLE: CheckResult = { state: 'NOT_APPLICABLE', reason: 'CHANNEL_HAS_NO_SIGNATURES' };
const failed = (reason: Reason): CheckResult => ({ state: 'FAILED', reason });

function refusal({ status }: Forged): CheckResult {
  if (status === null) return failed('NOT_REACHED');
  return status >= 200 && status < 300 ? failed('TAKEN') : PASSED;
}

/** The same answer sent again is a duplicate and is not seen here; any other one says that the work was done twice. */
function repetition(seen: readonly Seen[], repeatedAt: Date | null): CheckResult {
  if (repeatedAt === null) return failed('NOT_ANSWERED');
  const again = seen.some(({ part, feedbackRevision, at }) => part === 'REVISED' && feedbackRevision === 1 && at >= repeatedAt);
  return again ? failed('ANSWERED_TWICE') : PASSED;
}

/** The first revision of a finding, or the next one. Without a clock: nothing is overdue in a sandbox. */
export function madeUp(run: Pick<Run, 'runId' | 'organisationId'>, part: MadeUp, previous: Feedback | null, now: Date): Feedback {
  const revision = (previous?.said.revision ?? 0) + 1;
  const draft: Draft = {
    recipientId: run.organisationId,
    kind: 'SAMPLING_RESULT',
    subject: subjectFor(run.runId, part),
    subjectRevision: revision,
    publisherId: null,
    matchedBy: null,
    regime: null,
    actionsRequired: actionsFor('UNQUALIFIED', null, 'PRODUCT'),
    legalBasis: noticeBasis('PRODUCT'),
    entitlement: NOTICE_ENTITLEMENT,
    finality: 'FINAL',
    source: sourceOf(finding(`${run.runId}-${part}`, revision, now)),
  };
  const issued = issue(previous, draft, now);
  if (issued === null) throw new Error('a revision of a made-up finding says nothing new');
  return issued;
}

/** The end of a made-up finding. */
export function takenBack(feedback: Feedback, now: Date): Feedback {
  const withdrawn = withdraw(feedback, { subjectRevision: 2, reason: '合规检测：撤回虚构结果', regime: null }, now);
  if (withdrawn === null) throw new Error('a made-up finding was withdrawn before');
  return withdrawn;
}

function finding(sampleNo: string, revision: number, now: Date): Omit<SamplingResultPublished, 'publishedAt'> {
  const at = now.toISOString();
  return {
    reporterId: SANDBOX,
    sampleNo,
    revision,
    reportedRevision: revision,
    ...(revision > 1 && { revisionReason: 'CORRECTED' as const }),
    regime: 'PRODUCT',
    finality: 'FINAL',
    verdict: 'UNQUALIFIED',
    product: { name: '合规检测虚构商品', batch: `第${revision}版` },
    failingItems: [{ item: '虚构项目', measured: '0.9', limit: '不低于1.0', unit: 'mm' }],
    sampledParty: { name: '合规检测虚构商户' },
    online: { shopId: SANDBOX, shopName: '合规检测虚构店铺', listings: [{ itemId: sampleNo }] },
    notice: { no: '合规检测', publishedOn: at.slice(0, 10) },
    acceptedAt: at,
  };
}
