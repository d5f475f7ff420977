import { FeedbackIssued, FeedbackWithdrawn, type RecallPublished } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import { aRecall, type Changes } from '@jinqiao/testing';
import fc from 'fast-check';
import { type Feedback, keptUntil } from '../feedback/feedback.js';
import { type Recall, settle } from './recall.js';

const NOW = new Date('2026-11-26T01:00:00.000Z');
const ALL = ['jd', 'meituan', 'tmall'];
const recall = (revision: number, changes: Changes<RecallPublished> = {}, standing: Recall['standing'] = 'PUBLISHED'): Recall => ({
  recallNo: 'R-1',
  revision,
  standing,
  state: aRecall({ revision, ...changes }),
});
interface Audience {
  readonly concerned?: readonly string[];
  readonly present?: readonly string[];
}

/** What everybody was told last, after one recall after the other. */
function after(recalls: readonly (readonly [Recall, Audience?])[]): { told: Feedback[]; feedbacks: Feedback[] } {
  let feedbacks: Feedback[] = [];
  let told: Feedback[] = [];
  for (const [one, { concerned = ['jd', 'tmall'], present = ALL } = {}] of recalls) {
    told = settle({ recall: one, concerned: new Set(concerned), present: new Set(present), feedbacks }, NOW);
    const replaced = new Set(told.map(({ said }) => said.feedbackId));
    feedbacks = [...feedbacks.filter(({ said }) => !replaced.has(said.feedbackId)), ...told];
  }
  return { told, feedbacks };
}
const summary = (told: readonly Feedback[]): unknown[] => told.map(({ status, said }) => [said.recipientId, status, said.revision]);
const asked = ({ said }: Feedback): string[] => said.actionsRequired.map(({ action, mandatory }) => (mandatory ? action : `${action}?`));

describe('a recall that goes on', () => {
  it('asks the platforms of its sectors to stop the sale, within 24 hours of the receipt', () => {
    const { told } = after([[recall(1)]]);
    expect(summary(told)).toEqual([
      ['jd', 'ISSUED', 1],
      ['tmall', 'ISSUED', 1],
    ]);
    const [first] = told;
    expect(first && asked(first)).toEqual([
      'STOP_SALE',
      'DELIST',
      'BLOCK_RELISTING',
      'INFORM_MERCHANT',
      'INFORM_CONSUMERS?',
      'REPORT_SALES?',
    ]);
    expect(first?.said).toMatchObject({
      kind: 'RECALL',
      subject: 'R-1',
      entitlement: { kind: 'STATUTORY_NOTICE' },
      clock: { startsOn: 'RECEIVED', duration: 'PT24H', basis: 'STATUTE' },
      content: {
        recallNo: 'R-1',
        nationalNo: 'SAMR-2026-1',
        standing: 'PUBLISHED',
        product: { models: ['A1'] },
        hazard: '过热燃烧',
        measure: '退款',
      },
    });
    expect(first?.said).not.toHaveProperty('dueAt');
    expect(first?.said).not.toHaveProperty('content.keeperId');
    expect(check(FeedbackIssued, first?.said)).toMatchObject({ ok: true, unknownFields: [] });
  });

  it('is kept for as long as the records of a recall, which is longer than those of a trade', () => {
    const issuedAt = NOW.toISOString();
    expect(keptUntil({ kind: 'RECALL', issuedAt })).toBe('2031-11-26T23:59:59+08:00');
    expect(keptUntil({ kind: 'SAMPLING_RESULT', issuedAt })).toBe('2029-11-26T23:59:59+08:00');
  });

  it('tells nobody what they know, and a platform that came later all of it', () => {
    expect(after([[recall(1)], [recall(2)]]).told).toEqual([]);
    expect(summary(after([[recall(1)], [recall(1), { concerned: ALL }]]).told)).toEqual([['meituan', 'ISSUED', 1]]);
  });

  it('tells of an amendment also whoever trades in its sectors no more, but nobody who has left', () => {
    expect(summary(after([[recall(1)], [recall(2, { measure: '换货' }), { concerned: ['tmall'] }]]).told)).toEqual([
      ['jd', 'ISSUED', 2],
      ['tmall', 'ISSUED', 2],
    ]);
    expect(summary(after([[recall(1)], [recall(2, { measure: '换货' }), { present: ['tmall'] }]]).told)).toEqual([['tmall', 'ISSUED', 2]]);
  });

  it.each<[string, Changes<RecallPublished>, boolean]>([
    ['of other words asks for nothing new', { measure: '换货' }, true],
    ['of more goods asks anew, though the platform has done what it was asked', { product: { models: ['A1', 'A2'] } }, false],
  ])('an amendment %s', (_case, changes, isDone) => {
    const closedAt = '2026-11-25T01:00:00.000Z';
    const feedbacks = after([[recall(1)]]).feedbacks.map((feedback) => ({ ...feedback, closedAt }));
    const standing = { concerned: new Set<string>(), present: new Set(ALL), feedbacks };
    for (const { closedAt: done, askedSince, said } of settle({ recall: recall(2, changes), ...standing }, NOW)) {
      expect({ done, askedSince }).toEqual(isDone ? { done: closedAt, askedSince: 1 } : { done: null, askedSince: 2 });
      expect(said.clock).toMatchObject({ startsOn: 'RECEIVED', duration: 'PT24H' });
    }
  });
});

describe('a recall that has had its effect', () => {
  const closed = recall(2, {}, 'CLOSED');

  it('keeps the block, without a clock, for whoever was told; nobody is told anew', () => {
    const { told } = after([
      [recall(1), { concerned: ['jd'] }],
      [closed, { concerned: ALL }],
    ]);
    expect(summary(told)).toEqual([['jd', 'ISSUED', 2]]);
    expect(told[0] && asked(told[0])).toEqual(['BLOCK_RELISTING']);
    expect(told[0]?.said).not.toHaveProperty('clock');
    expect(told[0]?.said).toMatchObject({ content: { standing: 'CLOSED' } });
  });

  it('and goes on again asks for everything again', () => {
    const { told } = after([[recall(1)], [closed], [recall(3, { round: 2 })]]);
    expect(told[0] && asked(told[0])).toContain('STOP_SALE');
    expect(told[0]?.said).toMatchObject({ revision: 3, clock: { duration: 'PT24H' }, content: { round: 2 } });
  });
});

describe('a recall that is withdrawn', () => {
  const gone: Recall = { ...recall(2, {}, 'WITHDRAWN'), state: { ...aRecall({ revision: 2 }), reason: '误报' } };

  it.each<[string, Recall, string]>([
    ['by its keeper', gone, '误报'],
    ['by a tombstone', { ...gone, state: null }, '该召回信息已不再公开'],
  ])('%s is undone by everyone who was told, whatever became of them', (_case, one, reason) => {
    const { told } = after([[recall(1)], [one, { concerned: [], present: [] }]]);
    expect(summary(told)).toEqual([
      ['jd', 'WITHDRAWN', 2],
      ['tmall', 'WITHDRAWN', 2],
    ]);
    expect(told.map(asked)).toEqual([['RESTORE'], ['RESTORE']]);
    expect(told[0]?.said).toMatchObject({ reason });
    expect(check(FeedbackWithdrawn, told[0]?.said)).toMatchObject({ ok: true, unknownFields: [] });
  });

  it('says nothing to whoever was never told', () => expect(after([[gone]]).told).toEqual([]));
});

it('tells in one series of revisions, and never twice the same', () => {
  const states = fc.record({
    standing: fc.constantFrom<Recall['standing']>('PUBLISHED', 'CLOSED', 'WITHDRAWN'),
    measure: fc.constantFrom('退款', '换货'),
    concerned: fc.subarray(ALL),
  });
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 12 }), (all) => {
      let feedbacks: Feedback[] = [];
      const revisions = new Map<string, number>();
      all.forEach(({ standing, measure, concerned }, index) => {
        const audience = { concerned: new Set(concerned), present: new Set(ALL) };
        const one = recall(index + 1, { measure }, standing);
        const told = settle({ recall: one, ...audience, feedbacks }, NOW);
        for (const { said } of told) {
          expect(said.revision).toBe((revisions.get(said.recipientId) ?? 0) + 1);
          revisions.set(said.recipientId, said.revision);
        }
        feedbacks = [...feedbacks.filter(({ said }) => !told.some((next) => next.said.feedbackId === said.feedbackId)), ...told];
        expect(settle({ recall: one, ...audience, feedbacks }, NOW)).toEqual([]);
        if (standing === 'WITHDRAWN') expect(feedbacks.filter(({ status }) => status === 'ISSUED')).toEqual([]);
      });
    }),
    { numRuns: 300 },
  );
});
