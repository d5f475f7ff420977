import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import {
  accessToken,
  ensureTopics,
  organisations,
  type RunningServers,
  type ServerName,
  serviceEnvironment,
  services as allServices,
  startServers,
} from '@jinqiao/infra-local';
import { accessRules, sharedTopics } from '@jinqiao/schema';
import { DiskOfItsOwn } from './disk.js';
import { serverOf } from './faults/processes.js';
import { Proxy } from './proxy.js';
import { ServiceProcess } from './service-process.js';
import { SlowDisk } from './slow-disk.js';

export type Service = (typeof allServices)[number];
export type Server = 'kafka' | 'postgres' | 'redis';
/** One of several; a single one is `kafka`. */
export type Broker = `kafka-${number}`;
export const SERVICES = allServices;
/** Those with a database and consumers or intake of their own; the gateway keeps nothing. */
export const KEEPING = allServices.filter((service) => service !== 'gateway');
export const SERVERS: readonly Server[] = ['kafka', 'postgres', 'redis'];
export const PLATFORMS = ['jd', 'tmall', 'meituan'] as const;
export const DEPARTMENTS = ['tj-amr', 'tj-credit'] as const;

const PARTITIONS = 3;
const TAKING_PART: readonly string[] = [...PLATFORMS, ...DEPARTMENTS, 'operator'];

export interface StageOptions {
  readonly dataDir: string;
  /** The work tree whose built services are put on. */
  readonly root: string;
  readonly brokers: number;
  readonly report: (line: string) => void;
}

interface Parts {
  readonly servers: RunningServers;
  readonly disk: DiskOfItsOwn;
  readonly slowDisk: SlowDisk;
  readonly ports: Readonly<Record<Service, number>>;
}

/** The whole system on servers of its own, with a proxy between every service and every server. */
export class Stage {
  readonly servers: RunningServers;
  readonly origin: string;
  readonly processes = new Map<Service, ServiceProcess>();
  readonly disk: DiskOfItsOwn;
  readonly slowDisk: SlowDisk;
  private readonly proxies = new Map<string, Proxy>();
  private readonly options: StageOptions;
  private readonly ports: Readonly<Record<Service, number>>;

  private constructor(options: StageOptions, { servers, disk, slowDisk, ports }: Parts) {
    this.options = options;
    this.servers = servers;
    this.disk = disk;
    this.slowDisk = slowDisk;
    this.ports = ports;
    this.origin = `http://127.0.0.1:${ports.gateway}`;
  }

  static async set(options: StageOptions): Promise<Stage> {
    const { dataDir, report } = options;
    mkdirSync(join(dataDir, 'services'), { recursive: true });
    mkdirSync(join(dataDir, 'servers'));
    // Started as root, PostgreSQL runs as another user.
    for (const path of [dataDir, join(dataDir, 'servers')]) chmodSync(path, 0o755);
    const disk = DiskOfItsOwn.under(join(dataDir, 'servers'));
    const slowDisk = SlowDisk.in(join(dataDir, 'slow-disk'));
    const furtherBrokers: BrokerPorts[] = [];
    while (furtherBrokers.length < options.brokers - 1) furtherBrokers.push(await brokerPorts());
    const servers = await startServers({
      dataDir: join(dataDir, 'servers'),
      ports: { ...(await brokerPorts()), postgres: await freePort(), redis: await freePort(), issuer: await freePort() },
      furtherBrokers,
      environment: (server) => slowDisk.environment(server),
      report,
    });
    const ports = Object.fromEntries(await Promise.all(SERVICES.map(async (service) => [service, await freePort()] as const)));
    const stage = new Stage(options, { servers, disk, slowDisk, ports: ports as Record<Service, number> });
    try {
      await stage.raise();
      return stage;
    } catch (problem) {
      await stage.strike();
      throw problem;
    }
  }

  process(service: Service): ServiceProcess {
    const found = this.processes.get(service);
    if (!found) throw new Error(`${service} is not on the stage`);
    return found;
  }

  proxy(service: Service, server: Server): Proxy {
    const found = this.proxies.get(`${service} ${server}`);
    if (!found) throw new Error(`nothing stands between ${service} and ${server}`);
    return found;
  }

  /** The process group of a server: its keeper and itself. */
  serverGroup(server: Server | Broker | 'issuer'): number | null {
    return this.servers.processes.find(({ name }) => name === nameOf(server))?.pid ?? null;
  }

  /** PostgreSQL and every broker can be made to wait for their disk. */
  get canBeSlow(): boolean {
    return this.servers.processes
      .filter(({ name }) => name === 'PostgreSQL' || name.startsWith('Kafka'))
      .every(({ name, pid }) => this.slowDisk.reaches(name, (pid === null ? null : serverOf(pid)) ?? 0));
  }

  databaseUrl(service: string): string {
    const url = new URL(this.servers.databaseAdminUrl);
    url.pathname = `/jinqiao_${service}`;
    return url.href;
  }

  /** Another process of the same service, with the same proxies: a second relay, and a member of its groups. */
  async second(service: Service): Promise<ServiceProcess> {
    const port = await freePort();
    const process = new ServiceProcess(this.plan(service, port, `${service}-second`));
    await process.start();
    return process;
  }

  setClock(service: Service, offMs: number): void {
    writeFileSync(this.clockFile(service), String(offMs));
    this.process(service).signal('SIGUSR2');
  }

  async strike(): Promise<void> {
    for (const proxy of this.proxies.values()) proxy.delay(0);
    await Promise.all([...this.processes.values()].map((process) => process.stop()));
    for (const proxy of this.proxies.values()) proxy.close();
    await this.servers.stop();
    this.disk.remove();
  }

  private async raise(): Promise<void> {
    const targets = {
      kafka: this.servers.kafkaBrokers.split(',').map(portOf),
      postgres: [portOf(this.servers.databaseAdminUrl)],
      redis: [portOf(this.servers.redisUrl)],
    };
    for (const service of KEEPING) {
      for (const server of SERVERS) this.proxies.set(`${service} ${server}`, await Proxy.before(targets[server]));
    }
    await Promise.all([ensureTopics(this.servers, sharedTopics({ partitions: PARTITIONS }), accessRules()), this.migrate()]);
    this.options.report('topics and tables are there');
    for (const service of SERVICES) {
      writeFileSync(this.clockFile(service), '0');
      this.processes.set(service, new ServiceProcess(this.plan(service, this.ports[service], service)));
    }
    await Promise.all([...this.processes.values()].map((process) => process.start()));
    this.options.report('the services are ready');
    await this.register();
    this.options.report('the stage is set');
  }

  private plan(service: Service, port: number, name: string): ConstructorParameters<typeof ServiceProcess>[0] {
    const { root, dataDir } = this.options;
    const redirects = SERVERS.flatMap((server) => [...(this.proxies.get(`${service} ${server}`)?.ports ?? [])]);
    return {
      name,
      args: [
        '--disable-warning=TimeoutNegativeWarning',
        '--enable-source-maps',
        '--import',
        new URL('./preload.js', import.meta.url).href,
        join(root, 'services', service, 'dist/main.js'),
      ],
      env: {
        ...this.environment(service),
        PORT: String(port),
        CHAOS_REDIRECT: redirects.map((pair) => pair.join('=')).join(),
        CHAOS_CLOCK: this.clockFile(service),
      },
      logFile: join(dataDir, `services/${name}.log`),
      readyUrl: `http://127.0.0.1:${port}/health/ready`,
    };
  }

  private environment(service: Service): NodeJS.ProcessEnv {
    const addresses = SERVICES.map((name) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${this.ports[name]}`] as const);
    return {
      ...serviceEnvironment(this.servers, service, { database: `jinqiao_${service}`, partitions: PARTITIONS }),
      ...Object.fromEntries(addresses),
      HOST: '127.0.0.1',
      SCHEMA_BASE_URL: `${this.origin}/schemas`,
      PUBLIC_URL: this.origin,
      NODE_ENV: 'production',
    };
  }

  private async migrate(): Promise<void> {
    const run = (service: Service): Promise<void> =>
      new Promise((resolve, reject) => {
        const program = join(this.options.root, 'services', service, 'dist/migrate.js');
        const child = spawn(process.execPath, [program], {
          env: { ...process.env, ...this.environment(service) },
          stdio: 'ignore',
          timeout: 120_000,
        });
        child.once('error', reject);
        child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the migration of ${service} failed`))));
      });
    await Promise.all(KEEPING.map(run));
  }

  /** Only those who take part: an organisation brings topics along, and every one of them costs. */
  private async register(): Promise<void> {
    const { token } = await accessToken(this.servers, 'operator');
    for (const { id, kind, name, aliases = [] } of organisations().filter((one) => TAKING_PART.includes(one.id))) {
      const answer = await fetch(`${this.origin}/api/exchange/organisations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id, kind, name, aliases }),
        signal: AbortSignal.timeout(60_000),
      });
      if (!answer.ok) throw new Error(`${id} was not registered: ${answer.status} ${await answer.text()}`);
    }
  }

  private clockFile(service: Service): string {
    return join(this.options.dataDir, `services/${service}.clock`);
  }
}

/** Where the built harness of a work tree stands. */
export const repository = new URL('../../', import.meta.url).pathname;

/** What infra/local calls it. */
export function nameOf(server: Server | Broker | 'issuer'): ServerName | 'Redis' | 'issuer' {
  if (server === 'kafka' || server === 'kafka-1') return 'Kafka';
  if (server === 'postgres') return 'PostgreSQL';
  if (server === 'redis') return 'Redis';
  return server === 'issuer' ? server : `Kafka ${Number(server.slice('kafka-'.length))}`;
}

const portOf = (address: string): number => Number((address.includes('://') ? new URL(address) : new URL(`tcp://${address}`)).port);

// Below the range from which the kernel takes the ports of outgoing connections: there is so much of that here that a port found free
// there is soon taken.
const PORTS = { first: 10_000, count: 20_000 };

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count);
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

type BrokerPorts = NonNullable<Parameters<typeof startServers>[0]['furtherBrokers']>[number];

const brokerPorts = async (): Promise<BrokerPorts> => ({
  kafka: await freePort(),
  kafkaInternal: await freePort(),
  kafkaController: await freePort(),
});
