import type { CreditReport, CreditRetraction, Entry } from '../history.js';
import type { Told } from './expected.js';

/*
 * A record that begins or ends to be public by the clock. Nobody outside sees when the clock acted, nor when what went over Kafka was taken
 * in, so all that may have happened is worked out: the record has to stand as one of these says.
 */

/** By the clock of credit: the first and the last day that it may have had between two instants. */
export type Days = (from: number, until: number) => { readonly first: string; readonly last: string };

export interface Standing {
  readonly standing: string;
  /** Of what the public was told. */
  readonly revision: number;
}

const DAY_MS = 86_400_000;
const CHINA_MS = 8 * 3_600_000;

const dayAt = (instant: number, daysLater: number): string => new Date(instant + CHINA_MS + daysLater * DAY_MS).toISOString().slice(0, 10);

type Reported = Told<CreditReport | CreditRetraction>;

export const hasPeriod = ({ operation }: Told): boolean =>
  operation.kind === 'RECORD' && (operation.publishFrom ?? operation.publicUntil) !== undefined;

/** A day passes at credit with its fault: nobody knows at which moment of it. */
export function daysIn(history: readonly Entry[]): Days {
  const passed = history.filter((entry) => entry.entry === 'fault' && entry.kind === 'a day passes' && entry.target === 'credit');
  const count = (phase: 'begins' | 'ends', at: number): number =>
    passed.filter((entry) => entry.entry === 'fault' && entry.phase === phase && entry.at <= at).length;
  const end = history.at(-1)?.at ?? 0;
  return (from, until) => {
    const by = Math.min(until, end);
    return { first: dayAt(from, count('ends', from)), last: dayAt(by, count('begins', by)) };
  };
}

/** How the record may stand in the end, when the clock has done all that is due; null = there is none. */
export function endsOf(series: readonly Reported[], days: Days): (Standing | null)[] {
  const period = series.map(({ operation }) => operation).find((operation) => operation.kind === 'RECORD');
  if (!period) return [null];
  let may: (Standing | null)[] = [null];
  for (const { operation, fate, lostWithBackup, askedAt, answeredAt, via } of series) {
    const { first, last } = days(askedAt, fate === 'open' || via === 'KAFKA' ? Infinity : answeredAt);
    const before = may.flatMap((one) => [one, onDay(one, period, last)]);
    const after = before.flatMap((one) => [first, last].map((day) => taken(one, operation, day, period)));
    // What announced nothing goes with a database that is set back.
    may = distinct(fate === 'applied' && !lostWithBackup ? after : [...before, ...after]);
  }
  const { last } = days(0, Infinity);
  return distinct(may.map((one) => onDay(one, period, last)));
}

/** What the clock makes of it. */
function onDay(one: Standing | null, { publishFrom = '', publicUntil = '9999-12-31' }: CreditReport, day: string): Standing | null {
  if (one?.standing === 'NOT_YET' && publishFrom <= day) return { standing: 'PUBLIC', revision: one.revision + 1 };
  if (one?.standing === 'PUBLIC' && publicUntil < day) return { standing: 'EXPIRED', revision: one.revision + 1 };
  return one;
}

function taken(one: Standing | null, operation: CreditReport | CreditRetraction, day: string, period: CreditReport): Standing | null {
  // What is over by then has expired, whether or not the clock has acted.
  const stood = one?.standing === 'PUBLIC' ? onDay(one, period, day) : one;
  if (stood?.standing === 'EXPIRED') return stood;
  const { standing: before, revision } = one ?? { standing: '', revision: 0 };
  if (operation.kind === 'RECORD_RETRACTION') {
    return one && { standing: operation.ground, revision: before === 'PUBLIC' ? revision + 1 : revision };
  }
  const { publishFrom = '', publicUntil = '9999-12-31' } = operation;
  const standing = publicUntil < day ? 'PERIOD_OVER' : day < publishFrom ? 'NOT_YET' : 'PUBLIC';
  // Each report says something else.
  return { standing, revision: before === 'PUBLIC' || standing === 'PUBLIC' ? revision + 1 : revision };
}

function distinct(all: readonly (Standing | null)[]): (Standing | null)[] {
  return [...new Map(all.map((one) => [one === null ? '' : `${one.standing} ${one.revision}`, one])).values()];
}
