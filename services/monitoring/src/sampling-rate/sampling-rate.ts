/**
 * Which results statistics count, and in which bucket (design §3.3). Only FINAL results with a verdict of QUALIFIED or UNQUALIFIED count;
 * the period is the month of sampling, else of publication; a year alone is a bucket of its own, never spread over months. A rate is only
 * shown for rounds that report every sample: over failures alone it would be 100 %.
 */
import type { Coverage, Regime, SamplingResultPublished } from '@jinqiao/contracts';
import { categoryOf, nameKey } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';

export const DIMENSIONS = ['period', 'periodBasis', 'regime', 'category', 'platform', 'division', 'coverage'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const PERIOD_BASES = ['SAMPLED_ON', 'PUBLISHED_ON', 'PUBLISHED_YEAR', 'UNKNOWN'] as const;

/** What was not printed. A bucket of its own, so that the sums are right. */
export const UNKNOWN = 'unknown';
/** Sampled in a shop, not online. */
export const OFFLINE = 'offline';

export interface Bucket {
  /** YYYY-MM, YYYY or unknown. */
  readonly period: string;
  readonly periodBasis: (typeof PERIOD_BASES)[number];
  readonly regime: Regime;
  readonly category: string;
  /** The platform's id, or the key of its printed name; names are resolved when rates are read, so a later alias regroups the past. */
  readonly platform: string;
  /** GB/T 2260 of the sampled party. */
  readonly division: string;
  readonly coverage: Coverage | typeof UNKNOWN;
}

/** What one result adds to the statistics in its present state: one result in one bucket, or nothing. */
export interface Contribution {
  readonly subject: string;
  readonly revision: number;
  readonly counted: (Bucket & { readonly verdict: 'QUALIFIED' | 'UNQUALIFIED' }) | null;
}

export class UnknownRateParameter extends DomainError {
  constructor(parameter: string, allowed: readonly string[]) {
    super('UNKNOWN_PARAMETER', 400, { zh: '未知的查询参数', en: 'The query has a parameter that does not exist' }, [
      { code: 'UNKNOWN_PARAMETER', pointer: `/${parameter}`, message: `must be one of ${allowed.join(', ')}` },
    ]);
  }
}

/** The contribution of a result that is published in this state. */
export function contributionOf(subject: string, state: SamplingResultPublished): Contribution {
  const { revision, verdict, finality } = state;
  if (finality !== 'FINAL' || (verdict !== 'QUALIFIED' && verdict !== 'UNQUALIFIED')) return { subject, revision, counted: null };
  return { subject, revision, counted: { verdict, ...bucketOf(state) } };
}

/** The contribution of a result that was taken back: nothing, from this revision on. */
export const withdrawn = (subject: string, revision: number): Contribution => ({ subject, revision, counted: null });

function bucketOf(state: SamplingResultPublished): Bucket {
  const { regime, product, online, sampledParty, round } = state;
  return {
    ...periodOf(state),
    regime,
    category: categoryIn(regime, product.category),
    platform: online ? nameKey(online.platformId ?? online.platformName ?? UNKNOWN) : OFFLINE,
    division: sampledParty?.divisionCode ?? UNKNOWN,
    coverage: round?.coverage ?? UNKNOWN,
  };
}

function periodOf({ sampledOn, notice }: SamplingResultPublished): Pick<Bucket, 'period' | 'periodBasis'> {
  if (sampledOn) return { period: sampledOn.slice(0, 7), periodBasis: 'SAMPLED_ON' };
  const publishedOn = notice?.publishedOn;
  if (!publishedOn) return { period: UNKNOWN, periodBasis: 'UNKNOWN' };
  if (publishedOn.length === 4) return { period: publishedOn, periodBasis: 'PUBLISHED_YEAR' };
  return { period: publishedOn.slice(0, 7), periodBasis: 'PUBLISHED_ON' };
}

// Spellings of one class are one bucket; a class of another regime is only a word that looks alike.
function categoryIn(regime: Regime, printed: string | undefined): string {
  if (printed === undefined) return UNKNOWN;
  const known = categoryOf(printed);
  return known?.regime === regime ? known.category : printed.trim();
}

/** Of several states of one result only the newest matters; the batch then touches each row once. */
export function newestOf(contributions: readonly Contribution[]): Contribution[] {
  const newest = new Map<string, Contribution>();
  for (const contribution of contributions) {
    const before = newest.get(contribution.subject);
    if (!before || before.revision < contribution.revision) newest.set(contribution.subject, contribution);
  }
  return [...newest.values()];
}

export interface Counts {
  readonly results: number;
  readonly unqualified: number;
  /** Those of rounds that report every sample: what the rate is made of. */
  readonly completeResults: number;
  readonly completeUnqualified: number;
}

export type Rate = Counts & { readonly rate: number | null };
export type RateCell = Partial<Record<Dimension, string>> & Rate;

export const rateOf = (counts: Counts): Rate => ({
  ...counts,
  rate: counts.completeResults === 0 ? null : counts.completeUnqualified / counts.completeResults,
});

/** A question about rates. Every dimension is also a filter. */
export interface RateQuestion extends Partial<Record<Dimension, string>> {
  readonly groupBy?: readonly Dimension[];
  /** First and last month, for periods that are months. */
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

export const MOST_CELLS = 1_000;
const PARAMETERS: readonly string[] = ['groupBy', 'from', 'to', 'cursor', 'limit', ...DIMENSIONS];

/** A name nobody knows is refused: ignoring a misspelt filter would answer with the wrong numbers. */
export function refuseUnknown(parameters: readonly string[]): void {
  const unknown = parameters.find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw new UnknownRateParameter(unknown, PARAMETERS);
}
