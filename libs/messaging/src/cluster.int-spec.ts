import { SamplingResultPublished } from '@jinqiao/contracts';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { asStack, type RunningServers, startServers } from '@jinqiao/infra-local';
import { freePort } from '@jinqiao/infra-local/servers';
import { event, Outbox } from './index.js';
import { aPlace, aPublished, eventually, type Place } from './messaging.harness.js';

/*
 * One of three brokers stops answering while the relay sends to all of them. Its partitions get leaders among the two that have answered
 * already: what was meant for them has to be sent there once more, before its rows go.
 */
const TOPIC = 'inspection.sampling-result.v1';
const ROWS = 60;

describe('a cluster of three brokers', () => {
  let dataDir: string;
  let stack: RunningServers;
  let place: Place;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'jinqiao-cluster-'));
    chmodSync(dataDir, 0o755); // as root, PostgreSQL runs as another user
    const ports = async () => ({ kafka: await freePort(), kafkaInternal: await freePort(), kafkaController: await freePort() });
    stack = await startServers({ dataDir, ports: 'free', furtherBrokers: [await ports(), await ports()] });
    place = await aPlace('inspection', stack);
  }, 180_000);
  afterAll(async () => {
    await place.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, 60_000);

  it('loses nothing when one of them freezes in the middle of a batch', async () => {
    const writer = await place.start([]);
    const publish = async (name: string): Promise<void> => {
      const events = Array.from({ length: ROWS }, (_, n) => event(SamplingResultPublished, aPublished({ sampleNo: `${name}${n}` })));
      await writer.get(DataSource).transaction((tx) => writer.get(Outbox).add(tx, events));
    };
    const outboxIsEmpty = (): Promise<void> =>
      eventually(async () => expect(await place.sql.query('SELECT seq FROM outbox')).toEqual([]), 60_000);
    await publish('before-');
    await outboxIsEmpty();
    const frozen = stack.processes.find(({ name }) => name === 'Kafka 3')?.pid;
    // Zero would be everybody who runs these specs.
    if (!frozen) throw new Error('Kafka 3 is down');
    process.kill(-frozen, 'SIGSTOP');
    try {
      await publish('away-');
      await outboxIsEmpty();
    } finally {
      process.kill(-frozen, 'SIGCONT');
    }
    const ends = await asStack(stack, (admin) => admin.fetchTopicOffsets(place.namespace + TOPIC));
    const seen = await place.readAll(
      TOPIC,
      ends.reduce((sum, { high }) => sum + Number(high), 0),
    );
    expect(new Set(seen.map(({ key }) => key)).size).toBe(2 * ROWS);
  }, 180_000);
});
