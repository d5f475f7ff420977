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

/** What a refused input calls itself, as far as that can be kept and asked for. */
export function namedIn(input: unknown, field: string): { readonly name: string | null; readonly revision: number | null } {
  const given: Readonly<Record<string, unknown>> = typeof input === 'object' && input !== null ? { ...input } : {};
  const { [field]: name, revision = 1 } = given;
  const isName = typeof name === 'string' && /^[^\0]{1,128}$/su.test(name) && name.isWellFormed();
  const isRevision = Number.isInteger(revision) && Number(revision) >= 1 && Number(revision) <= 2_147_483_647;
  return { name: isName ? name : null, revision: isRevision ? Number(revision) : null };
}

export function batchAnswer<A extends ItemAnswer>(items: readonly A[]): BatchAnswer<A> {
  const count = (outcome: Outcome): number => items.filter((item) => item.outcome === outcome).length;
  return { accepted: count('accepted'), duplicate: count('duplicate'), rejected: count('rejected'), items };
}
