import { scheduleOf } from './schedule.js';

const options = { seed: '7', faults: 150, freezeMs: 20_000, disk: true };

describe('the schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(scheduleOf(options)).toEqual(scheduleOf(options));
    expect(scheduleOf({ ...options, seed: '8' })).not.toEqual(scheduleOf(options));
  });

  it('begins with as many kinds as there are faults', () => {
    const kinds = scheduleOf({ ...options, faults: 12 }).map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(12);
  });

  it('kills and freezes every service and every server in a long run', () => {
    const everything = [
      'registration',
      'inspection',
      'exchange',
      'credit',
      'monitoring',
      'gateway',
      'kafka',
      'postgres',
      'redis',
      'issuer',
    ];
    for (const kind of ['kill', 'freeze']) {
      const targets = new Set(scheduleOf(options).flatMap((fault) => (fault.kind === kind ? [fault.target] : [])));
      expect([...targets].sort()).toEqual([...everything].sort());
    }
  });

  it('holds only what was asked for, and leaves the disk alone where it cannot be filled', () => {
    const asked = scheduleOf({ ...options, only: ['kill credit', 'flush'], without: ['flush'] });
    expect(new Set(asked.map(({ kind, target }) => `${kind} ${target}`))).toEqual(new Set(['kill credit']));
    expect(scheduleOf({ ...options, disk: false }).some(({ kind }) => kind === 'full disk')).toBe(false);
    expect(() => scheduleOf({ ...options, only: ['nothing of the kind'] })).toThrow('no fault is called nothing of the kind');
  });
});
