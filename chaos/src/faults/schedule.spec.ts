import { scheduleOf } from './schedule.js';

const options = { seed: '7', faults: 150, freezeMs: 20_000, disk: true, slowDisk: true, brokers: 1 };

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

  it('takes one broker of three away at a time, and never all of them', () => {
    const faults = scheduleOf({ ...options, brokers: 3 });
    for (const kind of ['kill', 'freeze', 'restart', 'slow disk']) {
      const targets = new Set(faults.flatMap((fault) => (fault.kind === kind ? [fault.target] : [])));
      expect([...targets].filter((target) => target.startsWith('kafka')).sort()).toEqual(['kafka-1', 'kafka-2', 'kafka-3']);
    }
    expect(faults.filter(({ target }) => target.startsWith('kafka')).some(({ overlaps }) => overlaps)).toBe(false);
  });

  it('holds only what was asked for, and leaves the disk alone where it cannot be filled or made slow', () => {
    const asked = scheduleOf({ ...options, only: ['kill credit', 'flush'], without: ['flush'] });
    expect(new Set(asked.map(({ kind, target }) => `${kind} ${target}`))).toEqual(new Set(['kill credit']));
    expect(scheduleOf({ ...options, disk: false }).some(({ kind }) => kind === 'full disk')).toBe(false);
    expect(scheduleOf({ ...options, slowDisk: false }).some(({ kind }) => kind === 'slow disk')).toBe(false);
    expect(() => scheduleOf({ ...options, only: ['nothing of the kind'] })).toThrow('no fault is called nothing of the kind');
  });
});
