/** How this service answers what is sent to it, singly or in bulk: each item for itself, every error with a code and a pointer. */
import { DomainError, type Finding } from '@jinqiao/schema';

export interface Answer {
  /** The uscc or shopId as far as it could be read. */
  readonly id: string | null;
  readonly outcome: 'accepted' | 'duplicate' | 'rejected';
  readonly revision: number | null;
  readonly warnings: readonly Finding[];
  readonly errors: readonly Finding[];
  readonly unknownFields: readonly string[];
}

export interface BatchAnswer {
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly items: readonly Answer[];
}

/** Items in one request; also the rows one statement writes. */
export const ITEMS_MAX = 1_000;

export class TooManyItems extends DomainError {
  constructor() {
    super('TOO_MANY_ITEMS', 413, { zh: `一次最多提交${ITEMS_MAX}条`, en: `At most ${ITEMS_MAX} items may be sent at once` }, [
      { code: 'TOO_MANY_ITEMS', pointer: '', message: `must have at most ${ITEMS_MAX} entries` },
    ]);
  }
}

/** A single item was refused; the code is that of the first finding, all of them are listed. */
export class Rejected extends DomainError {
  constructor(findings: readonly Finding[]) {
    super(findings[0]?.code ?? 'REJECTED', 422, { zh: '提交的内容未被接收', en: 'What was sent was not accepted' }, findings);
  }
}

export const rejected = (id: string | null, errors: readonly Finding[], unknownFields: readonly string[] = []): Answer => ({
  ...{ id, outcome: 'rejected', revision: null, warnings: [] },
  ...{ errors, unknownFields },
});

export function batchAnswer(items: readonly Answer[]): BatchAnswer {
  const count = (outcome: Answer['outcome']): number => items.filter((item) => item.outcome === outcome).length;
  return { accepted: count('accepted'), duplicate: count('duplicate'), rejected: count('rejected'), items };
}

/** The answer of a single item; a refusal is a problem and nothing is kept. */
export function onlyAnswer([answer]: readonly Answer[]): Answer {
  if (!answer || answer.outcome === 'rejected') throw new Rejected(answer?.errors ?? []);
  return answer;
}

/** What a sender wrote in a field, for an answer about an item that could not be read. */
export function textIn(input: unknown, field: string): string | null {
  const value: unknown = typeof input === 'object' && input !== null ? Reflect.get(input, field) : null;
  return typeof value === 'string' ? value.slice(0, 200) : null;
}
