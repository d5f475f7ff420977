import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CannotStart } from './cannot-start.js';
import { MainJob } from './demo/main-job.js';
import { OneMerchant } from './demo/one-merchant.js';
import { asTable, type DemoReport } from './demo/report.js';
import { ThreePlatforms } from './demo/three-platforms.js';
import { TwoRounds } from './demo/two-rounds.js';
import { repository } from './repository.js';
import { startStack } from './stack.js';

// `npm run demo [-- --input FILE] [--report FILE]`: the main job on real input, then three platforms by three channels, then two rounds
// of sampling under the law, then the credit records of one merchant, on a stack of its own that is gone afterwards. What is not seen within its time ends it with exit code 1.
const began = Date.now();
const seconds = (): string => `${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s`;
const say = (line: string): void => console.log(`${seconds()}  ${line}`);

const { values } = parseArgs({ options: { input: { type: 'string' }, report: { type: 'string' } } });
const input = resolve(values.input ?? join(repository, 'data/sampling-notices.csv'));
const parent = join(repository, '.local');
mkdirSync(parent, { recursive: true });
const dataDir = mkdtempSync(join(parent, 'demo-'));
chmodSync(dataDir, 0o755); // started as root, PostgreSQL runs as another user

try {
  if (!existsSync(input)) throw new CannotStart(`there is no file ${input}`, 'name another with --input');
  await demo();
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof CannotStart ? error.message : error);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => asked.abort());
  const stack = await startStack({ dataDir, ports: 'free', signal: asked.signal, report: say });
  const stopped = (): Promise<never> =>
    new Promise((_, reject) =>
      asked.signal.addEventListener('abort', () => reject(new CannotStart('the demo was stopped', 'start it again')), { once: true }),
    );
  try {
    const first = await Promise.race([MainJob.run(stack, input, say), stopped()]);
    const secondAct = await Promise.race([ThreePlatforms.run(stack, say), stopped()]);
    const thirdAct = await Promise.race([TwoRounds.run(stack, say), stopped()]);
    const fourthAct = await Promise.race([OneMerchant.run(stack, say), stopped()]);
    const report: DemoReport = { ...first, secondAct, thirdAct, fourthAct, seconds: Math.round((Date.now() - began) / 1000) };
    console.log(`\n${asTable(report)}\n`);
    if (values.report) writeFileSync(values.report, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await stack.stop();
  }
  say('done, and everything is stopped');
}
