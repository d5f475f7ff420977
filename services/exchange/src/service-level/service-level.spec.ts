import { PeriodReversed, PeriodTooLong, periodOf, scopeOf, ServiceLevelOfAnother } from './service-level.js';

// The 24th in China.
const NOW = new Date('2026-11-23T16:30:00.000Z');

describe('a period', () => {
  it('is the last seven days in China, unless something else is asked for', () => {
    expect(periodOf({}, NOW)).toEqual({ from: '2026-11-18', to: '2026-11-24' });
    expect(periodOf({ from: '2026-11-01' }, NOW)).toEqual({ from: '2026-11-01', to: '2026-11-24' });
    expect(periodOf({ to: '2026-10-03' }, NOW)).toEqual({ from: '2026-09-27', to: '2026-10-03' });
  });

  it('has a day at least and 92 at most', () => {
    expect(periodOf({ from: '2026-11-24', to: '2026-11-24' }, NOW)).toEqual({ from: '2026-11-24', to: '2026-11-24' });
    expect(() => periodOf({ from: '2026-11-25', to: '2026-11-24' }, NOW)).toThrow(PeriodReversed);
    expect(periodOf({ from: '2026-07-01', to: '2026-09-30' }, NOW)).toEqual({ from: '2026-07-01', to: '2026-09-30' });
    expect(() => periodOf({ from: '2026-07-01', to: '2026-10-01' }, NOW)).toThrow(PeriodTooLong);
  });
});

describe('whose levels are shown', () => {
  const jd = { kind: 'PLATFORM', id: 'jd' } as const;
  const amr = { kind: 'DEPARTMENT', id: 'tj-amr' } as const;

  it('are its own to a platform', () => {
    expect(scopeOf(jd, {})).toEqual({ platform: 'jd', department: null });
    expect(scopeOf(jd, { platform: 'jd' })).toEqual({ platform: 'jd', department: null });
    expect(() => scopeOf(jd, { platform: 'tmall' })).toThrow(ServiceLevelOfAnother);
    expect(() => scopeOf(jd, { department: 'tj-amr' })).toThrow(ServiceLevelOfAnother);
  });

  it('are its own to a department, and what any platform did with them', () => {
    expect(scopeOf(amr, {})).toEqual({ platform: null, department: 'tj-amr' });
    expect(scopeOf(amr, { platform: 'jd' })).toEqual({ platform: 'jd', department: 'tj-amr' });
    expect(() => scopeOf(amr, { department: 'tj-credit' })).toThrow(ServiceLevelOfAnother);
  });

  it.each(['OPERATOR', 'AUDITOR'] as const)('are everybody’s to %s', (kind) => {
    expect(scopeOf({ kind, id: 'x' }, {})).toEqual({ platform: null, department: null });
    expect(scopeOf({ kind, id: 'x' }, { platform: 'jd', department: 'tj-amr' })).toEqual({ platform: 'jd', department: 'tj-amr' });
  });
});
