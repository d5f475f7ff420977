import { accessToken, registerOrganisations } from '@jinqiao/infra-local';
import { expectedOf, latencies, ours } from './effects.js';
import { type Figure, type Options, type Outcome, percentile, race } from './harness.js';
import { pause } from './place.js';
import { MIX, type Mix } from './results.js';
import { onStack, PlatformTopics, type Running } from './running-stack.js';
import { dayOf, SMALL_PLATFORM, storeRows } from './stored-rows.js';

/*
 * How cost grows: the same work with more partitions, with more rows stored already, and spread over more platforms. Beside the rows also
 * what reads over all of them. Each curve has a stack of its own, and each of its points the same warm services but for partitions, which
 * a stack is started with.
 */
const PARTITIONS = [1, 3, 12];
const ROWS = [10_000, 1_000_000, 10_000_000];
const PLATFORMS = [1, 10, 100];
/** One result a request: latency is what is asked for here, far from what the system can bear. */
const EVEN = { requests: 100, perRequest: 1 };
const READS_EACH = 5;

export async function growth(options: Options): Promise<Outcome> {
  const { size } = options;
  const work: Work = { count: size(12_000, 500), warm: size(4_000, 500), seconds: size(15, 3), options };
  const figures: Figure[] = [];
  for (const partitions of PARTITIONS) {
    const name = counted(partitions, 'partition');
    figures.push(...(await onStack('growth', (running) => warmPoint(running, name, work), { partitions })));
  }
  const platforms = await onStack('growth', (running) => overPlatforms(running, work));
  const rows = await onStack('growth', (running) => overRows(running, work, size));
  figures.push(...platforms, ...rows);
  return {
    bench: 'growth',
    figures,
    ratios: [],
    notes: [
      `Each rate: ${work.count} results in batches of 500 until the last effect. Latency: ${EVEN.requests} requests/s of one result each for ${work.seconds} s, from ingest to the last effect. Stored rows lie in every table of the services that has a row a result, inboxes included.`,
    ],
  };
}

interface Work {
  readonly count: number;
  readonly warm: number;
  readonly seconds: number;
  readonly options: Options;
}

const counted = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

async function warmPoint(running: Running, name: string, work: Work): Promise<Figure[]> {
  await warmUp(running, work, MIX);
  return point(running, { name, mix: MIX }, work);
}

async function warmUp(running: Running, { warm, options }: Work, mix: Mix): Promise<void> {
  const contender = ours(running, { name: 'warm', count: warm, mix }, () => undefined);
  await race([contender], (items) => expectedOf(items, mix), { ...options, rounds: 1 });
}

async function point(running: Running, { name, mix }: { name: string; mix: Mix }, { count, seconds, options }: Work): Promise<Figure[]> {
  let microseconds = 0;
  const contender = ours(running, { name, count, mix }, (_process, used) => void (microseconds += used));
  const rate = await race([contender], (items) => expectedOf(items, mix), options);
  const processor: Figure = { name: `${name}, processor time a result`, unit: 'us', samples: [microseconds / options.rounds] };
  const took = await latencies(running, { ...EVEN, seconds, mix });
  const latency = (percent: number): Figure => ({ name: `${name}, p${percent}`, unit: 'ms', samples: [percentile(took, percent)] });
  return [...rate.values(), processor, latency(50), latency(99)];
}

/** Every point has platforms that were told nothing before. */
async function overPlatforms(running: Running, work: Work): Promise<Figure[]> {
  const { servers } = running.stack;
  const figures: Figure[] = [];
  await warmUp(running, work, MIX);
  for (const count of PLATFORMS) {
    const clients = Array.from({ length: count }, (_, n) => {
      const id = `platform-${count}-${n}`;
      return { id, kind: 'PLATFORM', name: `平台${count}之${n}` };
    });
    await registerOrganisations(running.stack.origins.exchange, servers, clients);
    const names = clients.map(({ id }) => id);
    const platforms = await PlatformTopics.open(servers, names);
    const reading = { ...running, platforms };
    const mix = { ...MIX, platforms: names };
    await warmUp(reading, work, mix);
    figures.push(...(await point(reading, { name: counted(count, 'platform'), mix }, work)));
    await platforms.close();
  }
  return figures;
}

async function overRows(running: Running, work: Work, size: Options['size']): Promise<Figure[]> {
  const figures: Figure[] = [];
  await warmUp(running, work, MIX);
  let stored = 0;
  for (const [nth, full] of ROWS.entries()) {
    const rows = size(full, 1_000 * 10 ** nth);
    await storeRows(running.stack.servers, stored, rows);
    stored = rows;
    work.options.say(`${rows} rows are stored`);
    const name = `${rows.toLocaleString('en')} rows`;
    figures.push(...(await point(running, { name, mix: MIX }, work)), ...(await reads(running, name, dayOf(rows / 2))));
  }
  return figures;
}

/** Reads that more rows could make dearer; each for itself, nothing else at work. */
async function reads({ stack: { origins, servers } }: Running, name: string, day: string): Promise<Figure[]> {
  const { token } = await accessToken(servers, 'operator');
  const paths = {
    'a small platform’s results': `${origins.inspection}/api/inspection/sampling-results?platform=${SMALL_PLATFORM}&limit=100`,
    'results of a day': `${origins.inspection}/api/inspection/sampling-results?from=${day}&to=${day}&limit=100`,
    'counts of results': `${origins.inspection}/api/inspection/published/counts`,
    'counts of credit records': `${origins.credit}/api/credit/counts`,
    'counts of feedback': `${origins.exchange}/api/exchange/feedback/counts`,
  };
  const figures: Figure[] = [];
  for (const [what, url] of Object.entries(paths)) {
    const samples: number[] = [];
    for (let nth = 0; nth < READS_EACH; nth += 1) {
      const began = performance.now();
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
      samples.push(performance.now() - began);
    }
    await pause(100);
    figures.push({ name: `${name}, ${what}`, unit: 'ms', samples });
  }
  return figures;
}
