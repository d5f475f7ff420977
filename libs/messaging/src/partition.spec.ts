import { Logger } from '@nestjs/common';
import { handlers, PLACE, recordOf } from './consuming-model.harness.js';
import { type Fetched, Partition } from './partition.js';
import { FaultPlan, Process, VirtualTime } from './virtual-time.harness.js';

const fetched = (offset: string): Fetched => ({
  records: [recordOf({ no: 0, single: false }, offset, { no: 0, kind: 'good' })],
  isMine: () => true,
  resolve: () => undefined,
  heartbeat: () => Promise.resolve(),
});

describe('a partition whose log does not begin with 0', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });

  it('is read from the beginning again when its database was set back to before the first batch', async () => {
    const sought: bigint[] = [];
    let isAway = false;
    const partition = new Partition(PLACE, {
      tables: { begin: () => Promise.resolve({ stored: null, isolate: false }) },
      batches: {
        apply: () => {
          const outcome = isAway
            ? Promise.reject(Object.assign(new Error('terminating connection'), { code: '57P01' }))
            : Promise.resolve();
          isAway = false;
          return outcome;
        },
        applyIsolated: () => Promise.reject(new Error('nothing is suspected')),
      },
      subscriptions: handlers(new Process(new VirtualTime(), new FaultPlan([], [0]))),
      seek: (_place, offset) => sought.push(offset),
      pause: () => Promise.resolve(),
    });
    // The first batch says where the log begins, and nothing after it does.
    expect(await partition.take(fetched('1'))).toBeNull();
    expect(await partition.take(fetched('1'))).toBe('1');
    isAway = true;
    expect(await partition.take(fetched('2'))).toBeNull();
    expect(sought).toEqual([0n, 0n]);
  });
});
