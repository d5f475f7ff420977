import { type CreditRecordState, UNSAID } from '../credit-record/credit-record.js';
import { validDays } from './credit-history.js';

const record = (named: Partial<CreditRecordState> = {}): CreditRecordState => ({
  ...UNSAID,
  recordNo: '6fa459ea-ee8a-5ca4-894e-db77e160355e',
  revision: 1,
  uscc: '91120199MA9XXX0111',
  type: 'PENALTY',
  class: 'GENERAL',
  departmentId: 'tj-amr',
  subject: 'tj-amr:1',
  sourceRevision: 1,
  legalBasis: [],
  documentDate: '2026-11-20',
  publicFrom: '2026-11-26',
  publicUntil: '2027-11-20',
  standing: 'PUBLIC',
  endedBecause: null,
  repairedOn: null,
  ...named,
});

describe('a record may be held against its entity', () => {
  it.each(['PUBLIC', 'NOT_YET', 'PERIOD_OVER', 'EXPIRED'] as const)('for its period when it is %s', (standing) => {
    expect(validDays(record({ standing }), '2027-12-01')).toBe('[2026-11-26,2027-11-20]');
  });

  it.each(['REVOKED', 'CORRECTED', 'HELD', 'NOT_PUBLIC'] as const)('on no day when it is %s', (standing) => {
    expect(validDays(record({ standing }), '2026-12-01')).toBe('empty');
  });

  it('without an end when only a decision ends it', () => {
    expect(validDays(record({ publicUntil: null }), '2026-12-01')).toBe('[2026-11-26,]');
  });

  it('until the day it was repaired', () => {
    expect(validDays(record({ standing: 'REPAIRED' }), '2026-12-01')).toBe('[2026-11-26,2026-12-01]');
    expect(validDays(record({ standing: 'REPAIRED', publicUntil: null }), '2026-12-01')).toBe('[2026-11-26,2026-12-01]');
    expect(validDays(record({ standing: 'REPAIRED' }), '2028-01-01')).toBe('[2026-11-26,2027-11-20]');
    expect(validDays(record({ standing: 'REPAIRED', publicFrom: '2026-12-02' }), '2026-12-01')).toBe('empty');
  });

  it('until the day its repair was decided, however late that was known', () => {
    const repaired = record({ standing: 'REPAIRED', repairedOn: '2026-12-01' });
    expect(validDays(repaired, '2027-03-01')).toBe('[2026-11-26,2026-12-01]');
    expect(validDays({ ...repaired, publicUntil: '2026-11-28' }, '2027-03-01')).toBe('[2026-11-26,2026-11-28]');
    expect(validDays({ ...repaired, repairedOn: '2026-11-25' }, '2027-03-01')).toBe('empty');
  });

  it('on no day when its repair was decided before it came, so that nobody ever saw it', () => {
    expect(validDays(record({ revision: 0, standing: 'REPAIRED', repairedOn: '2026-12-01' }), '2026-12-01')).toBe('empty');
  });

  it('on no day before one is known', () => {
    expect(validDays(record({ publicFrom: null, publicUntil: null, standing: 'NO_DOCUMENT_DATE' }), '2026-12-01')).toBe('empty');
  });
});
