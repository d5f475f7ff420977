import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { logLevel } from 'kafkajs';
import { Client } from 'pg';
import { kafkaOf } from './access.js';
import { fetchDownloads } from './downloads.js';
import { writeIssuerSettings } from './issuer-settings.js';
import { prepareKafka } from './kafka.js';
import { type BrokerPorts, freePorts, requireFree, type ServerPorts, usualPorts } from './ports.js';
import { ADMIN_ROLE, createServiceDatabases, databaseUrl, preparePostgres, postgresUser, requirePostgres } from './postgres.js';
import { CannotStart } from './cannot-start.js';
import { lock, requireJava, requireMaven } from './preflight.js';
import { STACK_PRINCIPAL } from './principals.js';
import { issuerProgram } from './repository.js';
import { redisPassword, rolePassword, secretSeed } from './secrets.js';
import { Supervised } from './supervised.js';

// What test runs need of this package before anything is built (exports "./servers" in package.json).
export { CannotStart } from './cannot-start.js';
export { brokerSettings } from './kafka.js';
export { freePort } from './ports.js';
export { ADMIN_ROLE, createServiceDatabases, withClient } from './postgres.js';
export { fetchDownloads } from './downloads.js';
export { redisPassword, rolePassword, secretSeed } from './secrets.js';
export { asStack, removeRules } from './topics.js';

export const AUDIENCE = 'jinqiao';

/** Everything one has to know to use a stack, and to act as any principal in it. Holds secrets: keep it for its owner alone. */
export interface ServerAddresses {
  /** One address, or several with commas between them. */
  readonly kafkaBrokers: string;
  /** As the administrator of PostgreSQL, to the database `postgres`. */
  readonly databaseAdminUrl: string;
  readonly redisUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Client secrets and role passwords follow from it (secrets.ts). */
  readonly seed: string;
}

export interface RunningServers extends ServerAddresses {
  readonly processes: readonly Supervised[];
  readonly stop: () => Promise<void>;
}

export type ServerName = 'Kafka' | `Kafka ${number}` | 'PostgreSQL';

export interface StartServersOptions {
  readonly dataDir: string;
  /** `free` (as every test and the demo asks) takes any; else the usual ones with these exceptions, and a taken one is an error. */
  readonly ports?: 'free' | Partial<ServerPorts>;
  /** Brokers beside the first, for a cluster. They are part of a data directory from its first start on. */
  readonly furtherBrokers?: readonly BrokerPorts[];
  /** What a server finds in its environment besides ours. */
  readonly environment?: (name: ServerName) => NodeJS.ProcessEnv;
  /** Servers that exist already and are used instead. A broker has to trust the issuer and have STACK_PRINCIPAL as a super user. */
  readonly given?: Partial<ServerAddresses>;
  /** Has the broker's JVM compile its hot code fully: slower to start, and what a measured broker is. */
  readonly fullTier?: boolean;
  /** Has PostgreSQL write what logical decoding reads: for Debezium, which a benchmark runs beside ours. */
  readonly logicalDecoding?: boolean;
  /** Tokens are good for so many days more than their holders are told, for services whose clock is ahead of everybody else's. */
  readonly tokensOutliveDays?: number;
  /** Gives the start up: whatever runs by then is stopped. */
  readonly signal?: AbortSignal;
  readonly report?: (line: string) => void;
}

interface Context extends ServerAddresses {
  readonly dataDir: string;
  readonly ports: ServerPorts;
  readonly brokers: readonly BrokerPorts[];
  readonly fullTier: boolean;
  readonly environment: (name: ServerName) => NodeJS.ProcessEnv;
  readonly logicalDecoding: boolean;
  readonly report: (line: string) => void;
}

/** Starts Kafka, PostgreSQL, Redis and the issuer on a data directory, or throws CannotStart and leaves nothing running. */
export async function startServers(options: StartServersOptions): Promise<RunningServers> {
  const { dataDir, given = {}, furtherBrokers = [], fullTier = false, signal, report = () => undefined } = options;
  const { environment = () => ({}), logicalDecoding = false, tokensOutliveDays = 0 } = options;
  const java = given.kafkaBrokers ? null : requireJava();
  const postgresBin = given.databaseAdminUrl ? null : requirePostgres();
  if (!given.kafkaBrokers || !given.redisUrl) requireMaven();
  const unlock = lock(dataDir);
  const processes: Supervised[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop()));
    unlock();
  };
  const run = async (process: Supervised): Promise<void> => {
    if (signal?.aborted) throw new CannotStart('the start was given up', 'start again');
    processes.push(process);
    const began = Date.now();
    await process.start();
    report(`${process.name} is ready (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  };
  signal?.addEventListener('abort', () => void stop(), { once: true });
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    const ports = await choosePorts(options);
    const brokers = [ports, ...furtherBrokers];
    const context: Context = {
      ...addressesOf(dataDir, ports, brokers),
      ...given,
      dataDir,
      ports,
      brokers,
      fullTier,
      environment,
      logicalDecoding,
      report,
    };
    const downloads = given.kafkaBrokers && given.redisUrl ? null : fetchDownloads(report);
    await allOf([
      (async () => {
        if (!given.issuer) await run(issuerProcess({ ...context, port: ports.issuer, tokensOutliveDays }));
        // Kafka fetches the issuer's keys while it starts. None of a cluster answers before most of it is there.
        if (java && downloads)
          await allOf(brokers.map(async (_, index) => run(await kafka(context, index + 1, java, downloads.kafkaClassPath))));
      })(),
      (async () => {
        if (postgresBin) await run(postgres(context, postgresBin));
        await createServiceDatabases(context.databaseAdminUrl, context.seed);
      })(),
      (async () => {
        if (!given.redisUrl && downloads) await run(redisProcess({ ...context, port: ports.redis, program: () => downloads.redisServer }));
      })(),
    ]);
    const { kafkaBrokers, databaseAdminUrl, redisUrl, issuer, audience, seed } = context;
    return { kafkaBrokers, databaseAdminUrl, redisUrl, issuer, audience, seed, processes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Every start is waited for, also when one fails: whatever was started has to be known to `stop`. */
async function allOf(starts: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(starts)) if (outcome.status === 'rejected') throw outcome.reason;
}

async function choosePorts({ dataDir, ports: wanted = {}, given = {} }: StartServersOptions): Promise<ServerPorts> {
  if (wanted === 'free') return freePorts(dataDir);
  const ports = { ...usualPorts, ...wanted };
  const needed = {
    ...(!given.kafkaBrokers && { kafka: ports.kafka, kafkaInternal: ports.kafkaInternal, kafkaController: ports.kafkaController }),
    ...(!given.databaseAdminUrl && { postgres: ports.postgres }),
    ...(!given.redisUrl && { redis: ports.redis }),
    ...(!given.issuer && { issuer: ports.issuer }),
  };
  await requireFree(needed, (name) => `end it or choose another port with ${portVariable(name)}, and start again`);
  return ports;
}

/** The environment variable that moves a server of `npm start` to another port. */
export const portVariable = (name: string): string => `${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_PORT`;

function addressesOf(dataDir: string, ports: ServerPorts, brokers: readonly BrokerPorts[]): ServerAddresses {
  const seed = secretSeed(dataDir);
  return {
    kafkaBrokers: brokers.map(({ kafka }) => `127.0.0.1:${kafka}`).join(),
    databaseAdminUrl: databaseUrl(ports.postgres, ADMIN_ROLE, rolePassword(seed, ADMIN_ROLE), 'postgres'),
    redisUrl: `redis://:${redisPassword(seed)}@127.0.0.1:${ports.redis}`,
    issuer: issuerUrl(ports.issuer),
    audience: AUDIENCE,
    seed,
  };
}

export interface IssuerPlan {
  readonly dataDir: string;
  readonly port: number;
  readonly seed: string;
  readonly tokensOutliveDays?: number;
  readonly report: (line: string) => void;
}

/** The issuer as a process; also tests on containers need it, whose servers are elsewhere. */
export function issuerProcess({ dataDir, port, seed, tokensOutliveDays = 0, report }: IssuerPlan): Supervised {
  writeIssuerSettings(dataDir, { seed, issuer: issuerUrl(port), host: '127.0.0.1', audience: AUDIENCE, tokensOutliveDays });
  return new Supervised({
    name: 'issuer',
    command: process.execPath,
    args: ['--no-warnings', issuerProgram, dataDir, String(port)],
    logFile: join(dataDir, 'logs/issuer.log'),
    ready: async () => {
      const answer = await fetch(`${issuerUrl(port)}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(String(answer.status));
    },
    readyWithinMs: 30_000,
    report,
  });
}

export const issuerUrl = (port: number): string => `http://127.0.0.1:${port}`;

async function kafka(context: Context, node: number, java: string, classPath: string): Promise<Supervised> {
  const { dataDir, brokers, fullTier, environment, report, ...addresses } = context;
  const name = node === 1 ? 'Kafka' : (`Kafka ${node}` as const);
  const args = await prepareKafka({
    java,
    classPath,
    dataDir,
    brokers,
    node,
    fullTier,
    issuer: addresses.issuer,
    audience: AUDIENCE,
    seed: addresses.seed,
  });
  return new Supervised({
    name,
    command: java,
    args,
    env: environment(name),
    logFile: join(dataDir, `logs/${name.toLowerCase().replace(' ', '-')}.log`),
    ready: async () => {
      await reachable(brokers[node - 1]?.kafka ?? 0);
      const admin = kafkaOf(addresses, STACK_PRINCIPAL, { retry: { retries: 0 }, logLevel: logLevel.NOTHING }).admin();
      try {
        await admin.connect();
        await admin.listTopics(); // KafkaJS learns here which brokers there are
        // Has the broker make its topic of offsets now: else the first consumers meet a coordinator that is not available.
        await admin.fetchOffsets({ groupId: 'stack', topics: [] });
      } finally {
        await admin.disconnect();
      }
    },
    readyWithinMs: 90_000,
    report,
  });
}

function postgres({ dataDir, ports, environment, logicalDecoding, report, ...addresses }: Context, bin: string): Supervised {
  return new Supervised({
    name: 'PostgreSQL',
    command: join(bin, 'postgres'),
    env: environment('PostgreSQL'),
    args: preparePostgres(bin, { dataDir, port: ports.postgres, seed: addresses.seed, logicalDecoding }),
    logFile: join(dataDir, 'logs/postgres.log'),
    stopSignal: 'INT', // fast shutdown: ends open sessions in order
    user: postgresUser(),
    ready: async () => {
      const client = new Client({ connectionString: addresses.databaseAdminUrl, connectionTimeoutMillis: 2_000 });
      client.on('error', () => undefined);
      try {
        await client.connect();
      } finally {
        await client.end();
      }
    },
    readyWithinMs: 60_000,
    report,
  });
}

export interface RedisPlan {
  readonly dataDir: string;
  readonly port: number;
  readonly seed: string;
  /** For a machine that has none of its own. */
  readonly program: () => string;
  readonly report: (line: string) => void;
}

/** Redis as a process; also a test needs it that kills its own. */
export function redisProcess({ dataDir, port, seed, program, report }: RedisPlan): Supervised {
  mkdirSync(join(dataDir, 'logs'), { recursive: true });
  const file = join(dataDir, 'redis.conf');
  // Redis holds only what can be rebuilt: nothing goes to the disk by itself.
  const settings = [`bind 127.0.0.1`, `port ${port}`, `requirepass ${redisPassword(seed)}`, 'save ""', 'appendonly no', `dir ${dataDir}`];
  writeFileSync(file, `${settings.join('\n')}\n`, { mode: 0o600 });
  return new Supervised({
    name: 'Redis',
    command: spawnSync('redis-server', ['--version']).status === 0 ? 'redis-server' : program(),
    args: [file],
    logFile: join(dataDir, 'logs/redis.log'),
    ready: () => reachable(port),
    readyWithinMs: 20_000,
    report,
  });
}

const reachable = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
