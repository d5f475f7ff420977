/*
 * Steps of sampling sheets, cases and recalls that a department's own system sends over Kafka. Each is judged by the rules that hold over
 * HTTP (../sampling-sheet, ../sampling-case, ../recall) and answered on the department's topic: what became of it, how the object stands,
 * and what may be done by whom.
 */
import type { RecallStepAnswered, SamplingStepAnswered, StepOutcome } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';

/** What a use case makes of what it does not refuse: taken now, or before. */
export type TakenAs = Exclude<StepOutcome, 'rejected'>;

/** How the object stands; nothing for whoever has no part in it. */
export type Standing = Pick<SamplingStepAnswered, 'track' | 'state' | 'allowed'>;
export type RecallStanding = Pick<RecallStepAnswered, 'state' | 'allowed'>;

export type Result = Pick<SamplingStepAnswered, 'outcome' | 'code' | 'errors' | 'by'>;

/** The same as over HTTP: the code, every finding, and as whom it may be done. */
export function refused({ code, findings, title, extra }: DomainError): Result & { readonly code: string } {
  const by = 'by' in extra ? (extra.by as string[]) : undefined;
  const errors = findings.length > 0 ? findings : [{ code, pointer: '', message: title.en }];
  return {
    outcome: 'rejected',
    code,
    errors: errors.map(({ pointer, ...error }) => ({ ...error, ...(pointer !== '' && { pointer }) })),
    ...(by && { by: [...by] }),
  };
}
