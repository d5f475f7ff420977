/**
 * Questions about a merchant that are answered YES, NO or UNKNOWN, with a class of reason and without any record: whoever decides by a
 * threshold need not see what lies behind it. An answer is never better than what is known: an entity the register does not hold is not
 * clean, a date that is printed as a year may lie inside or outside, and a commitment that nobody has checked is not kept.
 */
import {
  CREDIT_PREDICATES,
  type CreditPredicate,
  OneOf,
  Optional,
  type PredicateAnswer,
  type PredicateReason,
  type Regime,
  REGIMES,
  Text,
  Whole,
} from '@jinqiao/contracts';
import { addDays, addMonths, dayInChina, rule, wholeDate } from '@jinqiao/law';
import type { Finding } from '@jinqiao/schema';
import type { Question } from '../enquiry/enquiry.js';
import { countOf, endOfDay, type PublicFacts, reliedOnUntil } from '../public-facts/public-facts.js';

export class PredicateItem {
  @Text({ max: 32, about: 'Unified social credit code.' }) uscc: string;
  @OneOf(CREDIT_PREDICATES) predicate: CreditPredicate;
  @Optional()
  @Whole({ min: 1, max: 1_200, about: 'Of NO_PUBLISHED_UNQUALIFIED_SAMPLING, not more than results are public for.' })
  months?: number;
  @Optional() @OneOf(REGIMES, { about: 'Of NO_PUBLISHED_UNQUALIFIED_SAMPLING.' }) regime?: Regime;
}

export interface Predicate extends Question<PredicateItem> {
  readonly answer: PredicateAnswer;
  readonly reason: PredicateReason;
  readonly asOf: string;
  readonly validUntil: string;
}

type Verdict = Pick<Predicate, 'answer' | 'reason'>;

/** Over how many months a question may reach: what is older is public no more, so "none is published" would be no news. */
export function monthsMax(today: string): number {
  const row = rule('CREDIT_PUBLICATION_SAMPLING_RESULT', { on: today });
  if (row === 'NO_RULE') return 0;
  return row.unit === 'YEARS' ? row.value * 12 : row.value;
}

/** What goes with which predicate. */
export function fieldFindings({ predicate, months, regime }: PredicateItem, today: string): Finding[] {
  if (predicate !== 'NO_PUBLISHED_UNQUALIFIED_SAMPLING') {
    const unexpected = { months, regime };
    return Object.entries(unexpected).flatMap(([name, value]) =>
      value === undefined ? [] : [{ code: 'FIELD_UNEXPECTED', pointer: `/${name}`, message: `does not go with ${predicate}` }],
    );
  }
  if (months === undefined) return [{ code: 'FIELD_MISSING', pointer: '/months', message: `is required for ${predicate}` }];
  const most = monthsMax(today);
  return months > most ? [{ code: 'OUT_OF_RANGE', pointer: '/months', message: `must be at most ${most}` }] : [];
}

/** Publicity begins and ends at midnight, so a day's answer holds for that day; more would say when a record ends. */
/** What is the same of every question of a moment is made once. */
export function answerAt(now: Date): (question: Question<PredicateItem>, facts: PublicFacts) => Predicate {
  const today = dayInChina(now);
  const asOf = now.toISOString();
  const validUntil = new Date(Math.min(reliedOnUntil(now, today).getTime(), endOfDay(today).getTime())).toISOString();
  return (question, facts) => ({ ...question, ...judge(question, facts, today), asOf, validUntil });
}

function judge(question: Pick<PredicateItem, 'predicate' | 'months' | 'regime'>, facts: PublicFacts, today: string): Verdict {
  switch (question.predicate) {
    case 'NOT_ON_SERIOUS_LIST':
      return countOf(facts.held, 'SERIOUS_DISHONESTY') > 0 ? no : yesIfRegistered(facts);
    case 'NO_PUBLISHED_UNQUALIFIED_SAMPLING':
      return sampling(question, facts, today);
    case 'COMMITMENT_KEPT':
      return commitment(facts);
  }
}

const no: Verdict = { answer: 'NO', reason: 'PUBLIC_RECORD' };
const unknown = (reason: PredicateReason): Verdict => ({ answer: 'UNKNOWN', reason });
const yesIfRegistered = ({ registration }: PublicFacts): Verdict =>
  registration === null ? unknown('NOT_REGISTERED') : { answer: 'YES', reason: 'NO_PUBLIC_RECORD' };

function sampling({ months = 0, regime }: Pick<PredicateItem, 'months' | 'regime'>, facts: PublicFacts, today: string): Verdict {
  const since = addMonths(today, -months);
  const documents = facts.held.find(({ type }) => type === 'SAMPLING_RESULT')?.documents ?? [];
  // One whose regime is not kept may be of any.
  const maybe = documents.filter((one) => lastDayOf(one.date) >= since && (regime === undefined || (one.regime ?? regime) === regime));
  if (maybe.length === 0) return yesIfRegistered(facts);
  const certain = maybe.filter((one) => regime === undefined || one.regime === regime);
  if (certain.some(({ date }) => wholeDate(date) >= since)) return no;
  return unknown(certain.length < maybe.length ? 'REGIME_NOT_RECORDED' : 'DATE_INEXACT');
}

/** The last day that a date as printed may be: a year or a month ends with its last. */
function lastDayOf(printed: string): string {
  const months = { 4: 12, 7: 1 }[printed.length];
  return months === undefined ? printed : addDays(addMonths(wholeDate(printed), months), -1);
}

/** By what departments found: one that was broken or kept in part says no, all kept says yes. */
function commitment({ held, registration }: PublicFacts): Verdict {
  if (countOf(held, 'COMMITMENT_BROKEN') > 0) return no;
  const made = held.find(({ type }) => type === 'COMMITMENT');
  if (made === undefined) return unknown(registration === null ? 'NOT_REGISTERED' : 'NO_COMMITMENT');
  if (made.open + made.kept < made.count) return no;
  return made.open > 0 ? unknown('COMMITMENT_NOT_CHECKED') : { answer: 'YES', reason: 'PUBLIC_RECORD' };
}
