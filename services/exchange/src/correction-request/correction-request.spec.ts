import { CorrectionAnswered, CorrectionRequested, type CorrectionRequestState } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import { NotCompetent } from '../entitlement/entitlement.js';
import {
  answer,
  computedAgain,
  CorrectionRequestClosed,
  CorrectionRequestUnknown,
  file,
  periodOf,
  withdraw,
} from './correction-request.js';

const NOW = new Date('2026-11-23T01:00:00Z'); // a Monday
const draft = {
  entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
  subject: 'tj-amr:S-1',
  subjectRevision: 2,
  wrong: '批次应为 A2',
  evidence: [{ description: '进货凭证', hash: 'a'.repeat(64) }],
};
const by = { requestId: '018f0000-0000-7000-8000-000000000000', filedBy: 'jd', publisherId: 'tj-amr' };
const filed = file(draft, by, NOW);
const corrected = { status: 'CORRECTED' as const, answer: '已更正批次', correctedIn: 3 };

it('has ten working days for an answer', () => {
  expect(filed.state).toMatchObject({ status: 'FILED', revision: 1, answerDueOn: '2026-12-07' });
});

it('is told again when its period ends otherwise by holidays that were published since', () => {
  const before = { ...filed.state, filedAt: '2026-09-25T01:00:00Z', answerDueOn: '2026-10-09' };
  expect(periodOf(before)).toEqual({
    startedOn: '2026-09-25',
    dueOn: '2026-10-15',
    provisional: false,
    ruleVersion: 'SHARING_CORRECTION@2025-08-01',
  });
  expect(computedAgain(before)).toEqual({ event: CorrectionRequested, state: { ...before, revision: 2, answerDueOn: '2026-10-15' } });
  expect(computedAgain({ ...before, answerDueOn: '2026-10-15' })).toBeNull();
  expect(periodOf({ filedAt: '2026-12-25T01:00:00Z' })).toMatchObject({ provisional: true });
});

it('is answered by the publisher, with what was corrected or why nothing is', () => {
  expect(answer(filed.state, corrected, 'tj-amr', NOW)).toMatchObject({
    event: CorrectionAnswered,
    state: { status: 'CORRECTED', revision: 2, answer: '已更正批次', correctedIn: 3, wrong: draft.wrong, closedAt: NOW.toISOString() },
  });
});

it('is answered by nobody else, and withdrawn by nobody but who filed it', () => {
  expect(() => answer(filed.state, corrected, 'jd', NOW)).toThrow(NotCompetent);
  expect(() => withdraw(filed.state, 'tj-amr', NOW)).toThrow(NotCompetent);
  expect(() => answer(filed.state, corrected, 'tj-credit', NOW)).toThrow(CorrectionRequestUnknown);
});

it('is over once it is answered or withdrawn, and a third party does not learn of it', () => {
  const ends: CorrectionRequestState[] = [answer(filed.state, corrected, 'tj-amr', NOW).state, withdraw(filed.state, 'jd', NOW).state];
  for (const ended of ends) {
    expect(() => answer(ended, corrected, 'tj-amr', NOW)).toThrow(CorrectionRequestClosed);
    expect(() => withdraw(ended, 'jd', NOW)).toThrow(CorrectionRequestClosed);
    expect(() => withdraw(ended, 'tmall', NOW)).toThrow(CorrectionRequestUnknown);
  }
});

it('is announced as its contract says', () => {
  expect(check(CorrectionRequested, filed.state)).toMatchObject({ ok: true, unknownFields: [] });
  expect(check(CorrectionAnswered, answer(filed.state, corrected, 'tj-amr', NOW).state)).toMatchObject({ ok: true, unknownFields: [] });
});
