import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { accessToken, createDatabase, kafkaOf, rolePassword, type ServerAddresses } from '@jinqiao/infra-local';
import { type EventClass, type ServiceName, streamOf, topicOf, typeOf } from '@jinqiao/contracts';
import { ConsoleLogger, Global, type INestApplication, Module, type Type } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { logLevel, Partitioners, type Producer } from 'kafkajs';
import { DataSource } from 'typeorm';
import { connectConsumers, messagingMigrations, MessagingModule, Topics } from './index.js';

/** One place for the specs of this library: a namespace on the real broker and a database of its own, for one made-up service. */
export interface Place {
  readonly service: ServiceName;
  readonly namespace: string;
  readonly databaseUrl: string;
  readonly servers: ServerAddresses;
  /** Outside the code under test: the super user's producer. */
  readonly producer: Producer;
  readonly sql: DataSource;
  /** As PostgreSQL's administrator: who waits for whom, and cutting connections. */
  readonly admin: DataSource;
  start(
    controllers: readonly Type[],
    options?: { databaseUrl?: string; brokers?: string; onFatal?: (error: Error) => void },
  ): Promise<INestApplication>;
  publish(type: EventClass, data: object | null, options?: PublishOptions): Promise<void>;
  readAll(topic: string, count: number): Promise<Seen[]>;
  /** How many records a topic has. */
  sizeOf(topic: string): Promise<number>;
  close(): Promise<void>;
}

export interface PublishOptions {
  readonly id?: string;
  readonly owner?: string;
  readonly key?: string;
  readonly revision?: number;
  readonly headers?: Record<string, string>;
  readonly drop?: readonly string[];
  readonly value?: Buffer | null;
  readonly partition?: number;
}

export interface Seen {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Record<string, string>;
}

interface Wiring {
  readonly brokers?: string;
  readonly principal: string;
  readonly databaseUrl?: string;
  readonly onFatal: (error: Error) => void;
  readonly controllers: readonly Type[];
}

export function servers(): ServerAddresses {
  const file = process.env.TEST_SERVERS_FILE;
  if (!file) throw new Error('TEST_SERVERS_FILE is not set: run the specs through npm test');
  return JSON.parse(readFileSync(file, 'utf8')) as ServerAddresses;
}

export async function aPlace(
  service: ServiceName,
  addresses: ServerAddresses = servers(),
  namespace = `m${randomUUID().slice(0, 8)}.`,
): Promise<Place> {
  const database = `messaging_${randomUUID().slice(0, 8)}`;
  await createDatabase(addresses.databaseAdminUrl, service, database);
  const urlOf = (role: string): string => {
    const url = new URL(addresses.databaseAdminUrl);
    url.username = role;
    url.password = rolePassword(addresses.seed, role);
    url.pathname = `/${database}`;
    return url.toString();
  };
  const sql = new DataSource({ type: 'postgres', url: urlOf(`${service}_owner`), migrations: messagingMigrations });
  await sql.initialize();
  await sql.runMigrations();
  await sql.query(
    'CREATE TABLE effects (position bigint GENERATED ALWAYS AS IDENTITY, subject text NOT NULL, revision integer, what text NOT NULL, at timestamptz DEFAULT clock_timestamp())',
  );
  await sql.query('CREATE TABLE states (subject text PRIMARY KEY, revision integer NOT NULL)');
  await sql.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${service}`);
  await sql.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${service}`);
  const admin = await new DataSource({ type: 'postgres', url: addresses.databaseAdminUrl }).initialize();
  const stack = kafkaOf(addresses, 'service.stack', { logLevel: logLevel.NOTHING });
  const producer = stack.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();

  const module = ({ brokers = addresses.kafkaBrokers, principal, databaseUrl = urlOf(service), onFatal, controllers }: Wiring): Type => {
    const messaging = MessagingModule.forService({
      service,
      brokers: brokers.split(','),
      namespace,
      schemaBaseUrl: 'http://localhost/schemas',
      partitions: 3,
      token: async () => ({ value: (await accessToken(addresses, principal)).token }),
      onFatal,
    });
    const db = {
      provide: DataSource,
      useFactory: () => new DataSource({ type: 'postgres', url: databaseUrl, extra: { max: 8 } }).initialize(),
    };
    @Global()
    @Module({ providers: [db], exports: [DataSource] })
    class DatabaseModule {}
    @Module({ imports: [DatabaseModule, messaging], controllers: [...controllers] })
    class ServiceUnderTest {}
    return ServiceUnderTest;
  };
  const boot = async (root: Type): Promise<INestApplication> => {
    const testing = await Test.createTestingModule({ imports: [root] })
      .setLogger(new ConsoleLogger({ logLevels: process.env.TEST_LOG ? ['warn', 'error', 'debug'] : ['fatal'] }))
      .compile();
    const app = testing.createNestApplication(new FastifyAdapter());
    await app.init();
    return app;
  };
  const setUp = await boot(module({ principal: 'service.stack', onFatal: () => undefined, controllers: [] }));
  await setUp.get(Topics).ensureShared();
  await setUp.close();
  const apps: INestApplication[] = [];

  return {
    service,
    namespace,
    databaseUrl: urlOf(service),
    servers: addresses,
    producer,
    sql,
    admin,
    async start(controllers, options = {}) {
      const fatal = options.onFatal ?? ((error: Error) => console.error('consumer died', error));
      const app = await boot(
        module({
          brokers: options.brokers,
          principal: `service.${service}`,
          databaseUrl: options.databaseUrl,
          onFatal: fatal,
          controllers,
        }),
      );
      apps.push(app);
      if (controllers.length > 0) await connectConsumers(app);
      return app;
    },
    async publish(type, data, options = {}) {
      const stream = streamOf(type);
      const source = stream.writer === 'owner' ? `/departments/${options.owner ?? ''}/test` : `/services/${stream.writer}`;
      const headers: Record<string, string> = {
        ce_specversion: '1.0',
        ce_id: options.id ?? randomUUID(),
        ce_source: source,
        ce_type: typeOf(type),
        ce_time: new Date().toISOString(),
        'content-type': 'application/json',
        ...(options.revision && { ce_revision: String(options.revision) }),
        ...options.headers,
      };
      for (const name of options.drop ?? []) delete headers[name];
      const value = options.value !== undefined ? options.value : data === null ? null : Buffer.from(JSON.stringify(data));
      const message = {
        key: options.key ?? (data ? stream.key(data) : ''),
        value,
        headers,
        ...(options.partition !== undefined && { partition: options.partition }),
      };
      await producer.send({ topic: namespace + topicOf(stream, options.owner), messages: [message], acks: -1 });
    },
    async readAll(topic, count) {
      const consumer = stack.consumer({ groupId: `${namespace}reader-${randomUUID()}`, maxWaitTimeInMs: 500 });
      const seen: Seen[] = [];
      await consumer.connect();
      // A broker that is busy learns late of a topic that was made a moment ago.
      await eventually(() => consumer.subscribe({ topics: [namespace + topic], fromBeginning: true }));
      await consumer.run({
        eachMessage: ({ message }) => {
          const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]));
          seen.push({ key: message.key?.toString() ?? null, value: message.value?.toString() ?? null, headers });
          return Promise.resolve();
        },
      });
      await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(count));
      await consumer.disconnect();
      return seen;
    },
    async sizeOf(topic) {
      const broker = stack.admin();
      await broker.connect();
      let size = 0;
      // A broker learns a moment late that it leads a partition it has just made.
      await eventually(async () => {
        const partitions = await broker.fetchTopicOffsets(namespace + topic);
        size = partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
      });
      await broker.disconnect();
      return size;
    },
    async close() {
      for (const app of apps) await app.close().catch(() => undefined);
      await producer.disconnect();
      await sql.destroy();
      await admin.destroy();
    },
  };
}

/** The connections of this place's database that wait for a lock. */
export async function waiting(place: Place): Promise<number[]> {
  const rows: { pid: number }[] = await place.admin.query(
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1",
    [new URL(place.databaseUrl).pathname.slice(1)],
  );
  return rows.map((row) => row.pid);
}

/** Tries until it holds; the last failure is thrown when time is up. */
export async function eventually(check: () => Promise<void> | void, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

let counter = 0;
/** A published result with nothing but what the contract asks for. */
export function aPublished(of: { sampleNo?: string; revision?: number; productName?: string } = {}): object {
  const revision = of.revision ?? 1;
  return {
    sampleNo: of.sampleNo ?? `S${++counter}`,
    reporterId: 'tj-amr',
    revision,
    reportedRevision: revision,
    acceptedAt: '2026-11-01T08:00:00Z',
    publishedAt: '2026-11-01T08:00:00Z',
    regime: 'PRODUCT',
    finality: 'FINAL',
    verdict: 'QUALIFIED',
    product: { name: of.productName ?? '电水壶' },
  };
}
