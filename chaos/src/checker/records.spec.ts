import type { CreditReport, CreditRetraction, Entry, Operation, Outcome, Repair } from '../history.js';
import { askedIn } from './expected.js';
import { Findings } from './findings.js';
import { daysIn } from './periods.js';
import { type DecisionRow, judgeRecords, type RecordRow, type Records, type ReportedRow } from './records.js';

const report = (revision: number, changes: Partial<CreditReport> = {}): CreditReport => ({
  ...{ kind: 'RECORD', reporterId: 'tj-amr', recordNo: 'N-1', revision, type: 'PENALTY', uscc: '91', documentDate: '2026-05-01' },
  ...{ matter: `m-${revision}`, contested: false, outcome: null, ...changes },
});
const retraction = (revision: number): CreditRetraction => {
  return { kind: 'RECORD_RETRACTION', reporterId: 'tj-amr', recordNo: 'N-1', revision, ground: 'REVOKED' };
};
const repair: Repair = { kind: 'REPAIR', decisionNo: 'D-1', uscc: '91', documentNo: 'N-1', on: '2026-05-02', mark: 'd' };

type Said = readonly [Operation, Outcome];
const historyOf = (said: readonly Said[]): Entry[] =>
  said.flatMap(([operation, outcome], call): Entry[] => [
    { entry: 'call', at: 0, call, attempt: 1, via: 'HTTP', operations: [operation] },
    { entry: 'answer', at: 0, call, attempt: 1, outcomes: [outcome] },
  ]);
const kept = (revision: number, matter = `m-${revision}`, retracted = false): ReportedRow => {
  return { subject: 'tj-amr:N-1', revision, matter, is_retracted: retracted };
};
const record = (standing: string, revision: number, type = 'PENALTY'): RecordRow => {
  return { record_no: '1', subject: 'tj-amr:N-1', type, standing, revision, at: 0 };
};
const decision = (applied = true): DecisionRow => ({ decision: 'D-1', mark: 'd', applied });

function codes(said: readonly Said[], rows: Partial<Omit<Records, 'asked'>>): string[] {
  const findings = new Findings();
  judgeRecords(
    { asked: askedIn(historyOf(said)), reported: [], records: [], decisions: [], endedAt: 1_000, days: daysIn([]), ...rows },
    findings,
  );
  return findings.violations.map(({ code }) => code);
}

const ACCEPTED: readonly Said[] = [
  [report(1), 'accepted'],
  [report(2), 'accepted'],
];

describe('a record that its department reports', () => {
  it('is published once, and once more for each correction', () => {
    expect(codes(ACCEPTED, { reported: [kept(2)], records: [record('PUBLIC', 2)] })).toEqual([]);
    expect(codes(ACCEPTED, { reported: [kept(2)], records: [record('PUBLIC', 3)] })).toEqual(['CREDIT_WRONG']);
    expect(codes(ACCEPTED, { reported: [kept(2)] })).toEqual(['CREDIT_LOST']);
    expect(codes(ACCEPTED, { records: [record('PUBLIC', 2)] })).toEqual(['ROW_MISSING']);
    expect(codes(ACCEPTED, { reported: [kept(1)], records: [record('PUBLIC', 2)] })).toEqual(['ROW_WRONG']);
    expect(codes([], { reported: [kept(1)], records: [record('PUBLIC', 1)] })).toEqual(['ROW_UNEXPECTED', 'CREDIT_UNEXPECTED']);
  });

  it('ends when it is taken back, and comes back with a later revision', () => {
    const said: readonly Said[] = [...ACCEPTED, [retraction(3), 'accepted']];
    expect(codes(said, { reported: [kept(3, 'm-2', true)], records: [record('REVOKED', 3)] })).toEqual([]);
    expect(codes(said, { reported: [kept(3, 'm-2', true)], records: [record('PUBLIC', 2)] })).toEqual(['CREDIT_WRONG']);
    const back: readonly Said[] = [...said, [report(4), 'accepted']];
    expect(codes(back, { reported: [kept(4)], records: [record('PUBLIC', 4)] })).toEqual([]);
  });

  it('has one content of a revision', () => {
    const raced = (outcome: Outcome): readonly Said[] => [
      [report(1, { race: 'r' }), 'accepted'],
      [report(1, { race: 'r', matter: 'other' }), outcome],
    ];
    expect(codes(raced('rejected'), { reported: [kept(1)], records: [record('PUBLIC', 1)] })).toEqual([]);
    expect(codes(raced('accepted'), { reported: [kept(1)], records: [record('PUBLIC', 2)] })).toEqual(['RACE_WON_TWICE']);
    expect(codes([[report(1), 'rejected']], {})).toEqual(['REFUSED']);
  });

  it('may be kept or not where its sender was never told', () => {
    const open: readonly Said[] = [
      [report(1), 'accepted'],
      [report(2), 'unknown'],
    ];
    expect(codes(open, { reported: [kept(2)], records: [record('PUBLIC', 2)] })).toEqual([]);
    expect(codes(open, { reported: [kept(1)], records: [record('PUBLIC', 1)] })).toEqual([]);
    expect(codes(open, { reported: [kept(1)], records: [record('PUBLIC', 2)] })).toEqual(['CREDIT_WRONG']);
  });

  it('is two when a commitment was broken', () => {
    const said: readonly Said[] = [
      [report(1, { type: 'COMMITMENT' }), 'accepted'],
      [report(2, { type: 'COMMITMENT', outcome: 'BROKEN' }), 'accepted'],
    ];
    const records = [record('PUBLIC', 2, 'COMMITMENT'), record('PUBLIC', 1, 'COMMITMENT_BROKEN')];
    expect(codes(said, { reported: [kept(2)], records })).toEqual([]);
    expect(codes(said, { reported: [kept(2)], records: records.slice(0, 1) })).toEqual(['CREDIT_LOST']);
  });
});

describe('a repair', () => {
  const said: readonly Said[] = [...ACCEPTED, [repair, 'accepted'], [report(3), 'accepted']];

  it('ends a record for good', () => {
    expect(codes(said, { reported: [kept(3)], records: [record('REPAIRED', 3)], decisions: [decision()] })).toEqual([]);
    expect(codes(said, { reported: [kept(3)], records: [record('PUBLIC', 4)], decisions: [decision()] })).toEqual(['CREDIT_WRONG']);
    expect(codes(said, { reported: [kept(3)], records: [record('REPAIRED', 3)] })).toContain('DECISION_LOST');
  });

  it('that comes first leaves nothing of its record to be public', () => {
    const early: readonly Said[] = [
      [repair, 'accepted'],
      [report(1), 'accepted'],
    ];
    const reported = [kept(1)];
    expect(codes(early, { reported, records: [record('REPAIRED', 0)], decisions: [decision()] })).toEqual([]);
    expect(codes(early, { reported, records: [record('REPAIRED', 2)], decisions: [decision()] })).toEqual(['CREDIT_WRONG']);
    expect(codes(early, { reported, records: [record('PUBLIC', 1)], decisions: [decision(false)] })).toEqual(['CREDIT_WRONG']);
    const waiting = { reported, records: [record('PUBLIC', 1)], decisions: [decision(false)], endedAt: 200_000 };
    expect(codes(early, waiting)).toEqual(['REPAIR_WAITS', 'CREDIT_WRONG']);
  });

  it('holds for what was revoked and comes back', () => {
    const back: readonly Said[] = [
      [report(1), 'accepted'],
      [retraction(2), 'accepted'],
      [repair, 'accepted'],
      [report(3), 'accepted'],
    ];
    expect(codes(back, { reported: [kept(3)], records: [record('REPAIRED', 2)], decisions: [decision()] })).toEqual([]);
    expect(codes(back, { reported: [kept(3)], records: [record('PUBLIC', 3)], decisions: [decision()] })).toEqual(['CREDIT_WRONG']);
  });

  it('of which nobody knows when it came may have ended what was public', () => {
    const unknown: Entry[] = [
      { entry: 'call', at: 0, call: 9, attempt: 1, via: 'HTTP', operations: [repair] },
      ...historyOf([[report(1), 'accepted']]),
    ];
    const found = (standing: string, revision: number, applied: boolean): string[] => {
      const findings = new Findings();
      const rows = {
        reported: [kept(1)],
        records: [record(standing, revision)],
        decisions: [decision(applied)],
        endedAt: 1_000,
        days: daysIn([]),
      };
      judgeRecords({ asked: askedIn(unknown), ...rows }, findings);
      return findings.violations.map(({ code }) => code);
    };
    expect([found('REPAIRED', 0, true), found('REPAIRED', 2, true), found('PUBLIC', 1, false)]).toEqual([[], [], []]);
    expect([found('REPAIRED', 1, true), found('PUBLIC', 1, true)]).toEqual([['CREDIT_WRONG'], ['CREDIT_WRONG']]);
  });

  it('stays where the database is set back; a record that it kept from ever being public need not', () => {
    const setBack: Entry[] = [
      { entry: 'fault', at: 0, number: 1, kind: 'restore', target: 'credit', phase: 'begins' },
      { entry: 'phase', at: 9, phase: 'database set back', what: 'credit' },
    ];
    const found = (rows: Partial<Records>, during = setBack): string[] => {
      const findings = new Findings();
      const said = historyOf([
        [repair, 'accepted'],
        [report(1), 'accepted'],
      ]);
      const nothing = { reported: [], records: [], decisions: [], endedAt: 1_000, days: daysIn([]) };
      judgeRecords({ ...nothing, ...rows, asked: askedIn([...during, ...said]) }, findings);
      return findings.violations.map(({ code }) => code);
    };
    const all = { reported: [kept(1)], records: [record('REPAIRED', 0)], decisions: [decision()] };
    expect([found({ decisions: [decision(false)] }), found(all)]).toEqual([[], []]);
    expect(found({})).toContain('DECISION_LOST');
    expect(found({ decisions: [decision(false)] }, [])).toEqual(['ROW_MISSING', 'CREDIT_LOST']);
  });

  it('is decided once', () => {
    const decisions = [decision()];
    const rows = { reported: [kept(1)], records: [record('REPAIRED', 2)], decisions };
    const begun: readonly Said[] = [
      [report(1), 'accepted'],
      [{ ...repair, race: 'r' }, 'accepted'],
    ];
    expect(codes([...begun, [{ ...repair, race: 'r', mark: 'e' }, 'rejected']], rows)).toEqual([]);
    expect(codes([...begun, [{ ...repair, race: 'r', mark: 'e' }, 'accepted']], rows)).toEqual(['RACE_WON_TWICE', 'DECISION_LOST']);
    expect(codes([[report(1), 'accepted']], rows)).toContain('DECISION_UNEXPECTED');
  });
});
