import { type EventClass, SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import type { ServerAddresses } from '@jinqiao/infra-local';
import { OnBatch, Received } from '@jinqiao/messaging';
import { check } from '@jinqiao/schema';
import { Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, type MicroserviceOptions, Payload, Transport } from '@nestjs/microservices';
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import pg from 'pg';
import { consumeBatches, filledTopic, Span } from './filled-topic.js';
import { type Contender, type Measured, type Options, type Outcome, race, ratioOf, type Work } from './harness.js';
import { connected, type Database, databaseOf, forgetGroup, messagingApp, onServers, settle } from './place.js';
import { totals } from './results.js';
import { kafkaClient, useStockPlace } from '../stock/stock.modules.js';

/*
 * What a consumer's transport costs: the same records, read by NestJS's own Kafka server, by a bare KafkaJS eachBatch, and by ours.
 * Handlers only count, so what is left is the way to the handler.
 */
interface Ground {
  readonly servers: ServerAddresses;
  readonly database: Database;
  readonly namespace: string;
  readonly topic: string;
  readonly count: number;
}

const PARTITIONS = 3;

export async function transport(options: Options): Promise<Outcome> {
  const count = options.size(200_000, 5_000);
  return onServers('transport', async (servers) => {
    const database = await databaseOf(servers, 'credit', 'bench_transport');
    const namespace = 'transport.';
    const topic = await filledTopic(servers, namespace, { count, partitions: PARTITIONS });
    const ground: Ground = { servers, database, namespace, topic, count };
    const parse = await race([serverKafka(ground), bareEachBatch(ground), oursParsing(ground)], expected, options);
    const inbox = await race([handWritten(ground), ours(ground)], expected, options);
    return {
      bench: 'transport',
      figures: [...parse.values(), ...inbox.values()],
      ratios: [
        { name: 'parse: NestJS ServerKafka', value: ratioOf(parse, OURS_PARSING, STOCK), goal: 2.5 },
        { name: 'parse: bare eachBatch', value: ratioOf(parse, OURS_PARSING, BARE), goal: 0.85 },
        { name: 'parse, validate, inbox: hand-written eachBatch', value: ratioOf(inbox, OURS, BY_HAND), goal: 0.85 },
      ],
    };
  });
}

const STOCK = 'parse: NestJS ServerKafka';
const BARE = 'parse: bare KafkaJS eachBatch';
const OURS_PARSING = 'parse: ours';
const BY_HAND = 'parse, validate, inbox: hand-written eachBatch';
const OURS = 'parse, validate, inbox: ours';

/** Every record seen once, and its body read: the results it is about, and how many of them failed. */
const expected = (items: number): Work => ({ records: items, unqualified: totals(items).charged });

class Tally {
  unqualified = 0;
  readonly span: Span;

  constructor(private readonly count: number) {
    this.span = new Span(count);
  }

  see(results: readonly { verdict: string }[]): void {
    for (const { verdict } of results) if (verdict === 'UNQUALIFIED') this.unqualified += 1;
    this.span.add(results.length);
  }

  async measured(): Promise<Measured> {
    await this.span.done;
    return { items: this.count, seconds: this.span.seconds, work: { records: this.span.items, unqualified: this.unqualified } };
  }
}

const freshGroup = (): string => `bench-${randomBytes(4).toString('hex')}`;

const serverKafka = ({ servers, topic, count }: Ground): Contender => ({
  name: STOCK,
  async run() {
    const tally = new Tally(count);
    @Controller()
    class Results {
      @EventPattern(topic)
      take(@Payload() result: object): void {
        tally.span.begin();
        tally.see([result as SamplingResultPublished]);
      }
    }
    @Module({ controllers: [Results] })
    class Stock {}
    useStockPlace({ databaseUrl: '', servers, principal: 'service.stack' });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(Stock, {
      logger: ['error'],
      transport: Transport.KAFKA,
      options: { client: kafkaClient(), consumer: { groupId: freshGroup() }, subscribe: { fromBeginning: true } },
    });
    await app.listen();
    const measured = await tally.measured();
    await app.close();
    return measured;
  },
});

const bareEachBatch = ({ servers, topic, count }: Ground): Contender => ({
  name: BARE,
  async run() {
    const tally = new Tally(count);
    const consumer = await consumeBatches(servers, { topic, group: freshGroup() }, ({ batch }) => {
      tally.span.begin();
      tally.see(batch.messages.map(({ value }) => JSON.parse(value?.toString() ?? '') as { verdict: string }));
      return Promise.resolve();
    });
    const measured = await tally.measured();
    await consumer.disconnect();
    return measured;
  },
});

/** What an eachBatch has to do to have the same guarantees as ours, as short as it can be done. */
const handWritten = ({ servers, database, topic, count }: Ground): Contender => ({
  name: BY_HAND,
  async run() {
    await cleared(servers, database);
    const pool = new pg.Pool({ connectionString: database.url, max: PARTITIONS });
    const tally = new Tally(count);
    const consumer = await consumeBatches(servers, { topic, group: freshGroup() }, async (payload) => {
      const { batch } = payload;
      tally.span.begin();
      const valid: SamplingResultPublished[] = [];
      const rows = batch.messages.map(({ value, headers = {} }) => {
        const checked = check(SamplingResultPublished, JSON.parse(value?.toString() ?? ''));
        if (checked.ok) valid.push(checked.value);
        const hash = createHash('sha256')
          .update(String(headers['ce_type']))
          .update('\n')
          .update(value ?? '')
          .digest('hex');
        return { source: String(headers['ce_source']), event_id: String(headers['ce_id']), hash };
      });
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query(
        `INSERT INTO inbox (source, event_id, hash)
         SELECT source, event_id, decode(hash, 'hex') FROM json_to_recordset($1::json) AS row (source text, event_id text, hash text)
         ON CONFLICT DO NOTHING`,
        [JSON.stringify(rows)],
      );
      await client.query(
        `INSERT INTO consumer_offsets (group_id, topic, partition, next_offset) VALUES ('by-hand', $1, $2, $3)
         ON CONFLICT (group_id, topic, partition) DO UPDATE SET next_offset = excluded.next_offset`,
        [topic, batch.partition, String(BigInt(batch.lastOffset()) + 1n)],
      );
      await client.query('COMMIT');
      client.release();
      tally.see(valid);
      await payload.heartbeat();
    });
    const measured = await tally.measured();
    await consumer.disconnect();
    await pool.end();
    return inInbox(measured, database);
  },
});

const ours = (ground: Ground): Contender => ({
  name: OURS,
  run: async () => inInbox(await consumeWithOurs(ground), ground.database),
});

/** Our transport without what it does for a consumer: records are parsed and handed over, nothing is checked or written. */
const oursParsing = (ground: Ground): Contender => ({
  name: OURS_PARSING,
  run: () => consumeWithOurs(ground, { Batches: ParsingOnly }),
});

interface Subscriptions {
  handlerOf(type: EventClass): { readonly call: (received: Received[], tx: null) => Promise<void> } | null;
}

interface Batch {
  readonly position: { known: bigint | null };
  readonly records: readonly Received['record'][];
  readonly subscriptions: Subscriptions;
}

/** Stands in for the transactions of libs/messaging/src/batches.ts. */
class ParsingOnly {
  async apply({ position, records, subscriptions }: Batch): Promise<void> {
    const received = records.map(
      (record) => new Received(record, SamplingResultPublished, JSON.parse(record.value?.toString() ?? '') as object, null, []),
    );
    await subscriptions.handlerOf(SamplingResultPublished)?.call(received, null);
    position.known = BigInt(records.at(-1)?.offset ?? 0) + 1n;
  }
}

async function consumeWithOurs(
  { servers, database, namespace, count }: Ground,
  replaced: Readonly<Record<string, Type>> = {},
): Promise<Measured> {
  await cleared(servers, database);
  await forgetGroup(servers, `${namespace}credit`);
  const tally = new Tally(count);
  @Controller()
  class Results {
    @OnBatch(SamplingResultPublished, SamplingResultWithdrawn)
    take(received: Received<SamplingResultPublished | SamplingResultWithdrawn>[], _tx: EntityManager): Promise<void> {
      tally.span.begin();
      tally.see(received.map(({ data }) => data));
      return Promise.resolve();
    }
  }
  const app = await messagingApp({
    servers,
    service: 'credit',
    namespace,
    databaseUrl: database.url,
    controllers: [Results],
    replaced,
  });
  const measured = await tally.measured();
  await app.close();
  return measured;
}

/** A group that reads from the beginning again: neither the broker nor the database remembers it. */
async function cleared(servers: ServerAddresses, { ownerUrl }: Database): Promise<void> {
  const client = await connected(ownerUrl);
  await client.query('TRUNCATE inbox, consumer_offsets');
  await client.end();
  await settle(servers);
}

async function inInbox(measured: Measured, { ownerUrl }: Database): Promise<Measured> {
  const client = await connected(ownerUrl);
  const { rows } = await client.query<{ count: number }>('SELECT count(*)::integer AS count FROM inbox');
  await client.end();
  return { ...measured, work: { ...measured.work, records: rows[0]?.count ?? 0 } };
}
