import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ChannelName, CHANNELS } from './channel.js';
import { Memory } from './memory.js';
import type { Stance } from './platform.js';
import { Simulator } from './simulator.js';

// `npm run simulator -- --platform jd --channel webhook`: a platform's side, until Ctrl-C. Addresses are those of `npm start`; README.md
// says how to name others.
const { values } = parseArgs({
  options: {
    platform: { type: 'string' },
    channel: { type: 'string', default: 'pull' },
    answer: { type: 'string', default: 'acted' },
    slow: { type: 'string', default: '0' },
    dead: { type: 'boolean', default: false },
    refusing: { type: 'boolean', default: false },
    wrong: { type: 'boolean', default: false },
    keep: { type: 'string' },
    reconcile: { type: 'boolean', default: false },
    origin: { type: 'string', default: 'http://localhost:3000' },
    issuer: { type: 'string', default: 'http://127.0.0.1:3001' },
    brokers: { type: 'string', default: '127.0.0.1:29092' },
    'secret-file': { type: 'string' },
    'seed-file': { type: 'string', default: '.local/stack/secret-seed' },
    port: { type: 'string', default: '0' },
    url: { type: 'string' },
  },
});
const DAY_MS = 86_400_000;
/** What is on its way now arrives by itself. */
const ON_ITS_WAY_MS = 60_000;
const STANCES = ['ACTED', 'NOTHING_FOUND', 'CONTESTED', 'SILENT'] as const satisfies readonly Stance[];

try {
  await simulate();
} catch (problem) {
  const cause = problem instanceof Error && problem.cause instanceof Error ? `: ${problem.cause.message}` : '';
  console.error(`${problem instanceof Error ? problem.message : String(problem)}${cause}`);
  process.exitCode = 1;
}

async function simulate(): Promise<void> {
  const { platform: clientId, origin, issuer, brokers, url, keep, slow, dead, refusing, wrong } = values;
  if (!clientId) throw new Error('say which platform: --platform ID');
  const channel = oneOf<ChannelName>('channel', values.channel, CHANNELS);
  const simulator = await Simulator.start({
    access: { origin, issuer, clientId, clientSecret: secretOf(clientId), brokers: brokers.split(',') },
    channel,
    stance: oneOf<Stance>('answer', values.answer, STANCES),
    behaviour: { slowMs: wholeNumber('slow', slow), dead: refusing ? 'REFUSING' : dead ? 'HANGING' : null, wrong },
    listening: { port: wholeNumber('port', values.port), ...(url && { url }) },
    memory: new Memory(keep),
    say: (line) => console.log(`${new Date().toISOString()}  ${line}`),
  });
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopped.abort();
      void simulator.stop();
    });
  if (values.reconcile) await reconcileDaily(simulator, stopped.signal);
}

async function reconcileDaily(simulator: Simulator, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await simulator
      .reconcile(new Date(Date.now() - ON_ITS_WAY_MS))
      .catch((problem: unknown) => console.error(`not reconciled: ${problem instanceof Error ? problem.message : String(problem)}`));
    await sleep(DAY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** As the platform has it, or as it follows from the seed of a development stack (docs/integrating.md §1). */
function secretOf(clientId: string): string {
  const { 'secret-file': file, 'seed-file': seedFile } = values;
  if (file) return readFileSync(file, 'utf8').trim();
  if (!existsSync(seedFile)) throw new Error('no secret: start a development stack here (npm start), or name a file with --secret-file');
  const seed = readFileSync(seedFile, 'utf8');
  return createHmac('sha256', seed).update(`client:${clientId}`).digest('hex').slice(0, 40);
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === given.toUpperCase().replaceAll('-', '_'));
  if (!found) throw new Error(`--${option} is ${allowed.map((one) => one.toLowerCase().replaceAll('_', '-')).join(', ')}`);
  return found;
}

function wholeNumber(option: string, given: string): number {
  if (!/^\d{1,8}$/.test(given)) throw new Error(`--${option} is a whole number`);
  return Number(given);
}
