import { SamplingResultPublished } from '@jinqiao/contracts';
import type { ServerAddresses } from '@jinqiao/infra-local';
import { event, KafkaConnection, Outbox, Relay } from '@jinqiao/messaging';
import type { INestApplicationContext } from '@nestjs/common';
import { ClientKafka } from '@nestjs/microservices';
import type { Producer } from 'kafkajs';
import { DataSource, IsNull } from 'typeorm';
import { type Contender, type Options, type Outcome, percentile, race, ratioOf, timed, type Work } from './harness.js';
import { RESULTS } from './filled-topic.js';
import {
  connected,
  type Database,
  databaseOf,
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
import { OutboxMessage, OutboxRelay } from '../stock/outbox.js';
import { kafkaClient, useStockPlace } from '../stock/stock.modules.js';

/*
 * A backlog of committed outbox rows until the last is on the broker and gone from the table; then the same relay live, where every
 * event is timed from its commit to the broker's answer.
 */
const NAMESPACE = 'relay.';
const STOCK_TOPIC = 'stock.relay';
const PARTITIONS = 3;
/** Events a transaction, as a batch of the live part brings them. */
const LIVE = { perSecond: 1_000, transactionsPerSecond: 100 };

export async function relay(options: Options): Promise<Outcome> {
  const count = { rows: options.size(5_000, 500), backlog: options.size(200_000, 5_000), liveSeconds: options.size(60, 5) };
  return onServers('relay', async (servers) => {
    const database = await databaseOf(servers, 'inspection', 'bench_relay');
    const stockUrl = await plainDatabase(servers, 'bench_stock_relay');
    await makeTopic(servers, NAMESPACE + RESULTS, PARTITIONS);
    await makeTopic(servers, STOCK_TOPIC, PARTITIONS);
    const figures = await race(
      [rowByRow(servers, stockUrl, count.rows), drained(servers, database, count.backlog)],
      (items): Work => ({ records: items, left: 0 }),
      options,
    );
    const took = await live(servers, database, count.liveSeconds);
    const ours = figures.get(OURS)?.samples ?? [];
    const [p50, p99] = [percentile(took, 50), percentile(took, 99)];
    return {
      bench: 'relay',
      figures: [
        ...figures.values(),
        { name: `ours at ${LIVE.perSecond}/s, commit to broker answer, p50`, unit: 'ms', samples: [p50] },
        { name: `ours at ${LIVE.perSecond}/s, commit to broker answer, p99`, unit: 'ms', samples: [p99] },
      ],
      ratios: [
        { name: 'row-by-row relay', value: ratioOf(figures, OURS, STOCK), goal: 10 },
        { name: 'events/s', value: percentile(ours, 50), goal: 15_000 },
        { name: 'live p50, 10 ms', value: 10 / p50, goal: 1 },
        { name: 'live p99, 60 ms', value: 60 / p99, goal: 1 },
      ],
    };
  });
}

const STOCK = 'row-by-row relay';
const OURS = 'ours, backlog';

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
  const outbox = new Outbox(
    { service: 'inspection', schemaBaseUrl: 'http://localhost:3000/schemas' } as ConstructorParameters<typeof Outbox>[0],
    db,
  );
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

/** Milliseconds from the commit of each event to the broker's answer, at an even rate in an open loop. */
async function live(servers: ServerAddresses, database: Database, seconds: number): Promise<number[]> {
  const committed = new Map<string, number>();
  const answered = new Map<string, number>();
  const app = await messagingApp({
    ...{ servers, service: 'inspection', namespace: NAMESPACE, databaseUrl: database.url },
    prepare: (made) => onAnswer(made, (keys) => keys.forEach((key) => answered.set(key, performance.now()))),
  });
  const db = app.get(DataSource);
  const outbox = app.get(Outbox);
  await until('the relay to lead', () => app.get(Relay).leading);
  const perTransaction = LIVE.perSecond / LIVE.transactionsPerSecond;
  const commit = async (nth: number): Promise<void> => {
    const results = Array.from({ length: perTransaction }, (_, n) => publishedAt('L', nth * perTransaction + n));
    await db.transaction((tx) =>
      outbox.add(
        tx,
        results.map((result) => event(SamplingResultPublished, result)),
      ),
    );
    const now = performance.now();
    for (const { reporterId, sampleNo } of results) committed.set(`${reporterId}:${sampleNo}`, now);
  };
  const began = performance.now();
  const pending: Promise<void>[] = [];
  for (let nth = 0; nth < seconds * LIVE.transactionsPerSecond; nth += 1) {
    await pause(began + (nth * 1000) / LIVE.transactionsPerSecond - performance.now());
    pending.push(commit(nth));
  }
  await Promise.all(pending);
  await until('every event to be published', () => answered.size >= committed.size);
  await app.close();
  // The first second is the relay's first use of everything.
  return [...committed].filter(([, at]) => at > began + 1_000).map(([key, at]) => Math.max(0, (answered.get(key) ?? Number.NaN) - at));
}
