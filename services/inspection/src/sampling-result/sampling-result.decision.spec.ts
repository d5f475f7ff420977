import type { ResultDecision, SamplingResultReported } from '@jinqiao/contracts';
import { merged, withDecision } from './sampling-result.decision.js';
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

function submit(held: HeldResult | null, input: Record<string, unknown>, alike: string | null = null): Accepted {
  const reading = 'reason' in input ? readRetraction(input) : readReport(input, NOW);
  if (!reading.ok) throw new Error(JSON.stringify(reading.findings));
  const decision = decide(held, 'tj-amr', { ...reading, alike }, NOW);
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

const OF_RESULT = { party: 'RESULT' } as const;
const FINALISED = decision({ ...OF_RESULT, kind: 'FINALISATION' });
const BY_ACT = { no: 'TJ-2026-20', publishedOn: '2026-11-20' };
const MADE_PUBLIC = decision({ ...OF_RESULT, kind: 'PUBLICATION', notice: BY_ACT });
const TAKEN_BACK = decision({ ...OF_RESULT, kind: 'EMBARGO', on: '2026-11-22' });
const REPORTED_PUBLIC = reported({ finality: 'FINAL', notice: NOTICE });

describe('what its organiser makes of the result', () => {
  it('is one series: final, public, back under embargo, public again', () => {
    const again = { ...MADE_PUBLIC, notice: { ...BY_ACT, no: 'TJ-2026-21' } };
    let held = reported();
    const all: string[] = [];
    for (const one of [FINALISED, MADE_PUBLIC, TAKEN_BACK, again]) {
      const next = withDecision(held, one, NOW);
      all.push(...next.announcements.map(({ type, data }) => `${data.revision} ${type.name} ${data.finality} ${data.notice?.no ?? ''}`));
      held = next.held;
    }
    expect(all).toEqual([
      '2 SamplingResultNotified FINAL ',
      '3 SamplingResultPublished FINAL TJ-2026-20',
      '4 SamplingResultWithdrawn FINAL TJ-2026-20',
      '5 SamplingResultNotified FINAL ',
      '6 SamplingResultPublished FINAL TJ-2026-21',
    ]);
    expect(held).toMatchObject({
      status: 'PUBLISHED',
      revision: 6,
      state: { revisionReason: 'FINALISED', publishedAt: NOW.toISOString() },
    });
    expect(held.state?.decisions).toEqual([FINALISED, { ...TAKEN_BACK, notice: BY_ACT }, again]);
  });

  it('under embargo has neither a notice nor the time of its publication', () => {
    const { state, status } = after(FINALISED, MADE_PUBLIC, TAKEN_BACK);
    expect(status).toBe('NOTIFIED');
    expect(state).not.toHaveProperty('notice');
    expect(state).not.toHaveProperty('publishedAt');
  });

  it('never grows by what is done again and again', () => {
    const often = Array.from({ length: 15 }, () => [MADE_PUBLIC, TAKEN_BACK]).flat();
    expect(after(FINALISED, ...often).state?.decisions).toHaveLength(2);
  });

  it.each([
    ['without a notice stays public', report(2), 'PUBLISHED', BY_ACT],
    ['that is provisional stays public', report(2, { finality: 'PROVISIONAL' }), 'PUBLISHED', BY_ACT],
    ['with the same notice stays public', report(2, { finality: 'FINAL', notice: { no: BY_ACT.no } }), 'PUBLISHED', BY_ACT],
    ['with another notice is public by that one', report(2, { finality: 'FINAL', notice: NOTICE }), 'PUBLISHED', NOTICE],
    ['that takes it back', retraction, 'WITHDRAWN', BY_ACT],
  ] as const)('public by an act, a later report %s', (_what, input, status, notice) => {
    const { held } = submit(after(FINALISED, MADE_PUBLIC), input);
    expect(held).toMatchObject({ status, state: { finality: 'FINAL', notice } });
  });

  it('is its reporter’s again from another notice on: then no notice means embargo', () => {
    const other = submit(after(FINALISED, MADE_PUBLIC), report(2, { finality: 'FINAL', notice: NOTICE })).held;
    expect(said(submit(other, report(3)))).toEqual(['SamplingResultWithdrawn 5 UNQUALIFIED', 'SamplingResultNotified 6 UNQUALIFIED']);
  });

  it('begins anew after a retraction', () => {
    const withdrawn = submit(after(FINALISED, MADE_PUBLIC), retraction).held;
    const { held } = submit(withdrawn, report(3));
    expect(held).toMatchObject({ status: 'NOTIFIED', state: { finality: 'PROVISIONAL' } });
    expect(held.state).not.toHaveProperty('decisions');
  });

  it('stays under embargo: a report that still carries its notice waits, one without is taken, another notice is', () => {
    const { held } = withDecision(REPORTED_PUBLIC, TAKEN_BACK, NOW);
    const same = submit(held, report(2, { finality: 'FINAL', notice: NOTICE }));
    expect(same).toMatchObject({ announcements: [], undoes: [{ kind: 'EMBARGO', notice: NOTICE }], held: { status: 'NOTIFIED' } });
    expect(said(submit(held, report(2, { finality: 'FINAL' })))).toEqual(['SamplingResultNotified 4 UNQUALIFIED']);
    const other = submit(held, report(2, { finality: 'FINAL', notice: BY_ACT }));
    expect(said(other)).toEqual(['SamplingResultPublished 4 UNQUALIFIED']);
    expect(submit(other.held, report(3, { finality: 'FINAL', notice: NOTICE })).undoes).toMatchObject([{ kind: 'EMBARGO' }]);
  });

  it('is public again by the notice that was taken back when a person lets it in', () => {
    const { held } = withDecision(REPORTED_PUBLIC, TAKEN_BACK, NOW);
    const reading = readReport(report(2, { finality: 'FINAL', notice: NOTICE }), NOW);
    if (!reading.ok) throw new Error('unreadable');
    const back = admit(submit(held, report(2, { finality: 'FINAL', notice: NOTICE })).held, reading.submission, NOW);
    expect(said(back)).toEqual(['SamplingResultPublished 4 UNQUALIFIED']);
    expect(back.held.state).not.toHaveProperty('decisions');
  });

  it('is known again from what was announced, the half of an embargo included', () => {
    const public_ = after(FINALISED, MADE_PUBLIC);
    const known = (one: ReturnType<typeof withDecision>): HeldResult[] => one.announcements.map(heldBy);
    const [half, whole] = known(withDecision(public_, TAKEN_BACK, NOW));
    expect(half).toMatchObject({ status: 'WITHDRAWN', revision: 4, reportedRevision: 1 });
    expect(whole).toMatchObject({ status: 'NOTIFIED', revision: 5, reportedRevision: 1 });
    for (const one of [half, whole])
      expect(one && submit(one, report(2, { finality: 'FINAL', notice: BY_ACT })).undoes).toMatchObject([{ kind: 'EMBARGO' }]);
    expect(known(withDecision(after(FINALISED), MADE_PUBLIC, NOW)).map((one) => submit(one, report(2)).held.status)).toEqual(['PUBLISHED']);
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

describe('a report of what another result reports', () => {
  const OTHER = 'tj-heping:H-1';

  it('waits, and nothing is announced, its corrections neither; a person lets in the last', () => {
    const waiting = submit(null, report(1), OTHER);
    expect(waiting).toMatchObject({ announcements: [], undoes: [], held: { status: 'WAITING', revision: 0, state: null } });
    expect(waiting.held.warnings).toEqual([
      { code: 'WAITS_FOR_RULING', pointer: '/sampleNo', message: `probably reports the same as ${OTHER}: it waits for a person` },
    ]);
    const corrected = submit(waiting.held, report(2, { product: { name: '玩具车' } }), OTHER);
    expect(corrected).toMatchObject({ announcements: [], undoes: [], held: { status: 'WAITING', reportedRevision: 2 } });
    const reading = readReport(report(2, { product: { name: '玩具车' } }), NOW);
    if (!reading.ok) throw new Error('unreadable');
    expect(said(admit(corrected.held, reading.submission, NOW))).toEqual(['SamplingResultNotified 1 UNQUALIFIED']);
  });

  it('is announced when a correction makes another one of it', () => {
    expect(said(submit(submit(null, report(1), OTHER).held, report(2)))).toEqual(['SamplingResultNotified 1 UNQUALIFIED']);
  });

  it('is corrected where somebody has been told of it, whatever it is like', () => {
    expect(said(submit(reported(), report(2), OTHER))).toEqual(['SamplingResultNotified 2 UNQUALIFIED']);
  });

  it('waits to be told of again, when it had been retracted', () => {
    const revived = submit(submit(reported(), retraction).held, report(3), OTHER);
    expect(revived).toMatchObject({ announcements: [], undoes: [], held: { status: 'WITHDRAWN', revision: 2, reportedRevision: 3 } });
  });

  it('is retracted without a word', () => {
    const retracted = submit(submit(null, report(1), OTHER).held, retraction);
    expect(retracted).toMatchObject({ announcements: [], held: { status: 'WITHDRAWN', revision: 0, state: null } });
  });
});

describe('a result that is given up for another', () => {
  const INTO = 'tj-heping:H-1';

  it('is taken back, which says what stands in its place', () => {
    const { held, announcements } = merged(reported(), INTO, NOW);
    expect(said({ announcements })).toEqual(['SamplingNoticeWithdrawn 2 UNQUALIFIED']);
    expect(announcements[0]?.data).toMatchObject({ reason: 'MERGED', mergedInto: INTO, withdrawnAt: NOW.toISOString() });
    expect(held).toMatchObject({ status: 'WITHDRAWN', revision: 2, mergedInto: INTO });
    expect(announcements.map(heldBy)).toMatchObject([{ status: 'WITHDRAWN', revision: 2, mergedInto: INTO }]);
    const isPublic = reported({ finality: 'FINAL', notice: NOTICE });
    expect(said(merged(isPublic, INTO, NOW))).toEqual(['SamplingResultWithdrawn 2 UNQUALIFIED']);
  });

  it('is no news to anybody who was told of nothing', () => {
    const { held, announcements } = merged(submit(null, report(1), INTO).held, INTO, NOW);
    expect(announcements).toEqual([]);
    expect(held).toMatchObject({ status: 'WITHDRAWN', revision: 0, mergedInto: INTO, withdrawal: { reason: 'MERGED' } });
    const retracted = submit(reported(), retraction).held;
    expect(merged(retracted, INTO, NOW)).toMatchObject({
      announcements: [],
      held: { withdrawal: { reason: '录入错误' }, mergedInto: INTO },
    });
  });

  it('does not come back by a later report, which waits; a person gives the merge up', () => {
    const { held } = merged(reported(), INTO, NOW);
    const later = submit(held, report(2));
    expect(later).toMatchObject({ announcements: [], undoes: [], held: { status: 'WITHDRAWN', revision: 2, mergedInto: INTO } });
    expect(later.held.warnings).toEqual([expect.objectContaining({ code: 'WAITS_FOR_RULING', pointer: '/revision' })]);
    const reading = readReport(report(2), NOW);
    if (!reading.ok) throw new Error('unreadable');
    const back = admit(later.held, reading.submission, NOW);
    expect(said(back)).toEqual(['SamplingResultNotified 3 UNQUALIFIED']);
    expect(back.held.mergedInto).toBeNull();
  });
});

it('what was decided is known again from what was announced', () => {
  const held = reported();
  const { announcements } = withDecision(held, REVERSED, NOW);
  const known = announcements.map(heldBy)[0];
  expect(known && submit(known, report(2)).undoes).toEqual([REVERSED]);
});
