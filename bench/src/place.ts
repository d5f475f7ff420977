import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ServiceName } from '@jinqiao/contracts';
import {
  accessToken,
  asStack,
  createDatabase,
  kafkaOf,
  program,
  type RunningServers,
  type ServerAddresses,
  serviceEnvironment,
  STACK_PRINCIPAL,
  startServers,
  type StartServersOptions,
} from '@jinqiao/infra-local';
import { connectConsumers, MessagingModule } from '@jinqiao/messaging';
import { Global, type INestApplicationContext, type INestApplication, Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Kafka } from 'kafkajs';
import pg from 'pg';
import { DataSource } from 'typeorm';

const here = dirname(fileURLToPath(import.meta.url));
/** The work tree; this file is built to bench/dist/src. */
export const repository = resolve(here, '../../..');

/** A folder for servers or a stack of one benchmark; gone with its end. */
export function dataDirectory(name: string): { path: string; remove: () => void } {
  const path = mkdtempSync(join(process.env['BENCH_DATA'] ?? '/var/tmp', `bench-${name}-`));
  chmodSync(path, 0o755); // PostgreSQL runs as another user
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Servers of this benchmark alone, stopped and removed when `work` ends, however it ends. */
export async function onServers<T>(
  name: string,
  work: (servers: RunningServers, dataDir: string) => Promise<T>,
  more: Pick<StartServersOptions, 'logicalDecoding'> = {},
): Promise<T> {
  const { path, remove } = dataDirectory(name);
  const servers = await startServers({ dataDir: path, ports: 'free', fullTier: true, ...more });
  try {
    return await work(servers, path);
  } finally {
    await servers.stop();
    remove();
  }
}

/**
 * What a service has built, by path. Services export nothing to each other; a benchmark drives their use cases as they are.
 */
export async function built<T>(path: string): Promise<T> {
  return (await import(pathToFileURL(join(repository, path)).href)) as T;
}

/** An event as our outbox keeps it: what the broker will get. */
export interface Envelope {
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

/** A migrated database of a service. */
export async function databaseOf(servers: ServerAddresses, service: ServiceName, database: string): Promise<Database> {
  await createDatabase(servers.databaseAdminUrl, service, database);
  const environment = serviceEnvironment(servers, service, { database });
  const { DATABASE_URL = '', DATABASE_MIGRATION_URL = '' } = environment;
  execFileSync(process.execPath, [program(service, 'migrate')], { env: { ...process.env, ...environment } });
  return { url: DATABASE_URL, ownerUrl: DATABASE_MIGRATION_URL };
}

export interface Database {
  /** As the role of the service. */
  readonly url: string;
  /** As the role that may make tables. */
  readonly ownerUrl: string;
}

/** A database for a baseline, which makes its tables itself. */
export async function plainDatabase(servers: ServerAddresses, database: string): Promise<string> {
  const admin = new pg.Client(servers.databaseAdminUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.end();
  const url = new URL(servers.databaseAdminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** One connection, for counting and clearing. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** What has to be written anyway is written before a contender begins, not in the middle of it. */
export async function settle(servers: ServerAddresses): Promise<void> {
  const admin = await connected(servers.databaseAdminUrl);
  await admin.query('CHECKPOINT');
  await admin.end();
}

/** Its records bear the time at which the broker appended them. */
export async function makeTopic(servers: ServerAddresses, topic: string, numPartitions: number): Promise<void> {
  await asStack(servers, async (admin) => {
    const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] });
    // A broker with much to do learns of its own topic a moment later.
    const isThere = (): Promise<boolean> =>
      admin.fetchTopicOffsets(topic).then(
        (partitions) => partitions.length === numPartitions,
        () => false,
      );
    await until(`the topic ${topic}`, isThere, 50);
  });
}

/** Records on a topic, as the broker counts them. */
export async function recordsOn(servers: ServerAddresses, topic: string): Promise<number> {
  return asStack(servers, async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  });
}

/** So that the group reads from the beginning the next time. */
export async function forgetGroup(servers: ServerAddresses, group: string): Promise<void> {
  await asStack(servers, async (admin) => {
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === group)) await admin.deleteGroups([group]);
  });
}

/** A client nothing is forbidden to; for baselines and for filling topics. */
export const stackKafka = (servers: ServerAddresses): Kafka => kafkaOf(servers, STACK_PRINCIPAL, { logLevel: 1 });

export interface MessagingPlace {
  readonly servers: ServerAddresses;
  readonly service: ServiceName;
  readonly namespace: string;
  readonly databaseUrl: string;
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Provider[];
  /** Parts of the messaging core, by name, that another class stands in for. */
  readonly replaced?: Readonly<Record<string, Type>>;
  /** Looked at before anything runs: where a benchmark puts its clocks. */
  readonly prepare?: (app: INestApplicationContext) => void;
}

/** Our messaging core in this process, as a service has it: relay, inbox, consumers; everything but HTTP. */
export async function messagingApp(place: MessagingPlace): Promise<INestApplication> {
  const { servers, service, databaseUrl, namespace, controllers = [], providers = [], replaced = {} } = place;
  const db = {
    provide: DataSource,
    useFactory: () => new DataSource({ type: 'postgres', url: databaseUrl, installExtensions: false, poolSize: 10 }).initialize(),
  };
  @Global()
  @Module({ providers: [db], exports: [DataSource] })
  class DatabaseModule {}
  const messaging = MessagingModule.forService({
    service,
    brokers: servers.kafkaBrokers.split(','),
    namespace,
    schemaBaseUrl: 'http://localhost:3000/schemas',
    partitions: 3,
    token: async () => ({ value: (await accessToken(servers, STACK_PRINCIPAL)).token }),
    onFatal: (error) => {
      throw error;
    },
  });
  messaging.providers = (messaging.providers ?? []).map((provide) => {
    const useClass = typeof provide === 'function' ? replaced[provide.name] : undefined;
    return typeof provide === 'function' && useClass ? { provide, useClass } : provide;
  });
  @Module({ imports: [DatabaseModule, messaging], controllers: [...controllers], providers: [...providers] })
  class Service {}
  const app = await NestFactory.create(Service, new FastifyAdapter(), { logger: ['fatal', 'error'] });
  place.prepare?.(app);
  await app.init();
  if (controllers.length > 0) await connectConsumers(app);
  return app;
}

const WITHIN_MS = 600_000;

/** Asks until it holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, everyMs = 5): Promise<void> {
  const giveUpAt = Date.now() + WITHIN_MS;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`waited ${WITHIN_MS / 1000} s for ${what}`);
    await pause(everyMs);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
