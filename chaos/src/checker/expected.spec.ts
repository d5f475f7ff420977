import type { Entry, Outcome, Report } from '../history.js';
import { askedIn, type Effect, finalOf, type Subject } from './expected.js';

/*
 * The rules of the published interface as the checker works them out for itself: what follows from what was accepted.
 */
const aReport = (changes: Partial<Report> = {}): Report => ({
  ...{ kind: 'REPORT', reporterId: 'tj-amr', sampleNo: 'c-1', revision: 1, published: true, verdict: 'UNQUALIFIED', batch: 'c-1 r1' },
  ...{ platformId: 'jd', uscc: '9212', category: '饮料', sampledOn: null, publishedOn: '2026-08-15' },
  ...changes,
});
const aRetraction = (revision: number) => ({ kind: 'RETRACTION', reporterId: 'tj-amr', sampleNo: 'c-1', revision }) as const;

/** Each operation is a call of its own with these answers, one an attempt. */
function historyOf(calls: readonly { operation: Report | ReturnType<typeof aRetraction>; answers: readonly Outcome[] }[]): Entry[] {
  return calls.flatMap(({ operation, answers }, call): Entry[] =>
    answers.flatMap((outcome, index): Entry[] => [
      { entry: 'call', at: 0, call, attempt: index + 1, via: 'HTTP', operations: [operation] },
      { entry: 'answer', at: 0, call, attempt: index + 1, outcomes: [outcome] },
    ]),
  );
}

function subjectIn(history: readonly Entry[]): Subject {
  const subject = askedIn(history).subjects.get('tj-amr:c-1');
  if (!subject) throw new Error('nothing was asked about c-1');
  return subject;
}

const seriesOf = (history: readonly Entry[], stored: number | null) =>
  finalOf(subjectIn(history), stored)?.announced.map(({ revision, type }) => `${revision} ${type}`);

describe('what follows from what was accepted', () => {
  it('is one revision for each accepted one, and two when a published result goes back under embargo', () => {
    const history = historyOf([
      { operation: aReport(), answers: ['accepted'] },
      { operation: aReport({ revision: 2, published: false }), answers: ['accepted'] },
      { operation: aRetraction(3), answers: ['accepted'] },
    ]);
    const expected = ['1 SamplingResultPublished', '2 SamplingResultWithdrawn', '3 SamplingResultNotified', '4 SamplingNoticeWithdrawn'];
    expect(seriesOf(history, 3)).toEqual(expected);
    expect(finalOf(subjectIn(history), 3)).toMatchObject({ status: 'WITHDRAWN', reportedRevision: 3 });
  });

  it('is one for what is published in its case, and two for what is taken back there under embargo', () => {
    const history = historyOf([{ operation: aReport({ published: false }), answers: ['accepted'] }]);
    const [first, second] = ['2026-04-01', '2026-05-01'].map((on): Effect => ({ kind: 'PUBLICATION', on }));
    const effects = [first, { kind: 'EMBARGO' } as const, second].filter((effect) => effect !== undefined);
    const final = finalOf(subjectIn(history), 1, { entered: 'AT_ONCE', effects });
    expect(final?.announced.map(({ revision, type }) => `${revision} ${type}`)).toEqual([
      ...['1 SamplingResultNotified', '2 SamplingResultPublished', '3 SamplingResultWithdrawn', '4 SamplingResultNotified'],
      '5 SamplingResultPublished',
    ]);
    expect(final).toMatchObject({ status: 'PUBLISHED', reportedRevision: 1 });
    expect(final?.announced.at(-1)?.report.publishedOn).toBe('2026-05-01');
  });

  it('counts a call once, however often it had to be repeated', () => {
    const history = historyOf([{ operation: aReport(), answers: ['unknown', 'unknown', 'duplicate'] }]);
    expect(seriesOf(history, 1)).toEqual(['1 SamplingResultPublished']);
    expect(askedIn(history)).toMatchObject({ sent: 1, accepted: 1 });
  });

  it('leaves open what nobody was told about: only the row can say', () => {
    const history = historyOf([
      { operation: aReport(), answers: ['accepted'] },
      { operation: aReport({ revision: 2 }), answers: ['unknown'] },
    ]);
    expect(seriesOf(history, 1)).toHaveLength(1);
    expect(seriesOf(history, 2)).toHaveLength(2);
  });

  it('forgets a retraction that announced nothing with the backup the database was set back to, and nothing else', () => {
    const restore = { entry: 'fault', number: 1, kind: 'restore', target: 'inspection' } as const;
    const during = (last: Report | ReturnType<typeof aRetraction>): Entry[] => [
      ...historyOf([
        { operation: aReport(), answers: ['accepted'] },
        { operation: aRetraction(2), answers: ['accepted'] },
      ]),
      { ...restore, at: 10, phase: 'begins' },
      { entry: 'call', at: 20, call: 2, attempt: 1, via: 'HTTP', operations: [last] },
      { entry: 'answer', at: 30, call: 2, attempt: 1, outcomes: ['accepted'] },
      { entry: 'phase', at: 40, phase: 'database set back', what: 'inspection' },
    ];
    expect(finalOf(subjectIn(during(aRetraction(3))), 2)).toMatchObject({ status: 'WITHDRAWN', reportedRevision: 2 });
    expect(finalOf(subjectIn(during(aRetraction(3))), 3)).toMatchObject({ reportedRevision: 3 });
    expect(finalOf(subjectIn(during(aReport({ revision: 3 }))), 2)).toMatchObject({ status: 'PUBLISHED', reportedRevision: 3 });
    const never = during(aRetraction(3)).filter(({ entry }) => entry !== 'phase');
    expect(finalOf(subjectIn(never), 2)).toMatchObject({ reportedRevision: 3 });
  });

  it('is nothing where everything was refused', () => {
    expect(seriesOf(historyOf([{ operation: aReport(), answers: ['rejected'] }]), null)).toBeUndefined();
  });
});
