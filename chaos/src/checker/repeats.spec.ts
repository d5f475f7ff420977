import type { Entry } from '../history.js';
import { Findings } from './findings.js';
import { checkRepeats } from './repeats.js';

const FAULT_ENDS = 10_000;

const fault = (kind: string, target: string): Entry[] => [
  { entry: 'fault', at: 0, number: 1, kind, target, phase: 'begins' },
  { entry: 'fault', at: FAULT_ENDS, number: 1, kind, target, phase: 'ends', since: FAULT_ENDS },
];

/** An event of inspection at the beginning, and once more so long after the fault. */
const records = (againAfter: number) => {
  const headers = { ce_id: 'one', ce_source: '/services/inspection' };
  const appended = [0, FAULT_ENDS + againAfter].map((at, offset) => ({
    ...{ topic: 'inspection.sampling-result.v1', partition: 0, offset, at },
    ...{ key: 'tj-amr:S1', headers, value: '{}' },
  }));
  return new Map([['inspection.sampling-result.v1', appended]]);
};

function judged(history: readonly Entry[], againAfter: number, patience = 1): { repeats: number; codes: string[] } {
  const findings = new Findings();
  const repeats = checkRepeats(history, { records: records(againAfter) }, { findings, patience });
  return { repeats, codes: findings.violations.map(({ code }) => code) };
}

describe('what is sent again', () => {
  it('is counted, and excused for 20 s after a fault of the service, the broker or the database', () => {
    for (const target of ['inspection', 'inspection-kafka', 'kafka', 'postgres']) {
      expect(judged(fault('kill', target), 20_000)).toEqual({ repeats: 1, codes: [] });
      expect(judged(fault('kill', target), 20_001)).toEqual({ repeats: 1, codes: ['EVENT_REPEATED'] });
    }
  });

  it('is excused for as many times longer as the run is patient', () => {
    expect(judged(fault('kill', 'kafka'), 60_000, 3).codes).toEqual([]);
    expect(judged(fault('kill', 'kafka'), 60_001, 3).codes).toEqual(['EVENT_REPEATED']);
  });

  it('is not excused by what concerns another service, or leaves a relay alone', () => {
    expect(judged(fault('kill', 'credit'), 1).codes).toEqual(['EVENT_REPEATED']);
    expect(judged(fault('rebalance', 'inspection'), 1).codes).toEqual(['EVENT_REPEATED']);
  });
});
