import { PermitChanged, PermitGranted, PermitWithdrawn } from '@jinqiao/contracts';
import { decide, type Permit, readPermit, retract } from './permit.js';

const now = new Date('2026-11-23T08:00:00.000Z');
const facts = {
  permitNo: 'JY11201040000001',
  uscc: '91120199MA9XXX0111',
  kind: '食品经营许可证',
  scope: '预包装食品销售',
  authority: '天津市南开区市场监督管理局',
  issuedOn: '2024-01-10',
  validFrom: '2024-01-10',
  validUntil: '2029-01-09',
  legalBasis: { instrument: '中华人民共和国食品安全法', article: '第三十五条' },
};
const held: Permit = { ...facts, departmentId: 'tj-amr', status: 'VALID', revision: 2 };
const takenBack: Permit = { ...held, withdrawnBecause: '编号录入错误', revision: 3 };

const read = (change: object = {}) => readPermit('tj-amr', { ...facts, ...change }, now);
const codesOn = (change: object): string[] => read(change).errors.map(({ code, pointer }) => `${code} ${pointer}`);
const stated = (change: object = {}) => {
  const { stated: permit, errors } = read(change);
  if (!permit || errors.length > 0) throw new Error('the test gives what can be read');
  return permit;
};

describe('reading a permit', () => {
  it('takes the department from the caller and refuses another in the body', () => {
    expect(stated({ departmentId: 'tj-amr' }).departmentId).toBe('tj-amr');
    expect(stated().departmentId).toBe('tj-amr');
    expect(codesOn({ departmentId: 'tj-heping-amr' })).toEqual(['NOT_ITS_PERMIT /departmentId']);
  });

  it('refuses a wrong check digit and keeps a pilot code with a warning', () => {
    expect(codesOn({ uscc: '91120199MA9XXX0112' })).toEqual(['USCC_CHECK_FAILED /uscc']);
    expect(read({ uscc: '91350203M0001QAY9B' })).toMatchObject({ errors: [], warnings: [{ code: 'USCC_LEGACY_CANDIDATE' }] });
  });

  it('lets one day be the first and the last, and no permit end before it begins', () => {
    expect(codesOn({ validUntil: '2024-01-10' })).toEqual([]);
    expect(codesOn({ validUntil: '2024-01-09' })).toEqual(['ENDS_BEFORE_IT_BEGINS /validUntil']);
  });

  it('refuses what is issued after today in China, not what begins later', () => {
    const lateAtNight = new Date('2026-11-23T16:00:00.000Z');
    expect(codesOn({ issuedOn: '2026-11-24' })).toEqual(['ISSUED_IN_FUTURE /issuedOn']);
    expect(readPermit('tj-amr', { ...facts, issuedOn: '2026-11-24' }, lateAtNight).errors).toEqual([]);
    expect(codesOn({ validFrom: '2027-01-01' })).toEqual([]);
  });

  it('lists every error', () => {
    expect(codesOn({ uscc: '12345', issuedOn: '2027-01-01', validUntil: '2023-01-01', departmentId: 'other' })).toEqual([
      'USCC_CHECK_FAILED /uscc',
      'ISSUED_IN_FUTURE /issuedOn',
      'ENDS_BEFORE_IT_BEGINS /validUntil',
      'NOT_ITS_PERMIT /departmentId',
    ]);
    expect(codesOn({ kind: '', legalBasis: {}, status: 'EXPIRED', validFrom: '2024-02-30' }).sort()).toEqual([
      'FIELD_MISSING /kind',
      'FIELD_MISSING /legalBasis/instrument',
      'NOT_IN_CODE_LIST /status',
      'WRONG_FORMAT /validFrom',
    ]);
  });
});

describe('the life of a permit', () => {
  it('begins valid unless said', () => {
    expect(decide(null, stated())).toEqual({ outcome: 'accepted', type: PermitGranted, state: { ...held, revision: 1 } });
    expect(decide(null, stated({ status: 'SUSPENDED' }))).toMatchObject({ state: { status: 'SUSPENDED' } });
  });

  it('takes the same again for a duplicate, with and without the status it has', () => {
    expect(decide(held, stated())).toEqual({ outcome: 'duplicate', state: held });
    expect(decide(held, stated({ status: 'VALID' }))).toEqual({ outcome: 'duplicate', state: held });
  });

  it('announces a changed fact, a removed one, and another holder with the next revision', () => {
    expect(decide(held, stated({ validUntil: '2034-01-09' }))).toMatchObject({
      type: PermitChanged,
      state: { validUntil: '2034-01-09', revision: 3 },
    });
    expect(decide(held, stated({ validUntil: '' }))).toMatchObject({ type: PermitChanged, state: { revision: 3 } });
    expect(decide(held, stated({ validUntil: '' }))).not.toHaveProperty('state.validUntil');
    expect(decide(held, stated({ uscc: '92120199MA9XXX02XM' }))).toMatchObject({
      type: PermitChanged,
      state: { uscc: '92120199MA9XXX02XM' },
    });
  });

  it('is not given back to a holder that lost it by a statement without a status', () => {
    expect(decide({ ...held, status: 'REVOKED' }, stated())).toMatchObject({ outcome: 'duplicate', state: { status: 'REVOKED' } });
    expect(decide({ ...held, status: 'REVOKED' }, stated({ status: 'VALID' }))).toMatchObject({ type: PermitChanged });
  });

  it('is taken back once, and goes on when it is stated again', () => {
    expect(retract(held, '编号录入错误')).toEqual({ outcome: 'accepted', type: PermitWithdrawn, state: takenBack });
    expect(retract(takenBack, '又一次')).toEqual({ outcome: 'duplicate', state: takenBack });
    expect(decide(takenBack, stated())).toEqual({ outcome: 'accepted', type: PermitGranted, state: { ...held, revision: 4 } });
  });
});
