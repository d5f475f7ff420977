import { SamplingResultPublished } from '@jinqiao/contracts';
import { Controller, type INestApplication } from '@nestjs/common';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type EntityManager } from 'typeorm';
import { type RunningServers, startServers } from '@jinqiao/infra-local';
import { event, OnBatch, Outbox, type Received } from './index.js';
import { aPlace, aPublished, eventually, type Place } from './messaging.harness.js';

/*
 * Outages of real servers, on a stack of this file's own: frozen for ten seconds, and killed. Writers go on where they can; afterwards
 * every committed result has its effect, once.
 */
const AWAY_MS = 10_000;

@Controller()
class Counting {
  @OnBatch(SamplingResultPublished)
  async count(received: Received<SamplingResultPublished>[], tx: EntityManager): Promise<void> {
    await tx.query(`INSERT INTO effects (subject, revision, what) SELECT subject, 1, 'counted' FROM unnest($1::text[]) AS subject`, [
      received.map((one) => one.key),
    ]);
  }
}

describe('an outage', () => {
  let dataDir: string;
  let stack: RunningServers;
  let writing: Place;
  let counting: Place;
  let writer: INestApplication;
  let committed: string[];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'jinqiao-outage-'));
    chmodSync(dataDir, 0o755); // as root, PostgreSQL runs as another user
    stack = await startServers({ dataDir, ports: 'free' });
    writing = await aPlace('inspection', stack);
    counting = await aPlace('credit', stack, writing.namespace);
    writer = await writing.start([]);
    await counting.start([Counting]);
    committed = [];
  }, 120_000);
  afterAll(async () => {
    await writing.close();
    await counting.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, 60_000);

  const pidOf = (name: RegExp): number => {
    const pid = stack.processes.find((process) => name.test(process.name))?.pid;
    // Zero would be everybody who runs these specs.
    if (!pid) throw new Error(`${name} is down`);
    return pid;
  };

  /** Writes results for a while; what is committed is noted, what fails is not. */
  async function writeFor(ms: number, name: string): Promise<void> {
    const end = Date.now() + ms;
    for (let n = 0; Date.now() < end; n++) {
      const sampleNo = `${name}${n}`;
      const write = writer
        .get(DataSource)
        .transaction((tx) =>
          writer.get(Outbox).add(tx, event(SamplingResultPublished, aPublished({ sampleNo }) as SamplingResultPublished)),
        )
        .then(() => committed.push(`tj-amr:${sampleNo}`));
      await Promise.race([write.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 500))]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const everyEffectOnce = (): Promise<void> =>
    eventually(async () => {
      const rows: { subject: string; times: number }[] = await counting.sql.query(
        'SELECT subject, count(*)::int AS times FROM effects GROUP BY subject',
      );
      expect(rows.filter((row) => row.times > 1)).toEqual([]);
      const seen = new Set(rows.map((row) => row.subject));
      expect(committed.filter((subject) => !seen.has(subject))).toEqual([]);
    }, 60_000);

  it.each([
    ['broker', /kafka/i],
    ['database', /postgres/i],
  ])(
    'of the %s for ten seconds loses and doubles nothing',
    async (name, pattern) => {
      const before = committed.length;
      await writeFor(1_000, `${name}-before-`);
      process.kill(-pidOf(pattern), 'SIGSTOP');
      await writeFor(AWAY_MS, `${name}-away-`);
      process.kill(-pidOf(pattern), 'SIGCONT');
      await writeFor(1_000, `${name}-after-`);
      expect(committed.length).toBeGreaterThan(before + 20);
      await everyEffectOnce();
      expect(await counting.sql.query('SELECT code, reason FROM dead_letters')).toEqual([]);
    },
    120_000,
  );

  it.each([
    ['broker', /kafka/i],
    ['database', /postgres/i],
  ])(
    'by kill -9 of the %s loses and doubles nothing',
    async (name, pattern) => {
      const killed = pidOf(pattern);
      await writeFor(1_000, `${name}-kill-`);
      process.kill(-killed, 'SIGKILL');
      await writeFor(3_000, `${name}-dead-`);
      await eventually(() => expect(pidOf(pattern)).not.toBe(killed), 30_000);
      await eventually(
        () => writeFor(1, `${name}-again-${Date.now()}-`).then(() => expect(committed.at(-1)).toContain(`${name}-again-`)),
        30_000,
      );
      await everyEffectOnce();
      expect(await counting.sql.query('SELECT code, reason FROM dead_letters')).toEqual([]);
    },
    120_000,
  );
});
