import { FeedbackOverdue } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import { type Escalating, escalate, unreceivedStepAt } from './escalation.js';

const DUE = new Date('2026-11-23T01:00:00.000Z');
const NOW = new Date('2026-11-23T01:00:30.000Z');
const overdue = (steps: number): Escalating => ({
  feedbackId: '11111111-1111-5111-8111-111111111111',
  recipientId: 'jd',
  kind: 'SAMPLING_RESULT',
  subject: 'tj-amr:S-1',
  feedbackRevision: 2,
  dueAt: DUE,
  steps,
});

it('is said when the period ends, a day later and three days later, and then no more', () => {
  const taken = [0, 1, 2].map((steps) => escalate(overdue(steps), NOW));
  expect(taken.map(({ said }) => said.revision)).toEqual([1, 2, 3]);
  expect(taken.map(({ nextAt }) => nextAt?.toISOString() ?? null)).toEqual(['2026-11-24T01:00:00.000Z', '2026-11-26T01:00:00.000Z', null]);
});

it('of what is not received comes two, six and twenty-four hours after it was issued, and then no more', () => {
  expect([1, 2, 3, 4].map((step) => unreceivedStepAt(step, DUE)?.toISOString() ?? null)).toEqual([
    '2026-11-23T03:00:00.000Z',
    '2026-11-23T07:00:00.000Z',
    '2026-11-24T01:00:00.000Z',
    null,
  ]);
});

it('says what stands and since when it is due', () => {
  const { said } = escalate(overdue(0), NOW);
  expect(said).toMatchObject({ feedbackRevision: 2, dueAt: DUE.toISOString(), raisedAt: NOW.toISOString() });
  expect(check(FeedbackOverdue, said)).toMatchObject({ ok: true, unknownFields: [] });
});
