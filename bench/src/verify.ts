import { canonicalForm } from '@jinqiao/schema';
import { accessToken } from '@jinqiao/infra-local';
import { createClient } from '@redis/client';
import { type Figure, type Options, type Outcome, percentile, sameWork } from './harness.js';
import { connected, pause, settle, until } from './place.js';
import { DEPARTMENT } from './results.js';
import { type Answer, Client, numberIn, onStack, openLoop, processorTime, type Running } from './running-stack.js';
import { startStock, type StockService } from './stock-pipeline.js';
import { PLATFORM, storeMerchants, usccOf } from './stored-merchants.js';

/*
 * A platform verifies merchants that it has under contract: one a request at an even rate in an open loop, reckoned from when each was due;
 * then a thousand in one call. Every verification of ours is authenticated, counted against the rate limit and the budget, and noted for
 * its subject and for the auditor, on the disk before it is answered. The stock verification answers the same question by one `find`
 * with relations, to anybody, and notes nothing. Warm: Redis holds the merchants; cold: it holds nothing.
 */
const PER_SECOND = 1_000;
const AT_ONCE = 1_000;
const WARM_SECONDS = 5;
/** Merchants that are asked about one by one, again and again; those that are asked about together lie behind them. */
const ASKED = 20_000;
const RECORDS_A_REPORT = 100;
const WITHOUT_LIMITS = { ENQUIRIES_PER_DAY: '1000000000', RATE_LIMIT_PER_MINUTE: '10000000' };

export async function verify(options: Options): Promise<Outcome> {
  const { size } = options;
  const work: Work = {
    stored: size(1_000_000, 20_000),
    asked: size(ASKED, 2_000),
    seconds: size(30, 3),
    warmSeconds: size(WARM_SECONDS, 2),
    calls: size(40, 4),
    options,
  };
  const usual = { ...process.env };
  // The processes of the stack are given this process's environment.
  Object.assign(process.env, WITHOUT_LIMITS);
  try {
    return await onStack('verify', async (running) => {
      const stock = await startStock(running.stack.servers, 'verification');
      try {
        return await measured({ running, stock, answers: 0 }, work);
      } finally {
        stock.process.kill();
      }
    });
  } finally {
    process.env = usual;
  }
}

async function measured(sides: Sides, work: Work): Promise<Outcome> {
  const { stored, asked, seconds, options } = work;
  await store(sides, stored);
  options.say(`${stored} entities are stored`);
  const snapshot = await daysSnapshot(sides);
  await warmUp(sides, work);
  const figures: Measures = {
    one: { ours: new Samples('one merchant'), stock: new Samples('one merchant, TypeORM find') },
    many: { ours: new Samples(`${AT_ONCE} in one call`), stock: new Samples(`${AT_ONCE} in one call, TypeORM find`) },
    cold: new Samples(`${AT_ONCE} in one call, cold`),
    processor: [],
  };
  for (let nth = 0; nth < options.rounds; nth += 1) await round(nth, sides, { work, figures });
  const written = new Samples(`one merchant while ${PER_SECOND} records/s arrive`);
  const arriving = await whileRecordsArrive(sides, written, work);
  await allNoted(sides);
  const { one, many, cold, processor } = figures;
  return {
    bench: 'verify',
    figures: [
      ...one.ours.figures(50, 99),
      ...one.stock.figures(50, 99),
      ...written.figures(50, 99),
      ...many.ours.figures(50, 95),
      ...cold.figures(50, 95),
      ...many.stock.figures(50, 95),
      { name: 'processor time of one merchant (credit, PostgreSQL, Redis)', unit: 'us', samples: processor },
      { name: `snapshot of ${stored.toLocaleString('en')} entities`, unit: 's', samples: [snapshot] },
    ],
    ratios: [
      { name: 'one merchant p50, 1 ms', value: 1 / one.ours.median(50), goal: 1 },
      { name: 'one merchant p99, 5 ms', value: 5 / one.ours.median(99), goal: 1 },
      { name: `${AT_ONCE} in one call p95, 100 ms`, value: 100 / many.ours.median(95), goal: 1 },
      { name: `${AT_ONCE} in one call, cold, p95, 300 ms`, value: 300 / cold.median(95), goal: 1 },
      { name: 'one merchant p50, TypeORM find', value: one.stock.median(50) / one.ours.median(50), goal: 1 },
      { name: `${AT_ONCE} in one call p50, TypeORM find`, value: many.stock.median(50) / many.ours.median(50), goal: 1 },
    ],
    notes: [
      `${stored.toLocaleString('en')} entities; one merchant: ${PER_SECOND} requests/s for ${seconds} s over ${asked.toLocaleString('en')} of them; ${arriving}. The load generator runs on the same machine.`,
    ],
  };
}

interface Measures {
  readonly one: Readonly<Record<Side, Samples>>;
  readonly many: Readonly<Record<Side, Samples>>;
  readonly cold: Samples;
  /** Microseconds a verification of ours, one a round. */
  readonly processor: number[];
}

async function round(nth: number, sides: Sides, { work, figures }: { work: Work; figures: Measures }): Promise<void> {
  const { one, many, cold, processor } = figures;
  const { say } = work.options;
  const answers: Record<Side, string[]> = { ours: [], stock: [] };
  for (const side of nth % 2 === 0 ? SIDES : SIDES.toReversed()) {
    const before = processorTime(sides.running);
    const load = await oneByOne(sides, side, work);
    if (side === 'ours') processor.push(usedSince(before, sides.running) / load.answers.length);
    one[side].add(load.took);
    answers[side] = load.answers.map(factsIn);
    say(`round ${nth + 1}  ${one[side].name}: p50 ${one[side].last(50)} ms, p99 ${one[side].last(99)} ms`);
  }
  sameAnswers(answers);
  await forget(sides);
  const calls = { ours: await together(sides, 'ours', work), stock: await together(sides, 'stock', work) };
  sameAnswers({ ours: calls.ours.answers.flatMap(itemsIn), stock: calls.stock.answers.flatMap(itemsIn) });
  cold.add(calls.ours.took);
  many.stock.add(calls.stock.took);
  many.ours.add((await together(sides, 'ours', work)).took);
  for (const each of [cold, many.ours, many.stock]) say(`round ${nth + 1}  ${each.name}: p95 ${each.last(95)} ms`);
  await fillAgain(sides, work.asked);
}

interface Work {
  readonly stored: number;
  readonly asked: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly calls: number;
  readonly options: Options;
}

interface Sides {
  readonly running: Running;
  readonly stock: StockService;
  /** How many verifications ours has answered. */
  answers: number;
}
type Side = 'ours' | 'stock';
const SIDES: readonly Side[] = ['ours', 'stock'];

interface Load {
  readonly took: readonly number[];
  readonly answers: readonly Answer[];
}

/** Latencies in ms, a list a round. */
class Samples {
  private readonly rounds: (readonly number[])[] = [];

  constructor(readonly name: string) {}

  add(took: readonly number[]): void {
    this.rounds.push(took);
  }

  last = (percent: number): string => percentile(this.rounds.at(-1) ?? [], percent).toFixed(2);

  median = (percent: number): number =>
    percentile(
      this.rounds.map((took) => percentile(took, percent)),
      50,
    );

  figures = (...percents: number[]): Figure[] =>
    percents.map((percent) => ({
      name: `${this.name}, p${percent}`,
      unit: 'ms',
      samples: this.rounds.map((took) => percentile(took, percent)),
    }));
}

async function store({ running, stock }: Sides, count: number): Promise<void> {
  const { servers } = running.stack;
  for (const [of, name] of [
    ['ours', 'jinqiao_credit'],
    ['stock', new URL(stock.databaseUrl).pathname.slice(1)],
  ] as const) {
    const url = new URL(servers.databaseAdminUrl);
    url.pathname = `/${name}`;
    const database = await connected(url.href);
    await storeMerchants(database, of, count);
    await database.end();
  }
}

/** A snapshot is taken of each day, beside everything else; one of before there was anything does not count. Waits for it; seconds it took. */
async function daysSnapshot({ running }: Sides): Promise<number> {
  const { credit } = running.databases;
  const isTaken = async (): Promise<boolean> => {
    await credit.query(`DELETE FROM credit_snapshots WHERE manifest ->> 'entities' = '0'`);
    return (await numberIn(credit, 'SELECT count(*) FROM credit_snapshots')) > 0;
  };
  await until('the snapshot of the day', isTaken, 100);
  return (Date.now() - (await numberIn(credit, TAKEN_AT))) / 1_000;
}

const TAKEN_AT = `SELECT extract(epoch FROM max((manifest ->> 'takenAt')::timestamptz)) * 1000 FROM credit_snapshots`;

async function warmUp(sides: Sides, work: Work): Promise<void> {
  await fillAgain(sides, work.asked);
  for (const side of SIDES) {
    await oneByOne(sides, side, { seconds: work.warmSeconds, asked: work.asked });
    await together(sides, side, work);
  }
}

/** Has Redis hold every merchant that is asked about one by one. */
async function fillAgain(sides: Sides, asked: number): Promise<void> {
  const client = await clientOf(sides, 'ours');
  for (let from = 1; from <= asked; from += AT_ONCE) {
    const items = Array.from({ length: Math.min(AT_ONCE, asked - from + 1) }, (_, place) => ({ uscc: usccOf(from + place) }));
    answered(await client.post({ purpose: 'CONTRACTED', items }));
    sides.answers += items.length;
  }
  client.close();
}

async function forget({ running }: Sides): Promise<void> {
  const redis = await createClient({ url: running.stack.servers.redisUrl }).connect();
  await redis.flushAll();
  redis.destroy();
}

async function clientOf({ running, stock }: Sides, side: Side): Promise<Client> {
  if (side === 'stock') return new Client(`http://127.0.0.1:${stock.port}/verifications`);
  const { token } = await accessToken(running.stack.servers, PLATFORM);
  return new Client(`${running.stack.origins.credit}/api/credit/verifications`, token);
}

const QUESTION = { ours: '?purpose=CONTRACTED', stock: `?platformId=${PLATFORM}` };

async function oneByOne(sides: Sides, side: Side, { seconds, asked }: Pick<Work, 'seconds' | 'asked'>): Promise<Load> {
  const client = await clientOf(sides, side);
  await settle(sides.running.stack.servers);
  const took: number[] = [];
  const answers: Answer[] = [];
  await openLoop({ perSecond: PER_SECOND, seconds }, async (nth, planned) => {
    // Scattered, and each as often as the others.
    const answer = await client.get(`/${usccOf(1 + ((nth * 7_919) % asked))}${QUESTION[side]}`);
    took.push(performance.now() - planned);
    answers[nth] = answered(answer);
  });
  client.close();
  if (side === 'ours') sides.answers += answers.length;
  return { took, answers };
}

/** A thousand in one call, one call after the other, about merchants that nobody asks about one by one. */
async function together(sides: Sides, side: Side, { asked, calls, stored }: Work): Promise<Load> {
  const client = await clientOf(sides, side);
  await settle(sides.running.stack.servers);
  const took: number[] = [];
  const answers: Answer[] = [];
  for (let call = 0; call < calls; call += 1) {
    const usccs = Array.from({ length: AT_ONCE }, (_, place) => usccOf(1 + asked + ((call * AT_ONCE + place) % (stored - asked))));
    const body = side === 'ours' ? { purpose: 'CONTRACTED', items: usccs.map((uscc) => ({ uscc })) } : { platformId: PLATFORM, usccs };
    const began = performance.now();
    const answer = await client.post(body);
    took.push(performance.now() - began);
    answers.push(answered(answer));
    await pause(20);
  }
  client.close();
  if (side === 'ours') sides.answers += calls * AT_ONCE;
  return { took, answers };
}

/** Departments report a thousand records a second about the merchants that are asked about; says how many came. */
async function whileRecordsArrive(sides: Sides, samples: Samples, { seconds, asked }: Work): Promise<string> {
  const { running } = sides;
  const { token } = await accessToken(running.stack.servers, DEPARTMENT);
  const department = new Client(`${running.stack.origins.credit}/api/credit/records`, token);
  let accepted = 0;
  const began = performance.now();
  const reporting = openLoop({ perSecond: PER_SECOND / RECORDS_A_REPORT, seconds }, async (nth) => {
    const records = Array.from({ length: RECORDS_A_REPORT }, (_, place) => recordAt(nth * RECORDS_A_REPORT + place, asked));
    const answer = answered(await department.post(records));
    accepted += (JSON.parse(answer.body) as { accepted: number }).accepted;
  }).then(() => (performance.now() - began) / 1000);
  const load = await oneByOne(sides, 'ours', { seconds, asked });
  const reported = await reporting;
  department.close();
  samples.add(load.took);
  const offered = Math.round((PER_SECOND * seconds) / RECORDS_A_REPORT) * RECORDS_A_REPORT;
  sameWork('the credit service', { accepted }, { accepted: offered });
  return `records came at ${Math.round(offered / reported)} /s`;
}

const recordAt = (nth: number, asked: number): object => ({
  recordNo: `BENCH-${nth}`,
  uscc: usccOf(1 + ((nth * 104_729) % asked)),
  type: 'PENALTY',
  class: 'GENERAL',
  documentDate: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  digest: { documentNo: `${nth}`, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
});

function answered(answer: Answer): Answer {
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body.slice(0, 500)}`);
  return answer;
}

interface Facts {
  readonly uscc: string;
  readonly registration: Readonly<Record<string, unknown>>;
  readonly lists: unknown;
  readonly publicRecords: unknown;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

const itemsIn = ({ body }: Answer): string[] => (JSON.parse(body) as { items: Facts[] }).items.map(written).sort();
const factsIn = ({ body }: Answer): string => written(JSON.parse(body) as Facts);

/** What both sides say of a merchant, in one way of writing. */
function written({
  uscc,
  registration: { status, divisionCode, industryCode, registeredOn },
  lists,
  publicRecords,
  records,
}: Facts): string {
  const said = records.map(({ recordNo, type, class: itsClass, digest, documentDate, publicFrom, publicUntil, legalBasis, source }) => ({
    recordNo,
    type,
    digest,
    documentDate,
    publicFrom,
    legalBasis,
    source,
    class: itsClass ?? null,
    publicUntil: publicUntil ?? null,
  }));
  said.sort((one, other) => String(one.recordNo).localeCompare(String(other.recordNo)));
  return canonicalForm({ uscc, status, divisionCode, industryCode, registeredOn, lists, publicRecords, records: said });
}

function sameAnswers({ ours, stock }: Readonly<Record<Side, readonly string[]>>): void {
  const same = ours.filter((answer, nth) => answer === stock[nth]).length;
  sameWork('the stock verification', { answers: stock.length, same }, { answers: ours.length, same: ours.length });
}

/** Every answer has its line, and was counted. */
async function allNoted({ running, answers }: Sides): Promise<void> {
  const { credit } = running.databases;
  const lines = await numberIn(credit, 'SELECT count(*) FROM enquiries');
  const counted = await numberIn(credit, 'SELECT sum(used) FROM enquiry_budgets');
  sameWork('the credit service', { lines, counted }, { lines: answers, counted: answers });
}

function usedSince(before: ReadonlyMap<string, number>, running: Running): number {
  const after = processorTime(running);
  const seconds = ['credit', 'PostgreSQL', 'Redis'].reduce((sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0), 0);
  return seconds * 1e6;
}
