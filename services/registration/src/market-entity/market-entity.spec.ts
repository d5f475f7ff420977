import { MarketEntityChanged, MarketEntityRegistered, MarketEntityStatusChanged } from '@jinqiao/contracts';
import { handOver, type MarketEntity, readRegistration, register as registerBy } from './market-entity.js';

const now = new Date('2026-11-23T08:00:00Z');
const facts = { uscc: '91120199MA9XXX0111', name: '示例餐饮有限公司', divisionCode: '120104', registeredOn: '2020-01-31' };
const KEEPER = 'tj-amr';
const active: MarketEntity = { ...facts, departmentId: KEEPER, status: 'ACTIVE', revision: 3 };
const codesOn = (change: object): string[] =>
  readRegistration({ ...facts, ...change }, now).errors.map(({ code, pointer }) => `${code} ${pointer}`);

describe('reading a registration', () => {
  it('normalises the code', () => {
    expect(readRegistration({ ...facts, uscc: ' ９１120199ma9xxx0111' }, now)).toMatchObject({
      id: facts.uscc,
      errors: [],
      usccCheck: 'VALID',
    });
  });

  it('refuses a wrong check digit', () => {
    expect(codesOn({ uscc: '91120199MA9XXX0112' })).toEqual(['USCC_CHECK_FAILED /uscc']);
    expect(codesOn({ uscc: '12345' })).toEqual(['USCC_CHECK_FAILED /uscc']);
  });

  it('keeps a pilot code of 2015 and marks it', () => {
    const read = readRegistration({ ...facts, uscc: '91350203M0001QAY9B' }, now);
    expect(read).toMatchObject({ errors: [], usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE' });
    expect(read.warnings).toEqual([expect.objectContaining({ code: 'USCC_LEGACY_CANDIDATE', pointer: '/uscc' })]);
  });

  it('lists every error', () => {
    expect(codesOn({ uscc: '91120199MA9XXX0112', divisionCode: '999999', registeredOn: '2026-11-24' })).toEqual([
      'USCC_CHECK_FAILED /uscc',
      'DIVISION_UNKNOWN /divisionCode',
      'REGISTERED_IN_FUTURE /registeredOn',
    ]);
    expect(codesOn({ name: '', status: 'ASLEEP' })).toEqual(['FIELD_MISSING /name', 'NOT_IN_CODE_LIST /status']);
  });

  it('does not hold the division of the code against the table', () => {
    expect(codesOn({ divisionCode: '120107' })).toEqual([]);
  });
});

describe('registering', () => {
  const register = (before: MarketEntity | null, registration: Parameters<typeof registerBy>[1]) => {
    const decision = registerBy(before && { state: before, keptBy: KEEPER }, registration, KEEPER);
    if (decision.outcome === 'rejected') throw new Error(JSON.stringify(decision.findings));
    return decision;
  };
  const read = (change: object = {}) => {
    const { registration } = readRegistration({ ...facts, ...change }, now);
    if (!registration) throw new Error('the test gives what can be read');
    return registration;
  };

  it('registers an entity that is met for the first time as active', () => {
    const { outcome, state } = register(null, read());
    expect({ outcome, state }).toEqual({ outcome: 'accepted', state: { ...active, revision: 1 } });
    expect(register(null, read())).toMatchObject({ type: MarketEntityRegistered });
  });

  it('takes the same again for a duplicate, with and without the status it has', () => {
    expect(register(active, read())).toEqual({ outcome: 'duplicate', state: active });
    expect(register(active, read({ status: 'ACTIVE' }))).toEqual({ outcome: 'duplicate', state: active });
  });

  it('announces a changed fact, and a removed one, with the next revision', () => {
    expect(register(active, read({ name: '新名' }))).toMatchObject({
      type: MarketEntityChanged,
      state: { name: '新名', revision: 4 },
    });
    expect(register({ ...active, zone: '东疆' }, read())).toMatchObject({ outcome: 'accepted', state: { ...active, revision: 4 } });
  });

  it('announces a changed status as such, whatever else changed', () => {
    expect(register(active, read({ status: 'DEREGISTERED', name: '新名' }))).toMatchObject({ type: MarketEntityStatusChanged });
  });

  it('does not revive a deregistered entity by a statement without a status', () => {
    expect(register({ ...active, status: 'DEREGISTERED' }, read())).toMatchObject({ outcome: 'duplicate' });
  });

  it('is for the department alone that keeps the registration', () => {
    const kept = { state: active, keptBy: KEEPER };
    for (const change of [{ name: '新名' }, { status: 'REVOKED' }, {}]) {
      const decision = registerBy(kept, read(change), 'tj-heping-amr');
      expect(decision).toMatchObject({ outcome: 'rejected', findings: [{ code: 'NOT_ITS_ENTITY', pointer: '/uscc' }] });
    }
  });

  it('makes whoever states it next the keeper where nobody is known to be', () => {
    const { departmentId: _departmentId, ...older } = active;
    expect(registerBy({ state: older, keptBy: null }, read(), 'tj-heping-amr')).toMatchObject({
      outcome: 'accepted',
      state: { departmentId: 'tj-heping-amr', revision: 4 },
    });
  });

  it('goes to another department by being handed over', () => {
    const decision = handOver({ state: active, keptBy: KEEPER }, 'tj-heping-amr');
    expect(decision).toEqual({
      outcome: 'accepted',
      type: MarketEntityChanged,
      state: { ...active, departmentId: 'tj-heping-amr', revision: 4 },
    });
    expect(handOver({ state: active, keptBy: KEEPER }, KEEPER)).toEqual({ outcome: 'duplicate', state: active });
  });
});
