import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { accessToken } from './access.js';
import { cacheDirectory } from './downloads.js';
import { freePort, type ServerPorts, usualPorts } from './ports.js';
import { repository } from './repository.js';
import { portVariable, type ServerAddresses, startServers } from './servers.js';

// Goal: what cannot be started says why in one sentence and leaves nothing behind; what was started stops, comes back and dies whole.
// Method: the real command as a process of its own, looked at from outside through /proc.

const SOURCES = join(repository, 'libs/testing/jest/typescript-sources.cjs');
const COMMAND = join(repository, 'infra/local/src/servers.command.ts');

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  output(): string;
}

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'jinqiao-servers-'));
  chmodSync(home, 0o711);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

function watch(child: ChildProcess): Run {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, exit, output: () => said };
}

const run = (dataDir: string, env: NodeJS.ProcessEnv = {}): Run =>
  watch(
    spawn(process.execPath, ['--require', SOURCES, COMMAND, '--data', dataDir], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );

/** Every process that has to do with the directory: by its command line, or because it inherited JINQIAO_DATA. */
const processesOf = (directory: string): { id: number; command: string }[] =>
  readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid)
    .map((id) => ({ id: Number(id), command: told(id, 'cmdline'), environment: told(id, 'environ') }))
    .filter(({ command, environment }) => command.includes(directory) || environment.includes(`JINQIAO_DATA=${directory}`));

function told(id: string, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // gone, or another user's
  }
}

async function until(holds: () => boolean | Promise<boolean>, within: number, what: () => string): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${within / 1000} s: ${what()}`);
    await sleep(50);
  }
}

async function up(dataDir: string): Promise<{ run: Run; addresses: ServerAddresses }> {
  const started = run(dataDir);
  await until(() => started.output().includes('servers are up') || started.child.exitCode !== null, 120_000, started.output);
  expect(started.output()).toContain('4 servers are up');
  return { run: started, addresses: JSON.parse(readFileSync(join(dataDir, 'servers.json'), 'utf8')) as ServerAddresses };
}

async function query(addresses: ServerAddresses, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: addresses.databaseAdminUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<object>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('what cannot be started', () => {
  /** A PATH on which only these programs are. */
  function pathWith(name: string, programs: Record<string, string>): string {
    const bin = join(home, name);
    mkdirSync(bin);
    for (const [program, script] of Object.entries(programs)) writeFileSync(join(bin, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return bin;
  }
  const where = (program: string): string => execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  const java = `exec ${where('java')} "$@"`;

  async function refusal(name: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const dataDir = join(home, name);
    const started = run(dataDir, { JAVA_HOME: '', ...env });
    expect(await started.exit).toBe(1);
    expect(processesOf(dataDir)).toEqual([]);
    expect(
      started
        .output()
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('Kafka 4.3.0 and Redis: fetching')),
    ).toHaveLength(1);
    return started.output();
  }

  it('without Java', async () => {
    expect(await refusal('no-java', { PATH: pathWith('bin-none', {}) })).toMatch(
      /Kafka needs Java 17 or newer and `java` does not run: install it with `sudo apt-get install/,
    );
  });

  it('with a Java that is too old', async () => {
    const old = pathWith('bin-old', { java: `echo 'openjdk version "11.0.2" 2019-01-15' >&2` });
    expect(await refusal('old-java', { PATH: old })).toMatch(/Java 17 or newer and `java` is version 11: install it/);
  });

  it('without Maven, while Kafka has not been fetched', async () => {
    const output = await refusal('no-maven', { PATH: pathWith('bin-java', { java }), XDG_CACHE_HOME: join(home, 'cache-1') });
    expect(output).toMatch(/`mvn` does not run: install it with `sudo apt-get install -y maven`/);
  });

  it('without a network, while Kafka has not been fetched', async () => {
    const offline = pathWith('bin-offline', {
      java,
      mvn: `exec ${where('mvn')} -o -Dmaven.repo.local=${join(home, 'no-repository')} "$@"`,
    });
    const output = await refusal('no-network', { PATH: `${offline}:${process.env['PATH']}`, XDG_CACHE_HOME: join(home, 'cache-2') });
    expect(output).toMatch(/Maven could not fetch Kafka 4\.3\.0 .*: connect to the network or name a mirror/);
    expect(existsSync(join(home, 'cache-2/jinqiao')) ? readdirSync(join(home, 'cache-2/jinqiao')) : []).toEqual([]);
  }, 60_000);

  it('with a jar that is not the committed one', async () => {
    const forged = join(home, 'cache-3', 'jinqiao', cacheDirectory().split('/').at(-1) ?? '');
    for (const file of readdirSync(cacheDirectory(), { recursive: true, encoding: 'utf8' })) {
      if (!/\.jar$|redis-server/.test(file)) continue;
      mkdirSync(dirname(join(forged, file)), { recursive: true });
      linkSync(join(cacheDirectory(), file), join(forged, file));
    }
    rmSync(join(forged, 'kafka-clients-4.3.0.jar')); // else the link would change the real one
    writeFileSync(join(forged, 'kafka-clients-4.3.0.jar'), 'not Kafka');
    expect(await refusal('forged', { XDG_CACHE_HOME: join(home, 'cache-3') })).toMatch(
      /kafka-clients-4\.3\.0\.jar does not have the SHA-256 sum committed in .*: `rm -r /,
    );
  });

  it('on a port that is taken, and says by whom', async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const redis = address && typeof address === 'object' ? address.port : 0;
    const dataDir = join(home, 'busy');
    await expect(startServers({ dataDir, ports: { redis } })).rejects.toThrow(
      new RegExp(`port ${redis} \\(redis\\) is taken by .* \\(process ${process.pid}: .*REDIS_PORT`),
    );
    taken.close();
    expect(existsSync(join(dataDir, 'lock'))).toBe(false);
    expect(processesOf(dataDir)).toEqual([]);
  });
});

describe('what was started', () => {
  it('is what is given where servers are given, and nothing else', async () => {
    const given = JSON.parse(readFileSync(process.env['TEST_SERVERS_FILE'] ?? '', 'utf8')) as ServerAddresses;
    const servers = await startServers({ dataDir: join(home, 'given'), given });
    expect(servers).toMatchObject({ ...given, processes: [] });
    await servers.stop();
    expect(existsSync(join(home, 'given/lock'))).toBe(false);
  });

  it('stands beside another, comes back when it dies, keeps its data, stops whole and dies whole', async () => {
    const [one, two] = [join(home, 'one'), join(home, 'two')];
    const [first, second] = await Promise.all([up(one), up(two)]);
    expect(new Set([first, second].flatMap(({ addresses }) => [addresses.kafkaBrokers, addresses.issuer, addresses.redisUrl])).size).toBe(
      6,
    );
    expect(first.addresses.seed).not.toBe(second.addresses.seed);

    // A second start on the same directory is refused while the first runs, and does it no harm.
    const again = run(one);
    expect(await again.exit).toBe(1);
    expect(again.output()).toContain(`a stack already runs on this data directory (process ${first.run.child.pid}`);

    // PostgreSQL is killed: it comes back with what was committed.
    await query(first.addresses, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(Number(readFileSync(join(one, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
    await until(() => first.run.output().includes('PostgreSQL is back'), 60_000, first.run.output);
    expect(await query(first.addresses, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);

    // SIGTERM: everything is gone within 10 s; the next start finds the data on the same ports.
    const asked = Date.now();
    first.run.child.kill('SIGTERM');
    expect(await first.run.exit).toBe(0);
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect(processesOf(one)).toEqual([]);
    const later = await up(one);
    expect(later.addresses).toEqual(first.addresses);
    expect(await query(later.addresses, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);

    // kill -9 of the supervisor: its servers notice and go; the lock that is left is explained.
    later.run.child.kill('SIGKILL');
    await until(
      () => processesOf(one).length === 0,
      10_000,
      () => JSON.stringify(processesOf(one)),
    );
    const leftOver = run(one);
    expect(await leftOver.exit).toBe(1);
    expect(leftOver.output()).toMatch(
      /a stack that was not stopped in order left its lock behind .*: `rm .*lock` and start again; the data is kept/,
    );

    // None of it concerned the other stack.
    expect(second.run.child.exitCode).toBeNull();
    expect(await query(second.addresses, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    second.run.child.kill('SIGINT');
    expect(await second.run.exit).toBe(0);
    expect(processesOf(two)).toEqual([]);
  }, 300_000);
});

describe('npm start', () => {
  let env: NodeJS.ProcessEnv;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = join(home, 'start');
    const names = Object.keys(usualPorts) as (keyof ServerPorts)[];
    const ports = await Promise.all(names.map(async (name) => [portVariable(name), String(await freePort())] as const));
    env = { ...process.env, ...Object.fromEntries(ports), PORT: String(await freePort()), JINQIAO_DATA: dataDir };
  });

  const npmStart = (): Run => watch(spawn('npm', ['start'], { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] }));

  async function opened(): Promise<Run> {
    const started = npmStart();
    await until(() => started.output().includes('is open') || started.child.exitCode !== null, 240_000, started.output);
    expect(started.output()).toContain(`http://localhost:${env['PORT']} is open`);
    return started;
  }

  const ready = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${env['PORT']}/health/ready`).catch(() => null))?.status === 200;

  /** What may be asked for, and of whom: of nobody, or of more than one, is of nobody. */
  async function unclear(): Promise<string[]> {
    const seed = readFileSync(join(dataDir, 'secret-seed'), 'utf8').trim();
    const { token } = await accessToken({ issuer: `http://127.0.0.1:${env['ISSUER_PORT']}`, seed }, 'tj-audit');
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${env['PORT']}/api/exchange/catalogue`, { headers });
    const { entries } = (await answer.json()) as { entries: { stream: string; modes: string[]; providers: string[] }[] };
    return entries.filter(({ modes, providers }) => modes.length > 0 && providers.length !== 1).map(({ stream }) => stream);
  }

  it('opens everything, brings back a service that dies, and goes without a trace', async () => {
    const first = await opened();
    expect(await ready()).toBe(true);
    expect(first.output()).toContain('21 organisations are registered');
    expect(await unclear()).toEqual([]);

    const twice = npmStart();
    expect(await twice.exit).toBe(1);
    expect(twice.output()).toMatch(new RegExp(`port ${env['PORT']} \\(gateway\\) is taken by .*: end it or choose another port with PORT`));

    const credit = processesOf(dataDir).find(({ command }) => /^\S*node .*services\/credit\/dist\/bundle\/main\.js/.test(command));
    // Zero would be everybody who runs these specs.
    if (!credit) throw new Error('no process of credit was found');
    process.kill(credit.id, 'SIGKILL');
    await until(() => first.output().includes('credit is back'), 60_000, first.output);
    expect(await ready()).toBe(true);

    const asked = Date.now();
    first.child.kill('SIGTERM');
    await first.exit;
    await until(
      () => processesOf(dataDir).length === 0,
      10_000 - (Date.now() - asked),
      () => JSON.stringify(processesOf(dataDir)),
    );

    // What was registered is kept; and when npm is killed nothing of it stays.
    const second = await opened();
    expect(second.output()).not.toContain('organisations are registered');
    second.child.kill('SIGKILL');
    await until(
      () => processesOf(dataDir).length === 0,
      12_000,
      () => JSON.stringify(processesOf(dataDir)),
    );
  }, 600_000);
});
