import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { repository } from './place.js';

/** Counts and sums of what was done; two contenders did the same work when these are equal, item for item. */
export type Work = Readonly<Record<string, number>>;

export interface Measured {
  /** Items, each of which every contender handles in the same way. */
  readonly items: number;
  readonly seconds: number;
  /** Read from where the work ended up (tables, topics), never counted while working. */
  readonly work: Work;
}

export interface Contender {
  readonly name: string;
  run(round: number): Promise<Measured>;
}

/** A figure of the table, one sample a round. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
}

/** Higher is better and `goal` or more is met; a latency is written as its goal over what was measured. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly goal: number;
}

export interface Outcome {
  readonly bench: string;
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
  readonly notes?: readonly string[];
}

export interface Options {
  /** How many items or seconds: the full number, a share of it, or so few that it only shows that the benchmark works. */
  readonly size: (full: number, quick: number) => number;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

export class DifferentWork extends Error {}

/** Runs every contender once a round, the order turned round each time, and checks the work of each against `expected`. */
export async function race(
  contenders: readonly Contender[],
  expected: (items: number) => Work,
  { rounds, say }: Options,
): Promise<Map<string, Figure>> {
  const samples = new Map(contenders.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      const { items, seconds, work } = await contender.run(round);
      sameWork(contender.name, work, expected(items));
      samples.get(contender.name)?.push(items / seconds);
      say(`round ${round + 1}  ${contender.name}: ${whole(items / seconds)}/s (${items} in ${seconds.toFixed(2)} s)`);
    }
  }
  return new Map([...samples].map(([name, perSecond]) => [name, { name, unit: '/s', samples: perSecond }]));
}

export function sameWork(who: string, work: Work, expected: Work): void {
  for (const [what, count] of Object.entries(expected)) {
    if (work[what] !== count) throw new DifferentWork(`${who} did other work: ${what} is ${work[what]}, expected ${count}`);
  }
}

/** Ours over a baseline: the median of the rounds' ratios, because both sides of a round met the same machine. */
export function ratioOf(figures: ReadonlyMap<string, Figure>, ours: string, baseline: string): number {
  const above = figures.get(ours)?.samples ?? [];
  const below = figures.get(baseline)?.samples ?? [];
  return median(above.map((sample, round) => sample / (below[round] ?? Number.NaN)));
}

export const median = (samples: readonly number[]): number => percentile(samples, 50);

export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

export const isMet = ({ value, goal }: Ratio): boolean => value >= goal;

export function tableOf({ bench, figures, ratios, notes = [] }: Outcome): string {
  const rows = figures.map(({ name, unit, samples }) => [
    name,
    `${short(median(samples))} ${unit}`,
    samples.length > 1 ? `${short(Math.min(...samples))} – ${short(Math.max(...samples))}` : '',
  ]);
  const goals = ratios.map((ratio) => [ratio.name, short(ratio.value), short(ratio.goal), isMet(ratio) ? 'met' : 'NOT MET']);
  return [
    `## ${bench}`,
    markdown(['figure', 'median', 'spread'], rows),
    ...(goals.length > 0 ? [markdown(['ours against', 'ratio', 'goal', ''], goals)] : []),
    ...notes,
  ].join('\n\n');
}

function markdown(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, 3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** What `--json` writes. */
export const jsonOf = ({ bench, figures, ratios, notes = [] }: Outcome): object => ({
  bench,
  machine: machine(),
  ratios: Object.fromEntries(ratios.map(({ name, value }) => [name, rounded(value)])),
  goals: Object.fromEntries(ratios.map(({ name, goal }) => [name, goal])),
  figures: Object.fromEntries(
    figures.map(({ name, unit, samples }) => [name, { unit, median: rounded(median(samples)), samples: samples.map(rounded) }]),
  ),
  notes,
  met: ratios.every(isMet),
});

export const machine = (): object => ({
  commit: execFileSync('git', ['-C', repository, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  cores: cpus().length,
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  load: loadavg().map(rounded),
  at: new Date().toISOString(),
});

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const short = (value: number): string => (Math.abs(value) >= 100 ? whole(value) : value.toPrecision(3));
