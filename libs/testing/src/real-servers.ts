import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allStreams, deadLetterTopic, type ServiceName } from '@jinqiao/contracts';
import { createDatabase, ensureTopics, type ServerAddresses, serviceEnvironment } from '@jinqiao/infra-local';
import { migrateDatabase } from '@jinqiao/platform';
import { accessRules, sharedTopics } from '@jinqiao/schema';
import { Place } from './place.js';
import { givenServers, runPrefix } from './remove-run.js';

export interface PlaceOptions {
  /** Variables of the service that differ from the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  readonly partitions?: number;
}

export interface RealServers {
  readonly addresses: ServerAddresses;
  place(service: ServiceName, options?: PlaceOptions): Promise<Place>;
}

/** Redis has 16 databases; places share them by chance, which rate limits and caches of different principals survive. */
const REDIS_DATABASES = 16;

/** The departments whose topics are there from the start, in every place but the exchange's, which makes them itself. */
const DEPARTMENTS = ['tj-amr', 'tj-credit'];

/** The servers of this run: real ones, started once (jest/global-setup.cjs) or named by TEST_SERVERS_FILE. */
export async function realServers(): Promise<RealServers> {
  const addresses = givenServers();
  return { addresses, place: (service, options = {}) => makePlace(addresses, service, options) };
}

async function makePlace(servers: ServerAddresses, service: ServiceName, { env = {}, partitions = 3 }: PlaceOptions): Promise<Place> {
  const id = randomBytes(4).toString('hex');
  const namespace = `${runPrefix()}-${service}-${id}.`;
  const database = `${runPrefix()}_${service}_${id}`;
  const usual = serviceEnvironment(servers, service, { database, namespace, partitions });
  const place = new Place(servers, service, namespace, {
    HOST: '127.0.0.1',
    PORT: '0',
    ...usual,
    REDIS_URL: `${servers.redisUrl}/${parseInt(id, 16) % REDIS_DATABASES}`,
    DATABASE_POOL: '5',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...env,
  });
  await Promise.all([
    makeDatabase(servers, service, database, usual['DATABASE_MIGRATION_URL'] ?? ''),
    ensureTopics(servers, itsTopics(service, namespace, partitions), accessRules(namespace)),
  ]);
  if (readsDepartments(service)) for (const department of DEPARTMENTS) await place.addOrganisation('DEPARTMENT', department);
  return place;
}

async function makeDatabase(servers: ServerAddresses, service: ServiceName, database: string, ownerUrl: string): Promise<void> {
  await createDatabase(servers.databaseAdminUrl, service, database);
  await migrateDatabase(ownerUrl, service, await migrationsOf(service));
}

/** The topics this service reads or writes, and its dead letters: the others' would only cost time. */
function itsTopics(service: ServiceName, namespace: string, partitions: number): ReturnType<typeof sharedTopics> {
  const streams = allStreams().filter(({ writer, readers }) => writer === service || readers.includes(service));
  const names = new Set([...streams.map(({ topic }) => topic), deadLetterTopic(service)].map((topic) => namespace + topic));
  return sharedTopics({ namespace, partitions }).filter(({ name }) => names.has(name));
}

const readsDepartments = (service: ServiceName): boolean =>
  allStreams().some(({ owner, readers }) => owner?.kind === 'DEPARTMENT' && readers.includes(service));

type Migration = Parameters<typeof migrateDatabase>[2][number];

/** The classes in the service's migrations folder, in the order of their names: what its migrate.ts lists, without building it. */
async function migrationsOf(service: ServiceName): Promise<Migration[]> {
  const here = dirname(fileURLToPath(import.meta.url));
  const folder = join(here, '../../../services', service, here.endsWith('dist') ? 'dist/migrations' : 'src/migrations');
  const files = readdirSync(folder)
    .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
    .sort();
  const modules = await Promise.all(files.map((file) => import(join(folder, file)) as Promise<Record<string, unknown>>));
  return modules.flatMap((exported) => Object.values(exported).filter(isMigration));
}

const isMigration = (exported: unknown): exported is Migration =>
  typeof exported === 'function' && typeof (exported.prototype as { up?: unknown } | undefined)?.up === 'function';
