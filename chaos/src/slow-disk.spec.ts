import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SlowDisk } from './slow-disk.js';

// Flushes and writes a file for every line it is told, and answers with the milliseconds that took.
const SERVER = `
  const fs = require('node:fs');
  const file = fs.openSync(process.argv[1], 'w');
  const answer = (began) => fs.writeSync(1, (performance.now() - began) + '\\n');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (what) => {
    const began = performance.now();
    if (what === 'flush') fs.fdatasyncSync(file); else fs.writeSync(file, 'something');
    answer(began);
  });`;

describe('the slow disk', () => {
  const home = mkdtempSync(join(tmpdir(), 'slow-disk-'));
  const disk = SlowDisk.in(join(home, 'slow-disk'));
  const environment = disk.environment('Kafka 2');
  afterAll(() => rmSync(home, { recursive: true }));

  const isHere = environment['LD_PRELOAD'] !== undefined;
  (isHere ? it : it.skip)('slows a running process down, and lets it go', async () => {
    const child = spawn(process.execPath, ['-e', SERVER, join(home, 'file')], { env: { ...process.env, ...environment } });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ms = async (what: 'flush' | 'write'): Promise<number> => {
      child.stdin.write(`${what}\n`);
      return Number((await lines.next()).value);
    };
    try {
      await ms('flush');
      expect(disk.reaches('Kafka 2', child.pid ?? 0)).toBe(true);
      expect(disk.reaches('Kafka 3', child.pid ?? 0)).toBe(false);
      disk.set('Kafka 2', true);
      expect(await ms('flush')).toBeGreaterThanOrEqual(200);
      expect(await ms('write')).toBeGreaterThanOrEqual(20);
      disk.set('Kafka 2', false);
      expect(readFileSync(environment['CHAOS_SLOW_DISK'] ?? '')).toEqual(Buffer.alloc(8));
      expect(await ms('flush')).toBeLessThan(200);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});
