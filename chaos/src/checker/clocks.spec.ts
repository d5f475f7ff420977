import type { Entry } from '../history.js';
import { type ClockRow, judgeClocks } from './clocks.js';
import { Findings } from './findings.js';
import type { Event } from './topics.js';

const END: Entry = { entry: 'phase', at: Date.parse('2026-06-10T04:00:00Z'), phase: 'caught up', what: '1' };
const row = (changes: Partial<ClockRow> = {}): ClockRow => ({
  ...{
    subject: 'R-1',
    clock: 'PLAN_REPORT',
    party: null,
    started: '2026-05-01',
    due: '2026-05-18',
    stopped: false,
    raised: true,
    paused: false,
  },
  ...changes,
});
const event = (changes: object = {}): Event => ({
  ...{
    topic: 'inspection.deadline.v1',
    partition: 0,
    offset: 0,
    at: 0,
    key: 'R-1',
    headers: {},
    value: '',
    id: '1',
    type: 'DeadlineOverdue',
  },
  ...{ revision: 1, body: { subject: 'R-1', clock: 'PLAN_REPORT', startedOn: '2026-05-01', party: 'PRODUCER', ...changes } },
});

function codes(rows: readonly ClockRow[], events: readonly Event[], history: readonly Entry[] = [END]): string[] {
  const findings = new Findings();
  judgeClocks({ history, rows, events }, findings);
  return findings.violations.map(({ code }) => code);
}

describe('a clock', () => {
  it('is right when it was said once that its time is over, or nothing was said of what runs, was met or is a right', () => {
    expect(codes([row()], [event()])).toEqual([]);
    const silent = row({ raised: false });
    expect(codes([{ ...silent, due: '2026-06-10' }], [])).toEqual([]);
    expect(codes([{ ...silent, stopped: true }], [])).toEqual([]);
    expect(codes([{ ...silent, clock: 'OBJECTION' }], [])).toEqual([]);
    expect(codes([{ ...silent, paused: true }], [])).toEqual([]);
  });

  it('is said once, and not twice', () => {
    expect(codes([row()], [event(), event()])).toEqual(['CLOCK_RAISED_TWICE']);
    const party = 'SAMPLED_PARTY';
    const of = (name: string): ClockRow => row({ party: name });
    expect(codes([of(party), of('NOMINAL_PRODUCER')], [event({ party }), event({ party: 'NOMINAL_PRODUCER' })])).toEqual([]);
  });

  it('is not passed over, lost on its way, or said too early', () => {
    expect(codes([row({ raised: false })], [])).toEqual(['CLOCK_SILENT']);
    expect(codes([row()], [])).toEqual(['EVENT_LOST']);
    expect(codes([row({ raised: false, stopped: true })], [event()])).toEqual(['CLOCK_WRONG']);
    expect(codes([row({ due: '2026-06-10' })], [event()])).toEqual(['CLOCK_WRONG']);
    expect(codes([row({ clock: 'OBJECTION' })], [event({ clock: 'OBJECTION' })])).toEqual(['CLOCK_WRONG']);
  });

  it('runs where it was said, also on a database that was set back', () => {
    expect(codes([], [event()])).toEqual(['EVENT_UNCOMMITTED']);
    const setBack: Entry = { entry: 'phase', at: 1, phase: 'database set back', what: 'inspection' };
    expect(codes([], [event()], [setBack, END])).toEqual(['EVENT_UNCOMMITTED']);
  });
});
