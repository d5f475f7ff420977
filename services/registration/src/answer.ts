/** How this service answers what is sent to it, singly or in bulk: each item for itself, every error with a code and a pointer. */
import type { ItemAnswer } from '@jinqiao/platform';
import { DomainError, type Finding } from '@jinqiao/schema';

export interface Answer extends ItemAnswer {
  /** The uscc, shopId or permitNo as far as it could be read. */
  readonly id: string | null;
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
