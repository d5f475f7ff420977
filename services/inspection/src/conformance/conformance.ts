/**
 * What a department shows in the sandbox before anything that it reports is taken for true: that its system reports a result, sends it as
 * it was when it sends it again, numbers a change as the next revision, and gets an answer that names what is wrong. Its reports come by
 * the channels and are read by the rules that all reports do; they are kept apart, compared with nobody's and announced to nobody.
 */
import type { OrganisationStatus } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import type { Answer } from '../sampling-result/sampling-result.js';

export const CHECKS = ['ACCEPTED', 'DUPLICATE', 'REVISION', 'REFUSED'] as const;
export type Check = (typeof CHECKS)[number];

/** The answer that showed it: of what was refused with the first code and its place. */
export interface Shown {
  readonly sampleNo: string | null;
  readonly code?: string;
  readonly pointer?: string;
  /** RFC 3339. */
  readonly at: string;
}

export type AllShown = { readonly [C in Check]?: Shown };

export interface Run {
  readonly runId: string;
  readonly departmentId: string;
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly shown: AllShown;
  /** When everything was shown; null while something is missing, also after its end. */
  readonly finishedAt: Date | null;
}

export class NotInSandbox extends DomainError {
  constructor(status: OrganisationStatus | null) {
    const title = { zh: '仅限沙箱阶段', en: 'This is for a department in the sandbox' };
    super('NOT_IN_SANDBOX', 409, title, [], { organisationStatus: status });
  }
}

export class ConformanceRunning extends DomainError {
  constructor() {
    super('CONFORMANCE_RUNNING', 409, { zh: '合规检测正在进行', en: 'A conformance run is under way; pass it or wait for its end' });
  }
}

export class ConformanceRunUnknown extends DomainError {
  constructor() {
    super('CONFORMANCE_RUN_UNKNOWN', 404, { zh: '没有这次合规检测', en: 'There is no such conformance run' });
  }
}

/** Somebody may be sending a file by hand. */
const RUN_MS_MAX = 60 * 60_000;

export const endOf = (startedAt: Date): Date => new Date(startedAt.getTime() + RUN_MS_MAX);

export function statusOf({ finishedAt, endsAt }: Pick<Run, 'finishedAt' | 'endsAt'>, now: Date): 'RUNNING' | 'PASSED' | 'FAILED' {
  if (finishedAt !== null) return 'PASSED';
  return now < endsAt ? 'RUNNING' : 'FAILED';
}

/** The run after these answers; the same one where they show nothing new, or come when it is over. */
export function follow<R extends Run>(run: R, answers: readonly Answer[], now: Date): R {
  if (statusOf(run, now) !== 'RUNNING') return run;
  const shown: { [C in Check]?: Shown } = { ...run.shown };
  for (const answer of answers) {
    const check = showsOf(answer);
    if (check !== null) shown[check] ??= shownBy(answer, now);
  }
  if (Object.keys(shown).length === Object.keys(run.shown).length) return run;
  return { ...run, shown, finishedAt: CHECKS.every((check) => shown[check]) ? now : null };
}

/** A revision that was numbered wrongly is refused too, but shows nothing good of who numbered it. */
const ABOUT_REVISIONS = ['STALE_REVISION', 'REVISION_CONFLICT'];

function showsOf({ outcome, revision, status, warnings, errors }: Answer): Check | null {
  switch (outcome) {
    case 'duplicate':
      return 'DUPLICATE';
    case 'rejected':
      return errors.some(({ code }) => !ABOUT_REVISIONS.includes(code)) ? 'REFUSED' : null;
    case 'accepted':
      if (status === 'WITHDRAWN') return null;
      if (revision === 1) return 'ACCEPTED';
      return warnings.some(({ code }) => code === 'REVISION_GAP') ? null : 'REVISION';
  }
}

function shownBy({ sampleNo, errors }: Answer, now: Date): Shown {
  const [first] = errors;
  return { sampleNo, ...(first && { code: first.code, pointer: first.pointer }), at: now.toISOString() };
}
