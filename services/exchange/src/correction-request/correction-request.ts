/**
 * Requests to correct data (校核, 政务数据共享条例 art. 26): whoever received a record and finds it wrong says what and shows why; whoever
 * published it corrects it or says why not, within the statutory period. Filing changes nothing about the record or what follows from it.
 */
import {
  CorrectionAnswered,
  CorrectionOverdue,
  CorrectionRequested,
  type CorrectionRequestState,
  CorrectionWithdrawn,
  type EventClass,
} from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';
import { type AnswerPeriod, answerPeriod } from '../deadline/answer-period.js';
import { NotCompetent } from '../entitlement/entitlement.js';

/** What the filer says. */
export type CorrectionDraft = Pick<CorrectionRequestState, 'entitlementId' | 'subject' | 'subjectRevision' | 'wrong' | 'evidence'>;

/** What the publisher says. */
export type CorrectionAnswer = Required<Pick<CorrectionRequestState, 'answer'>> &
  Pick<CorrectionRequestState, 'correctedIn'> & { readonly status: 'CORRECTED' | 'DECLINED' };

export interface Changed {
  readonly event: EventClass<CorrectionRequestState>;
  readonly state: CorrectionRequestState;
}

/** Also for what the caller has no part in. */
export class CorrectionRequestUnknown extends DomainError {
  constructor() {
    super('CORRECTION_REQUEST_UNKNOWN', 404, { zh: '没有该校核申请', en: 'There is no such correction request' });
  }
}

export class CorrectionRequestClosed extends DomainError {
  constructor(status: CorrectionRequestState['status']) {
    super('CORRECTION_REQUEST_CLOSED', 409, { zh: '校核申请已办结', en: `The request is ${status}; nothing more can be done to it` }, [], {
      requestStatus: status,
    });
  }
}

/** Nothing was had under this entitlement, so nothing in it can be found wrong. */
export class NothingReceived extends DomainError {
  constructor() {
    super('NOTHING_RECEIVED', 409, { zh: '未依此依据取得数据', en: 'Nothing is received under this entitlement' }, [
      { code: 'NOTHING_RECEIVED', pointer: '/entitlementId', message: 'The grant is neither active nor suspended.' },
    ]);
  }
}

/** Nobody can be asked: the directory names no department, or several, as the source. */
export class PublisherUnclear extends DomainError {
  constructor() {
    super('PUBLISHER_UNCLEAR', 409, { zh: '数源部门不明确', en: 'The directory does not say which one department publishes this' });
  }
}

export function file(draft: CorrectionDraft, by: { requestId: string; filedBy: string; publisherId: string }, now: Date): Changed {
  const period = periodOf({ filedAt: now.toISOString() });
  const state: CorrectionRequestState = {
    ...by,
    revision: 1,
    status: 'FILED',
    ...draft,
    filedAt: now.toISOString(),
    ...(period && { answerDueOn: period.dueOn }),
  };
  return { event: CorrectionRequested, state };
}

/** How long the publisher has, by the holidays that are published now. */
export const periodOf = ({ filedAt }: Pick<CorrectionRequestState, 'filedAt'>): AnswerPeriod | null =>
  answerPeriod('SHARING_CORRECTION', dayInChina(new Date(filedAt)));

/** The next revision of an open request whose period ends otherwise than was said; null where it does not. */
export function computedAgain(state: CorrectionRequestState): Changed | null {
  const period = periodOf(state);
  if (!period || period.dueOn === state.answerDueOn) return null;
  return { event: CorrectionRequested, state: { ...state, revision: state.revision + 1, answerDueOn: period.dueOn } };
}

/** The next revision of an open request that was not answered in time. */
export const overdue = (state: CorrectionRequestState, now: Date): Changed => ({
  event: CorrectionOverdue,
  state: { ...state, revision: state.revision + 1, overdueRaisedAt: now.toISOString() },
});

export function answer(state: CorrectionRequestState, given: CorrectionAnswer, by: string, now: Date): Changed {
  assertOpen(state, by);
  if (by !== state.publisherId) throw new NotCompetent(['PROVIDER']);
  return { event: CorrectionAnswered, state: { ...state, revision: state.revision + 1, ...given, closedAt: now.toISOString() } };
}

export function withdraw(state: CorrectionRequestState, by: string, now: Date): Changed {
  assertOpen(state, by);
  if (by !== state.filedBy) throw new NotCompetent(['RECIPIENT']);
  return {
    event: CorrectionWithdrawn,
    state: { ...state, revision: state.revision + 1, status: 'WITHDRAWN', closedAt: now.toISOString() },
  };
}

/** A third party learns nothing, not even that it is closed. */
function assertOpen({ status, filedBy, publisherId }: CorrectionRequestState, by: string): void {
  if (by !== filedBy && by !== publisherId) throw new CorrectionRequestUnknown();
  if (status !== 'FILED') throw new CorrectionRequestClosed(status);
}
