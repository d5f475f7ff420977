import { setTimeout as after } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { regularly } from './regularly.js';

const log = (said: string[] = []): Logger => ({ error: (message: string) => said.push(message) }) as unknown as Logger;

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await after(1);
}

describe('work that is done regularly', () => {
  it('goes on after a failure, which is logged', async () => {
    const said: string[] = [];
    let rounds = 0;
    const work = (): Promise<void> => {
      rounds += 1;
      return rounds === 1 ? Promise.reject(new Error('the database is away')) : Promise.resolve();
    };
    const job = regularly(1, work, log(said));
    await until(() => rounds >= 2);
    await job.stop();
    expect(said).toEqual(['the database is away']);
  });

  it('is not joined by a second round, and is stopped only when the one under way has ended', async () => {
    let begun = 0;
    let ended = 0;
    const work = async (stopping: AbortSignal): Promise<void> => {
      begun += 1;
      await until(() => stopping.aborted);
      ended += 1;
    };
    const job = regularly(1, work, log());
    await until(() => begun > 0);
    // Time for many rounds more.
    await after(20);
    await job.stop();
    await after(20);
    expect({ begun, ended }).toEqual({ begun: 1, ended: 1 });
  });
});
