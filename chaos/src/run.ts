import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaOf, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { logLevel } from 'kafkajs';
import type { Recovery, Violation } from './checker/checker.js';
import { DiskOfItsOwn } from './disk.js';
import { Faults } from './faults/faults.js';
import { areInEachOthersWay, AT_ONCE, type Fault, scheduleOf } from './faults/schedule.js';
import { Watch } from './faults/watch.js';
import { History } from './history.js';
import { Copy } from './load/copy.js';
import { Endpoint } from './load/endpoints.js';
import { Load } from './load/load.js';
import type { Play } from './play.js';
import { Random } from './random.js';
import { type Service, Stage } from './stage.js';

export interface RunOptions {
  readonly play: Play;
  readonly seed: string;
  readonly faults: number;
  readonly dataDir: string;
  /** The work tree whose built services are attacked. */
  readonly root: string;
  readonly brokers: number;
  readonly callsPerSecond: number;
  readonly freezeMs: number;
  readonly only?: readonly string[];
  readonly without?: readonly string[];
  /** Only faults that the stock pipeline can meet as well. */
  readonly shared: boolean;
  /** No new fault after this long, whatever the schedule still holds. */
  readonly minutesMax?: number;
  /** Being late is a violation beyond this many times the promised time. */
  readonly patience: number;
  readonly report: (line: string) => void;
}

export interface RunResult {
  readonly seed: string;
  readonly faults: number;
  /** Kind x target: how many, and how long it took until work went on. */
  readonly kinds: Record<string, Record<string, { faults: number; recoveryMs: number[] }>>;
  readonly sent: number;
  readonly accepted: number;
  readonly violations: readonly Violation[];
  /** Later than promised, but within the patience that was asked for. */
  readonly slow: readonly Violation[];
  /** Events that a relay sent again, under the same id. */
  readonly repeats: number;
  readonly recoveryMs: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly rebalanceMs: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly caughtUpMs: number | null;
  readonly seconds: number;
  readonly history: string;
}

const WARM_UP_MS = 4_000;
const GAP_MS = 500;
/** A thousand faults leave about 500 MB of rows and 200 MB of log, which is not to fill the disk before its time. */
const DISK_MB = 1_200;
const RECOVERY_MS_MAX = 90_000;
const REBALANCE_MS_MAX = 30_000;
const CATCH_UP_MS_MAX = 90_000;
const JOBS_MS_MAX = 75_000;
/** What may still change once nothing is on its way: a last look after this must find the same. */
const SETTLE_MS = 1_500;

/** One run: load and faults on a stage of its own, then the checker. */
export async function chaos(options: RunOptions): Promise<RunResult> {
  const { dataDir, seed, report } = options;
  const began = Date.now();
  DiskOfItsOwn.forget(join(dataDir, 'servers'));
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const { cast } = options.play;
  const { root, brokers } = options;
  const stage = await Stage.set({ dataDir, root, cast, brokers, diskMb: DISK_MB + options.faults, report });
  const history = new History(join(dataDir, 'history.jsonl'));
  try {
    const { outside, byWebhook, isCopied, says, views, judge } = options.play;
    const speaking = outside(stage);
    const load = new Load(speaking, history, new Random(`${seed} load`), {
      callsPerSecond: options.callsPerSecond,
      givingUp: 0.08,
      says,
      creditsToday: () => stage.today('credit'),
      run: 'c',
    });
    const watch = new Watch(stage, history, views);
    watch.start(500);
    const endpoints = await Promise.all(byWebhook.map((platform) => Endpoint.open(platform, speaking, history)));
    await load.start();
    const copy = isCopied ? Copy.begin(speaking) : null;
    await sleep(WARM_UP_MS);
    await attack({ ...options, stage, history, load, endpoints, watch });
    history.write({ entry: 'phase', phase: 'faults end' });
    report('the faults are over');
    const caughtUpMs = await catchUp(load, watch, history);
    await letJobsLook(watch);
    await copy?.finish(history);
    await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
    await watch.stop();
    const kafka = kafkaOf(stage.servers, STACK_PRINCIPAL, { logLevel: logLevel.NOTHING });
    const { patience } = options;
    const databaseUrl = (name: string): string => stage.databaseUrl(name);
    const { recoveries, ...verdict } = await judge({ history: history.file, kafka, databaseUrl, patience });
    return {
      seed,
      ...summaryOf(recoveries),
      ...verdict,
      caughtUpMs,
      seconds: Math.round((Date.now() - began) / 1_000),
      history: history.file,
    };
  } finally {
    history.close();
    await stage.strike();
  }
}

interface Attack extends RunOptions {
  readonly stage: Stage;
  readonly history: History;
  readonly load: Load;
  readonly endpoints: readonly Endpoint[];
  readonly watch: Watch;
}

interface Armed extends Attack {
  readonly weapons: Faults;
}

async function attack(options: Attack): Promise<void> {
  const { stage, report, minutesMax } = options;
  const weapons = new Faults(options);
  const schedule = scheduleOf({ ...options, disk: stage.disk.present, slowDisk: stage.canBeSlow });
  const endBy = minutesMax === undefined ? Infinity : Date.now() + minutesMax * 60_000;
  const underWay = new Map<Fault, Promise<void>>();
  for (const [index, fault] of schedule.entries()) {
    const isHurried = schedule[index - 1]?.hurried === true;
    const hasToWait = (): boolean =>
      underWay.size >= AT_ONCE || (!isHurried && [...underWay.keys()].some((other) => areInEachOthersWay(fault, other)));
    while (hasToWait()) await Promise.race(underWay.values());
    if (Date.now() > endBy) break;
    const number = index + 1;
    const one = inflict(fault, number, { ...options, weapons }).then((recoveryMs) => {
      underWay.delete(fault);
      const outcome = recoveryMs === null ? 'NOT RECOVERED' : `works after ${recoveryMs} ms`;
      report(`${number}/${schedule.length} ${fault.kind} ${fault.target}: ${outcome}`);
    });
    underWay.set(fault, one);
    await sleep(GAP_MS);
  }
  await Promise.all(underWay.values());
}

/** One fault, from before it until work goes on; null = it did not. */
async function inflict(fault: Fault, number: number, { stage, history, watch, weapons }: Armed): Promise<number | null> {
  const name = { entry: 'fault', number, kind: fault.kind, target: fault.target } as const;
  const service = stage.processes.has(fault.target as Service) ? (fault.target as Service) : null;
  const members = service && fault.kind === 'kill' ? await watch.members(service) : new Set<string>();
  history.write({ ...name, phase: 'begins' });
  const { since, services, worksAgain } = await weapons.inflict(fault);
  history.write({ ...name, phase: 'ends', since });
  const [recoveryMs, rebalanceMs] = await Promise.all([
    worksAgain ?? watch.worksAgain(services, since, RECOVERY_MS_MAX),
    service ? watch.rebalanced(service, members, since, REBALANCE_MS_MAX) : null,
  ]);
  const measured = { ...(recoveryMs !== null && { recoveryMs }), ...(rebalanceMs !== null && { rebalanceMs }) };
  history.write({ ...name, phase: 'recovered', since, ...measured });
  return recoveryMs;
}

/** The clock of "caught up" begins with the end of the last fault; the load has to end before anything can be still. */
async function catchUp(load: Load, watch: Watch, history: History): Promise<number | null> {
  const since = Date.now();
  await load.stop(30_000);
  let last = '';
  while (Date.now() < since + CATCH_UP_MS_MAX) {
    const behind = await watch.behind();
    if (behind.length === 0) {
      const caughtUpMs = Date.now() - since;
      await sleep(SETTLE_MS);
      if ((await watch.behind()).length > 0) continue;
      history.write({ entry: 'phase', phase: 'caught up', what: String(caughtUpMs) });
      return caughtUpMs;
    }
    last = behind.join('; ');
    await sleep(200);
  }
  history.write({ entry: 'phase', phase: 'not caught up', what: last });
  return null;
}

/** What looks for overdue duties does so every 30 s, what looks for repairs every minute: all that is due has had its turn, and is published. */
async function letJobsLook(watch: Watch): Promise<void> {
  const giveUpAt = Date.now() + JOBS_MS_MAX;
  const isStill = async (): Promise<boolean> => (await watch.allIsSaid()) && (await watch.behind()).length === 0;
  while (!(await isStill()) && Date.now() < giveUpAt) await sleep(500);
}

function summaryOf(recoveries: readonly Recovery[]): Pick<RunResult, 'faults' | 'kinds' | 'recoveryMs' | 'rebalanceMs'> {
  const kinds: RunResult['kinds'] = {};
  for (const { kind, target, ms } of recoveries) {
    const cell = ((kinds[kind] ??= {})[target] ??= { faults: 0, recoveryMs: [] });
    cell.faults++;
    if (ms !== null) cell.recoveryMs.push(ms);
  }
  return {
    faults: recoveries.length,
    kinds,
    recoveryMs: quantiles(recoveries.flatMap(({ ms }) => ms ?? [])),
    rebalanceMs: quantiles(recoveries.flatMap(({ rebalanceMs }) => rebalanceMs ?? [])),
  };
}

function quantiles(values: readonly number[]): { p50: number; p95: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 };
}
