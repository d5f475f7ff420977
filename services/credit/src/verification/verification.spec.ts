import type { HeldPermit, PublicFacts, PublicOfType, Registration } from '../public-facts/public-facts.js';
import { type Verification, verifyAt } from './verification.js';

// Noon of 2026-11-23 in China.
const NOON = new Date('2026-11-23T04:00:00.000Z');
const USCC = '91120199MA9XXX0111';
const registration: Registration = {
  name: '天津市示例商店（有限公司）',
  status: 'ACTIVE',
  divisionCode: '120101',
  industryCode: null,
  registeredOn: '2019-06-01',
  revision: 3,
};
const ofType = (type: PublicOfType['type'], count: number, firstEnd: string | null = null): PublicOfType => ({
  type,
  count,
  open: type === 'COMMITMENT' ? count : 0,
  kept: 0,
  documents: [{ date: '2026-11-01' }],
  firstEnd,
  records: [],
});
const facts = (...held: PublicOfType[]): PublicFacts => ({ registration, permits: [], held });
const permit: HeldPermit = {
  permitNo: 'JY11201010000001',
  kind: '食品经营许可证',
  scope: '预包装食品销售',
  authority: '天津市和平区市场监督管理局',
  issuedOn: '2021-11-24',
  validFrom: '2021-11-24',
  validUntil: '2026-11-23',
  status: 'VALID',
  legalBasis: { instrument: '中华人民共和国食品安全法', article: '第三十五条' },
  source: { departmentId: 'tj-amr', subject: 'tj-amr:JY11201010000001' },
};
const holding = (...permits: HeldPermit[]): PublicFacts => ({ registration, permits, held: [] });
const when = (known: PublicFacts, asked: { uscc?: string; name?: string; now?: Date } = {}): Verification => {
  const { now = NOON, ...question } = asked;
  return verifyAt(now)({ uscc: USCC, usccCheck: 'VALID', ...question }, known);
};

describe('name and code', () => {
  it.each(['天津市示例商店（有限公司）', ' 天津市示例商店(有限公司) ', '天津市 示例商店（有限公司）'])(
    '%j is the name in the register',
    (name) => {
      expect(when(facts(), { name }).match).toBe('EXACT');
    },
  );

  it('are told apart from another name, from no name, and from a code that the register does not hold', () => {
    expect(when(facts(), { name: '天津市示例商行' }).match).toBe('NAME_DIFFERS');
    expect(when(facts()).match).toBe('USCC_ONLY');
    const unknown = when({ registration: null, permits: [], held: [] }, { name: registration.name });
    expect(unknown.match).toBe('NOT_REGISTERED');
    expect(unknown).not.toHaveProperty('registration');
  });

  it('do not give the registered name away', () => {
    expect(JSON.stringify(when(facts(), { name: '某某' }))).not.toContain('示例商店');
  });
});

describe('the facts of a merchant', () => {
  it('name the revision of the register that they come from', () => {
    expect(when(facts()).registration).toEqual({
      status: 'ACTIVE',
      divisionCode: '120101',
      registeredOn: '2019-06-01',
      source: { stream: 'registration.market-entity', revision: 3 },
    });
  });

  it('are its lists, and of an individual business its mark', () => {
    const held = [ofType('ABNORMAL_OPERATION', 1), ofType('SERIOUS_DISHONESTY', 1)];
    expect(when(facts(...held)).lists).toEqual(['ABNORMAL_OPERATION', 'SERIOUS_DISHONESTY']);
    const individual = when(facts(...held), { uscc: '92120199MA9XXX02XM' });
    expect(individual).toMatchObject({ lists: ['SERIOUS_DISHONESTY'], mark: 'ABNORMAL_OPERATION' });
  });

  it('count commitments, open and broken', () => {
    const held = [ofType('COMMITMENT', 2), ofType('COMMITMENT_BROKEN', 1)];
    expect(when(facts(...held)).commitments).toEqual({ open: 2, broken: 1 });
    expect(when(facts()).commitments).toEqual({ open: 0, broken: 0 });
  });

  it('say so when the code is one of the pilot of 2015', () => {
    const pilot = verifyAt(NOON)({ uscc: '91350203M0001QAY9B', usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE' }, facts());
    expect(pilot).toMatchObject({ uscc: '91350203M0001QAY9B', usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE', match: 'USCC_ONLY' });
  });
});

describe('a permit', () => {
  const on = (now: string, changes: Partial<HeldPermit> = {}) => when(holding({ ...permit, ...changes }), { now: new Date(now) }).permits;

  it('is valid until its last day is over in China, and not on the next, whatever was said of it', () => {
    expect(on('2026-11-23T15:59:59.999Z')).toEqual([permit]);
    expect(on('2026-11-23T16:00:00.000Z')).toEqual([{ ...permit, status: 'EXPIRED' }]);
    expect(on('2026-11-23T16:00:00.000Z', { status: 'SUSPENDED' })).toEqual([{ ...permit, status: 'EXPIRED' }]);
    expect(on('2099-01-01T00:00:00.000Z', { validUntil: undefined })).toMatchObject([{ status: 'VALID' }]);
  });

  it('that was held back, taken away or struck off stands as its department says', () => {
    expect(on('2026-11-23T04:00:00.000Z', { status: 'SUSPENDED' })).toMatchObject([{ status: 'SUSPENDED' }]);
    for (const status of ['REVOKED', 'CANCELLED'] as const) {
      expect(on('2026-11-23T04:00:00.000Z', { status })).toMatchObject([{ status }]);
      expect(on('2026-11-24T04:00:00.000Z', { status })).toMatchObject([{ status }]);
    }
  });

  it('does not show before its first day in China', () => {
    expect(on('2021-11-23T15:59:59.999Z')).toEqual([]);
    expect(on('2021-11-23T16:00:00.000Z')).toEqual([permit]);
  });
});

describe('an answer may be relied on', () => {
  it('for a day', () => {
    expect(when(facts())).toMatchObject({ asOf: '2026-11-23T04:00:00.000Z', validUntil: '2026-11-24T04:00:00.000Z' });
    expect(when(facts(ofType('PENALTY', 1, '2027-11-20'))).validUntil).toBe('2026-11-24T04:00:00.000Z');
  });

  it('not longer than the first of its records is public, the last day included', () => {
    const held = [ofType('PENALTY', 1, '2026-11-23'), ofType('SAMPLING_RESULT', 2, '2029-11-01')];
    expect(when(facts(...held)).validUntil).toBe('2026-11-23T16:00:00.000Z');
  });
});

describe('an answer about permits may be relied on', () => {
  const until = (...changes: Partial<HeldPermit>[]): string =>
    when(holding(...changes.map((change) => ({ ...permit, ...change })))).validUntil;

  it('not longer than the first of those it shows as valid', () => {
    expect(until({ validUntil: '2030-01-01' }, {})).toBe('2026-11-23T16:00:00.000Z');
    expect(until({ validUntil: undefined })).toBe('2026-11-24T04:00:00.000Z');
  });

  it('whatever becomes of those that are not valid', () => {
    expect(until({ status: 'REVOKED' }, { status: 'SUSPENDED' }, { validUntil: '2026-11-22' })).toBe('2026-11-24T04:00:00.000Z');
    expect(until({ validFrom: '2026-11-24', validUntil: '2026-11-24' })).toBe('2026-11-24T04:00:00.000Z');
  });
});

describe('a platform verifies again', () => {
  it('within six months', () => {
    expect(when(facts())).toMatchObject({
      reverifyBy: '2027-05-23',
      reverifyBasis: { article: '第二十四条', ruleVersion: 'MERCHANT_REVERIFICATION@2021-05-01' },
    });
  });

  it('by the last day of a month that is too short', () => {
    expect(when(facts(), { now: new Date('2026-08-31T04:00:00Z') }).reverifyBy).toBe('2027-02-28');
  });

  it('by no day before there was such a rule', () => {
    expect(when(facts(), { now: new Date('2020-08-31T04:00:00Z') })).not.toHaveProperty('reverifyBy');
  });
});
