import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '@jinqiao/infra-local/servers';
import { serviceEnvironment, serviceProgram } from '@jinqiao/infra-local';
import { type Figure, median, type Options, type Outcome } from './harness.js';
import { dataDirectory, pause, repository, until } from './place.js';
import { memoryOf, onStack, type Running } from './running-stack.js';

/*
 * `npm start` on data that is there already until it says it is open; then each service alone, beside the running stack: until it is
 * ready, and what it occupies when it has been idle.
 */
const SERVICES = ['registration', 'inspection', 'exchange', 'credit', 'monitoring', 'gateway'] as const;

export async function start({ size, rounds, say }: Options): Promise<Outcome> {
  const idleSeconds = size(30, 3);
  const whole = await npmStart(rounds, say);
  const services = await onStack('start', (running) => eachService(running, { rounds, idleSeconds }));
  const slowest = Math.max(...services.ready.map(({ samples }) => median(samples)));
  const largest = Math.max(...services.memory.map(({ samples }) => median(samples)));
  return {
    bench: 'start',
    figures: [whole, ...services.ready, ...services.memory],
    ratios: [
      { name: 'npm start, 20 s', value: 20 / median(whole.samples), goal: 1 },
      { name: 'the slowest service, 1.5 s', value: 1.5 / slowest, goal: 1 },
      { name: `the largest service after ${idleSeconds} s idle, 150 MB`, value: 150 / largest, goal: 1 },
    ],
  };
}

/** The first start makes the data and is not counted. */
async function npmStart(rounds: number, say: (line: string) => void): Promise<Figure> {
  const { path, remove } = dataDirectory('npm-start');
  const samples: number[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const seconds = await startOnce(path);
      say(`npm start${round === 0 ? ', first time' : ''}: ${seconds.toFixed(1)} s`);
      if (round > 0) samples.push(seconds);
    }
  } finally {
    remove();
  }
  return { name: 'npm start to ready, warm', unit: 's', samples };
}

async function startOnce(data: string): Promise<number> {
  const ports: Record<string, string> = {};
  for (const name of ['', 'KAFKA_', 'KAFKA_INTERNAL_', 'KAFKA_CONTROLLER_', 'POSTGRES_', 'REDIS_', 'ISSUER_']) {
    ports[`${name}PORT`] = String(await freePort());
  }
  const began = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: repository,
    env: { ...process.env, ...ports, JINQIAO_DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes(' is open;')) resolve();
    });
    child.once('exit', () => reject(new Error('npm start ended')));
  });
  const seconds = (performance.now() - began) / 1000;
  // As Ctrl-C does: the whole group of the terminal.
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
  await ended;
  return seconds;
}

async function eachService(
  running: Running,
  { rounds, idleSeconds }: { rounds: number; idleSeconds: number },
): Promise<{ ready: Figure[]; memory: Figure[] }> {
  const ready: Figure[] = [];
  const memory: Figure[] = [];
  const compiled = dataDirectory('compiled');
  for (const service of SERVICES) {
    const seconds: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const alone = await startAlone(running, service, compiled.path);
      if (round > 0) seconds.push(alone.seconds);
      if (round === rounds) {
        await pause(idleSeconds * 1000);
        memory.push({ name: `${service}, PSS after ${idleSeconds} s idle`, unit: 'MB', samples: [memoryOf(alone.process.pid ?? 0)] });
      }
      await alone.stop();
    }
    ready.push({ name: `${service} to ready`, unit: 's', samples: seconds });
  }
  compiled.remove();
  return { ready, memory };
}

interface Alone {
  readonly process: ChildProcess;
  readonly seconds: number;
  stop(): Promise<void>;
}

async function startAlone({ stack }: Running, service: (typeof SERVICES)[number], compiled: string): Promise<Alone> {
  const port = await freePort();
  const origins = SERVICES.map((name) => [`${name.toUpperCase()}_URL`, stack.origins[name]] as const);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...serviceEnvironment(stack.servers, service, { database: `jinqiao_${service}` }),
    ...Object.fromEntries(origins),
    ...{ HOST: '127.0.0.1', PORT: String(port), PUBLIC_URL: stack.origin, NODE_ENV: 'production' },
    // As the stack starts it: what was compiled at an earlier start is kept.
    NODE_COMPILE_CACHE: compiled,
  };
  const began = performance.now();
  const child = spawn(process.execPath, serviceProgram(service), {
    env,
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await until(`${service} to be ready`, () =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return { process: child, seconds, stop };
}
