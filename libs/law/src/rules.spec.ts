import { REGIMES } from '@jinqiao/contracts';
import { deadline } from './deadline.js';
import { allRules, rule, ruleOfVersion } from './rules.js';

describe('rules', () => {
  it.each(['PRODUCT', 'FOOD'] as const)('gives a platform 24 hours for %s, as an unconfirmed local policy', (regime) => {
    expect(rule('FEEDBACK_ACTION', { regime, on: '2026-11-23' })).toMatchObject({
      value: 24,
      unit: 'HOURS',
      regime,
      basis: 'LOCAL_POLICY',
      confidence: 'LOW',
    });
  });

  it.each(['DRUG', 'COSMETIC', 'MEDICAL_DEVICE'] as const)("never lends %s another regime's clock", (regime) => {
    expect(rule('FEEDBACK_ACTION', { regime, on: '2026-11-23' })).toBe('NO_RULE');
    expect(rule('SAMPLING_OBJECTION', { regime, on: '2026-11-23' })).toBe('NO_RULE');
  });

  it('has no row of one regime for someone who does not say which', () => {
    expect(rule('FEEDBACK_ACTION', { on: '2026-11-23' })).toBe('NO_RULE');
  });

  it.each(REGIMES)('publishes a sampling result of %s for three years', (regime) => {
    expect(rule('CREDIT_PUBLICATION_SAMPLING_RESULT', { regime, on: '2026-11-23' })).toMatchObject({
      value: 3,
      unit: 'YEARS',
      basis: 'LOCAL_POLICY',
    });
  });

  it('knows the publication rule on the day of the oldest notice too', () => {
    expect(rule('CREDIT_PUBLICATION_SAMPLING_RESULT', { on: '2016-01-01' })).not.toBe('NO_RULE');
  });

  it('follows the change of the law on 2026-04-01', () => {
    expect(rule('PENALTY_PUBLIC_OTHER', { on: '2026-03-31' })).toMatchObject({ value: 3, unit: 'YEARS' });
    expect(rule('PENALTY_PUBLIC_OTHER', { on: '2026-04-01' })).toBe('NO_RULE');
    expect(rule('DISHONESTY_PUBLIC_GENERAL_MOST', { on: '2026-03-31' })).toBe('NO_RULE');
    expect(rule('DISHONESTY_PUBLIC_GENERAL_MOST', { on: '2026-04-01' })).toMatchObject({ value: 1, unit: 'YEARS' });
  });

  it('lets the time to take a recall down run from when a platform has received it', () => {
    expect(rule('RECALL_TAKE_DOWN', { regime: 'PRODUCT', on: '2026-11-23' })).toMatchObject({
      startsOn: 'RECEIVED',
      value: 24,
      unit: 'HOURS',
    });
  });

  it('has days for what becomes of a sample of food, and of food alone', () => {
    const on = '2026-11-23';
    const period = (name: string, regime: (typeof REGIMES)[number]): unknown => {
      const row = rule(name, { regime, on });
      return row === 'NO_RULE' ? row : `${row.value} ${row.unit} ${row.confidence}`;
    };
    expect(REGIMES.map((regime) => period('SAMPLE_DELIVERY', regime))).toEqual([
      '5 WORKING_DAYS MEDIUM',
      ...REGIMES.slice(1).map(() => 'NO_RULE'),
    ]);
    expect(period('TEST_REPORT', 'FOOD')).toBe('20 WORKING_DAYS MEDIUM');
    expect(period('TEST_REPORT', 'PRODUCT')).toBe('NO_RULE');
    expect(rule('RAPID_TEST_OBJECTION', { regime: 'FOOD', on })).toMatchObject({
      value: 4,
      unit: 'HOURS',
      legalBasis: { article: '第八十八条' },
    });
  });

  it('finds the row that a decision names, also when it is law no more', () => {
    for (const row of allRules()) expect(ruleOfVersion(row.version)).toBe(row);
    expect(ruleOfVersion('PENALTY_PUBLIC_OTHER@2021-09-01')).toMatchObject({ validTo: '2026-03-31' });
    expect(() => ruleOfVersion('TEA_BREAK@2026-01-01')).toThrow(RangeError);
  });

  it('does not know a rule nobody wrote down', () => {
    expect(rule('TEA_BREAK', { on: '2026-11-23' })).toBe('NO_RULE');
  });

  it('states the objection period so that the deadline engine can take the row as it is', () => {
    const objection = rule('SAMPLING_OBJECTION', { regime: 'PRODUCT', on: '2026-09-17' });
    expect(objection === 'NO_RULE' ? objection : deadline('2026-09-17', objection).due).toBe('2026-10-08');
  });

  it('has one version per row and never two rows in force for the same question', () => {
    const rows = allRules();
    expect(new Set(rows.map((row) => row.version)).size).toBe(rows.length);
    for (const row of rows) {
      const rivals = rows.filter((other) => other.name === row.name && other.regime === row.regime && other.validFrom <= row.validFrom);
      expect(rivals.filter((other) => row.validFrom <= (other.validTo ?? '9999-12-31'))).toEqual([row]);
      expect(row.version.length).toBeLessThanOrEqual(64);
    }
  });
});
