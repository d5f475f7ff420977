import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsIn } from './mutants.js';
import { OUR_PLAY } from './play.js';
import { chaos } from './run.js';
import { repository, SERVICES } from './stage.js';

/*
 * `npm run chaos:mutants [-- --only NAME --json FILE]`: can the checker fail? Every patch in mutants/ plants one mistake. It is applied to
 * a copy of the services and libraries, which is built and attacked; the checker has to report one of the codes that the patch names.
 * Being slow does not count as being caught. A copy without any mistake goes first and has to come out clean.
 */
interface Outcome {
  readonly name: string;
  readonly caught: boolean;
  readonly by: readonly string[];
  readonly seconds: number;
}

const ABOUT_TIME = ['SLOW_RECOVERY', 'SLOW_CATCH_UP', 'SLOW_ANSWER', 'NOT_RECOVERED'];
const PATCHES = join(repository, 'chaos/mutants');

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
    seed: { type: 'string', default: 'mutants' },
    data: { type: 'string' },
    rate: { type: 'string', default: '16' },
  },
});
const home = mkdtempSync(join(tmpdir(), 'jinqiao-mutants-'));
const dataDir = resolve(values.data ?? join(repository, `.local/mutants-${process.pid}`));
const outcomes: Outcome[] = [];
try {
  copyTo(home);
  for (const mutant of wanted()) {
    const outcome = await attack(mutant).catch((problem: unknown) => {
      console.log(`again: ${mutant.name}: ${String(problem)}`);
      return attack(mutant);
    });
    outcomes.push(outcome);
    const verdict = mutant.patch === null ? (outcome.caught ? 'CLEAN' : 'NOT CLEAN') : outcome.caught ? 'caught' : 'MISSED';
    console.log(`${verdict.padEnd(9)} ${outcome.name} (${outcome.seconds} s): ${outcome.by.join(', ') || 'nothing was found'}`);
    write();
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exit(outcomes.every(({ caught }) => caught) ? 0 : 1);

function wanted(): Mutant[] {
  const control: Mutant = {
    name: 'no mistake at all',
    patch: null,
    faults: ['kill credit', 'kill inspection', 'poison intake'],
    number: 3,
    expect: [],
  };
  const all = [control, ...mutantsIn(PATCHES)];
  return all.filter(({ name }) => !values.only || values.only.includes(name));
}

async function attack({ name, patch, faults, number, expect }: Mutant): Promise<Outcome> {
  const began = Date.now();
  if (patch) run('git', ['apply', patch]);
  try {
    build();
    const { violations } = await chaos({
      ...{
        play: OUR_PLAY,
        shared: false,
        seed: `${values.seed} ${name}`,
        faults: number,
        only: faults,
        freezeMs: 12_000,
        patience: 1,
        callsPerSecond: Number(values.rate),
      },
      ...{ brokers: 1, dataDir, root: home, report: () => undefined },
    });
    const found = [...new Set(violations.map(({ code }) => code))];
    const caught = patch === null ? found.every((code) => ABOUT_TIME.includes(code)) : found.some((code) => expect.includes(code));
    return { name, caught, by: found, seconds: Math.round((Date.now() - began) / 1_000) };
  } finally {
    if (patch) run('git', ['apply', '-R', patch]);
  }
}

/** What is built here comes along, so that a mutant's build only does what its patch has changed. */
function copyTo(target: string): void {
  for (const folder of ['libs', 'services', 'data', 'tsconfig.base.json', 'package.json']) {
    cpSync(join(repository, folder), join(target, folder), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  }
  const modules = join(repository, 'node_modules');
  mkdirSync(join(target, 'node_modules/@jinqiao'), { recursive: true });
  for (const entry of readdirSync(modules))
    if (entry !== '@jinqiao') symlinkSync(join(modules, entry), join(target, 'node_modules', entry));
  // Ours lead into the copy, or the mistake would be planted where nobody looks.
  for (const group of ['libs', 'services']) {
    for (const name of readdirSync(join(target, group))) {
      if (existsSync(join(target, group, name, 'package.json')))
        symlinkSync(join(target, group, name), join(target, 'node_modules/@jinqiao', name));
    }
  }
}

function build(): void {
  run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-b', ...SERVICES.map((service) => `services/${service}`)]);
  run(process.execPath, [join(repository, 'tools/bundle.mjs')]);
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { cwd: home, stdio: 'pipe', encoding: 'utf8' });
  } catch (problem) {
    const { stdout = '', stderr = '' } = problem as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`, { cause: problem });
  }
}

function write(): void {
  if (!values.json) return;
  const mutants = outcomes.filter(({ name }) => name !== 'no mistake at all');
  const summary = {
    mutants: mutants.length,
    caught: mutants.filter(({ caught }) => caught).length,
    missed: mutants.filter(({ caught }) => !caught).map(({ name }) => name),
    outcomes,
  };
  writeFileSync(values.json, `${JSON.stringify(summary, null, 2)}\n`);
}
