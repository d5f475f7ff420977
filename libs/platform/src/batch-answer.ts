import { DomainError, type Finding } from '@jinqiao/schema';

export type Outcome = 'accepted' | 'duplicate' | 'rejected';

/** What became of one of the things sent at once: each is answered for itself, every error with a code and a pointer. */
export interface ItemAnswer {
  readonly outcome: Outcome;
  /** Null where none could be read. */
  readonly revision: number | null;
  readonly warnings: readonly Finding[];
  readonly errors: readonly Finding[];
  readonly unknownFields: readonly string[];
}

export interface BatchAnswer<A extends ItemAnswer> {
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly items: readonly A[];
}

/** Items in one request; also the rows that one statement writes. */
export const ITEMS_MAX = 1_000;

export class TooManyItems extends DomainError {
  constructor(noun: { zh: string; en: string } = { zh: '', en: 'items' }) {
    super(
      'TOO_MANY_ITEMS',
      413,
      { zh: `一次最多提交${ITEMS_MAX}条${noun.zh}`, en: `At most ${ITEMS_MAX} ${noun.en} may be sent at once` },
      [{ code: 'TOO_MANY_ITEMS', pointer: '', message: `must have at most ${ITEMS_MAX} entries` }],
    );
  }
}

export function batchAnswer<A extends ItemAnswer>(items: readonly A[]): BatchAnswer<A> {
  const count = (outcome: Outcome): number => items.filter((item) => item.outcome === outcome).length;
  return { accepted: count('accepted'), duplicate: count('duplicate'), rejected: count('rejected'), items };
}
