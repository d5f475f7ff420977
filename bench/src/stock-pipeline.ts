import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type ServerAddresses, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { freePort } from '@jinqiao/infra-local/servers';
import type { Work } from './harness.js';
import { connected, makeTopic, plainDatabase, recordsOn, repository } from './place.js';
import { PLATFORMS } from './results.js';
import { numberIn } from './running-stack.js';
import type { StockPlace } from '../stock/stock.modules.js';
import { feedbackTopic, RESULTS_TOPIC } from '../stock/topics.js';

const SERVICES = ['inspection', 'credit', 'monitoring', 'exchange'] as const;
type Service = (typeof SERVICES)[number];
const PARTITIONS = 3;

/** The services of bench/stock as processes of their own, on the same servers, with databases and topics of their own. */
export class StockPipeline {
  private readonly databases = new Map<Service, string>();
  private readonly processes: ChildProcess[] = [];
  private port = 0;

  private constructor(private readonly servers: ServerAddresses) {}

  static async start(servers: ServerAddresses): Promise<StockPipeline> {
    const pipeline = new StockPipeline(servers);
    const topics = [RESULTS_TOPIC, 'stock.credit-record', 'stock.credit-status', ...PLATFORMS.map(feedbackTopic)];
    for (const topic of topics) await makeTopic(servers, topic, PARTITIONS);
    for (const service of SERVICES) await pipeline.startOne(service);
    return pipeline;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/sampling-results`;
  }

  async stop(): Promise<void> {
    const ended = this.processes.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.processes) child.kill();
    await Promise.all(ended);
  }

  /** Records on the topics of the platforms. */
  async told(): Promise<number> {
    let sum = 0;
    for (const platform of PLATFORMS) sum += await recordsOn(this.servers, feedbackTopic(platform));
    return sum;
  }

  /** Sum of the revisions applied for the results of a run, in the service that is furthest behind. */
  async followed(run: string): Promise<number> {
    return Math.min(
      await this.query('credit', `SELECT sum(revision) FROM followed_result WHERE subject LIKE '%:${run}-%'`),
      await this.query('monitoring', `SELECT sum(revision) FROM contribution WHERE subject LIKE '%:${run}-%'`),
    );
  }

  async work(run: string): Promise<Work> {
    const records = `SELECT count(*) FROM credit_record WHERE subject LIKE '%:${run}-%'`;
    return {
      results: await this.query('inspection', `SELECT count(*) FROM sampling_result WHERE "sampleNo" LIKE '${run}-%'`),
      revisions: await this.followed(run),
      counted: await this.query('monitoring', 'SELECT sum(results) FROM rollup'),
      failed: await this.query('monitoring', 'SELECT sum(unqualified) FROM rollup'),
      records: await this.query('credit', records),
      public: await this.query('credit', `${records} AND standing = 'PUBLIC'`),
      told: await this.told(),
    };
  }

  private async startOne(service: Service): Promise<void> {
    const { databaseUrl, port, process } = await startStock(this.servers, service);
    this.databases.set(service, databaseUrl);
    this.processes.push(process);
    if (service === 'inspection') this.port = port;
  }

  private async query(service: Service, select: string): Promise<number> {
    const client = await connected(this.databases.get(service) ?? '');
    const number = await numberIn(client, select);
    await client.end();
    return number;
  }
}

export interface StockService {
  readonly databaseUrl: string;
  readonly port: number;
  readonly process: ChildProcess;
}

/** A service of bench/stock as a process with a database of its own; it has made its tables and listens. */
export async function startStock(servers: ServerAddresses, service: Service | 'verification'): Promise<StockService> {
  const databaseUrl = await plainDatabase(servers, `stock_${service}`);
  const { kafkaBrokers, issuer, seed } = servers;
  const place: StockPlace = { databaseUrl, servers: { kafkaBrokers, issuer, seed }, principal: STACK_PRINCIPAL };
  const port = await freePort();
  const child = fork(join(repository, 'bench/dist/stock/stock.main.js'), [service, JSON.stringify(place), String(port)], {});
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error(`stock ${service} ended`)));
  });
  return { databaseUrl, port, process: child };
}
