import type { ResultDecision, SamplingResultReported } from '@jinqiao/contracts';
import { withDecision } from './sampling-result.decision.js';
import type { HeldResult, Submission } from './held-result.js';
import { type Accepted, admit, decide, heldBy, readReport, readRetraction } from './sampling-result.js';

const NOW = new Date('2026-11-23T04:00:00.000Z');
const NOTICE = { no: 'TJ-2026-17', publishedOn: '2026-11' };
const PRODUCER = { name: '示例厂' };

type Changes = Partial<Record<keyof SamplingResultReported, unknown>>;
const report = (revision: number, changes: Changes = {}): Record<string, unknown> => ({
  sampleNo: 'S-1',
  revision,
  ...(revision > 1 && { revisionReason: 'CORRECTED' }),
  regime: 'PRODUCT',
  finality: 'PROVISIONAL',
  verdict: 'UNQUALIFIED',
  product: { name: '玩具' },
  failingItems: [{ item: '小零件' }],
  nominalProducer: PRODUCER,
  ...changes,
});
const retraction = { sampleNo: 'S-1', revision: 2, reason: '录入错误' };

function submit(held: HeldResult | null, input: Record<string, unknown>): Accepted {
  const reading = 'reason' in input ? readRetraction(input) : readReport(input, NOW);
  if (!reading.ok) throw new Error(JSON.stringify(reading.findings));
  const decision = decide(held, 'tj-amr', reading, NOW);
  if (decision.outcome !== 'accepted') throw new Error(decision.outcome);
  return decision;
}
const decision = (fields: Partial<ResultDecision> & Pick<ResultDecision, 'kind'>): ResultDecision => ({
  party: 'SAMPLED_PARTY',
  by: 'ORGANISER',
  on: '2026-11-20',
  ...fields,
});
const REVERSED = decision({ kind: 'REINSPECTION', verdict: 'QUALIFIED' });
const DENIED = decision({ kind: 'AUTHORSHIP', party: 'NOMINAL_PRODUCER', authorship: 'DENIED_CONFIRMED' });
const ANNULLED = decision({ kind: 'ANNULMENT' });
const reported = (changes: Changes = {}): HeldResult => submit(null, report(1, changes)).held;
const after = (...decisions: ResultDecision[]): HeldResult =>
  decisions.reduce((held, one) => withDecision(held, one, NOW).held, reported());
const said = ({ announcements }: Pick<Accepted, 'announcements'>): string[] =>
  announcements.map(({ type, data }) => `${type.name} ${data.revision} ${data.verdict}`);

describe('a decision', () => {
  it('of a re-inspection is the next revision, final, without what was found to fail', () => {
    const { held, announcements } = withDecision(reported(), REVERSED, NOW);
    expect(said({ announcements })).toEqual(['SamplingResultNotified 2 QUALIFIED']);
    expect(held.state).toMatchObject({ finality: 'FINAL', revisionReason: 'REINSPECTED', reportedRevision: 1, decisions: [REVERSED] });
    expect(held.state).not.toHaveProperty('failingItems');
    const confirmed = withDecision(reported(), decision({ kind: 'REINSPECTION', verdict: 'UNQUALIFIED' }), NOW).held.state;
    expect(confirmed).toMatchObject({ finality: 'FINAL', verdict: 'UNQUALIFIED', failingItems: [{ item: '小零件' }] });
  });

  it('about what is public is public', () => {
    const held = reported({ finality: 'FINAL', notice: NOTICE });
    expect(said(withDecision(held, REVERSED, NOW))).toEqual(['SamplingResultPublished 2 QUALIFIED']);
    expect(said(withDecision(held, ANNULLED, NOW))).toEqual(['SamplingResultWithdrawn 2 UNQUALIFIED']);
  });

  it('to annul takes the result back', () => {
    const { held, announcements } = withDecision(reported(), ANNULLED, NOW);
    expect(said({ announcements })).toEqual(['SamplingNoticeWithdrawn 2 UNQUALIFIED']);
    expect(announcements[0]?.data).toMatchObject({ reason: 'SAMPLING_ANNULLED', withdrawnAt: NOW.toISOString() });
    expect(held.status).toBe('WITHDRAWN');
  });

  it('about the producer changes nothing but its authorship, and a passed re-check nothing that was found', () => {
    expect(after(DENIED).state).toMatchObject({ verdict: 'UNQUALIFIED', nominalProducer: { ...PRODUCER, authorship: 'DENIED_CONFIRMED' } });
    const passed = decision({ kind: 'RECHECK', resumes: true });
    const { revisionReason, ...state } = after(passed).state ?? {};
    expect(revisionReason).toBeUndefined();
    expect(state).toEqual({ ...reported().state, revision: 2, decisions: [passed] });
  });

  it('about what was taken back is announced with the next report of it', () => {
    const withdrawn = submit(reported(), retraction).held;
    const { held, announcements } = withDecision(withdrawn, DENIED, NOW);
    expect(announcements).toEqual([]);
    expect(submit(held, report(3)).held.state).toMatchObject({ revision: 3, nominalProducer: { authorship: 'DENIED_CONFIRMED' } });
  });
});

describe('a later report', () => {
  it('that agrees is taken as it comes, with the decisions over it', () => {
    const next = submit(after(REVERSED), report(2, { verdict: 'QUALIFIED', product: { name: '玩具车' } }));
    expect(next.undoes).toBeUndefined();
    expect(next.held.state).toMatchObject({
      revision: 3,
      finality: 'FINAL',
      verdict: 'QUALIFIED',
      product: { name: '玩具车' },
      decisions: [REVERSED],
    });
  });

  it.each([
    ['the verdict of a re-inspection', [REVERSED], report(2), ['REINSPECTION']],
    [
      'the last of two verdicts',
      [decision({ kind: 'OBJECTION', verdict: 'UNDETERMINED' }), REVERSED],
      report(2),
      ['OBJECTION', 'REINSPECTION'],
    ],
    ['a denied authorship', [DENIED], report(2, { nominalProducer: { ...PRODUCER, authorship: 'UNDISPUTED' } }), ['AUTHORSHIP']],
    ['an annulment', [ANNULLED], report(2), ['ANNULMENT']],
    ['a verdict, by retracting it', [REVERSED], retraction, ['REINSPECTION']],
  ] as const)('that would undo %s waits, and nothing is announced', (_what, decisions, input, undone) => {
    const held = after(...decisions);
    const { undoes, announcements, held: waiting } = submit(held, input);
    expect(undoes?.map(({ kind }) => kind)).toEqual(undone);
    expect(announcements).toEqual([]);
    expect(waiting).toEqual({ ...held, reportedRevision: 2, reportedHash: waiting.reportedHash, warnings: waiting.warnings });
    expect(waiting.warnings).toEqual([expect.objectContaining({ code: 'WAITS_FOR_RULING', pointer: '/revision' })]);
  });

  it.each([
    ['says nothing of the authorship', [DENIED], report(2)],
    ['names another producer', [DENIED], report(2, { nominalProducer: { name: '另一厂', authorship: 'UNDISPUTED' } })],
    ['comes after a passed re-check', [decision({ kind: 'RECHECK', resumes: true })], report(2, { product: { name: '玩具车' } })],
    ['retracts what was passed', [decision({ kind: 'RECHECK', resumes: true })], retraction],
  ] as const)('that %s undoes nothing', (_what, decisions, input) => {
    expect(submit(after(...decisions), input)).toMatchObject({ announcements: [{}] });
  });

  it('about another producer leaves behind what the first one denied', () => {
    const { state } = submit(after(DENIED), report(2, { nominalProducer: { name: '另一厂' } })).held;
    expect(state?.nominalProducer).toEqual({ name: '另一厂' });
    expect(state).not.toHaveProperty('decisions');
  });
});

describe('a person', () => {
  const waiting = (held: HeldResult, input: Record<string, unknown>): [HeldResult, Submission] => {
    const reading = 'reason' in input ? readRetraction(input) : readReport(input, NOW);
    if (!reading.ok) throw new Error('unreadable');
    return [submit(held, input).held, reading.submission];
  };

  it('lets a report in: what it undoes is given up, the rest stays', () => {
    const { held, announcements } = admit(...waiting(after(REVERSED, DENIED), report(2)), NOW);
    expect(said({ announcements })).toEqual(['SamplingResultNotified 4 UNQUALIFIED']);
    expect(held.state).toMatchObject({ finality: 'PROVISIONAL', decisions: [DENIED], nominalProducer: { authorship: 'DENIED_CONFIRMED' } });
    expect(submit(held, report(3)).undoes).toBeUndefined();
  });

  it('lets a result that was annulled come back, or a retraction in', () => {
    expect(said(admit(...waiting(after(ANNULLED), report(2)), NOW))).toEqual(['SamplingResultNotified 3 UNQUALIFIED']);
    const { held, announcements } = admit(...waiting(after(REVERSED), retraction), NOW);
    expect(said({ announcements })).toEqual(['SamplingNoticeWithdrawn 3 QUALIFIED']);
    expect(submit(held, report(3)).undoes).toBeUndefined();
  });
});

it('what was decided is known again from what was announced', () => {
  const held = reported();
  const { announcements } = withDecision(held, REVERSED, NOW);
  const known = announcements.map(heldBy)[0];
  expect(known && submit(known, report(2)).undoes).toEqual([REVERSED]);
});
