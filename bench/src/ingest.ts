import { MESSAGING_OPTIONS, Outbox } from '@jinqiao/messaging';
import { AccessLog, Clock, Metrics, type Principal } from '@jinqiao/platform';
import { Module, type Type, ValidationPipe } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import pg, { type Connection, type Submittable } from 'pg';
import { DataSource } from 'typeorm';
import { type Contender, type Options, type Outcome, race, ratioOf, timed, type Work } from './harness.js';
import { built, connected, type Database, databaseOf, onServers, plainDatabase, settle } from './place.js';
import { DEPARTMENT, reportAt, totals } from './results.js';
import { SamplingResult, SamplingResultsService } from '../stock/inspection.js';
import { OutboxMessage } from '../stock/outbox.js';
import { SamplingResultDto } from '../stock/sampling-result.dto.js';

/*
 * A result is checked, and it and its event are rows of one committed transaction. No relay runs: publishing is another benchmark.
 * Ours also keeps its access record. COPY gets rows that ours has made, already encoded: nothing that checks anything can be faster.
 */
const BATCH = 500;
/** Transactions under way at the same time; the item-by-item contender gets all its pool has. */
const AT_ONCE = { items: 16, batches: 2 };

export async function ingest(options: Options): Promise<Outcome> {
  const count = { one: options.size(4_000, 200), many: options.size(40_000, 2_000) };
  return onServers('ingest', async (servers) => {
    const stock = await stockGround(await plainDatabase(servers, 'bench_stock'));
    const database = await databaseOf(servers, 'inspection', 'bench_ingest');
    const own = await ownGround(database);
    const rows = await encodedRows(own, database, count.many);
    const before = (contender: Contender, clear: () => Promise<unknown>): Contender => ({
      name: contender.name,
      run: async (round) => {
        await clear();
        await settle(servers);
        return contender.run(round);
      },
    });
    const figures = await race(
      [
        before(saveOneByOne(stock, count.one), stock.clear),
        before(saveMany(stock, count.many), stock.clear),
        before(copied(database, rows, count.many), own.clear),
        before(ours(own, database, count.many), own.clear),
      ],
      expected,
      options,
    );
    await stock.db.destroy();
    await own.db.destroy();
    return {
      bench: 'ingest',
      figures: [...figures.values()],
      ratios: [
        { name: 'ValidationPipe and save() per item', value: ratioOf(figures, OURS, ONE), goal: 25 },
        { name: 'save([500])', value: ratioOf(figures, OURS, MANY), goal: 4 },
        { name: 'pre-encoded COPY', value: ratioOf(figures, OURS, COPY), goal: 0.7 },
      ],
    };
  });
}

const ONE = 'ValidationPipe and save() per item, 16 at once';
const MANY = 'ValidationPipe and save([500])';
const COPY = 'pre-encoded COPY [500] of both tables';
const OURS = 'ours, [500]';

const expected = (items: number): Work => ({ rows: items, events: items, unqualified: totals(items).charged });

async function workIn(url: string, table: string, outbox: string): Promise<Work> {
  const client = await connected(url);
  const { rows } = await client.query<Record<string, number>>(
    `SELECT (SELECT count(*)::integer FROM ${table}) AS rows, (SELECT count(*)::integer FROM ${table} WHERE verdict = 'UNQUALIFIED') AS unqualified,
            (SELECT count(*)::integer FROM ${outbox}) AS events`,
  );
  await client.end();
  return rows[0] ?? {};
}

interface StockGround {
  readonly db: DataSource;
  readonly url: string;
  readonly service: SamplingResultsService;
  readonly pipe: ValidationPipe;
  readonly clear: () => Promise<unknown>;
}

async function stockGround(url: string): Promise<StockGround> {
  const entities = [SamplingResult, OutboxMessage];
  const db = await new DataSource({
    type: 'postgres',
    url,
    entities,
    synchronize: true,
    installExtensions: false,
    poolSize: 16,
  }).initialize();
  const clear = (): Promise<unknown> => db.query('TRUNCATE sampling_result, outbox_message');
  return { db, url, service: new SamplingResultsService(db), pipe: new ValidationPipe({ whitelist: true, transform: true }), clear };
}

/** As the HTTP framework hands it over: parsed JSON, without the body's parsing, which all contenders are spared. */
const inputs = (count: number): unknown[] =>
  Array.from({ length: count }, (_, n) => JSON.parse(JSON.stringify(reportAt('I', n))) as unknown);

const checkedBy = (pipe: ValidationPipe, input: unknown): Promise<SamplingResultDto> =>
  pipe.transform(input, { type: 'body', metatype: SamplingResultDto }) as Promise<SamplingResultDto>;

const saveOneByOne = ({ url, service, pipe }: StockGround, count: number): Contender => ({
  name: ONE,
  async run() {
    const waiting = inputs(count);
    const seconds = await timed(() => inParallel(waiting, AT_ONCE.items, async (input) => service.report(await checkedBy(pipe, input))));
    return { items: count, seconds, work: await workIn(url, 'sampling_result', 'outbox_message') };
  },
});

const saveMany = ({ url, service, pipe }: StockGround, count: number): Contender => ({
  name: MANY,
  async run() {
    const batches = inBatches(inputs(count));
    const seconds = await timed(() =>
      inParallel(batches, AT_ONCE.batches, async (batch) =>
        service.reportMany(await Promise.all(batch.map((input) => checkedBy(pipe, input)))),
      ),
    );
    return { items: count, seconds, work: await workIn(url, 'sampling_result', 'outbox_message') };
  },
});

/** What inspection's use case is called with; its own types stay in the service. */
interface Intake {
  acceptMany(reporterId: string, inputs: readonly unknown[]): Promise<{ accepted: number }>;
}

interface OwnGround {
  readonly db: DataSource;
  readonly intake: Intake;
  readonly accessLog: AccessLog;
  readonly clear: () => Promise<unknown>;
}

async function ownGround({ url, ownerUrl }: Database): Promise<OwnGround> {
  const { SamplingResults } = await built<{ SamplingResults: Type<Intake> }>(
    'services/inspection/dist/sampling-result/sampling-result.service.js',
  );
  const { Trials } = await built<{ Trials: Type }>('services/inspection/dist/conformance/conformance.trials.js');
  const db = await new DataSource({ type: 'postgres', url, installExtensions: false, poolSize: 10 }).initialize();
  const provided = { service: 'inspection', schemaBaseUrl: 'http://localhost:3000/schemas' };
  @Module({
    imports: [DiscoveryModule],
    providers: [
      { provide: DataSource, useValue: db },
      { provide: MESSAGING_OPTIONS, useValue: provided },
      ...[Outbox, Clock, Metrics, AccessLog, Trials, SamplingResults],
    ],
  })
  class WithoutRelay {}
  const app = await NestFactory.createApplicationContext(WithoutRelay, { logger: ['error'] });
  const clear = async (): Promise<void> => {
    const owner = await connected(ownerUrl);
    await owner.query('TRUNCATE sampling_results, sampled_batches, outbox, access_log CASCADE');
    await owner.end();
  };
  return { db, intake: app.get(SamplingResults), accessLog: app.get(AccessLog), clear };
}

const REPORTER: Principal = { id: DEPARTMENT, kind: 'DEPARTMENT', scopes: [] };

const ours = ({ intake, accessLog }: OwnGround, { url }: Database, count: number): Contender => ({
  name: OURS,
  async run() {
    const batches = inBatches(inputs(count));
    const seconds = await timed(() =>
      inParallel(batches, AT_ONCE.batches, async (batch) => {
        await intake.acceptMany(REPORTER.id, batch);
        await accessLog.record(REPORTER, 'POST /api/inspection/sampling-results', '');
      }),
    );
    return { items: count, seconds, work: await workIn(url, 'sampling_results', 'outbox') };
  },
});

/** One batch of both tables in PostgreSQL's text format. */
interface EncodedBatch {
  readonly results: Buffer;
  readonly outbox: Buffer;
}

const OUTBOX_COLUMNS = 'topic, key, headers, value';

async function encodedRows({ intake, clear }: OwnGround, { url }: Database, count: number): Promise<EncodedBatch[]> {
  await clear();
  const client = await connected(url);
  const encoded: EncodedBatch[] = [];
  let taken = 0;
  for (const batch of inBatches(inputs(count))) {
    const known = await lastSeq(client);
    await intake.acceptMany(REPORTER.id, batch);
    const first = reportAt('I', taken).sampleNo;
    taken += batch.length;
    encoded.push({
      results: await copyOut(client, `SELECT * FROM sampling_results WHERE sample_no >= '${first}'`),
      outbox: await copyOut(client, `SELECT ${OUTBOX_COLUMNS} FROM outbox WHERE seq > ${known} ORDER BY seq`),
    });
  }
  await client.end();
  return encoded;
}

async function lastSeq(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ seq: string }>('SELECT coalesce(max(seq), 0)::text AS seq FROM outbox');
  return rows[0]?.seq ?? '0';
}

const copied = ({ url }: Database, encoded: readonly EncodedBatch[], count: number): Contender => ({
  name: COPY,
  async run() {
    const pool = new pg.Pool({ connectionString: url, max: AT_ONCE.batches });
    const seconds = await timed(() =>
      inParallel(encoded, AT_ONCE.batches, async ({ results, outbox }) => {
        const client = await pool.connect();
        await client.query('BEGIN');
        await copyIn(client, 'COPY sampling_results FROM STDIN', results);
        await copyIn(client, `COPY outbox (${OUTBOX_COLUMNS}) FROM STDIN`, outbox);
        await client.query('COMMIT');
        client.release();
      }),
    );
    await pool.end();
    return { items: count, seconds, work: await workIn(url, 'sampling_results', 'outbox') };
  },
});

/** The COPY messages of the protocol, which node-postgres sends but has no call for. */
class Copy implements Submittable {
  readonly chunks: Buffer[] = [];
  private settle: (failure?: Error) => void = () => undefined;
  readonly done: Promise<void>;

  constructor(
    private readonly statement: string,
    private readonly input: Buffer | null,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.settle = (failure) => (failure ? reject(failure) : resolve());
    });
  }

  submit(connection: Connection): void {
    connection.query(this.statement);
  }

  handleCopyInResponse(connection: { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void }): void {
    if (this.input) connection.sendCopyFromChunk(this.input);
    connection.endCopyFrom();
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.chunks.push(Buffer.from(chunk));
  }

  handleCommandComplete(): void {
    // Ready comes next.
  }

  handleReadyForQuery(): void {
    this.settle();
  }

  handleError(failure: Error): void {
    this.settle(failure);
  }
}

async function copyIn(client: pg.ClientBase, statement: string, input: Buffer): Promise<void> {
  await client.query(new Copy(statement, input)).done;
}

async function copyOut(client: pg.ClientBase, select: string): Promise<Buffer> {
  const copy = client.query(new Copy(`COPY (${select}) TO STDOUT`, null));
  await copy.done;
  return Buffer.concat(copy.chunks);
}

function inBatches<T>(items: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let from = 0; from < items.length; from += BATCH) batches.push(items.slice(from, from + BATCH));
  return batches;
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
