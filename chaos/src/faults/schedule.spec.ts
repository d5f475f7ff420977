import { areInEachOthersWay, AT_ONCE, type Fault, scheduleOf } from './schedule.js';

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
    expect(faults.filter(({ target }) => target.startsWith('kafka')).every(({ alone }) => alone)).toBe(true);
  });

  it('sets faults side by side that leave each other alone', () => {
    const schedule = scheduleOf({ ...options, faults: 600 });
    const free = schedule.filter((fault, index) =>
      schedule.slice(Math.max(0, index - AT_ONCE + 1), index).every((other) => !areInEachOthersWay(fault, other)),
    );
    expect(free.length / schedule.length).toBeGreaterThan(0.7);
    expect(schedule.slice(0, 20).some(({ hurried }) => hurried)).toBe(true);
  });

  it('lets a fault wait for another on the same service, on what everybody needs, and on what a killed service hears from', () => {
    const fault = (kind: Fault['kind'], target: string, alone = false): Fault => ({ kind, target, forMs: 0, alone, hurried: false });
    const cut = fault('cut', 'credit-kafka');
    expect(areInEachOthersWay(cut, fault('stall', 'credit-postgres'))).toBe(true);
    expect(areInEachOthersWay(cut, fault('kill', 'postgres', true))).toBe(true);
    expect(areInEachOthersWay(cut, fault('freeze', 'inspection'))).toBe(false);
    expect(areInEachOthersWay(fault('kill', 'credit'), fault('freeze', 'inspection'))).toBe(true);
    expect(areInEachOthersWay(fault('kill', 'credit'), fault('second process', 'registration'))).toBe(true);
    expect(areInEachOthersWay(fault('kill', 'credit'), fault('cut', 'monitoring-kafka'))).toBe(false);
  });

  it('holds only what was asked for, and leaves the disk alone where it cannot be filled or made slow', () => {
    const asked = scheduleOf({ ...options, only: ['kill credit', 'flush'], without: ['flush'] });
    expect(new Set(asked.map(({ kind, target }) => `${kind} ${target}`))).toEqual(new Set(['kill credit']));
    expect(scheduleOf({ ...options, disk: false }).some(({ kind }) => kind === 'full disk')).toBe(false);
    expect(scheduleOf({ ...options, slowDisk: false }).some(({ kind }) => kind === 'slow disk')).toBe(false);
    expect(() => scheduleOf({ ...options, only: ['nothing of the kind'] })).toThrow('no fault is called nothing of the kind');
  });
});
