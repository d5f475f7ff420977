import type { Entry, Operation, Outcome, Report, Ruling } from '../history.js';
import { askedIn, finalOf } from './expected.js';
import { Findings } from './findings.js';
import { judgeMerges, type MergedRow, type PairRow } from './merges.js';
import type { Event } from './topics.js';

/*
 * tj-credit reports what tj-amr has reported; they are ruled to be the same, and the later one stands. Each case spoils one thing.
 */
const [later, earlier] = ['tj-credit:c-2', 'tj-amr:c-1'];
const report = (reporterId: string, sampleNo: string, twinOf?: string): Report => ({
  ...{ kind: 'REPORT', reporterId, sampleNo, revision: 1, published: true, verdict: 'UNQUALIFIED', batch: 'b', platformId: null },
  ...{ uscc: '91', category: '糕点', sampledOn: null, publishedOn: '2026-05-01', ...(twinOf !== undefined && { twinOf }) },
});
const same: Ruling = {
  ...{ kind: 'RULING', pairId: 'p', later, earlier, by: 'tj-amr', ruling: 'SAME', survivor: later, mark: 'm-1', race: 'r' },
};
const different: Ruling = { ...same, ruling: 'DIFFERENT', survivor: null, mark: 'm-2' };

const pair: PairRow = { pair: 'p', later, earlier, status: 'SAME', mark: 'm-1', ruling: 'SAME', survivor: later };
const results: readonly MergedRow[] = [
  { subject: earlier, status: 'WITHDRAWN', into: later },
  { subject: later, status: 'PUBLISHED', into: null },
];
const withdrawn = (mergedInto: string | undefined): Event => ({
  ...{ topic: 'inspection.sampling-result.v1', partition: 0, offset: 2, at: 0, key: earlier, headers: {}, value: '', id: '2' },
  ...{ type: 'SamplingResultWithdrawn', revision: 2, body: { mergedInto } },
});

interface Spoilt {
  readonly pairs?: readonly PairRow[];
  readonly results?: readonly MergedRow[];
  readonly events?: readonly Event[];
  readonly isSetBack?: boolean;
  readonly outcomes?: readonly Outcome[];
}

function judged({ outcomes = ['accepted', 'rejected'], isSetBack = false, ...spoilt }: Spoilt = {}) {
  const said: readonly Operation[] = [report('tj-amr', 'c-1'), report('tj-credit', 'c-2', earlier), same, different];
  const history = said.flatMap((operation, call): Entry[] => [
    { entry: 'call', at: 0, call, attempt: 1, via: 'HTTP', operations: [operation] },
    { entry: 'answer', at: 0, call, attempt: 1, outcomes: [call < 2 ? 'accepted' : (outcomes[call - 2] ?? 'unknown')] },
  ]);
  const findings = new Findings();
  const asked = askedIn(history);
  const decided = judgeMerges({ asked, pairs: [pair], results, events: [withdrawn(later)], isSetBack, ...spoilt }, findings);
  const series = [earlier, later].map((id) => {
    const subject = asked.subjects.get(id);
    return subject ? finalOf(subject, 1, decided.get(id)) : null;
  });
  return { codes: findings.violations.map(({ code }) => code), series };
}

describe('two results that report the same', () => {
  it('leave one that stands, and one that is withdrawn wherever it was told', () => {
    const { codes, series } = judged();
    expect(codes).toEqual([]);
    expect(series.map((final) => [final?.status, ...(final?.announced ?? []).map(({ type }) => type)])).toEqual([
      ['WITHDRAWN', 'SamplingResultPublished', 'SamplingResultWithdrawn'],
      ['PUBLISHED', 'SamplingResultPublished'],
    ]);
  });

  it('leave the earlier one alone where the later one is given up, of which nobody hears', () => {
    const { series } = judged({ pairs: [{ ...pair, survivor: earlier }] });
    expect(series.map((final) => [final?.status, final?.announced.length])).toEqual([
      ['PUBLISHED', 1],
      ['WITHDRAWN', 0],
    ]);
  });

  it('wait for a person, and are never both told before', () => {
    const { series } = judged({ pairs: [{ ...pair, status: 'OPEN', mark: null, ruling: null, survivor: null }], outcomes: [] });
    expect(series.map((final) => final?.status)).toEqual(['PUBLISHED', 'WAITING']);
    expect(judged({ pairs: [], results: [], outcomes: ['unknown', 'unknown'] }).codes).toContain('PAIR_LOST');
  });

  it('are ruled on once, by the ruling that was accepted', () => {
    expect(judged({ outcomes: ['accepted', 'accepted'] }).codes).toEqual(['RACE_WON_TWICE', 'RULING_LOST']);
    const other: PairRow = { ...pair, mark: 'm-2', ruling: 'DIFFERENT', survivor: null };
    expect(judged({ pairs: [other, pair], outcomes: ['accepted', 'unknown'] }).codes).toContain('RULED_TWICE');
    expect(judged({ outcomes: ['rejected', 'rejected'] }).codes).toContain('RULING_UNEXPECTED');
    expect(judged({ pairs: [{ ...pair, status: 'OPEN' }] }).codes).toEqual(['ROW_WRONG']);
  });

  it('say for which of them the other was given up', () => {
    expect(judged({ events: [withdrawn(undefined)] }).codes).toEqual(['MERGE_WRONG']);
    expect(judged({ results: results.map((row) => ({ ...row, into: null })) }).codes).toEqual(['MERGE_WRONG']);
  });

  it('are asked about again after their database was set back', () => {
    expect(judged({ pairs: [], isSetBack: true, outcomes: ['unknown', 'unknown'] }).codes).toEqual([]);
  });
});
