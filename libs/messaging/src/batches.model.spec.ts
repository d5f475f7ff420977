/*
 * Goal: whatever is in a batch and wherever it fails, every good record has one effect, every bad one a dead letter, in order, once.
 * Method: `Batches` itself over tables in memory; every call it awaits may fail, or have its effect and lose the answer.
 */
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { Batches, Fenced, type Position } from './batches.js';
import {
  Database,
  DeadLettersInMemory,
  expected,
  found,
  handlers,
  type Kind,
  logs,
  type Made,
  PLACE,
  TablesInMemory,
} from './consuming-model.harness.js';
import { isTransient } from './failures.js';
import { type Fault, FaultPlan, MODEL_RUNS, MODEL_TIMEOUT_MS, Process, VirtualTime } from './virtual-time.harness.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});

const KINDS: readonly Kind[] = ['poison', 'rejected', 'invalid', 'duplicate', 'reused'];
const FAULTS = fc.array(fc.constantFrom<Fault>('none', 'none', 'failed', 'lost'), { maxLength: 30, size: 'max' });
const SIZES = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 5 });

/** A consumer of one process with empty tables. */
function aConsumer(faults: readonly Fault[]) {
  const database = new Database();
  database.row = { next: null, attempts: 1, suspect: null, suspects: 0 };
  const process = new Process(new VirtualTime(), new FaultPlan(faults));
  const tables = new TablesInMemory(database, process);
  return { database, tables, batches: new Batches(tables, new DeadLettersInMemory(process)), subscriptions: handlers(process) };
}

/** Gives a log to `Batches` in batches of these sizes; where it has to wait, goes on from the stored offset. */
async function applied(log: readonly Made[], sizes: readonly number[], faults: readonly Fault[]): Promise<Database> {
  const { database, batches, subscriptions } = aConsumer(faults);
  let position: Position = { ...PLACE, known: null };
  for (let turn = 0; ; turn += 1) {
    const left = log.map(({ record }) => record).filter(({ offset }) => BigInt(offset) >= (position.known ?? 0n));
    if (left.length === 0) return database;
    try {
      await batches.apply({ position, records: left.slice(0, sizes[turn % sizes.length]), subscriptions });
    } catch (error) {
      if (!isTransient(error)) throw error;
      position = { ...PLACE, known: database.row?.next ?? null };
    }
  }
}

const model = <T>(name: string, property: fc.IAsyncProperty<T>): void =>
  it(name, () => fc.assert(property, { numRuns: MODEL_RUNS }), MODEL_TIMEOUT_MS);

describe('batches under a model', () => {
  model(
    'have one effect for a good record and one dead letter for a bad one, in order, wherever they fail',
    fc.asyncProperty(logs(KINDS), SIZES, FAULTS, async (log, sizes, faults) => {
      const database = await applied(log, sizes, faults);
      expect(found(database)).toEqual(expected(log));
      expect(database.row?.next).toBe(BigInt(log.at(-1)?.record.offset ?? -1) + 1n);
    }),
  );

  model(
    'tell a repeated event from a reused id, however the log is cut',
    fc.asyncProperty(logs(['duplicate', 'reused']), SIZES, FAULTS, async (log, sizes, faults) => {
      expect(found(await applied(log, sizes, faults))).toEqual(expected(log));
    }),
  );

  model(
    'find what is poison in few transactions',
    fc.asyncProperty(logs(['poison'], 20), async (log) => {
      const { tables, batches, subscriptions } = aConsumer([]);
      let transactions = 0;
      tables.asked = () => (transactions += 1);
      await batches.apply({ position: { ...PLACE, known: null }, records: log.map(({ record }) => record), subscriptions });
      const poison = log.filter(({ kind }) => kind === 'poison').length;
      expect(transactions).toBeLessThanOrEqual(1 + poison * (2 * Math.ceil(Math.log2(log.length)) + 1));
    }),
  );

  model(
    'change nothing for a process that is no longer the one that stores',
    fc.asyncProperty(logs(KINDS), fc.nat(40), async (log, elsewhere) => {
      const { database, batches, subscriptions } = aConsumer([]);
      const stored = { next: BigInt(elsewhere) + 100n, attempts: 0, suspect: null, suspects: 0 };
      database.row = stored;
      const position = { ...PLACE, known: BigInt(elsewhere) };
      const batch = batches.apply({ position, records: log.map(({ record }) => record), subscriptions });
      await expect(batch).rejects.toEqual(new Fenced(stored.next));
      expect(database.row).toBe(stored);
      expect(found(database)).toEqual(expected([]));
    }),
  );
});
