/*
 * Steps of sampling sheets, cases and recalls that a department's own system sends over Kafka. Each is judged by the rules that hold over
 * HTTP (../sampling-sheet, ../sampling-case, ../recall) and answered on the department's topic: what became of it, how the object stands,
 * and what may be done by whom.
 */
import type { RecallStepAnswered, SamplingStepAnswered, StepOutcome } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';

/** A step as a department calls it; without an id it came over HTTP. */
export interface SentStep {
  readonly stepId: string | undefined;
  readonly actorId: string;
  /** Of the act with what is said with it. */
  readonly hash: string;
}

/** What a use case makes of what it does not refuse: taken now, or before. */
export type TakenAs = Exclude<StepOutcome, 'rejected'>;

export class StepIdReused extends DomainError {
  constructor() {
    super('STEP_ID_REUSED', 409, { zh: '步骤编号已用于另一步骤', en: 'Another step has this id' }, [
      { code: 'STEP_ID_REUSED', pointer: '/stepId', message: 'belongs to another step, or to one with another content' },
    ]);
  }
}

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
