import { type Check, endOf, isPassed, judge, madeUp, type Part, type Run, type Seen, takenBack } from './conformance.js';

const START = new Date('2026-11-23T01:00:00.000Z');
const later = (seconds: number): Date => new Date(START.getTime() + seconds * 1_000);
const run: Run = {
  runId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  organisationId: 'jd',
  channel: 'WEBHOOK',
  startedAt: START,
  endsAt: endOf(START),
  repeatedAt: null,
  forged: null,
};
const second: Run = { ...run, repeatedAt: later(10), forged: { status: 401 } };
const answer = (part: Part, feedbackRevision: number, at: number, changes: Partial<Seen> = {}): Seen => {
  return { part, feedbackRevision, status: 'ACTED', at: later(at), isRefused: false, ...changes };
};
const first = [answer('REVISED', 1, 2), answer('WITHDRAWN', 1, 3)];
const all = [...first, answer('REVISED', 2, 12), answer('WITHDRAWN', 2, 13, { status: 'NOTHING_FOUND' })];
const failedOf = (seen: readonly Seen[], of = second, at = 20): Partial<Record<Check, string | null>> => {
  const { checks, next } = judge(of, seen, later(at));
  expect(next).toBe('FINISH');
  return Object.fromEntries(Object.entries(checks).flatMap(([check, { state, reason }]) => (state === 'FAILED' ? [[check, reason]] : [])));
};

describe('a conformance run', () => {
  it('tells its second part when something was done about both findings', () => {
    expect(judge(run, [], later(1)).next).toBe('WAIT');
    expect(judge(run, [answer('REVISED', 1, 2)], later(4)).next).toBe('WAIT');
    const received = answer('WITHDRAWN', 1, 3, { status: 'RECEIVED' });
    expect(judge(run, [answer('REVISED', 1, 2), received], later(4)).next).toBe('WAIT');
    expect(judge(run, [answer('REVISED', 1, 2), { ...answer('WITHDRAWN', 1, 3), isRefused: true }], later(4)).next).toBe('WAIT');
    expect(judge(run, first, later(4))).toMatchObject({ next: 'TELL_ON', checks: { RECEIVES: { state: 'PASSED' } } });
    expect(judge({ ...second, forged: null }, all, later(20)).next).toBe('WAIT');
  });

  it('is passed by who answers each revision once and refuses the wrong signature', () => {
    // For what should not come it waits a little.
    expect(judge(second, all, later(14))).toMatchObject({ next: 'WAIT', checks: { DEDUPES: { state: 'WAITING' } } });
    const { next, checks } = judge(second, all, later(15));
    expect(next).toBe('FINISH');
    expect(isPassed(checks)).toBe(true);
  });

  it('has no signature to judge where the connection proves the sender', () => {
    const { next, checks } = judge({ ...second, channel: 'PULL', forged: null }, all, later(15));
    expect(next).toBe('FINISH');
    expect(checks.BAD_SIGNATURE).toEqual({ state: 'NOT_APPLICABLE', reason: 'CHANNEL_HAS_NO_SIGNATURES' });
    expect(isPassed(checks)).toBe(true);
  });

  it.each<[string, Record<string, string>, readonly Seen[], Run]>([
    ['answers what came again', { DEDUPES: 'ANSWERED_TWICE' }, [...all, answer('REVISED', 1, 11)], second],
    ['is refused when it does', { DEDUPES: 'ANSWERED_TWICE' }, [...all, answer('REVISED', 1, 11, { isRefused: true })], second],
    ['takes what somebody else has signed', { BAD_SIGNATURE: 'TAKEN' }, all, { ...second, forged: { status: 204 } }],
    ['says nothing to it', { BAD_SIGNATURE: 'NOT_REACHED' }, all, { ...second, forged: { status: null } }],
  ])('is not passed by who %s', (_who, expected, seen, of) => {
    expect(failedOf(seen, of)).toEqual(expected);
  });

  it('ends when its time is over, and names what is missing', () => {
    const missing = { REVISION: 'NOT_ANSWERED', WITHDRAWAL: 'NOT_ANSWERED' };
    expect(failedOf(first, second, 900)).toEqual(missing);
    expect(failedOf([], run, 900)).toEqual({
      ...missing,
      RECEIVES: 'NOT_ANSWERED',
      DEDUPES: 'NOT_ANSWERED',
      BAD_SIGNATURE: 'NOT_ANSWERED',
    });
  });

  it('ignores an answer to a revision that had not been told', () => {
    expect(judge({ ...run, repeatedAt: null }, all, later(15)).checks.REVISION.state).toBe('WAITING');
  });
});

describe('what is made up', () => {
  const one = madeUp(run, 'REVISED', null, START);

  it('reads like a finding, says that it is none, and is never overdue', () => {
    expect(one.said).toMatchObject({ recipientId: 'jd', revision: 1, subject: `sandbox:${run.runId}-REVISED`, kind: 'SAMPLING_RESULT' });
    expect(one.said.actionsRequired.some(({ mandatory }) => mandatory)).toBe(true);
    expect(one.said).not.toHaveProperty('dueAt');
    expect(JSON.stringify(one.said)).toContain('虚构');
  });

  it('is revised and taken back as findings are', () => {
    const two = madeUp(run, 'REVISED', one, START);
    expect(two.said).toMatchObject({ feedbackId: one.said.feedbackId, revision: 2, content: { product: { batch: '第2版' } } });
    expect(takenBack(one, START)).toMatchObject({ status: 'WITHDRAWN', said: { revision: 2, actionsRequired: [{ action: 'RESTORE' }] } });
  });
});
