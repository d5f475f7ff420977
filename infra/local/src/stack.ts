import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import { cacheDirectory } from './downloads.js';
import { freePort, requireFree } from './ports.js';
import { databaseOf } from './postgres.js';
import { prepareServers } from './prepare.js';
import { organisations, services } from './principals.js';
import { registerOrganisations } from './register-organisations.js';
import { type RunningServers, type ServerAddresses, startServers, type StartServersOptions } from './servers.js';
import { laterProgram, program, serviceEnvironment, serviceProgram } from './service-environment.js';
import { Supervised } from './supervised.js';

export interface StackOptions extends StartServersOptions {
  /** Where the gateway listens; absent = any free port. */
  readonly port?: number;
  readonly partitions?: number;
}

type Service = (typeof services)[number];

export interface RunningStack {
  /** Where everything is reached: the gateway. */
  readonly origin: string;
  /** Where each service is reached past the gateway. */
  readonly origins: Readonly<Record<Service, string>>;
  readonly servers: RunningServers;
  readonly processes: readonly Supervised[];
  /** Starts another process of a service, in whose business it is so many days later; its clock can be moved on. */
  later(service: Service, days: number): Promise<LaterProcess>;
  stop(): Promise<void>;
}

export interface LaterProcess {
  readonly origin: string;
  /** So many days later than it really is. */
  moveTo(days: number): void;
  stop(): Promise<void>;
}

const READY_MS_MAX = 60_000;

/** Everything: servers, topics and access rules, migrations, every service, the gateway, the organisations of the development stack. */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { port, report = () => undefined, partitions = 3 } = options;
  requireBuilt();
  if (port) await requireFree({ gateway: port }, () => 'end it or choose another port with PORT, and start again');
  const servers = await startServers(options);
  const started: Supervised[] = [];
  const stop = async (): Promise<void> => {
    // Services first: they hand over what they have in hand while the servers are still there.
    await Promise.all(started.map((each) => each.stop()));
    await servers.stop();
  };
  options.signal?.addEventListener('abort', () => void Promise.all(started.map((each) => each.stop())), { once: true });
  try {
    const ports = await servicePorts(port);
    const context: Context = { servers, ports, partitions, dataDir: options.dataDir, report };
    await prepareServers(servers, { partitions, report, logFile: (service) => logFileOf(context, service) });
    if (options.signal?.aborted) throw new CannotStart('the start was given up', 'start again');
    await startAll(context, started);
    const origin = `http://localhost:${ports.gateway}`;
    const added = await registerOrganisations(`http://127.0.0.1:${ports.exchange}`, servers, organisations());
    if (added > 0) report(`${added} organisations are registered`);
    const origins = Object.fromEntries(
      services.map((service) => [service, `http://127.0.0.1:${ports[service]}`]),
    ) as RunningStack['origins'];
    const later: RunningStack['later'] = async (service, days) => {
      const own = { ...context, ports: { ...ports, [service]: await freePort() } };
      const name = `${service}-later`;
      const file = join(options.dataDir, `${name}.days`);
      // Renamed into its place, so that it is never read half written.
      const moveTo = (to: number): void => {
        writeFileSync(`${file}.new`, String(to));
        renameSync(`${file}.new`, file);
      };
      moveTo(days);
      const process = supervise(own, service, { name, program: laterProgram(service, file) });
      started.push(process);
      await process.start();
      return { origin: `http://127.0.0.1:${own.ports[service]}`, moveTo, stop: () => process.stop() };
    };
    return { origin, origins, servers, processes: [...servers.processes, ...started], later, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Context {
  readonly servers: ServerAddresses;
  readonly ports: Readonly<Record<Service, number>>;
  readonly partitions: number;
  readonly dataDir: string;
  readonly report: (line: string) => void;
}

const logFileOf = ({ dataDir }: Pick<Context, 'dataDir'>, service: string): string => join(dataDir, `logs/${service}.log`);

function requireBuilt(): void {
  const missing = services.filter((service) => !existsSync(program(service, 'main')));
  if (missing.length > 0) throw new CannotStart(`not built: ${missing.join(', ')}`, '`npm run build` and start again');
}

async function servicePorts(gateway: number | undefined): Promise<Context['ports']> {
  const ports = await Promise.all(
    services.map(async (service) => [service, service === 'gateway' && gateway ? gateway : await freePort()] as const),
  );
  return Object.fromEntries<number>(ports) as Record<Service, number>;
}

function environment({ servers, ports, partitions }: Context, service: Service): NodeJS.ProcessEnv {
  const addresses = services.map((name): [string, string] => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`]);
  return {
    ...serviceEnvironment(servers, service, { database: databaseOf(service), partitions }),
    ...Object.fromEntries(addresses),
    HOST: process.env['HOST'] ?? '127.0.0.1',
    PORT: String(ports[service]),
    SCHEMA_BASE_URL: process.env['SCHEMA_BASE_URL'] ?? `http://localhost:${ports.gateway}/schemas`,
    PUBLIC_URL: process.env['PUBLIC_URL'] ?? `http://localhost:${ports.gateway}`,
    // Whoever develops a platform's side takes webhooks on this machine.
    WEBHOOK_ALLOWED_HOSTS: process.env['WEBHOOK_ALLOWED_HOSTS'] ?? '127.0.0.1,localhost',
    NODE_ENV: 'production',
    // What was compiled at an earlier start is not compiled again: a quarter of a service's start.
    NODE_COMPILE_CACHE: join(cacheDirectory(), 'compiled'),
  };
}

async function startAll(context: Context, started: Supervised[]): Promise<void> {
  const processes = services.map((service) => supervise(context, service));
  started.push(...processes);
  const outcomes = await Promise.allSettled(
    processes.map(async (each) => {
      await each.start();
      context.report(`${each.name} is ready`);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function supervise(
  context: Context,
  service: Service,
  { name = service, program = serviceProgram(service) }: { name?: string; program?: string[] } = {},
): Supervised {
  return new Supervised({
    name,
    command: process.execPath,
    args: program,
    env: environment(context, service),
    logFile: logFileOf(context, name),
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${context.ports[service]}/health/ready`, { signal: AbortSignal.timeout(3_000) });
      if (!answer.ok) throw new Error(String(answer.status));
    },
    readyWithinMs: READY_MS_MAX,
    report: context.report,
  });
}
