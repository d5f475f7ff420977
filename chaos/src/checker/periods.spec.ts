import type { CreditReport, CreditRetraction, Entry, Outcome, Via } from '../history.js';
import { askedIn } from './expected.js';
import { Findings } from './findings.js';
import { daysIn } from './periods.js';
import { judgeRecords, type RecordRow, type ReportedRow } from './records.js';

/*
 * Noon of 23 November in China, and a day that passes at credit from 1,000 to 2,000 ms after that; a penalty that is public to the end of
 * the 23rd, or from the 24th on.
 */
const NOON = Date.parse('2026-11-23T04:00:00Z');
const report = (changes: Partial<CreditReport>): CreditReport => ({
  ...{ kind: 'RECORD', reporterId: 'tj-amr', recordNo: 'N-1', revision: 1, type: 'PENALTY', uscc: '91', documentDate: '2026-07-26' },
  ...{ matter: 'm-1', contested: false, outcome: null, ...changes },
});
const ending = report({ publicUntil: '2026-11-23' });
const beginning = report({ publishFrom: '2026-11-24' });
const corrected = (one: CreditReport): CreditReport => ({ ...one, revision: 2, matter: 'm-2' });
const retraction: CreditRetraction = { kind: 'RECORD_RETRACTION', reporterId: 'tj-amr', recordNo: 'N-1', revision: 2, ground: 'REVOKED' };

interface Call {
  readonly operation: CreditReport | CreditRetraction;
  readonly at: number;
  readonly via?: Via;
  readonly outcome?: Outcome;
}

const fault = (at: number, phase: 'begins' | 'ends'): Entry => {
  return { entry: 'fault', at: NOON + at, number: 1, kind: 'a day passes', target: 'credit', phase };
};

function codes(calls: readonly Call[], [standing, revision]: readonly [string, number], more: readonly Entry[] = []): string[] {
  const history = [
    ...[fault(1_000, 'begins'), fault(2_000, 'ends')],
    ...calls.flatMap(({ operation, at, via = 'HTTP', outcome = 'accepted' }, call): Entry[] => [
      { entry: 'call', at: NOON + at, call, attempt: 1, via, operations: [operation] },
      { entry: 'answer', at: NOON + at + 100, call, attempt: 1, outcomes: [via === 'KAFKA' ? 'sent' : outcome] },
    ]),
    ...more,
  ].sort((one, other) => one.at - other.at);
  history.push({ entry: 'phase', at: NOON + 9_000, phase: 'caught up' });
  const { operation } = calls.findLast(({ outcome }) => outcome !== 'unknown') as Call;
  const isRetracted = operation.kind === 'RECORD_RETRACTION';
  const reported: ReportedRow = {
    ...{ subject: 'tj-amr:N-1', revision: operation.revision, is_retracted: isRetracted },
    matter: operation.kind === 'RECORD' ? operation.matter : null,
  };
  const record: RecordRow = { record_no: '1', subject: 'tj-amr:N-1', type: 'PENALTY', standing, revision, at: 0 };
  const findings = new Findings();
  const rows = { reported: [reported], records: standing === '' ? [] : [record], decisions: [] };
  judgeRecords({ asked: askedIn(history), ...rows, endedAt: 0, days: daysIn(history) }, findings);
  return findings.violations.map(({ code }) => code);
}

const WRONG = ['PERIOD_WRONG'];

describe('a record whose last day passes', () => {
  it('was published once and has ended once', () => {
    const told = [{ operation: ending, at: 0 }];
    expect(codes(told, ['EXPIRED', 2])).toEqual([]);
    expect(codes(told, ['PUBLIC', 1])).toEqual(WRONG);
    expect(codes(told, ['EXPIRED', 3])).toEqual(WRONG);
    expect(codes(told, ['PERIOD_OVER', 0])).toEqual(WRONG);
    expect(codes(told, ['', 0])).toEqual(WRONG);
  });

  it('is never public when it came afterwards', () => {
    const late = [{ operation: ending, at: 3_000 }];
    expect(codes(late, ['PERIOD_OVER', 0])).toEqual([]);
    expect(codes(late, ['EXPIRED', 2])).toEqual(WRONG);
  });

  it('may be either when nobody knows which was first', () => {
    for (const told of [[{ operation: ending, at: 1_500 }], [{ operation: ending, at: 0, via: 'KAFKA' as const }]]) {
      expect([codes(told, ['EXPIRED', 2]), codes(told, ['PERIOD_OVER', 0])]).toEqual([[], []]);
      expect(codes(told, ['PUBLIC', 1])).toEqual(WRONG);
    }
  });

  it('ends once for the correction before, or is taken back and does not end by the clock', () => {
    expect(
      codes(
        [
          { operation: ending, at: 0 },
          { operation: corrected(ending), at: 200 },
        ],
        ['EXPIRED', 3],
      ),
    ).toEqual([]);
    expect(
      codes(
        [
          { operation: ending, at: 0 },
          { operation: corrected(ending), at: 200 },
        ],
        ['EXPIRED', 2],
      ),
    ).toEqual(WRONG);
    expect(
      codes(
        [
          { operation: ending, at: 0 },
          { operation: retraction, at: 200 },
        ],
        ['REVOKED', 2],
      ),
    ).toEqual([]);
    expect(
      codes(
        [
          { operation: ending, at: 0 },
          { operation: retraction, at: 200 },
        ],
        ['EXPIRED', 2],
      ),
    ).toEqual(WRONG);
  });

  it('has ended by the clock before what comes when the day is over, and may have where nobody knows that', () => {
    const after = (operation: CreditReport | CreditRetraction, at: number, stands: readonly [string, number]): string[] =>
      codes(
        [
          { operation: ending, at: 0 },
          { operation, at },
        ],
        stands,
      );
    for (const operation of [retraction, corrected(ending)]) {
      expect([after(operation, 3_000, ['EXPIRED', 2]), after(operation, 3_000, ['EXPIRED', 3])]).toEqual([[], WRONG]);
      expect(after(operation, 1_500, ['EXPIRED', 2])).toEqual([]);
    }
    expect([after(retraction, 3_000, ['REVOKED', 2]), after(retraction, 1_500, ['REVOKED', 2])]).toEqual([WRONG, []]);
    expect(after(corrected(ending), 3_000, ['PERIOD_OVER', 2])).toEqual(WRONG);
  });
});

describe('a record whose first day comes', () => {
  it('is published once, by the clock or at once', () => {
    for (const at of [0, 1_500, 3_000]) {
      expect(codes([{ operation: beginning, at }], ['PUBLIC', 1])).toEqual([]);
      expect(codes([{ operation: beginning, at }], ['NOT_YET', 0])).toEqual(WRONG);
      expect(codes([{ operation: beginning, at }], ['PUBLIC', 2])).toEqual(WRONG);
    }
  });

  it('is published once with what was said before, and never when it was taken back before', () => {
    expect(
      codes(
        [
          { operation: beginning, at: 0 },
          { operation: corrected(beginning), at: 200 },
        ],
        ['PUBLIC', 1],
      ),
    ).toEqual([]);
    expect(
      codes(
        [
          { operation: beginning, at: 0 },
          { operation: corrected(beginning), at: 200 },
        ],
        ['PUBLIC', 2],
      ),
    ).toEqual(WRONG);
    expect(
      codes(
        [
          { operation: beginning, at: 0 },
          { operation: retraction, at: 200 },
        ],
        ['REVOKED', 0],
      ),
    ).toEqual([]);
    expect(
      codes(
        [
          { operation: beginning, at: 0 },
          { operation: retraction, at: 200 },
        ],
        ['REVOKED', 2],
      ),
    ).toEqual(WRONG);
  });

  it('goes with a database that is set back, since it announced nothing', () => {
    const setBack: Entry[] = [
      { entry: 'fault', at: NOON - 10, number: 2, kind: 'restore', target: 'credit', phase: 'begins' },
      { entry: 'phase', at: NOON + 500, phase: 'database set back', what: 'credit' },
    ];
    const told = [{ operation: beginning, at: 0 }];
    expect([codes(told, ['', 0], setBack), codes(told, ['PUBLIC', 1], setBack), codes(told, ['', 0])]).toEqual([[], [], WRONG]);
  });
});
