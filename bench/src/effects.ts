import { randomBytes } from 'node:crypto';
import type { SamplingResultReported } from '@jinqiao/contracts';
import { type Contender, timed, type Work } from './harness.js';
import { settle, until } from './place.js';
import { DEPARTMENT, type Mix, reportAt, revisionAt, totals } from './results.js';
import { Client, numberIn, openLoop, processorTime, type Running } from './running-stack.js';

/*
 * Ours from a result's POST to the last of its effects: how many a second, and how long each takes. What belongs to a run is found by the
 * index of its table, so that looking costs the same however much is stored besides.
 */
const BATCH = 500;

/** What the results of a run come to in our tables and topics. */
export const expectedOf = (items: number, mix: Mix): Work => {
  const { results, revised, charged, unqualified, told } = totals(items, mix);
  return { results, revisions: results + revised, counted: results, failed: unqualified, records: charged, public: unqualified, told };
};

/** Arrays of 500, two at once; revisions follow when the first states have been answered. */
export const ours = (running: Running, { name, count, mix }: { name: string; count: number; mix: Mix }, note: Note): Contender => ({
  name,
  async run() {
    const run = runId('P');
    await settle(running.stack.servers);
    const before = await ourWork(running, run);
    const told = before['told'] ?? 0;
    const client = new Client(`${running.stack.origins.inspection}/api/inspection/sampling-results`, await running.token());
    const goal = expectedOf(count, mix);
    const cpu = processorTime(running);
    const seconds = await timed(async () => {
      await inParallel(inBatches(reports(run, count, mix)), 2, (batch) => postedBatch(client, batch));
      await inParallel(inBatches(revisions(run, count, mix)), 2, (batch) => postedBatch(client, batch));
      await until('the platforms to be told', () => running.platforms.told - told >= (goal['told'] ?? 0), 20);
      await until('credit and monitoring to follow', async () => (await leastFollowed(running, run)) >= (goal['revisions'] ?? 0), 20);
    });
    client.close();
    for (const [process, used] of processorTime(running)) note(process, ((used - (cpu.get(process) ?? 0)) / count) * 1e6);
    return { items: count, seconds, work: difference(await ourWork(running, run), before) };
  },
});

export const reports = (run: string, count: number, mix: Mix): SamplingResultReported[] =>
  Array.from({ length: count }, (_, n) => reportAt(run, n, mix));
export const revisions = (run: string, count: number, mix: Mix): SamplingResultReported[] =>
  Array.from({ length: count }, (_, n) => revisionAt(run, n, mix)).filter((report) => report !== null);

export async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}

const inBatches = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / BATCH) }, (_, nth) => items.slice(nth * BATCH, (nth + 1) * BATCH));

export async function postedBatch(client: Client, batch: readonly object[]): Promise<void> {
  const { status, body } = await client.post(batch);
  const accepted = status === 200 ? (JSON.parse(body) as { accepted: number }).accepted : 0;
  if (accepted !== batch.length) throw new Error(`${accepted} of ${batch.length} were accepted: ${status} ${body.slice(0, 300)}`);
}

/** Told the processor time of each process a result. */
export type Note = (process: string, microseconds: number) => void;

const runId = (letter: string): string => letter + randomBytes(3).toString('hex');
const subjectsOf = (run: string): string => `subject BETWEEN '${DEPARTMENT}:${run}-' AND '${DEPARTMENT}:${run}-~'`;
const resultsOf = (run: string): string => `reporter_id = '${DEPARTMENT}' AND sample_no BETWEEN '${run}-' AND '${run}-~'`;

/** Sum of the revisions applied for the results of a run, in the service that is furthest behind. */
async function leastFollowed({ databases: { credit, monitoring } }: Running, run: string): Promise<number> {
  return Math.min(
    await numberIn(credit, `SELECT sum(revision) FROM followed_subjects WHERE ${subjectsOf(run)}`),
    await numberIn(monitoring, `SELECT sum(revision) FROM contributions WHERE ${subjectsOf(run)}`),
  );
}

async function ourWork(running: Running, run: string): Promise<Work> {
  const { inspection, credit, monitoring } = running.databases;
  return {
    results: await numberIn(inspection, `SELECT count(*) FROM sampling_results WHERE ${resultsOf(run)}`),
    revisions: await leastFollowed(running, run),
    counted: await numberIn(monitoring, 'SELECT sum(results) FROM rollups'),
    failed: await numberIn(monitoring, 'SELECT sum(unqualified) FROM rollups'),
    records: await numberIn(credit, `SELECT count(*) FROM credit_records WHERE ${subjectsOf(run)}`),
    public: await numberIn(credit, `SELECT count(*) FROM credit_records WHERE ${subjectsOf(run)} AND standing = 'PUBLIC'`),
    told: running.platforms.told,
  };
}

export const difference = (after: Work, before: Work): Work =>
  Object.fromEntries(Object.entries(after).map(([what, now]) => [what, now - (before[what] ?? 0)]));

export interface EvenRate {
  readonly requests: number;
  readonly perRequest: number;
  readonly seconds: number;
  readonly mix: Mix;
}

/** Milliseconds from the last statement of each result's transaction to the last of its effects, by the clocks of the rows. */
export async function latencies(running: Running, { requests, perRequest, seconds, mix }: EvenRate): Promise<number[]> {
  const run = runId('E');
  const client = new Client(`${running.stack.origins.inspection}/api/inspection/sampling-results`, await running.token());
  const told = running.platforms.told;
  const count = requests * perRequest * seconds;
  await openLoop({ perSecond: requests, seconds }, (nth) =>
    postedBatch(
      client,
      Array.from({ length: perRequest }, (_, n) => reportAt(run, nth * perRequest + n, mix)),
    ),
  );
  client.close();
  await until('the platforms to be told', () => running.platforms.told - told >= totals(count, mix).online, 50);
  await until('credit and monitoring to follow', async () => (await leastFollowed(running, run)) >= count, 50);
  const { inspection, credit, monitoring, exchange } = running.databases;
  const last = new Map<string, number>();
  const note = (subject: string, at: number): void => void last.set(subject, Math.max(at, last.get(subject) ?? 0));
  const times = 'extract(epoch FROM applied_at)::float8 * 1000 AS at';
  for (const [database, table] of [
    [credit, 'followed_subjects'],
    [monitoring, 'contributions'],
    [exchange, 'subjects'],
  ] as const) {
    const { rows } = await database.query<{ subject: string; at: number }>(
      `SELECT subject, ${times} FROM ${table} WHERE ${subjectsOf(run)}`,
    );
    for (const { subject, at } of rows) note(subject, at);
  }
  for (const [subject, at] of running.platforms.appendedAt) if (last.has(subject)) note(subject, at);
  const { rows } = await inspection.query<{ subject: string; at: number }>(
    `SELECT reporter_id || ':' || sample_no AS subject, ${times} FROM sampling_results WHERE ${resultsOf(run)}`,
  );
  return rows.map(({ subject, at }) => (last.get(subject) ?? Number.NaN) - at);
}

/** States of results handled by the consumer that is furthest behind, told by the offsets stored with the effects. */
export async function leastHandled({ databases: { credit, monitoring, exchange } }: Running): Promise<number> {
  const handled = await Promise.all(
    [credit, monitoring, exchange].map((database) =>
      numberIn(database, "SELECT sum(next_offset) FROM consumer_offsets WHERE topic = 'inspection.sampling-result.v1'"),
    ),
  );
  return Math.min(...handled);
}
