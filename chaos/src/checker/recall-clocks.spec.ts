import { Findings } from './findings.js';
import { judgeRecallClocks, type RunningClock, type Timed, type TimedStep } from './recall-clocks.js';

/*
 * A recall that was noticed, objected to, ordered and carried out, and then began again; each case spoils one thing.
 */
const step = (act: string, day: number, changes: Partial<TimedStep> = {}): TimedStep => {
  return { recall: 'R-1', act, on: `2026-04-${String(day).padStart(2, '0')}`, learned: null, outside: true, ...changes };
};
const steps = [
  step('OPEN', 1),
  step('FORWARD', 1),
  step('NOTE_INCIDENT', 2, { learned: '2026-04-01' }),
  step('INVESTIGATE', 4),
  step('GIVE_NOTICE', 6),
  step('FILE_OBJECTION', 7),
  step('ORDER_RECALL', 9),
  step('REPORT_PLAN', 11),
  step('PUBLISH', 12),
  step('RECORD_PROGRESS', 14),
  step('COMPLETE', 16),
  step('SUMMARISE', 17),
  step('RECALL_AGAIN', 18),
];
const clock = (name: string, day: number, stopped = true): RunningClock => {
  return { recall: 'R-1', clock: name, started: `2026-04-${String(day).padStart(2, '0')}`, stopped };
};
const clocks = [
  clock('PRODUCER_NOTICE', 1),
  clock('FORWARDING', 1),
  clock('INCIDENT_REPORT', 1, false),
  clock('PLAN_REPORT', 6),
  clock('OBJECTION', 6),
  clock('PLAN_REPORT_ORDERED', 9),
  clock('PUBLICATION', 11),
  clock('PROGRESS_SUMMARY', 12),
  clock('PROGRESS_SUMMARY', 14),
  clock('FINAL_SUMMARY', 16),
  clock('PLAN_REPORT', 18, false),
];

function found(spoilt: Partial<Timed> = {}): string[] {
  const findings = new Findings();
  judgeRecallClocks({ steps, clocks, forgotten: new Set(), ...spoilt }, findings);
  return findings.violations.map(({ code, what }) => `${code} ${what}`);
}

const but = (name: string, changes: Partial<RunningClock>): RunningClock[] =>
  clocks.map((one) => (one.clock === name ? { ...one, ...changes } : one));

describe('the periods of a recall', () => {
  it('are right when each began with a step, and ended with one', () => {
    expect(found()).toEqual([]);
  });

  it('are missing nowhere', () => {
    expect(found({ clocks: clocks.filter((one) => one.clock !== 'OBJECTION') })).toEqual([
      'CLOCK_WRONG OBJECTION 2026-04-06 of recall R-1 is missing, its history has it stopped',
    ]);
    expect(found({ clocks: clocks.slice(0, -1) })).toHaveLength(1);
    expect(found({ clocks: clocks.filter((one) => one.clock !== 'FORWARDING') })).toHaveLength(1);
  });

  it('end with the step that ends them, and not before', () => {
    for (const name of ['FORWARDING', 'OBJECTION', 'PLAN_REPORT_ORDERED', 'FINAL_SUMMARY'])
      expect(found({ clocks: but(name, { stopped: false }) })).toHaveLength(1);
    expect(found({ clocks: but('INCIDENT_REPORT', { stopped: true }) })).toEqual([
      'CLOCK_WRONG INCIDENT_REPORT 2026-04-01 of recall R-1 has stopped, its history has it run',
    ]);
  });

  it('begin on the day of their step, of an incident when the producer learned of it', () => {
    expect(found({ clocks: but('PLAN_REPORT_ORDERED', { started: '2026-04-10' }) })).toHaveLength(2);
    expect(found({ clocks: but('INCIDENT_REPORT', { started: '2026-04-02' }) })).toHaveLength(2);
  });

  it('end one incident with a report, and all of them where there was no defect', () => {
    const incidents = [step('OPEN', 1, { outside: false }), ...[2, 3].map((day) => step('NOTE_INCIDENT', day))];
    const running = [clock('PRODUCER_NOTICE', 1, false), clock('INCIDENT_REPORT', 2), clock('INCIDENT_REPORT', 3, false)];
    const reported = [...incidents, step('RECORD_INCIDENT_REPORT', 4)];
    expect(found({ steps: reported, clocks: running })).toEqual([]);
    expect(found({ steps: [...reported, step('FIND_NO_DEFECT', 5)], clocks: running })).toHaveLength(2);
    const dropped = running.map((one) => ({ ...one, stopped: true }));
    expect(found({ steps: [...incidents, step('FIND_NO_DEFECT', 5)], clocks: dropped })).toEqual([]);
  });

  it('begin with a step, and of no recall that does not exist', () => {
    expect(found({ clocks: [...clocks, clock('PUBLICATION', 20, false)] })).toEqual([
      'CLOCK_WRONG PUBLICATION 2026-04-20 of recall R-1 began with no step',
    ]);
    expect(found({ clocks: [...clocks, { ...clock('PUBLICATION', 1), recall: 'R-2' }] })).toHaveLength(1);
  });

  it('may be others of a recall whose last step went with a database', () => {
    expect(found({ clocks: clocks.slice(0, 2), forgotten: new Set(['R-1']) })).toEqual([]);
  });
});
