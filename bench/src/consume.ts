import { SamplingResultPublished } from '@jinqiao/contracts';
import type { ServerAddresses } from '@jinqiao/infra-local';
import { check } from '@jinqiao/schema';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, type KafkaContext, type MicroserviceOptions, Payload, Transport } from '@nestjs/microservices';
import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { filledTopic, Span } from './filled-topic.js';
import { type Contender, type Options, type Outcome, race, ratioOf, type Work } from './harness.js';
import { built, connected, type Database, databaseOf, forgetGroup, messagingApp, onServers, pause, settle } from './place.js';
import { MIX, totals } from './results.js';
import { kafkaClient, useStockPlace } from '../stock/stock.modules.js';

/*
 * Records to effects: parse, validate, inbox row, and the two upserts of the monitoring service (what a result adds, and the sum of its
 * bucket). Ours is that service's own consumer. The baseline writes the same two tables with the same rules and the same compiled
 * validation, but one transaction a message: only the batching differs.
 */
interface Ground {
  readonly servers: ServerAddresses;
  readonly database: Database;
  readonly namespace: string;
}

/** A topic with its own number of records, so that nobody has to wait an hour for the slow ones. */
interface Filled extends Ground {
  readonly topic: string;
  readonly count: number;
}

const PARTITIONS = 8;

export async function consume(options: Options): Promise<Outcome> {
  const count = { few: options.size(6_000, 300), many: options.size(100_000, 5_000) };
  return onServers('consume', async (servers) => {
    const database = await databaseOf(servers, 'monitoring', 'bench_consume');
    const filled = async (namespace: string, records: number): Promise<Filled> => {
      const topic = await filledTopic(servers, namespace, { count: records, partitions: PARTITIONS });
      return { servers, database, namespace, topic, count: records };
    };
    const few = await filled('few.', count.few);
    const many = await filled('many.', count.many);
    const figures = await race([oneByOne(SEQUENCE, few, 1), oneByOne(EIGHT, few, PARTITIONS), ours(many)], expected, options);
    return {
      bench: 'consume',
      figures: [...figures.values()],
      ratios: [
        { name: 'one transaction a message, in sequence', value: ratioOf(figures, OURS, SEQUENCE), goal: 20 },
        { name: 'one transaction a message, 8 partitions at once', value: ratioOf(figures, OURS, EIGHT), goal: 12 },
      ],
    };
  });
}

const SEQUENCE = 'one transaction a message, in sequence';
const EIGHT = 'one transaction a message, 8 partitions at once';
const OURS = 'ours';

const expected = (items: number): Work => ({ inbox: items, contributions: items, results: items, unqualified: totals(items, MIX).charged });

interface Contribution {
  readonly subject: string;
  readonly revision: number;
  readonly counted: Readonly<Record<string, string>> | null;
}

const BUCKET = 'period, period_basis, regime, category, platform, division, coverage';

const oneByOne = (name: string, ground: Filled, partitionsConsumedConcurrently: number): Contender => ({
  name,
  async run() {
    const { servers, database, topic, count } = ground;
    await cleared(ground);
    const { contributionOf } = await built<{ contributionOf: (subject: string, state: SamplingResultPublished) => Contribution }>(
      'services/monitoring/dist/sampling-rate/sampling-rate.js',
    );
    const db = await new DataSource({ type: 'postgres', url: database.url, installExtensions: false, poolSize: 16 }).initialize();
    const span = new Span(count);
    @Controller()
    class Rates {
      @EventPattern(topic)
      async take(@Payload() result: object, @Ctx() context: unknown): Promise<void> {
        span.begin();
        const checked = check(SamplingResultPublished, result);
        if (!checked.ok) return;
        const { headers } = (context as KafkaContext).getMessage();
        const identity = [String(headers?.['ce_source']), String(headers?.['ce_id'])];
        await apply(db, identity, contributionOf(`${checked.value.reporterId}:${checked.value.sampleNo}`, checked.value));
        span.add(1);
      }
    }
    @Module({ controllers: [Rates] })
    class Stock {}
    useStockPlace({ databaseUrl: '', servers, principal: 'service.stack' });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(Stock, {
      logger: ['error'],
      transport: Transport.KAFKA,
      options: {
        client: kafkaClient(),
        consumer: { groupId: `bench-${randomBytes(4).toString('hex')}` },
        subscribe: { fromBeginning: true },
        run: { partitionsConsumedConcurrently },
      },
    });
    await app.listen();
    await span.done;
    await app.close();
    await db.destroy();
    return { items: count, seconds: span.seconds, work: await workIn(database) };
  },
});

async function apply(db: DataSource, identity: readonly string[], { subject, revision, counted }: Contribution): Promise<void> {
  await db.transaction(async (tx) => {
    const taken: unknown[] = await tx.query(
      `INSERT INTO inbox (source, event_id, hash) VALUES ($1, $2, '') ON CONFLICT DO NOTHING RETURNING event_id`,
      [...identity],
    );
    if (taken.length === 0 || !counted) return;
    const bucket = ['period', 'periodBasis', 'regime', 'category', 'platform', 'division', 'coverage'].map((name) => counted[name]);
    await tx.query(
      `INSERT INTO contributions (subject, revision, verdict, ${BUCKET}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision, verdict = excluded.verdict WHERE contributions.revision < excluded.revision`,
      [subject, revision, counted['verdict'], ...bucket],
    );
    await tx.query(
      `INSERT INTO rollups (${BUCKET}, results, unqualified) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)
       ON CONFLICT (${BUCKET}) DO UPDATE SET results = rollups.results + 1, unqualified = rollups.unqualified + excluded.unqualified`,
      [...bucket, counted['verdict'] === 'UNQUALIFIED' ? 1 : 0],
    );
  });
}

const ours = (ground: Filled): Contender => ({
  name: OURS,
  async run() {
    const { servers, database, namespace, count } = ground;
    await cleared(ground);
    await forgetGroup(servers, `${namespace}monitoring`);
    const { SamplingRateConsumer } = await built<{ SamplingRateConsumer: Type }>(
      'services/monitoring/dist/sampling-rate/sampling-rate.consumer.js',
    );
    const { SamplingRates } = await built<{ SamplingRates: Type }>('services/monitoring/dist/sampling-rate/sampling-rate.service.js');
    const app = await messagingApp({
      ...{ servers, service: 'monitoring', namespace, databaseUrl: database.url },
      controllers: [SamplingRateConsumer],
      providers: [SamplingRates],
    });
    const seconds = await betweenFirstAndLast(database, count);
    await app.close();
    return { items: count, seconds, work: await workIn(database) };
  },
});

/** Told by the offsets stored with the effects. The first commit is left out of the time, and what it brought is reckoned in. */
async function betweenFirstAndLast({ ownerUrl }: Database, count: number): Promise<number> {
  const client = await connected(ownerUrl);
  const handled = async (): Promise<number> => {
    const { rows } = await client.query<{ sum: number }>('SELECT coalesce(sum(next_offset), 0)::integer AS sum FROM consumer_offsets');
    return rows[0]?.sum ?? 0;
  };
  let first = 0;
  let began = 0;
  for (let now = await handled(); now < count; now = await handled()) {
    if (now > 0 && first === 0) [first, began] = [now, performance.now()];
    await pause(10);
  }
  const seconds = (performance.now() - began) / 1000;
  await client.end();
  return seconds * (count / (count - first));
}

async function workIn({ ownerUrl }: Database): Promise<Work> {
  const client = await connected(ownerUrl);
  const { rows } = await client.query<Record<string, number>>(
    `SELECT (SELECT count(*)::integer FROM inbox) AS inbox, (SELECT count(*)::integer FROM contributions) AS contributions,
            sum(results)::integer AS results, sum(unqualified)::integer AS unqualified FROM rollups`,
  );
  await client.end();
  return rows[0] ?? {};
}

async function cleared({ servers, database }: Ground): Promise<void> {
  const client = await connected(database.ownerUrl);
  await client.query('TRUNCATE inbox, consumer_offsets, contributions, rollups');
  await client.end();
  await settle(servers);
}
