import { FeedbackAnswerAccepted, type FeedbackAnswered } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import { type AnswerableFeedback, type Answer, decide, type Decision, type Known } from './receipt.js';

const ID = '11111111-1111-5111-8111-111111111111';
const HASH = 'a'.repeat(64);
const NOW = new Date('2026-11-23T01:00:00Z');
const feedback: AnswerableFeedback = { feedbackId: ID, recipientId: 'jd', kind: 'SAMPLING_RESULT', subject: 'tj-amr:S-1', revision: 2 };
const answered = (changes: Partial<FeedbackAnswered> = {}): FeedbackAnswered => ({
  feedbackId: ID,
  feedbackRevision: 2,
  feedbackHash: HASH,
  revision: 1,
  status: 'ACTED',
  actions: [{ action: 'DELIST', at: '2026-11-23T00:30:00Z', result: 'DONE' }],
  answeredAt: '2026-11-23T00:40:00Z',
  ...changes,
});
const known = (changes: Partial<Known> = {}): Known => ({
  feedback,
  hash: HASH,
  earlier: null,
  incomplete: null,
  signedBy: null,
  ...changes,
});
const code = (decision: Decision): string => (decision.outcome === 'REFUSED' ? decision.error.code : decision.outcome);
const accepted = (of: FeedbackAnswered): Answer => {
  const decision = decide(of, 'jd', known(), NOW);
  if (decision.outcome !== 'ACCEPTED') throw new Error(code(decision));
  return decision.answer;
};

describe('an answer', () => {
  it('to what stands is accepted, announced and closes the clock', () => {
    const decision = decide(answered(), 'jd', known(), NOW);
    expect(decision).toMatchObject({
      outcome: 'ACCEPTED',
      closes: true,
      announced: { feedbackId: ID, recipientId: 'jd', subject: 'tj-amr:S-1', status: 'ACTED', actions: ['DELIST'], superseded: false },
    });
    if (decision.outcome === 'ACCEPTED')
      expect(check(FeedbackAnswerAccepted, decision.announced)).toMatchObject({ ok: true, unknownFields: [] });
  });

  it.each([
    ['RECEIVED', false],
    ['ACTED', true],
    ['NOTHING_FOUND', true],
    ['CONTESTED', false],
  ] as const)('%s closes the clock: %s', (status, closes) =>
    expect(decide(answered({ status }), 'jd', known(), NOW)).toMatchObject({ closes }),
  );

  it('to a superseded revision is evidence and closes nothing', () => {
    const decision = decide(answered({ feedbackRevision: 1 }), 'jd', known(), NOW);
    expect(decision).toMatchObject({ outcome: 'ACCEPTED', closes: false, answer: { superseded: true }, announced: { superseded: true } });
  });

  it('is refused for somebody else’s feedback exactly as for one that is not there', () => {
    const foreign = decide(answered(), 'tmall', known(), NOW);
    const missing = decide(answered(), 'tmall', known({ feedback: null, hash: null }), NOW);
    expect(code(foreign)).toBe('FEEDBACK_UNKNOWN');
    expect(foreign).toEqual(missing);
  });

  it('is refused for a revision that never was', () =>
    expect(code(decide(answered(), 'jd', known({ hash: null }), NOW))).toBe('FEEDBACK_REVISION_UNKNOWN'));

  it('is refused with a signature that none of the platform’s keys made, and kept with one that is right', () => {
    const signed = answered({ signature: 'header..signature' });
    expect(code(decide(signed, 'jd', known(), NOW))).toBe('SIGNATURE_WRONG');
    expect(code(decide(signed, 'jd', known({ signedBy: 'a-key' }), NOW))).toBe('ACCEPTED');
  });
  it('is refused with another hash', () => {
    expect(code(decide(answered({ feedbackHash: 'b'.repeat(64) }), 'jd', known(), NOW))).toBe('FEEDBACK_HASH_MISMATCH');
  });
});

describe('a further answer', () => {
  const earlier = accepted(answered({ revision: 2 }));

  it('refines', () =>
    expect(code(decide(answered({ revision: 4, status: 'NOTHING_FOUND' }), 'jd', known({ earlier }), NOW))).toBe('ACCEPTED'));
  it('that says the same again is a duplicate', () => {
    expect(decide(answered({ revision: 2 }), 'jd', known({ earlier }), new Date('2027-01-01T00:00:00Z'))).toEqual({
      outcome: 'DUPLICATE',
      answer: earlier,
    });
  });
  it('with the same number and other content is refused', () => {
    expect(code(decide(answered({ revision: 2, status: 'RECEIVED' }), 'jd', known({ earlier }), NOW))).toBe('REVISION_CONFLICT');
  });
  it('with a lower number is refused', () => expect(code(decide(answered(), 'jd', known({ earlier }), NOW))).toBe('STALE_REVISION'));
});

describe('an answer of which only the outcome is known, after a restore', () => {
  const incomplete = { ...accepted(answered({ revision: 1 })), contentHash: null };

  it('is completed and not announced again, whatever came after it', () => {
    const later = accepted(answered({ revision: 2 }));
    expect(decide(answered({ revision: 1 }), 'jd', known({ incomplete, earlier: later }), new Date('2027-01-01T00:00:00Z'))).toEqual({
      outcome: 'COMPLETED',
      answer: accepted(answered({ revision: 1 })),
    });
  });
  it('still has to name the right hash', () => {
    expect(code(decide(answered({ feedbackHash: 'b'.repeat(64) }), 'jd', known({ incomplete }), NOW))).toBe('FEEDBACK_HASH_MISMATCH');
  });
});
