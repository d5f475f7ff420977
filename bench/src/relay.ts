import { fork } from 'node:child_process';
import { join } from 'node:path';
import { SamplingResultPublished } from '@jinqiao/contracts';
import { asStack, type ServerAddresses } from '@jinqiao/infra-local';
import { event, KafkaConnection, Outbox, Relay } from '@jinqiao/messaging';
import type { INestApplicationContext } from '@nestjs/common';
import { ClientKafka } from '@nestjs/microservices';
import type { Producer } from 'kafkajs';
import { DataSource, IsNull } from 'typeorm';
import { Debezium } from './debezium.js';
import { type Contender, type Figure, type Options, type Outcome, percentile, race, ratioOf, timed, type Work } from './harness.js';
import { consumeBatches, RESULTS } from './filled-topic.js';
import {
  built,
  connected,
  type Database,
  databaseOf,
  type Envelope,
  makeTopic,
  messagingApp,
  onServers,
  pause,
  plainDatabase,
  recordsOn,
  settle,
  until,
} from './place.js';
import { publishedAt } from './results.js';
import { memoryOf, openLoop } from './running-stack.js';
import { OutboxMessage, OutboxRelay } from '../stock/outbox.js';
import { kafkaClient, useStockPlace } from '../stock/stock.modules.js';

type Seal = (outgoing: ReturnType<typeof event>, service: string, schemaBaseUrl: string, time: string) => Omit<Envelope, 'topic'>;
const { seal } = await built<{ seal: Seal }>('libs/messaging/dist/event.js');

/*
 * A backlog of committed outbox rows until the last is on the broker; then live, where every event is timed from its commit. Ours also has
 * to delete the rows it has sent. Debezium is reckoned from its first record on the topic: neither the start of its JVM nor its search in
 * the log is counted, and backlogs that are not measured have warmed it.
 */
const NAMESPACE = 'relay.';
const STOCK_TOPIC = 'stock.relay';
const DEBEZIUM_TOPIC = 'debezium.relay';
const PARTITIONS = 3;
const SCHEMAS = 'http://localhost:3000/schemas';
/** Events a transaction, as a batch of the live part brings them. */
const LIVE = { perSecond: 1_000, transactionsPerSecond: 100 };
/** Rows a transaction, as a batch of reports brings them. */
const FILL = 500;
/** Its JVM was still getting quicker after the third hundred thousand events. */
const DEBEZIUM_WARM = 3;

export async function relay(options: Options): Promise<Outcome> {
  const work = (servers: ServerAddresses, dataDir: string): Promise<Outcome> =>
    Debezium.run({ servers, dataDir, say: options.say }, (debezium) => measured(servers, debezium, options));
  return onServers('relay', work, { logicalDecoding: true });
}

async function measured(servers: ServerAddresses, debezium: Debezium, options: Options): Promise<Outcome> {
  const count = { rows: options.size(5_000, 500), backlog: options.size(200_000, 5_000), liveSeconds: options.size(60, 5) };
  const database = await databaseOf(servers, 'inspection', 'bench_relay');
  const stockUrl = await plainDatabase(servers, 'bench_stock_relay');
  for (const topic of [NAMESPACE + RESULTS, STOCK_TOPIC, DEBEZIUM_TOPIC]) await makeTopic(servers, topic, PARTITIONS);
  const streaming = streamed(servers, debezium, count.backlog);
  for (let nth = 0; nth < DEBEZIUM_WARM; nth += 1) await streaming.run(nth);
  const figures = await race(
    [rowByRow(servers, stockUrl, count.rows), drained(servers, database, count.backlog), streaming],
    (items): Work => ({ records: items, left: 0 }),
    options,
  );
  const memory = { debezium: memoryOf(debezium.pid), ours: await memoryAlone(servers, database, count.backlog) };
  const ours = await liveOurs(servers, database, count.liveSeconds);
  const theirs = await liveDebezium(servers, debezium, count.liveSeconds);
  const perSecond = percentile(figures.get(OURS)?.samples ?? [], 50);
  const [p50, p99] = [percentile(ours.answered, 50), percentile(ours.answered, 99)];
  return {
    bench: 'relay',
    figures: [
      ...figures.values(),
      ...latencies(`ours at ${LIVE.perSecond}/s, commit to broker answer`, ours.answered),
      ...latencies(`ours at ${LIVE.perSecond}/s, commit to append`, ours.appended),
      ...latencies(`Debezium at ${LIVE.perSecond}/s, commit to append`, theirs),
      { name: 'ours alone in a process after a backlog, PSS', unit: 'MB', samples: [memory.ours] },
      { name: 'Kafka Connect with Debezium after the backlogs, PSS', unit: 'MB', samples: [memory.debezium] },
    ],
    ratios: [
      { name: 'row-by-row relay', value: ratioOf(figures, OURS, STOCK), goal: 10 },
      { name: 'Debezium on Kafka Connect', value: ratioOf(figures, OURS, DEBEZIUM), goal: 1 },
      { name: 'events/s', value: perSecond, goal: 15_000 },
      { name: 'live p50, 10 ms', value: 10 / p50, goal: 1 },
      { name: 'live p99, 60 ms', value: 60 / p99, goal: 1 },
    ],
  };
}

const latencies = (name: string, took: readonly number[]): Figure[] =>
  [50, 99].map((percent) => ({ name: `${name}, p${percent}`, unit: 'ms', samples: [percentile(took, percent)] }));

const STOCK = 'row-by-row relay';
const OURS = 'ours, backlog';
const DEBEZIUM = 'Debezium on Kafka Connect, backlog';

const rowByRow = (servers: ServerAddresses, url: string, count: number): Contender => ({
  name: STOCK,
  async run() {
    useStockPlace({ databaseUrl: url, servers, principal: 'service.stack' });
    const db = new DataSource({
      type: 'postgres',
      url,
      entities: [OutboxMessage],
      synchronize: true,
      installExtensions: false,
      poolSize: 16,
    });
    await db.initialize();
    const messages = db.getRepository(OutboxMessage);
    await messages.clear();
    const rows = Array.from({ length: count }, (_, n) => {
      const payload = publishedAt('R', n);
      return { topic: STOCK_TOPIC, key: payload.sampleNo, payload, sentAt: null };
    });
    for (let from = 0; from < count; from += 500) await messages.insert(rows.slice(from, from + 500));
    await settle(servers);
    const before = await recordsOn(servers, STOCK_TOPIC);
    const client = new ClientKafka({ client: kafkaClient(), producerOnlyMode: true });
    await client.connect();
    const relaying = new OutboxRelay(messages, client);
    const seconds = await timed(async () => {
      while ((await relaying.publish()) > 0);
    });
    const left = await messages.countBy({ sentAt: IsNull() });
    await client.close();
    await db.destroy();
    return { items: count, seconds, work: { records: (await recordsOn(servers, STOCK_TOPIC)) - before, left } };
  },
});

/** The rows a service would have written, made once by the outbox itself and multiplied by PostgreSQL. */
async function fill({ url, ownerUrl }: Database, count: number): Promise<void> {
  const db = await new DataSource({ type: 'postgres', url, installExtensions: false }).initialize();
  const outbox = new Outbox({ service: 'inspection', schemaBaseUrl: SCHEMAS } as ConstructorParameters<typeof Outbox>[0], db);
  const kinds = Math.min(count, 1_000);
  await db.transaction((tx) =>
    outbox.add(
      tx,
      Array.from({ length: kinds }, (_, n) => event(SamplingResultPublished, publishedAt('R', n))),
    ),
  );
  await db.destroy();
  const owner = await connected(ownerUrl);
  await owner.query(
    `INSERT INTO outbox (topic, key, headers, value)
     SELECT topic, key || '-' || copy, headers, value FROM outbox, generate_series(2, $1::integer) AS copy ORDER BY copy, seq`,
    [count / kinds],
  );
  await owner.query('ANALYZE outbox');
  await owner.end();
}

const drained = (servers: ServerAddresses, database: Database, count: number): Contender => ({
  name: OURS,
  async run() {
    await fill(database, count);
    await settle(servers);
    const before = await recordsOn(servers, NAMESPACE + RESULTS);
    const owner = await connected(database.ownerUrl);
    let began = 0;
    let sent = 0;
    const app = await messagingApp({
      ...{ servers, service: 'inspection', namespace: NAMESPACE, databaseUrl: database.url },
      prepare: (made) => {
        onAnswer(made, (keys) => (sent += keys.length));
        began = performance.now();
      },
    });
    await until('the backlog to be published', () => sent >= count);
    await until('the outbox to be empty', async () => (await owner.query('SELECT FROM outbox LIMIT 1')).rowCount === 0, 1);
    const seconds = (performance.now() - began) / 1000;
    await app.close();
    await owner.end();
    return { items: count, seconds, work: { records: (await recordsOn(servers, NAMESPACE + RESULTS)) - before, left: 0 } };
  },
});

/** Tells the keys of every batch the moment the broker has answered for it. */
function onAnswer(app: INestApplicationContext, tell: (keys: readonly string[]) => void): void {
  const { client } = app.get(KafkaConnection);
  const make = client.producer.bind(client);
  client.producer = (config): Producer => {
    const producer = make(config);
    const send = producer.sendBatch.bind(producer);
    producer.sendBatch = async (batch) => {
      const answer = await send(batch);
      tell((batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(({ key }) => String(key))));
      return answer;
    };
    return producer;
  };
}

const streamed = (servers: ServerAddresses, debezium: Debezium, count: number): Contender => ({
  name: DEBEZIUM,
  async run() {
    await debezium.pause();
    const results = Array.from({ length: FILL }, (_, n) => publishedAt('R', n));
    await debezium.fill(sealed(DEBEZIUM_TOPIC, results), count / FILL);
    await settle(servers);
    const before = await recordsOn(servers, DEBEZIUM_TOPIC);
    await debezium.resume();
    const seconds = await asStack(servers, async (admin) => {
      let [first, began] = [0, 0];
      await until('Debezium to publish the backlog', async () => {
        const offsets = await admin.fetchTopicOffsets(DEBEZIUM_TOPIC);
        const records = offsets.reduce((sum, { high }) => sum + Number(high), 0) - before;
        if (records > 0 && first === 0) [first, began] = [records, performance.now()];
        return records >= count;
      });
      // What the first look found there came in no time that was seen; it is reckoned in.
      return ((performance.now() - began) / 1000) * (count / Math.max(1, count - first));
    });
    // Whatever it sent twice would be there a moment later.
    await pause(500);
    return { items: count, seconds, work: { records: (await recordsOn(servers, DEBEZIUM_TOPIC)) - before, left: 0 } };
  },
});

const sealed = (topic: string, results: readonly SamplingResultPublished[]): Envelope[] =>
  results.map((result) => {
    const { headers, key, value } = seal(event(SamplingResultPublished, result), 'inspection', SCHEMAS, new Date().toISOString());
    return { topic, key, headers, value };
  });

/** What a process of our relay occupies when it has published a backlog and nothing else. */
async function memoryAlone(servers: ServerAddresses, database: Database, count: number): Promise<number> {
  await fill(database, count);
  const child = fork(join(import.meta.dirname, 'relay.main.js'), {
    env: { ...process.env, BENCH_PLACE: JSON.stringify({ servers, namespace: NAMESPACE, databaseUrl: database.url }) },
  });
  const owner = await connected(database.ownerUrl);
  await until('the outbox to be empty', async () => (await owner.query('SELECT FROM outbox LIMIT 1')).rowCount === 0, 20);
  await owner.end();
  const memory = memoryOf(child.pid ?? 0);
  child.kill();
  return memory;
}

/** Milliseconds from the commit of each event to the broker's answer, and to the time at which the broker appended it. */
async function liveOurs(
  servers: ServerAddresses,
  database: Database,
  seconds: number,
): Promise<{ answered: number[]; appended: number[] }> {
  const namespace = 'live.';
  await makeTopic(servers, namespace + RESULTS, PARTITIONS);
  const answeredAt = new Map<string, number>();
  const app = await messagingApp({
    ...{ servers, service: 'inspection', namespace, databaseUrl: database.url },
    prepare: (made) => onAnswer(made, (keys) => keys.forEach((key) => answeredAt.set(key, now()))),
  });
  const db = app.get(DataSource);
  const outbox = app.get(Outbox);
  await until('the relay to lead', () => app.get(Relay).leading);
  const committedAt = await atEvenRate(seconds, (results) =>
    db.transaction((tx) =>
      outbox.add(
        tx,
        results.map((result) => event(SamplingResultPublished, result)),
      ),
    ),
  );
  await until('every event to be published', () => [...committedAt.keys()].every((key) => answeredAt.has(key)));
  await app.close();
  const appendedAt = await appendTimes(servers, namespace + RESULTS, committedAt.size);
  return { answered: between(committedAt, answeredAt), appended: between(committedAt, appendedAt) };
}

async function liveDebezium(servers: ServerAddresses, debezium: Debezium, seconds: number): Promise<number[]> {
  const topic = 'live.debezium';
  await makeTopic(servers, topic, PARTITIONS);
  const committedAt = await atEvenRate(seconds, (results) => debezium.add(sealed(topic, results)));
  return between(committedAt, await appendTimes(servers, topic, committedAt.size));
}

/** Milliseconds since 1970, as the broker's clock tells them, and their fractions. */
const now = (): number => performance.timeOrigin + performance.now();

/** Commits events in an open loop; when each was committed, by key. */
async function atEvenRate(
  seconds: number,
  commit: (results: readonly SamplingResultPublished[]) => Promise<void>,
): Promise<Map<string, number>> {
  const committedAt = new Map<string, number>();
  const perTransaction = LIVE.perSecond / LIVE.transactionsPerSecond;
  // The first second is everybody's first use of everything.
  const warm = LIVE.transactionsPerSecond;
  await openLoop({ perSecond: LIVE.transactionsPerSecond, seconds: seconds + 1 }, async (nth) => {
    const results = Array.from({ length: perTransaction }, (_, n) => publishedAt(nth < warm ? 'W' : 'L', nth * perTransaction + n));
    await commit(results);
    const at = now();
    if (nth >= warm) for (const { reporterId, sampleNo } of results) committedAt.set(`${reporterId}:${sampleNo}`, at);
  });
  return committedAt;
}

/** When the broker appended the records of the measured seconds. */
async function appendTimes(servers: ServerAddresses, topic: string, count: number): Promise<Map<string, number>> {
  const appendedAt = new Map<string, number>();
  const consumer = await consumeBatches(servers, { topic, group: `times-${topic}` }, ({ batch }) => {
    for (const { key, timestamp } of batch.messages) if (String(key).includes(':L-')) appendedAt.set(String(key), Number(timestamp));
    return Promise.resolve();
  });
  await until(`the records of ${topic}`, () => appendedAt.size >= count);
  await consumer.disconnect();
  return appendedAt;
}

const between = (from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): number[] =>
  [...from].map(([key, at]) => Math.max(0, (to.get(key) ?? Number.NaN) - at));
