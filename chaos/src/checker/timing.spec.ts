import type { Entry } from '../history.js';
import { Findings } from './findings.js';
import { checkHistory, recoveriesIn } from './timing.js';

interface Met {
  readonly kind?: string;
  readonly target: string;
  readonly begins: number;
  readonly since: number;
  readonly recoveryMs?: number;
}

const historyOf = (faults: readonly Met[]): Entry[] =>
  faults.flatMap(({ kind = 'stall', target, begins, since, recoveryMs }, index): Entry[] => [
    { entry: 'fault', at: begins, number: index + 1, kind, target, phase: 'begins' },
    { entry: 'fault', at: since, number: index + 1, kind, target, phase: 'ends', since },
    {
      ...{ entry: 'fault', at: since + (recoveryMs ?? 0), number: index + 1, kind, target, phase: 'recovered', since },
      ...(recoveryMs !== undefined && { recoveryMs }),
    },
  ]);

const codesOf = (faults: readonly Met[], patience = 1): { violations: string[]; slow: string[] } => {
  const findings = new Findings();
  checkHistory(historyOf(faults), { findings, patience });
  return { violations: findings.violations.map(({ code }) => code), slow: findings.slow.map(({ code }) => code) };
};

describe('how long it took until work went on', () => {
  const kill: Met = { kind: 'kill', target: 'credit', begins: 0, since: 0, recoveryMs: 11_000 };

  it('counts from the end of the fault, and a killed service has ten seconds', () => {
    expect(recoveriesIn(historyOf([kill]))).toMatchObject([{ ms: 11_000, limitMs: 10_000 }]);
    expect(codesOf([kill])).toEqual({ violations: ['SLOW_RECOVERY'], slow: [] });
  });

  it('is not excused by what happens to a service that does not concern it', () => {
    expect(codesOf([kill, { target: 'monitoring-kafka', begins: 500, since: 9_000, recoveryMs: 10 }]).violations).toEqual([
      'SLOW_RECOVERY',
    ]);
  });

  it('begins anew with the end of what kept the service from working meanwhile', () => {
    const frozen = { kind: 'freeze', target: 'inspection', begins: 500, since: 9_000, recoveryMs: 10 };
    expect(recoveriesIn(historyOf([kill, frozen]))[0]).toMatchObject({ ms: 2_000, limitMs: 30_000 });
    expect(codesOf([kill, frozen]).violations).toEqual([]);
  });

  it('of an endpoint begins anew with the end of what kept the exchange from sending; an endpoint excuses nobody else', () => {
    const refused = { kind: 'refuse', target: 'jd-endpoint', begins: 0, since: 1_000, recoveryMs: 35_000 };
    const stalled = { target: 'exchange-postgres', begins: 500, since: 9_000, recoveryMs: 10 };
    expect(recoveriesIn(historyOf([refused, stalled]))[0]).toMatchObject({ ms: 27_000 });
    const killed = { ...kill, target: 'exchange' };
    expect(codesOf([killed, { kind: 'hang', target: 'jd-endpoint', begins: 500, since: 9_000, recoveryMs: 10 }]).violations).toEqual([
      'SLOW_RECOVERY',
    ]);
  });

  it('is reported and no violation for someone with more patience, up to a bound', () => {
    expect(codesOf([kill], 3)).toEqual({ violations: [], slow: ['SLOW_RECOVERY'] });
    expect(codesOf([{ ...kill, recoveryMs: 31_000 }], 3).violations).toEqual(['SLOW_RECOVERY']);
  });

  it('never ends where there is no new work', () => {
    expect(codesOf([{ target: 'credit-kafka', begins: 0, since: 1_000 }], 3).violations).toEqual(['NOT_RECOVERED']);
  });
});

describe('an answer over HTTP while Redis alone is frozen', () => {
  const frozen: Met = { kind: 'freeze', target: 'redis', begins: 0, since: 20_000, recoveryMs: 10 };
  const asked = (answeredAt: number): Entry[] => [
    { entry: 'call', at: 1_000, call: 1, attempt: 1, via: 'HTTP', operations: [] },
    { entry: 'answer', at: answeredAt, call: 1, attempt: 1, outcomes: ['accepted'] },
  ];
  const codesWith = (answeredAt: number, faults: readonly Met[]): string[] => {
    const findings = new Findings();
    checkHistory([...historyOf(faults), ...asked(answeredAt)], { findings, patience: 1 });
    return findings.violations.map(({ code }) => code);
  };

  it('does not wait for Redis', () => {
    expect(codesWith(1_500, [frozen])).toEqual([]);
    expect(codesWith(19_000, [frozen])).toEqual(['SLOW_ANSWER']);
  });

  it('is not judged where something else is the matter as well', () => {
    expect(codesWith(19_000, [frozen, { target: 'inspection-postgres', begins: 500, since: 15_000, recoveryMs: 10 }])).toEqual([]);
  });
});
