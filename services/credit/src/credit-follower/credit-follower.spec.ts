import { withdrawalOf } from '../withdrawal.js';
import { clockOf } from './credit-follower.js';

describe('what has ended has to be gone', () => {
  // 2026-11-27 is a Friday.
  it('on the third working day after, and is late from the next day on', () => {
    const toldAt = new Date('2026-11-27T04:00:00Z');
    const clock = { dueOn: '2026-12-02', ruleVersion: 'PENALTY_WITHDRAWAL@2021-07-15' };
    expect(clockOf(toldAt, new Date('2026-12-02T15:59:59Z'))).toEqual({ ...clock, overdue: false });
    expect(clockOf(toldAt, new Date('2026-12-02T16:00:00Z'))).toEqual({ ...clock, overdue: true });
  });

  it('at no time where no rule says so, and then nothing is late', () => {
    expect(withdrawalOf('2021-07-14')).toBeNull();
    expect(clockOf(new Date('2021-07-13T04:00:00Z'), new Date('2026-12-02T16:00:00Z'))).toEqual({
      dueOn: null,
      ruleVersion: null,
      overdue: false,
    });
  });
});
