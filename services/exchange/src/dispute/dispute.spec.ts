import type { Principal } from '@jinqiao/platform';
import { decide, type Dispute, DisputeDropped, DisputeRuled, effectOf, RulingNotYours } from './dispute.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const principal = (kind: Principal['kind'], id: string): Principal => ({ kind, id }) as Principal;
const publisher = principal('DEPARTMENT', 'tj-amr');
const open: Dispute = {
  feedbackId: '11111111-1111-5111-8111-111111111111',
  feedbackRevision: 2,
  publisherId: 'tj-amr',
  droppedAt: null,
  ruling: null,
  ruledIn: null,
};
const upheld = { outcome: 'UPHELD', reason: '复核无误' } as const;

describe('an answer', () => {
  it.each([
    ['CONTESTED', false, 'OPENS'],
    ['ACTED', false, 'DROPS'],
    ['NOTHING_FOUND', false, 'DROPS'],
    ['RECEIVED', false, null],
    ['CONTESTED', true, null],
    ['ACTED', true, null],
  ] as const)('%s (superseded: %s) does to a dispute: %s', (status, superseded, effect) => {
    expect(effectOf({ status, superseded })).toBe(effect);
  });
});

describe('a ruling', () => {
  it('is given by the publisher, and names the contested revision', () => {
    expect(decide(open, publisher, upheld, NOW)).toEqual({
      feedbackRevision: 2,
      outcome: 'UPHELD',
      reason: '复核无误',
      by: 'tj-amr',
      ruledAt: NOW.toISOString(),
    });
  });

  it('is nobody else’s, not even the operator’s, unless there is no department', () => {
    const operator = principal('OPERATOR', 'operator');
    expect(() => decide(open, operator, upheld, NOW)).toThrow(RulingNotYours);
    expect(() => decide(open, principal('DEPARTMENT', 'tj-credit'), upheld, NOW)).toThrow(RulingNotYours);
    const ofAService = { ...open, publisherId: null };
    expect(decide(ofAService, operator, upheld, NOW)).toMatchObject({ by: 'operator' });
    expect(() => decide(ofAService, publisher, upheld, NOW)).toThrow(RulingNotYours);
  });

  it('may be repeated and not changed', () => {
    const ruling = decide(open, publisher, upheld, NOW);
    const ruled = { ...open, ruling, ruledIn: 3 };
    expect(decide(ruled, publisher, upheld, NOW)).toBeNull();
    expect(() => decide(ruled, publisher, { ...upheld, outcome: 'WITHDRAWN' }, NOW)).toThrow(DisputeRuled);
    expect(() => decide(ruled, publisher, { ...upheld, reason: '另行说明' }, NOW)).toThrow(DisputeRuled);
  });

  it('is not given where the platform has acted after all', () => {
    expect(() => decide({ ...open, droppedAt: NOW }, publisher, upheld, NOW)).toThrow(DisputeDropped);
  });
});
