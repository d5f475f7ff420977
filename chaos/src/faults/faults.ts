import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaOf } from '@jinqiao/infra-local';
import { logLevel } from 'kafkajs';
import type { History } from '../history.js';
import type { Endpoint, Manner } from '../load/endpoints.js';
import type { Load } from '../load/load.js';
import type { Proxy } from '../proxy.js';
import { type Broker, nameOf, SERVERS, type Server, type Service, type Stage } from '../stage.js';
import { setBack } from './restore.js';
import { familyOf, serverOf, signalAll } from './processes.js';
import { endpointOf, type Fault, type Kind, wayBetween } from './schedule.js';
import type { Watch } from './watch.js';

export interface Tools {
  readonly stage: Stage;
  readonly load: Load;
  readonly endpoints: readonly Endpoint[];
  readonly watch: Watch;
  readonly history: History;
}

/** Since when, and which services have to work again. */
export interface Aftermath {
  readonly since: number;
  readonly services: readonly Service[];
  /** Is found out already: by something that does not wait for the fault to end. */
  readonly worksAgain?: Promise<number | null>;
}

const SLOW_MS = 120;
const SLOW_FOR_MS = 2_000;
const DELAY_MS = 150;
const CLOCK_MS = 600_000;
const WITHOUT_A_BROKER_MS_MAX = 90_000;
const ENDED_MS_MAX = 30_000;
const TAKES_AGAIN_MS_MAX = 90_000;

/** Does the real thing to real processes and connections, and undoes it where reality would. */
export class Faults {
  private readonly stage: Stage;
  private readonly load: Load;
  private readonly endpoints: readonly Endpoint[];
  private readonly watch: Watch;
  private readonly history: History;

  constructor({ stage, load, endpoints, watch, history }: Tools) {
    this.stage = stage;
    this.load = load;
    this.endpoints = endpoints;
    this.watch = watch;
    this.history = history;
  }

  /** Resolves when it is over. */
  async inflict(fault: Fault): Promise<Aftermath> {
    const { services, keeping, ways } = this.stage.cast;
    const service = services.find((name) => name === fault.target);
    if (service) return this.onService(fault, service);
    const server = [...SERVERS, 'issuer' as const].find((name) => name === fault.target);
    if (server) return this.onServer(fault, server);
    if (fault.target.startsWith('kafka-')) return this.onBroker(fault, fault.target as Broker);
    for (const one of keeping) {
      for (const other of ways) if (wayBetween(one, other) === fault.target) return this.onWay(fault, one, other);
    }
    const endpoint = this.endpoints.find(({ platformId }) => endpointOf(platformId) === fault.target);
    if (endpoint) return onEndpoint(endpoint, fault);
    await this.load.poison();
    return { since: Date.now(), services: keeping };
  }

  private async onService({ kind, forMs }: Fault, service: Service): Promise<Aftermath> {
    const process = this.stage.process(service);
    const only = (since: number): Aftermath => ({ since, services: [service] });
    switch (kind) {
      case 'kill': {
        const since = Date.now();
        process.signal('SIGKILL');
        return only(since);
      }
      case 'kill in slow motion': {
        // With every step stretched, the kill falls between two of them, and rarely in the same place.
        const proxies = this.stage.cast.ways.map((server) => this.stage.proxy(service, server));
        for (const proxy of proxies) proxy.delay(SLOW_MS);
        await sleep(forMs);
        const since = Date.now();
        process.signal('SIGKILL');
        for (const proxy of proxies) proxy.delay(0);
        return only(since);
      }
      case 'freeze':
        process.signal('SIGSTOP');
        await sleep(forMs);
        process.signal('SIGCONT');
        return only(Date.now());
      case 'clock ahead':
      case 'clock behind':
        this.stage.setClock(service, kind === 'clock ahead' ? CLOCK_MS : -CLOCK_MS);
        await sleep(forMs);
        this.stage.setClock(service, 0);
        return only(Date.now());
      case 'a day passes':
        await Promise.race([this.load.reportPeriods(), sleep(forMs)]);
        this.stage.passDay(service);
        return only(Date.now());
      case 'cancel':
        await this.watch.cancel(service, forMs);
        return only(Date.now());
      case 'restore':
        return only(await setBack(this.stage, service, { forMs, history: this.history, watch: this.watch }));
      case 'rebalance':
        await this.strangerIn(service, forMs);
        return only(Date.now());
      default: {
        const second = await this.stage.second(service);
        await sleep(forMs);
        second.signal('SIGKILL');
        await second.stop();
        return only(Date.now());
      }
    }
  }

  /** Work has to go on without it: the clock runs from the beginning, until every partition has been worked on. */
  private async onBroker(fault: Fault, broker: Broker): Promise<Aftermath> {
    const began = Date.now();
    const worksAgain = this.watch.worksEverywhere(began, WITHOUT_A_BROKER_MS_MAX);
    return { ...(await this.onServer(fault, broker)), worksAgain };
  }

  private async onServer({ kind, forMs }: Fault, server: Server | Broker | 'issuer'): Promise<Aftermath> {
    const keeper = this.stage.serverGroup(server);
    const started = keeper === null ? null : serverOf(keeper);
    const all = (since: number): Aftermath => ({ since, services: this.stage.cast.services });
    if (keeper === null || started === null) return all(Date.now());
    switch (kind) {
      case 'kill':
        signalAll([started], 'SIGKILL');
        return all(Date.now());
      case 'restart':
        signalAll([started], 'SIGTERM');
        return all(Date.now());
      case 'kill backend': {
        const busy =
          "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY state <> 'active', random()";
        const [backend] = (await this.watch.query<{ pid: number }>('inspection', busy)) ?? [];
        signalAll(backend ? [backend.pid] : [], 'SIGKILL');
        return all(Date.now());
      }
      case 'flush':
        await redisCommand(this.stage.servers.redisUrl, 'FLUSHALL');
        return all(Date.now());
      case 'full disk':
        this.stage.disk.fill();
        await sleep(forMs);
        this.stage.disk.empty();
        return all(Date.now());
      case 'slow disk':
        this.stage.slowDisk.set(nameOf(server), true);
        await sleep(forMs);
        this.stage.slowDisk.set(nameOf(server), false);
        return all(Date.now());
      default: {
        const family = familyOf(started);
        signalAll(family, 'SIGSTOP');
        await sleep(forMs);
        signalAll(family, 'SIGCONT');
        return all(Date.now());
      }
    }
  }

  private async onWay(fault: Fault, service: Service, server: Server): Promise<Aftermath> {
    await spoil(this.stage.proxy(service, server), fault);
    return { since: Date.now(), services: [service] };
  }

  /** A member that joins the service's group, gets its share of the partitions, does nothing with them and goes. */
  private async strangerIn(service: Service, forMs: number): Promise<void> {
    const { principal, groupId, topic } = this.stage.cast.groupOf(service);
    const kafka = kafkaOf(this.stage.servers, principal, { logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000 });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic });
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: () => sleep(50) });
      await sleep(forMs);
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }
}

/** Works again when a webhook is taken. */
async function onEndpoint(endpoint: Endpoint, { kind, forMs }: Fault): Promise<Aftermath> {
  const manner = MANNERS[kind];
  if (manner) {
    await endpoint.behave(manner);
    await sleep(forMs);
    await endpoint.behave('TAKES');
  } else await endpoint.end(ENDED_MS_MAX);
  const since = Date.now();
  return { since, services: [], worksAgain: endpoint.takesAgain(since, TAKES_AGAIN_MS_MAX) };
}

const MANNERS: Readonly<Partial<Record<Kind, Manner>>> = { refuse: 'REFUSES', hang: 'HANGS', 'answer 500': 'FAILS', reset: 'RESETS' };

async function spoil(proxy: Proxy, { kind, forMs }: Fault): Promise<void> {
  switch (kind) {
    case 'cut':
      // With every step stretched it falls between two of them: a statement that was sent and never came, an answer that was lost.
      proxy.delay(SLOW_MS);
      await sleep(SLOW_FOR_MS);
      proxy.delay(0);
      proxy.cut(true);
      await sleep(forMs);
      return proxy.cut(false);
    case 'half-open':
      proxy.halfOpen();
      await sleep(forMs);
      return proxy.resetDead();
    case 'stall':
      proxy.hold(true);
      await sleep(forMs);
      return proxy.hold(false);
    case 'delay':
      proxy.delay(DELAY_MS);
      await sleep(forMs);
      return proxy.delay(0);
    case 'slow close':
      return proxy.slowClose();
    default:
      return proxy.garbage();
  }
}

/** One command to Redis, spoken by hand. */
async function redisCommand(url: string, command: string): Promise<void> {
  const { port, password } = new URL(url);
  await new Promise<void>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port) }, () => socket.end(`AUTH ${password}\r\n${command}\r\n`));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.resume();
  });
}
