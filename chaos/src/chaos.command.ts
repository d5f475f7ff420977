import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { OUR_PLAY, STOCK_PLAY } from './play.js';
import { chaos, type RunResult } from './run.js';
import { repository } from './stage.js';

// `npm run chaos [-- --faults N --seed S --json FILE]`; the seed of a run that failed gives the same faults again.
const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now()) },
    json: { type: 'string' },
    data: { type: 'string' },
    root: { type: 'string', default: repository },
    rate: { type: 'string', default: '12' },
    freeze: { type: 'string', default: '20000' },
    only: { type: 'string', multiple: true },
    without: { type: 'string', multiple: true },
    minutes: { type: 'string' },
    brokers: { type: 'string', default: '1' },
    patience: { type: 'string', default: '1' },
    stock: { type: 'boolean', default: false },
    shared: { type: 'boolean', default: false },
  },
});
/** The rest is in the JSON. */
const SHOWN_OF_A_CODE = 10;
const began = Date.now();
const parent = join(repository, '.local');
mkdirSync(parent, { recursive: true });
const result = await chaos({
  play: values.stock ? STOCK_PLAY : OUR_PLAY,
  // What was asked for by name is inflicted on whoever is on the stage.
  shared: values.shared || (values.stock && !values.only),
  seed: values.seed,
  faults: Number(values.faults),
  dataDir: resolve(values.data ?? join(parent, `chaos-${process.pid}`)),
  root: resolve(values.root),
  brokers: Number(values.brokers),
  callsPerSecond: Number(values.rate),
  freezeMs: Number(values.freeze),
  patience: Number(values.patience),
  ...(values.only && { only: values.only }),
  ...(values.without && { without: values.without }),
  ...(values.minutes && { minutesMax: Number(values.minutes) }),
  report: (line) => console.log(`${((Date.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}`),
});
if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
print(result);
process.exit(result.violations.length > 0 ? 1 : 0);

function print({
  seed,
  faults,
  kinds,
  sent,
  accepted,
  violations,
  slow,
  repeats,
  recoveryMs,
  rebalanceMs,
  caughtUpMs,
  seconds,
  history,
}: RunResult): void {
  console.log(
    `\nseed ${seed}: ${faults} faults of ${Object.keys(kinds).length} kinds in ${seconds} s; ${sent} sent, ${accepted} accepted, ${repeats} events sent again`,
  );
  for (const [kind, targets] of Object.entries(kinds)) {
    const cells = Object.entries(targets).map(([target, cell]) => `${target} ${cell.faults}x ${Math.max(0, ...cell.recoveryMs)} ms`);
    console.log(`  ${kind.padEnd(20)} ${cells.join(', ')}`);
  }
  console.log(`works again after p50 ${recoveryMs.p50}, p95 ${recoveryMs.p95}, at most ${recoveryMs.max} ms`);
  console.log(
    `of which until the groups were stable p50 ${rebalanceMs.p50}, p95 ${rebalanceMs.p95} ms; caught up after ${caughtUpMs ?? 'never'} ms`,
  );
  for (const { code, what } of slow) console.log(`  slow ${code}: ${what}`);
  for (const code of new Set(violations.map((one) => one.code))) {
    const own = violations.filter((one) => one.code === code);
    console.log(`  VIOLATION ${code}, ${own.length} times`);
    for (const { what } of own.slice(0, SHOWN_OF_A_CODE)) console.log(`    ${what}`);
  }
  console.log(`${violations.length} violations; history in ${history}`);
}
