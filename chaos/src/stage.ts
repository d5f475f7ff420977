import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningServers, type ServerName, services as allServices, startServers } from '@jinqiao/infra-local';
import { freePort } from '@jinqiao/infra-local/servers';
import type { Cast, Place } from './cast.js';
import { DiskOfItsOwn } from './disk.js';
import { serverOf } from './faults/processes.js';
import { DAY_MS, dayAt } from './days.js';
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
/** Those that are told by webhook as well as on their topic. */
export const BY_WEBHOOK = ['jd', 'tmall'] as const;
export const DEPARTMENTS = ['tj-amr', 'tj-credit'] as const;
/** Whose sheets, cases and recalls are worked on; it acts for the province too. */
export const ORGANISER = 'tj-amr';
export const COUNTY = 'tj-heping-amr';
export const LABORATORY = 'tj-lab';
/** Passes decisions of the national credit site on, and keeps a copy of what is public. */
export const CREDIT_OFFICE = 'tj-credit';
export const PARTITIONS = 3;
/** So many may pass at a service. */
const DAYS_MAX = 60;

export interface StageOptions {
  readonly dataDir: string;
  /** The work tree whose built services are put on. */
  readonly root: string;
  readonly cast: Cast;
  readonly brokers: number;
  /** Of the small disk that PostgreSQL stands on, where there is one. */
  readonly diskMb: number;
  readonly report: (line: string) => void;
}

interface Parts {
  readonly servers: RunningServers;
  readonly disk: DiskOfItsOwn;
  readonly slowDisk: SlowDisk;
  readonly ports: Readonly<Record<Service, number>>;
}

/** A whole cast on servers of its own, with a proxy between every service and every server. */
export class Stage {
  readonly servers: RunningServers;
  readonly origin: string;
  readonly cast: Cast;
  readonly processes = new Map<Service, ServiceProcess>();
  readonly disk: DiskOfItsOwn;
  readonly slowDisk: SlowDisk;
  private readonly proxies = new Map<string, Proxy>();
  /** That have passed at one service and at no other. */
  private readonly days = new Map<Service, number>();
  private readonly options: StageOptions;
  private readonly place: Place;

  private constructor(options: StageOptions, { servers, disk, slowDisk, ports }: Parts) {
    this.options = options;
    this.servers = servers;
    this.disk = disk;
    this.slowDisk = slowDisk;
    this.cast = options.cast;
    this.origin = `http://127.0.0.1:${ports[this.cast.entrance]}`;
    this.place = { servers, ports, origin: this.origin, root: options.root };
  }

  static async set(options: StageOptions): Promise<Stage> {
    const { dataDir, report } = options;
    mkdirSync(join(dataDir, 'services'), { recursive: true });
    mkdirSync(join(dataDir, 'servers'));
    // Started as root, PostgreSQL runs as another user.
    for (const path of [dataDir, join(dataDir, 'servers')]) chmodSync(path, 0o755);
    const disk = DiskOfItsOwn.under(join(dataDir, 'servers'), options.diskMb);
    const slowDisk = SlowDisk.in(join(dataDir, 'slow-disk'));
    const furtherBrokers: BrokerPorts[] = [];
    while (furtherBrokers.length < options.brokers - 1) furtherBrokers.push(await brokerPorts());
    const servers = await startServers({
      dataDir: join(dataDir, 'servers'),
      ports: { ...(await brokerPorts()), postgres: await freePort(), redis: await freePort(), issuer: await freePort() },
      furtherBrokers,
      environment: (server) => slowDisk.environment(server),
      // Where days pass, the tokens of everybody else have to be good.
      tokensOutliveDays: DAYS_MAX,
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
    url.pathname = `/${this.cast.databaseOf(service)}`;
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
    writeFileSync(this.clockFile(service), String((this.days.get(service) ?? 0) * DAY_MS + offMs));
    this.process(service).signal('SIGUSR2');
  }

  /** At this service alone it is tomorrow from now on. */
  passDay(service: Service): void {
    this.days.set(service, (this.days.get(service) ?? 0) + 1);
    this.setClock(service, 0);
  }

  /** The day in China by the clock of a service. */
  today(service: Service): string {
    return dayAt(Date.now(), this.days.get(service) ?? 0);
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
    for (const service of this.cast.keeping) {
      for (const server of this.cast.ways) this.proxies.set(`${service} ${server}`, await Proxy.before(targets[server]));
    }
    await this.cast.prepare(this.place);
    this.options.report('topics and tables are there');
    for (const service of this.cast.services) {
      writeFileSync(this.clockFile(service), '0');
      this.processes.set(service, new ServiceProcess(this.plan(service, this.place.ports[service], service)));
    }
    await Promise.all([...this.processes.values()].map((process) => process.start()));
    this.options.report('the services are ready');
    await this.cast.introduce(this.place);
    this.options.report('the stage is set');
  }

  private plan(service: Service, port: number, name: string): ConstructorParameters<typeof ServiceProcess>[0] {
    const { program, environment, ready } = this.cast;
    const { dataDir } = this.options;
    const redirects = SERVERS.flatMap((server) => [...(this.proxies.get(`${service} ${server}`)?.ports ?? [])]);
    return {
      name,
      args: ['--import', new URL('./preload.js', import.meta.url).href, ...program(this.place, service, port)],
      env: {
        ...environment(this.place, service, port),
        CHAOS_REDIRECT: redirects.map((pair) => pair.join('=')).join(),
        CHAOS_CLOCK: this.clockFile(service),
      },
      logFile: join(dataDir, `services/${name}.log`),
      ready: { url: `http://127.0.0.1:${port}${ready.path}`, status: ready.status },
    };
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

type BrokerPorts = NonNullable<Parameters<typeof startServers>[0]['furtherBrokers']>[number];

const brokerPorts = async (): Promise<BrokerPorts> => ({
  kafka: await freePort(),
  kafkaInternal: await freePort(),
  kafkaController: await freePort(),
});
