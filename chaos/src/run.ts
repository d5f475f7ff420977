import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaOf, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { logLevel } from 'kafkajs';
import { check, type Violation } from './checker/checker.js';
import { DiskOfItsOwn } from './disk.js';
import { Faults } from './faults/faults.js';
import { type Fault, scheduleOf } from './faults/schedule.js';
import { Watch } from './faults/watch.js';
import { History } from './history.js';
import { Load } from './load/load.js';
import { Outside } from './load/outside.js';
import { Random } from './random.js';
import { type Service, Stage } from './stage.js';

export interface RunOptions {
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
  /** No new fault after this long, whatever the schedule still holds. */
  readonly minutesMax?: number;
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
  readonly recoveryMs: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly rebalanceMs: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly caughtUpMs: number | null;
  readonly seconds: number;
  readonly history: string;
}

const WARM_UP_MS = 4_000;
const GAP_MS = 500;
const RECOVERY_MS_MAX = 90_000;
const CATCH_UP_MS_MAX = 90_000;
/** What may still change once nothing is on its way: a last look after this must find the same. */
const SETTLE_MS = 1_500;

interface Recovered {
  readonly fault: Fault;
  readonly recoveryMs: number | null;
  readonly rebalanceMs: number | null;
}

/** One run: load and faults on a stage of its own, then the checker. */
export async function chaos(options: RunOptions): Promise<RunResult> {
  const { dataDir, seed, report } = options;
  const began = Date.now();
  DiskOfItsOwn.forget(join(dataDir, 'servers'));
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const stage = await Stage.set({ dataDir, root: options.root, brokers: options.brokers, report });
  const history = new History(join(dataDir, 'history.jsonl'));
  try {
    const outside = new Outside(stage.origin, stage.servers);
    const load = new Load(outside, history, new Random(`${seed} load`), {
      callsPerSecond: options.callsPerSecond,
      givingUp: 0.08,
      run: 'c',
    });
    const watch = new Watch(stage, history);
    watch.start(500);
    await load.start();
    await sleep(WARM_UP_MS);
    const recovered = await attack({ ...options, stage, history, load, watch });
    history.write({ entry: 'phase', phase: 'faults end' });
    report('the faults are over');
    const caughtUpMs = await catchUp(load, watch, history);
    await watch.stop();
    const kafka = kafkaOf(stage.servers, STACK_PRINCIPAL, { logLevel: logLevel.NOTHING });
    const { violations, sent, accepted } = await check({ history: history.file, kafka, databaseUrl: (name) => stage.databaseUrl(name) });
    return {
      ...summaryOf(recovered),
      seed,
      sent,
      accepted,
      violations,
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
  readonly watch: Watch;
}

async function attack(options: Attack): Promise<Recovered[]> {
  const { stage, history, load, watch, report, minutesMax } = options;
  const faults = new Faults({ stage, load, watch, history });
  const schedule = scheduleOf({ ...options, disk: stage.disk.present, slowDisk: stage.canBeSlow });
  const endBy = minutesMax === undefined ? Infinity : Date.now() + minutesMax * 60_000;
  const under: Promise<Recovered>[] = [];
  for (const [index, fault] of schedule.entries()) {
    if (Date.now() > endBy) break;
    const number = index + 1;
    const name = { entry: 'fault', number, kind: fault.kind, target: fault.target } as const;
    const one = (async (): Promise<Recovered> => {
      const service = stage.processes.has(fault.target as Service) ? (fault.target as Service) : null;
      const members = service && fault.kind === 'kill' ? await watch.members(service) : new Set<string>();
      history.write({ ...name, phase: 'begins' });
      const { since, services, worksAgain } = await faults.inflict(fault);
      history.write({ ...name, phase: 'ends' });
      const [recoveryMs, rebalanceMs] = await Promise.all([
        worksAgain ?? watch.worksAgain(services, since, RECOVERY_MS_MAX),
        service ? watch.rebalanced(service, members, since, 30_000) : null,
      ]);
      history.write({
        ...name,
        phase: 'recovered',
        ...(recoveryMs !== null && { recoveryMs }),
        ...(rebalanceMs !== null && { rebalanceMs }),
      });
      report(
        `${number}/${schedule.length} ${fault.kind} ${fault.target}: ${recoveryMs === null ? 'NOT RECOVERED' : `works after ${recoveryMs} ms`}`,
      );
      return { fault, recoveryMs, rebalanceMs };
    })();
    under.push(one);
    if (fault.overlaps) await sleep(GAP_MS * 2);
    else {
      await Promise.all(under);
      await sleep(GAP_MS);
    }
  }
  return Promise.all(under);
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

function summaryOf(recovered: readonly Recovered[]): Pick<RunResult, 'faults' | 'kinds' | 'recoveryMs' | 'rebalanceMs'> {
  const kinds: RunResult['kinds'] = {};
  for (const { fault, recoveryMs } of recovered) {
    const cell = ((kinds[fault.kind] ??= {})[fault.target] ??= { faults: 0, recoveryMs: [] });
    cell.faults++;
    if (recoveryMs !== null) cell.recoveryMs.push(recoveryMs);
  }
  return {
    faults: recovered.length,
    kinds,
    recoveryMs: quantiles(recovered.flatMap(({ recoveryMs }) => recoveryMs ?? [])),
    rebalanceMs: quantiles(recovered.flatMap(({ rebalanceMs }) => rebalanceMs ?? [])),
  };
}

function quantiles(values: readonly number[]): { p50: number; p95: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 };
}
