/*
 * Goal: what is committed reaches the broker, in the order of its key, and nothing else does, whatever dies, freezes or is refused. Method:
 * two `Relaying` over one outbox in memory, in virtual time. Writers commit, late or never; every statement and every send may fail, lose
 * its answer or be the last thing its process did; the broker refuses some records for ever and some topics for a while.
 */
import fc from 'fast-check';
import { LEASE_MS, LeaseLost, type OutboxRow, type OutboxRows, Relaying } from './relaying.js';
import { type Fault, FaultPlan, MODEL_RUNS, MODEL_TIMEOUT_MS, Process, VirtualTime } from './virtual-time.harness.js';

/** Small, so that reading ahead and halving happen with a handful of rows. */
const LARGEST = { rows: 4, bytes: 3_500 };
const POLL_MS = 500;
const RESTART_MS = 1_000;
const FROZEN_MS = 2 * LEASE_MS;
const QUIET_WITHIN_MS = 600_000;

interface Event {
  readonly topic: string;
  readonly key: string | null;
  /** The broker will never take it. */
  readonly refused: boolean;
}
/** A business transaction: locks its aggregates, adds its events, takes its time and is committed or not. */
interface Change {
  readonly at: number;
  readonly takes: number;
  readonly events: readonly Event[];
  readonly rolledBack: boolean;
}
/** A topic the broker does not know for a while, or something that happens to the relay that leads. */
type Incident = { readonly at: number } & ({ readonly unknown: string; readonly for: number } | { readonly what: 'frozen' | 'killed' });

interface Story {
  readonly changes: Change[];
  readonly faults: Fault[];
  readonly delays: number[];
  readonly incidents: Incident[];
}

interface Row extends OutboxRow {
  readonly refused: boolean;
  parked: boolean;
}

class World {
  readonly time = new VirtualTime();
  readonly violations: string[] = [];
  /** The outbox as it is committed, and every row that ever was. */
  readonly outbox = new Map<string, Row>();
  readonly committed: Row[] = [];
  /** First appearances on the broker, in their order. */
  readonly appeared: Row[] = [];
  repeated = 0;
  private readonly plan: FaultPlan;
  private readonly relays: { process: Process; holder: string }[] = [];
  private readonly unknown = new Map<string, number>();
  private readonly lockedUntil = new Map<string, number>();
  private lease = { holder: '', expires: 0 };
  /** Relays that sent once without the lease since they had it last. */
  private readonly late = new Set<string>();
  private lastSeq = 0;
  private planned: number;

  constructor({ changes, faults, delays, incidents }: Story) {
    this.plan = new FaultPlan(faults, delays);
    this.planned = changes.length + incidents.length;
    for (const change of changes) void this.time.sleep(change.at).then(() => this.change(change));
    for (const incident of incidents) void this.time.sleep(incident.at).then(() => this.happen(incident));
    this.start();
    this.start();
  }

  /** Everything has happened, and what is left of the outbox waits behind a refused record of its key. */
  get quiet(): boolean {
    if (this.planned > 0) return false;
    const rows = [...this.outbox.values()];
    return rows.every((row) => row.parked || rows.some((before) => before.parked && ofOneKey(before, row)));
  }

  // A row's seq is taken under the locks of its transaction's aggregates, which last until it ends.
  private async change({ takes, events, rolledBack }: Change): Promise<void> {
    const keys = events.map(({ topic, key }) => `${topic} ${key ?? ''}`);
    const begin = Math.max(this.time.now, ...keys.map((key) => this.lockedUntil.get(key) ?? 0));
    for (const key of keys) this.lockedUntil.set(key, begin + takes);
    await this.time.sleep(begin - this.time.now);
    const rows = events.map((event): Row => ({
      ...event,
      seq: String((this.lastSeq += 1)),
      headers: {},
      value: '',
      raw: null,
      parked: false,
    }));
    await this.time.sleep(takes);
    this.planned -= 1;
    if (rolledBack) return;
    for (const row of rows) this.outbox.set(row.seq, row);
    this.committed.push(...rows);
  }

  private happen(incident: Incident): void {
    this.planned -= 1;
    if ('unknown' in incident) {
      this.unknown.set(incident.unknown, this.time.now + incident.for);
      return;
    }
    const leader = this.relays.find(({ holder }) => holder === this.lease.holder)?.process;
    if (incident.what === 'frozen') leader?.freeze(FROZEN_MS);
    else leader?.die();
  }

  private start(): void {
    const process = new Process(this.time, this.plan);
    const holder = `relay ${this.relays.length}`;
    this.relays.push({ process, holder });
    process.onDeath(() => void this.time.sleep(RESTART_MS).then(() => this.start()));
    const relaying = new Relaying(
      {
        table: this.tableOf(process),
        send: (rows) =>
          process.call(() => {
            this.judge(holder);
            this.take(rows);
          }),
        holder,
        now: () => this.time.now,
        report: () => undefined,
        running: () => true,
      },
      LARGEST,
    );
    void this.run(relaying, process).catch((error: unknown) => this.violations.push(`escaped: ${String(error)}`));
  }

  private async run(relaying: Relaying, process: Process): Promise<void> {
    for (;;) {
      try {
        if ((await relaying.publishAll()) === 0) await process.sleep(POLL_MS);
      } catch (error) {
        if (!(error instanceof LeaseLost) && !(error instanceof Error && 'code' in error)) throw error;
        await process.sleep(POLL_MS);
      }
    }
  }

  private tableOf(process: Process): OutboxRows {
    return {
      lead: (holder, leaseMs) =>
        process.call(() => {
          const free = this.lease.holder === holder || this.lease.expires < this.time.now;
          if (free) this.lease = { holder, expires: this.time.now + leaseMs };
          if (free) this.late.delete(holder);
          return free;
        }),
      next: (rows, besides, heldTopics) => process.call(() => this.visible(besides, heldTopics).slice(0, rows)),
      remove: (seqs, holder) =>
        process.call(() => {
          if (this.lease.holder !== holder || this.lease.expires <= this.time.now) return 0;
          const there = seqs.filter((seq) => this.outbox.has(seq));
          for (const seq of there) {
            if (!this.appeared.some((row) => row.seq === seq)) this.violations.push(`${seq} was removed before the broker had it`);
            this.outbox.delete(seq);
          }
          return there.length;
        }),
      park: (seq) =>
        process.call(() => {
          const row = this.outbox.get(seq);
          if (row) row.parked = true;
        }),
    };
  }

  private visible(besides: readonly string[], heldTopics: readonly string[]): Row[] {
    const rows = [...this.outbox.values()].sort((one, other) => Number(one.seq) - Number(other.seq));
    const parked = rows.filter((row) => row.parked && row.key !== null);
    return rows.filter(
      (row) =>
        !row.parked &&
        !heldTopics.includes(row.topic) &&
        !besides.includes(row.seq) &&
        !parked.some(({ topic, key }) => topic === row.topic && key === row.key),
    );
  }

  // A relay may have been frozen between its look at the clock and the send: that one request comes late, and no other.
  private judge(holder: string): void {
    if (this.lease.holder === holder && this.time.now < this.lease.expires) return;
    if (this.late.has(holder)) this.violations.push(`${holder} went on without the lease`);
    this.late.add(holder);
  }

  // One request, a part for each topic: what is refused leaves the other topics' parts appended.
  private take(rows: readonly OutboxRow[]): void {
    const errors = new Map<string, string>();
    for (const row of rows as readonly Row[]) {
      if ((this.unknown.get(row.topic) ?? 0) > this.time.now) errors.set(row.topic, 'UNKNOWN_TOPIC_OR_PARTITION');
      else if (row.refused && !errors.has(row.topic)) errors.set(row.topic, 'MESSAGE_TOO_LARGE');
    }
    for (const row of rows as readonly Row[]) {
      if (errors.has(row.topic)) continue;
      if (!this.committed.includes(row)) this.violations.push(`${row.seq} was sent and is not committed`);
      if (this.appeared.includes(row)) this.repeated += 1;
      else this.appeared.push(row);
    }
    for (const type of errors.values()) throw Object.assign(new Error('refused'), { type });
  }
}

const EVENT = fc.record({
  topic: fc.constantFrom('T1', 'T2'),
  key: fc.constantFrom('a', 'b', 'c', null),
  refused: fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const CHANGE = fc.record({
  at: fc.nat(3_000),
  takes: fc.oneof(fc.nat(20), fc.nat(2_000)),
  events: fc.array(EVENT, { minLength: 1, maxLength: 5 }),
  rolledBack: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const INCIDENT = fc.oneof(
  fc.record({ at: fc.nat(4_000), unknown: fc.constantFrom('T1', 'T2'), for: fc.nat(5_000) }),
  fc.record({ at: fc.nat(4_000), what: fc.constantFrom<'frozen' | 'killed'>('frozen', 'killed') }),
);
const FAULTS: readonly Fault[] = ['none', 'none', 'none', 'none', 'none', 'failed', 'lost', 'killed before', 'killed after'];
const STORY: fc.Arbitrary<Story> = fc.record({
  changes: fc.array(CHANGE, { minLength: 1, maxLength: 8 }),
  faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 30, size: 'max' }),
  delays: fc.array(fc.nat(30), { minLength: 1, maxLength: 8 }),
  incidents: fc.array(INCIDENT, { maxLength: 3 }),
});

const ofOneKey = (one: Row, other: Row): boolean => one.topic === other.topic && one.key !== null && one.key === other.key;

/** What the broker has to have of the committed rows: all but those it refuses, and those behind them. */
function due(committed: readonly Row[]): Row[] {
  return committed.filter(
    (row) => !row.refused && !committed.some((before) => before.refused && ofOneKey(before, row) && isBefore(before, row)),
  );
}
const isBefore = (one: Row, other: Row): boolean => Number(one.seq) < Number(other.seq);

describe('a relay under a model', () => {
  it(
    'sends what is committed and nothing else, in the order of each key, and leaves only what waits behind a refused record',
    () =>
      fc.assert(
        fc.asyncProperty(STORY, async (story) => {
          const world = new World(story);
          await world.time.pass(() => world.quiet, QUIET_WITHIN_MS);
          // Whoever was frozen thaws, repeats at most what is sent, and loses nothing.
          const end = world.time.now + (story.incidents.some((one) => 'what' in one && one.what === 'frozen') ? FROZEN_MS : 0);
          await world.time.pass(() => world.time.now >= end, end + FROZEN_MS);

          const sent = due(world.committed);
          const outOfOrder = world.appeared.filter((row, at) =>
            world.appeared.slice(0, at).some((one) => ofOneKey(one, row) && isBefore(row, one)),
          );
          const seqs = (rows: Iterable<Row>): string[] => [...rows].map(({ seq }) => seq).sort();
          expect({ appeared: seqs(world.appeared), left: seqs(world.outbox.values()), outOfOrder, violations: world.violations }).toEqual({
            appeared: seqs(sent),
            left: seqs(world.committed.filter((row) => !sent.includes(row))),
            outOfOrder: [],
            violations: [],
          });
        }),
        { numRuns: MODEL_RUNS },
      ),
    MODEL_TIMEOUT_MS,
  );

  it(
    'sends nothing twice while nothing fails',
    () =>
      fc.assert(
        fc.asyncProperty(STORY, async ({ changes, delays }) => {
          // Long enough for leases to be renewed.
          const calm = changes.map((change) => ({
            ...change,
            at: change.at * 5,
            events: change.events.map((event) => ({ ...event, refused: false })),
          }));
          const world = new World({ changes: calm, delays, faults: [], incidents: [] });
          await world.time.pass(() => world.quiet, QUIET_WITHIN_MS);
          expect([world.appeared.length, world.repeated]).toEqual([world.committed.length, 0]);
        }),
        { numRuns: MODEL_RUNS },
      ),
    MODEL_TIMEOUT_MS,
  );

  it('says why it could not remove before it sends the same again', async () => {
    const sent: string[][] = [];
    const row: OutboxRow = { seq: '1', topic: 't', key: 'k', headers: {}, value: '', raw: null };
    const table: OutboxRows = {
      lead: () => Promise.resolve(true),
      next: (_rows, besides) => Promise.resolve(besides.includes('1') ? [] : [row]),
      remove: () => Promise.reject(new Error('disk full')),
      park: () => Promise.resolve(),
    };
    const send = (rows: readonly OutboxRow[]): Promise<void> => Promise.resolve(void sent.push(rows.map(({ seq }) => seq)));
    const relaying = new Relaying({ table, send, holder: 'one', now: () => 0, report: () => undefined, running: () => true });
    expect(await relaying.publishAll()).toBe(1);
    await expect(relaying.publishAll()).rejects.toThrow('disk full');
    expect(sent).toEqual([['1']]);
    expect(await relaying.publishAll()).toBe(1);
  });
});
