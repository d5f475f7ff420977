import { type Figure, type Options, type Outcome, percentile, sameWork } from './harness.js';
import { pause, until } from './place.js';
import { reportAt, totals } from './results.js';
import { Client, numberIn, onStack, openLoop, processorTime, type Running } from './running-stack.js';

/*
 * One result a request, at an even rate in an open loop, with every service downstream at work. A request's time is reckoned from when
 * it was due, so that a service that stalls cannot hide behind a client that waits.
 */
const PER_SECOND = 500;
const WARM_SECONDS = 10;

export async function ingestHttp({ size, say }: Options): Promise<Outcome> {
  const seconds = size(60, 5);
  const warm = size(WARM_SECONDS, 2);
  return onStack('ingest-http', async (running) => {
    const service = `${running.stack.origins.inspection}/api/inspection/sampling-results`;
    const gateway = `${running.stack.origin}/api/inspection/sampling-results`;
    await load(running, service, { run: 'W', seconds: warm });
    const direct = await load(running, service, { run: 'D', seconds });
    say(`service: p50 ${percentile(direct.took, 50).toFixed(1)} ms, p99 ${percentile(direct.took, 99).toFixed(1)} ms`);
    await load(running, gateway, { run: 'V', seconds: warm });
    const through = await load(running, gateway, { run: 'G', seconds });
    const figure = (name: string, took: readonly number[], percent: number) => ({
      name: `${name}, p${percent}`,
      unit: 'ms',
      samples: [percentile(took, percent)],
    });
    const errors = direct.errors + through.errors;
    return {
      bench: 'ingest-http',
      figures: [
        figure('service', direct.took, 50),
        figure('service', direct.took, 99),
        figure('gateway', through.took, 50),
        figure('gateway', through.took, 99),
        { name: 'errors', unit: '', samples: [errors] },
        ...direct.processors,
      ],
      ratios: [
        { name: 'service p50, 5 ms', value: 5 / percentile(direct.took, 50), goal: 1 },
        { name: 'service p99, 15 ms', value: 15 / percentile(direct.took, 99), goal: 1 },
        { name: 'gateway p99, 30 ms', value: 30 / percentile(through.took, 99), goal: 1 },
        { name: 'no errors', value: errors === 0 ? 1 : 0, goal: 1 },
      ],
      notes: [`${PER_SECOND} requests/s of one result each for ${seconds} s; the load generator runs on the same machine.`],
    };
  });
}

interface Load {
  readonly took: readonly number[];
  readonly errors: number;
  /** Processor time a result of each process of the stack, from the first request to the last effect. */
  readonly processors: readonly Figure[];
}

async function load(running: Running, url: string, { run, seconds }: { run: string; seconds: number }): Promise<Load> {
  const client = new Client(url, await running.token());
  const before = running.platforms.told;
  const took: number[] = [];
  let errors = 0;
  const cpu = processorTime(running);
  await openLoop({ perSecond: PER_SECOND, seconds }, async (nth, planned) => {
    const status = await client.post(reportAt(run, nth)).then(
      (answer) => answer.status,
      () => 0,
    );
    took.push(performance.now() - planned);
    if (status !== 200) errors += 1;
  });
  client.close();
  const { results, online } = totals(PER_SECOND * seconds);
  const { inspection, credit, monitoring } = running.databases;
  const like = `'tj-amr:${run}-%'`;
  await until('every effect', () => running.platforms.told - before >= online - errors, 100);
  await until(
    'every effect',
    async () => (await numberIn(monitoring, `SELECT count(*) FROM contributions WHERE subject LIKE ${like}`)) >= results - errors,
    100,
  );
  await until(
    'every effect',
    async () => (await numberIn(credit, `SELECT count(*) FROM followed_subjects WHERE subject LIKE ${like}`)) >= results - errors,
    100,
  );
  const processors = [...processorTime(running)].map(([process, used]) => ({
    name: `processor time a result, ${process}`,
    unit: 'us',
    samples: [((used - (cpu.get(process) ?? 0)) / results) * 1e6],
  }));
  const stored = await numberIn(inspection, `SELECT count(*) FROM sampling_results WHERE sample_no LIKE '${run}-%'`);
  sameWork('the service', { stored }, { stored: results - errors });
  await pause(500);
  return { took, errors, processors };
}
