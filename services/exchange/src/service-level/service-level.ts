/**
 * How long things take, computed from what was recorded on the way and never from what anybody says of himself: from acceptance to the
 * recipient, from there to its answer, and from the sample to the report to the publication. By day in China.
 */
import { addDays, dayInChina } from '@jinqiao/law';
import type { Principal } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';

export const PERIOD_DAYS_MAX = 92;
const PERIOD_DAYS = 7;

/** Of the durations that have ended: exact percentiles (percentile_cont), null where there are none. `open` have not. */
export interface Spread {
  readonly count: number;
  readonly open: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** What was told to a platform on a day. Seconds. */
export interface PlatformLevel {
  readonly platformId: string;
  readonly kind: string;
  readonly day: string;
  readonly told: number;
  readonly acceptedToDelivered: Spread;
  readonly deliveredToAnswered: Spread;
}

/** What a department reported on a day. */
export interface DepartmentLevel {
  readonly departmentId: string;
  readonly day: string;
  readonly reported: number;
  /** Days; `open`: it is not known when they were sampled. */
  readonly sampledToReportedDays: Spread;
  /** Seconds; `open`: reported, not withdrawn, and not published. */
  readonly reportedToPublished: Spread;
}

export interface ServiceLevelFilter {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly platform?: string | undefined;
  readonly department?: string | undefined;
}

/** The first and last day. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** Whose levels: null = everybody's. */
export interface Scope {
  readonly platform: string | null;
  readonly department: string | null;
}

const refusal = (code: string, pointer: string, message: string) => [{ code, pointer, message }];

export class PeriodReversed extends DomainError {
  constructor() {
    const message = 'The period ends before it begins.';
    super('PERIOD_REVERSED', 422, { zh: '起止日期颠倒', en: message.slice(0, -1) }, refusal('PERIOD_REVERSED', '/to', message));
  }
}

export class PeriodTooLong extends DomainError {
  constructor() {
    const message = `A period has ${PERIOD_DAYS_MAX} days at most.`;
    super('PERIOD_TOO_LONG', 422, { zh: '查询期间过长', en: message.slice(0, -1) }, refusal('PERIOD_TOO_LONG', '/to', message));
  }
}

export class PlatformUnknown extends DomainError {
  constructor() {
    const message = 'No platform has this id.';
    super('PLATFORM_UNKNOWN', 404, { zh: '平台不存在', en: message.slice(0, -1) }, refusal('PLATFORM_UNKNOWN', '/platform', message));
  }
}

export class ServiceLevelOfAnother extends DomainError {
  constructor(pointer: '/platform' | '/department') {
    const message = 'Only your own service levels are shown to you.';
    super(
      'SERVICE_LEVEL_OF_ANOTHER',
      403,
      { zh: '只能查询本机构的时效', en: message.slice(0, -1) },
      refusal('SERVICE_LEVEL_OF_ANOTHER', pointer, message),
    );
  }
}

/** The last seven days, unless something else is asked for. */
export function periodOf({ from, to }: ServiceLevelFilter, now: Date): Period {
  const last = to ?? dayInChina(now);
  const first = from ?? addDays(last, 1 - PERIOD_DAYS);
  if (last < first) throw new PeriodReversed();
  if (addDays(first, PERIOD_DAYS_MAX) <= last) throw new PeriodTooLong();
  return { from: first, to: last };
}

/** A platform sees its own, a department its own and what platforms did with it, whoever supervises everything. */
export function scopeOf({ kind, id }: Pick<Principal, 'kind' | 'id'>, { platform, department }: ServiceLevelFilter): Scope {
  if (kind === 'PLATFORM' && (platform ?? id) !== id) throw new ServiceLevelOfAnother('/platform');
  if (kind === 'PLATFORM' && department !== undefined) throw new ServiceLevelOfAnother('/department');
  if (kind === 'DEPARTMENT' && (department ?? id) !== id) throw new ServiceLevelOfAnother('/department');
  return {
    platform: kind === 'PLATFORM' ? id : (platform ?? null),
    department: kind === 'DEPARTMENT' ? id : (department ?? null),
  };
}
