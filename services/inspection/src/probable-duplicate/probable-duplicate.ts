/*
 * A pair of results that probably report the same (likeness.ts), until a person says so or not. The later one waits and nobody is told of
 * it, unless somebody had been told of it before. DIFFERENT lets it in, and the pair is never raised again; SAME gives one of the two up
 * for the other. What a person has not ruled on lapses when the facts change so that there is nothing left to rule on.
 */
import type { Competence } from '@jinqiao/contracts';
import { subjectOf } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { type Actor, isProvince } from '../actor.js';
import type { ResultName } from '../sampling-result/held-result.js';
import type { Likeness } from './likeness.js';

export const PAIR_STATUSES = ['OPEN', 'DIFFERENT', 'SAME', 'LAPSED'] as const;
export type PairStatus = (typeof PAIR_STATUSES)[number];

export const RULINGS = ['DIFFERENT', 'SAME'] as const;
export type RulingKind = (typeof RULINGS)[number];

/** Two results of which a person is asked whether they report the same. */
export interface Pair {
  readonly later: ResultName;
  readonly earlier: ResultName;
  readonly likeness: Likeness;
}

export interface Ruling {
  readonly ruling: RulingKind;
  /** Subject of the one that stands: the earlier one unless told. */
  readonly survivor?: string | undefined;
  readonly reason: string;
}

export class PairUnknown extends DomainError {
  constructor() {
    super('PROBABLE_DUPLICATE_UNKNOWN', 404, { zh: '没有该疑似重复记录', en: 'There is no such pair, or it is none of yours' });
  }
}

/** Somebody else has ruled, or the facts have changed. */
export class PairNotOpen extends DomainError {
  constructor(status: PairStatus) {
    super('PROBABLE_DUPLICATE_NOT_OPEN', 409, { zh: '该疑似重复已有结论', en: 'Nothing is left to rule on in this pair' }, [], {
      state: status,
    });
  }
}

export class SurvivorWithdrawn extends DomainError {
  constructor() {
    const title = { zh: '保留的结果已撤回', en: 'The result that is to stand is withdrawn' };
    super('SURVIVOR_WITHDRAWN', 409, title, [{ code: 'SURVIVOR_WITHDRAWN', pointer: '/survivor', message: 'is withdrawn' }]);
  }
}

export class SurvivorNotOfPair extends DomainError {
  constructor() {
    const title = { zh: '保留的结果须为其中之一', en: 'One of the two stands, and only where they are the same' };
    super('SURVIVOR_NOT_OF_PAIR', 422, title, [{ code: 'SURVIVOR_NOT_OF_PAIR', pointer: '/survivor', message: 'is neither of the two' }]);
  }
}

export class MergeNotCompetent extends DomainError {
  constructor() {
    super('NOT_COMPETENT', 403, { zh: '部门只能放弃本部门的结果', en: 'A department gives up its own result, the province any' }, [], {
      by: ['PROVINCE'],
    });
  }
}

/** Is it one of the two reporters, or the province? */
export const mayRule = (actor: Actor, { later, earlier }: Pick<Pair, 'later' | 'earlier'>): boolean =>
  isProvince(actor) || [later, earlier].some(({ reporterId }) => reporterId === actor.id);

/** Which of the two stands and which is given up. */
export function survivorOf({ later, earlier }: Pick<Pair, 'later' | 'earlier'>, { ruling, survivor }: Ruling): Merge | null {
  if (ruling === 'DIFFERENT' && survivor === undefined) return null;
  const stands = ruling === 'SAME' ? [earlier, later].find((one) => subjectOf(one) === (survivor ?? subjectOf(earlier))) : undefined;
  if (!stands) throw new SurvivorNotOfPair();
  return { survivor: stands, loser: stands === earlier ? later : earlier };
}

export interface Merge {
  readonly survivor: ResultName;
  readonly loser: ResultName;
}

/** As whom somebody rules. No department takes back what another one has found. */
export function competenceFor(actor: Actor, merge: Merge | null): Competence {
  if (isProvince(actor)) return 'PROVINCE';
  if (merge && merge.loser.reporterId !== actor.id) throw new MergeNotCompetent();
  return 'ORGANISER';
}
