/** One thing that is wrong with an input: a stable code, where (RFC 6901) and a sentence. */
export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
}

/** Codes of what a schema alone can find; business rules add their own. */
export const FINDING_CODES = ['FIELD_MISSING', 'WRONG_TYPE', 'NOT_IN_CODE_LIST', 'WRONG_FORMAT', 'OUT_OF_RANGE'] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** A refusal with a stable code; named errors extend it and HTTP answers it as application/problem+json. */
export class DomainError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly title: { readonly zh: string; readonly en: string },
    readonly findings: readonly Finding[] = [],
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(title.en);
    this.name = new.target.name;
  }
}
