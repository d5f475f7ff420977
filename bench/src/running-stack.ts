import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Worker } from 'node:worker_threads';
import { platformFeedback, topicOf } from '@jinqiao/contracts';
import {
  accessToken,
  type RunningStack,
  type ServerAddresses,
  serviceEnvironment,
  type StackOptions,
  startStack,
} from '@jinqiao/infra-local';
import type { Consumer, KafkaMessage } from 'kafkajs';
import pg from 'pg';
import { dataDirectory, stackKafka } from './place.js';
import { DEPARTMENT, PLATFORMS } from './results.js';

export type Keeper = 'inspection' | 'credit' | 'monitoring' | 'exchange';

/** The whole system as `npm start` runs it, and views into its databases. */
export interface Running {
  readonly stack: RunningStack;
  readonly databases: Readonly<Record<Keeper, pg.Client>>;
  readonly platforms: PlatformTopics;
  readonly token: () => Promise<string>;
}

/** A stack of this benchmark alone, stopped and removed when `work` ends. */
export async function onStack<T>(
  name: string,
  work: (running: Running) => Promise<T>,
  more: Pick<StackOptions, 'partitions'> = {},
): Promise<T> {
  const { path, remove } = dataDirectory(name);
  const stack = await startStack({ dataDir: path, ports: 'free', fullTier: true, ...more });
  const clients: pg.Client[] = [];
  const database = async (service: Keeper): Promise<pg.Client> => {
    const environment = serviceEnvironment(stack.servers, service, { database: `jinqiao_${service}` });
    const client = new pg.Client(environment['DATABASE_MIGRATION_URL']);
    await client.connect();
    clients.push(client);
    return client;
  };
  const platforms = await PlatformTopics.open(stack.servers, PLATFORMS);
  try {
    const databases = {
      inspection: await database('inspection'),
      credit: await database('credit'),
      monitoring: await database('monitoring'),
      exchange: await database('exchange'),
    };
    return await work({ stack, databases, platforms, token: async () => (await accessToken(stack.servers, DEPARTMENT)).token });
  } finally {
    await platforms.close();
    await Promise.all(clients.map((client) => client.end()));
    await stack.stop();
    remove();
  }
}

/** A number out of a database. */
export async function numberIn(client: pg.Client, select: string): Promise<number> {
  const { rows } = await client.query<{ n: string | null }>(`SELECT (${select}) AS n`);
  return Number(rows[0]?.n ?? 0);
}

/** Platforms reading their own topics. A relay may send a record again; whoever reads knows it by its `ce_id`. */
export class PlatformTopics {
  /** When the broker appended the last record of each subject, ms. */
  readonly appendedAt = new Map<string, number>();
  repeated = 0;
  private readonly seen = new Set<string>();
  /** How far each partition was read: a consumer that has to join its group again reads what it has not committed once more. */
  private readonly reached = new Map<string, number>();
  private consumer: Consumer | undefined;

  static async open(servers: ServerAddresses, platforms: readonly string[]): Promise<PlatformTopics> {
    const reading = new PlatformTopics();
    const consumer = stackKafka(servers).consumer({ groupId: `bench-${platforms.join()}`.slice(0, 200), maxWaitTimeInMs: 100 });
    reading.consumer = consumer;
    await consumer.connect();
    await consumer.subscribe({ topics: platforms.map((platform) => topicOf(platformFeedback, platform)), fromBeginning: true });
    await consumer.run({
      eachBatch: ({ batch }) => {
        const name = `${batch.topic}[${batch.partition}]`;
        const reached = reading.reached.get(name) ?? 0;
        for (const message of batch.messages) if (Number(message.offset) >= reached) reading.take(message);
        reading.reached.set(name, Math.max(reached, Number(batch.lastOffset()) + 1));
        return Promise.resolve();
      },
    });
    return reading;
  }

  /** Different records so far. */
  get told(): number {
    return this.seen.size;
  }

  async close(): Promise<void> {
    await this.consumer?.disconnect();
  }

  private take({ key, headers, timestamp }: KafkaMessage): void {
    const id = String(headers?.['ce_id']);
    if (this.seen.has(id)) {
      this.repeated += 1;
      return;
    }
    this.seen.add(id);
    this.appendedAt.set(String(key), Number(timestamp));
  }
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Speaks JSON over connections that stay open. Node's fetch costs as much as the service that answers it. */
export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });

  constructor(
    private readonly url: string,
    private readonly token: string | null = null,
  ) {}

  /** `path` is what follows the URL. */
  get(path: string): Promise<Answer> {
    return this.send('GET', path, null);
  }

  post(body: object): Promise<Answer> {
    return this.send('POST', '', Buffer.from(JSON.stringify(body)));
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, body: Buffer | null): Promise<Answer> {
    const headers = {
      ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      ...(this.token !== null && { authorization: `Bearer ${this.token}` }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(this.url + path, { method, agent: this.agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        answer.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  }
}

/** Starts `send` at an even rate, whatever became of the earlier ones; `planned` is the time (performance.now) it should have begun. */
export async function openLoop(
  of: { perSecond: number; seconds: number },
  send: (nth: number, planned: number) => Promise<void>,
): Promise<void> {
  const count = Math.round(of.perSecond * of.seconds);
  const pending: Promise<void>[] = [];
  const failures: unknown[] = [];
  // Not before the thread is there. Only this clock is the same in both.
  const lead = { ms: 200, now: performance.now(), clock: process.hrtime.bigint() };
  const began = lead.now + lead.ms;
  const workerData = { count, perSecond: of.perSecond, began: lead.clock + BigInt(lead.ms * 1_000_000) };
  await new Promise<void>((resolve, reject) => {
    const pacer = new Worker(new URL('./pacer.main.js', import.meta.url), { workerData });
    pacer.on('message', (nth: number) => {
      pending.push(send(nth, began + (nth * 1000) / of.perSecond).catch((failure: unknown) => void failures.push(failure)));
    });
    pacer.once('error', reject);
    pacer.once('exit', () => resolve());
  });
  await Promise.all(pending);
  if (failures.length > 0) throw new Error(`${failures.length} of ${pending.length} failed`, { cause: failures[0] });
}

/** Proportional memory (PSS) of a process and its descendants, MB; Linux only. */
export function memoryOf(root: number): number {
  const kilobytes = below(root, (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0));
  return kilobytes / 1024;
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_A_SECOND = 100;

/** Seconds of processor time that each process of the stack has used so far, its children included; Linux only. */
export function processorTime({ stack }: Pick<Running, 'stack'>): Map<string, number> {
  return new Map(
    stack.processes.map(({ name, pid }) => {
      const ticks = pid === null ? 0 : below(pid, (_pid, fields) => Number(fields[11]) + Number(fields[12]));
      return [name, ticks / TICKS_A_SECOND];
    }),
  );
}

/** Sums over a process and its descendants; `fields` are those of /proc/PID/stat behind the name. */
function below(root: number, read: (pid: string, fields: readonly string[]) => number): number {
  const fields = new Map<string, readonly string[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) unlessGone(() => fields.set(pid, statOf(pid)));
  const isBelow = (pid: string | undefined): boolean => pid === String(root) || (pid !== undefined && isBelow(fields.get(pid)?.[1]));
  let sum = 0;
  for (const [pid, its] of fields) if (isBelow(pid)) unlessGone(() => (sum += read(pid, its)));
  return sum;
}

function statOf(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** A process may end while it is being looked at. */
function unlessGone(look: () => unknown): void {
  try {
    look();
  } catch (problem) {
    if (!(problem instanceof Error && 'code' in problem && (problem.code === 'ENOENT' || problem.code === 'ESRCH'))) throw problem;
  }
}
