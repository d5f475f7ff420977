import { assertPullable, GrantNotInForce, type GrantedRecord, grantedOf, NotByPull, type StreamRecord } from './granted-record.js';
import type { EntitlementState } from '@jinqiao/contracts';

const record = (key: string, areas: readonly string[], changes: Partial<StreamRecord> = {}): StreamRecord => ({
  key,
  event: 'SamplingResultPublished',
  revision: 1,
  body: { key },
  areas,
  ...changes,
});
const summary = (items: readonly GrantedRecord[]): string[] =>
  items.map(({ key, gone, body }) => `${key} ${gone ? 'gone' : 'here'} ${body ? 'body' : '-'}`);

describe('what is given under a grant', () => {
  const all = [
    record('binhai', ['120116']),
    record('heping', ['120101']),
    record('both', ['120101', '120116']),
    record('hebei', ['130102']),
  ];

  it('is everything without a scope, also what says nothing of places', () => {
    expect(summary(grantedOf({}, [...all, record('nowhere', [])], new Set()))).toHaveLength(5);
  });

  it('is what concerns a granted area or one below it', () => {
    expect(summary(grantedOf({ areas: ['120116'] }, all, new Set()))).toEqual(['binhai here body', 'both here body']);
    expect(summary(grantedOf({ areas: ['120000'] }, all, new Set()))).toEqual(['binhai here body', 'heping here body', 'both here body']);
    expect(summary(grantedOf({ areas: ['120100', '130100'] }, all, new Set()))).toHaveLength(4);
    expect(grantedOf({ areas: ['120110'] }, all, new Set())).toEqual([]);
    expect(grantedOf({ areas: ['120000'] }, [record('nowhere', [])], new Set())).toEqual([]);
  });

  it('is gone for whoever was given it when it is withdrawn, leaves the area or is ended, and for nobody else', () => {
    const scope = { areas: ['120116'], events: ['SamplingResultPublished'] };
    const changes = [
      record('binhai', ['120116'], { revision: 2, event: 'SamplingResultWithdrawn' }),
      record('both', ['120101'], { revision: 2 }),
      record('heping', ['120101'], { revision: 2, body: null }),
      record('binhai', [], { revision: 3, body: null }),
    ];
    expect(summary(grantedOf(scope, changes, new Set(['binhai', 'both'])))).toEqual(['binhai gone -', 'both gone -', 'binhai gone -']);
    // In one page: first given, then withdrawn.
    expect(summary(grantedOf(scope, [...all, ...changes], new Set()))).toEqual([
      'binhai here body',
      'both here body',
      'binhai gone -',
      'both gone -',
      'binhai gone -',
    ]);
  });
});

it('is given only while a grant to pull is in force', () => {
  const grant = { mode: 'PULL', status: 'ACTIVE', validUntil: '2026-12-31' } as EntitlementState;
  const now = new Date('2026-11-23T01:00:00Z');
  expect(() => assertPullable(grant, now)).not.toThrow();
  expect(() => assertPullable({ ...grant, status: 'SUSPENDED' }, now)).toThrow(GrantNotInForce);
  expect(() => assertPullable(grant, new Date('2026-12-31T16:00:00Z'))).toThrow(GrantNotInForce);
  expect(() => assertPullable({ ...grant, mode: 'KAFKA' }, now)).toThrow(NotByPull);
});
