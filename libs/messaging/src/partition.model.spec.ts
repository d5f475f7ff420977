/*
 * Goal: a partition is read to its end with every effect once, whatever dies, freezes, is taken over or set back meanwhile. Method: the
 * `Partition` and `Batches` of two processes over one database in memory, in virtual time; every call they await may fail, lose its
 * answer or be the last one of its process, a broker says who has the partition, and a plan says what happens when.
 */
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { Batches } from './batches.js';
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
  recordOf,
  TablesInMemory,
} from './consuming-model.harness.js';
import { Partition, type Surroundings } from './partition.js';
import { type Fault, FaultPlan, MODEL_RUNS, MODEL_TIMEOUT_MS, Process, VirtualTime } from './virtual-time.harness.js';

beforeAll(() => {
  Logger.overrideLogger(false);
});

const KINDS: readonly Kind[] = ['poison', 'rejected', 'invalid', 'duplicate', 'reused'];
const RESTART_MS = 1_000;
const FROZEN_MS = 8_000;
const FETCH_MS = 200;
const ASK_AGAIN_MS = 500;
const CAUGHT_UP_WITHIN_MS = 600_000;

/** What happens beside the faults of single calls. */
interface Incident {
  readonly at: number;
  readonly what: 'handed over' | 'frozen' | 'killed' | 'backed up' | 'set back' | 'broker forgets';
}
/** How a fetch goes: how many records, and whether the broker is told of what was done. */
interface Fetch {
  readonly records: number;
  readonly told: boolean;
}

const REBALANCE = new Error('the group is rebalancing');

/** One group of two members on one partition. */
class Group {
  readonly time = new VirtualTime();
  readonly database = new Database();
  readonly violations: string[] = [];
  readonly pauses: number[][] = [];
  deaths = 0;
  private diedBefore = 0;
  handedOver = 0;
  private readonly end: bigint;
  private committed: bigint | null = null;
  private owner: Member | null = null;
  private fetches = 0;

  constructor(
    readonly log: readonly Made[],
    readonly plan: FaultPlan,
    private readonly sizes: readonly Fetch[],
  ) {
    this.end = BigInt(log.at(-1)?.record.offset ?? 0) + 1n;
  }

  /** As processes leave it that began with the first record alone and did not come back. */
  died(times: number): void {
    const suspect = this.log[0]?.record.offset ?? '0';
    if (times > 0) this.database.row = { next: null, attempts: 9, suspect, suspects: times };
    this.diedBefore = times;
  }

  /** How many processes began this record alone and did not come back, or could not say that they did. */
  lostWith(offset: string, but: Member): number {
    const before = offset === this.log[0]?.record.offset ? this.diedBefore : 0;
    return before + this.all.filter((member) => member !== but && member.alone === offset).length;
  }

  start(): void {
    const member = new Member(this);
    if (!this.owner?.process.alive) this.giveTo(member);
    member.process.onDeath(() => {
      this.deaths += 1;
      if (this.owner === member) this.giveTo(this.members()[0]);
      void this.time.sleep(RESTART_MS).then(() => this.start());
    });
    this.all.push(member);
    void member.run().catch((error: unknown) => this.violations.push(`escaped: ${String(error)}`));
  }

  happen({ what }: Incident): void {
    const [first, second] = this.members();
    switch (what) {
      case 'handed over':
        this.handedOver += 1;
        return this.giveTo(this.owner === first ? second : first);
      case 'frozen':
        this.owner?.process.freeze(FROZEN_MS);
        return this.giveTo(this.owner === first ? second : first);
      case 'killed':
        return this.owner?.process.die();
      case 'backed up':
        return this.database.backUp();
      case 'set back':
        this.database.setBack();
        return this.giveTo(this.owner ?? undefined);
      case 'broker forgets':
        this.committed = null;
    }
  }

  get caughtUp(): boolean {
    return this.database.row?.next === this.end;
  }

  generation = 0;
  isOwner = (member: Member): boolean => this.owner === member;
  commit(offset: bigint | null): void {
    this.committed = offset;
  }
  get from(): bigint {
    return this.committed ?? 0n;
  }
  nextFetch(): Fetch {
    return this.sizes[this.fetches++ % this.sizes.length] ?? { records: 1, told: true };
  }

  private readonly all: Member[] = [];
  private members(): Member[] {
    return this.all.filter(({ process }) => process.alive);
  }
  private giveTo(member: Member | undefined): void {
    this.generation += 1;
    if (member) this.owner = member;
  }
}

/** A process of the group, with the broker's client around its partition. */
class Member {
  readonly process: Process;
  private readonly partition: Partition;
  private readonly tables: TablesInMemory;
  private generation = -1;
  private assigned = false;
  private sought: bigint | null = null;
  private from = 0n;
  /** Has the core asked whether the partition is still its own, since it last waited? */
  private mine = false;
  /** How many were lost with the record that this one begins alone, when it was counted. Whoever thaws later was lost until then. */
  private lost = 0;

  constructor(private readonly group: Group) {
    this.process = new Process(group.time, group.plan);
    this.tables = new TablesInMemory(group.database, this.process);
    this.tables.asked = () => {
      if (!this.mine) group.violations.push('worked on after the partition was lost');
    };
    this.tables.counted = (offset) => (this.lost = group.lostWith(offset, this));
    const deadLetters = new DeadLettersInMemory(this.process, (offset, code) => {
      if (code === 'CONSUMER_KILLED' && this.lost < 3) group.violations.push(`${offset} was taken for a killer too soon`);
    });
    const around: Surroundings = {
      tables: this.tables,
      batches: new Batches(this.tables, deadLetters),
      subscriptions: handlers(this.process),
      seek: (_place, offset) => (this.sought = offset),
      pause: (ms) => {
        this.mine = false;
        this.group.pauses.at(-1)?.push(ms);
        return this.process.sleep(ms);
      },
    };
    this.partition = new Partition(PLACE, around);
  }

  get alone(): string | null {
    return this.tables.alone;
  }

  async run(): Promise<void> {
    for (;;) {
      try {
        await this.heartbeat();
        await this.fetch();
      } catch (error) {
        if (error !== REBALANCE) throw error;
        this.join();
      }
    }
  }

  private join(): void {
    this.generation = this.group.generation;
    this.assigned = this.group.isOwner(this);
    this.from = this.group.from;
    this.sought = null;
    this.partition.forget();
    if (this.assigned) void this.seekToStored(this.generation);
  }

  private async seekToStored(generation: number): Promise<void> {
    while (this.generation === generation) {
      try {
        return this.partition.resume(await this.process.call(() => this.group.database.row?.next ?? null));
      } catch {
        await this.process.sleep(ASK_AGAIN_MS);
      }
    }
  }

  private async fetch(): Promise<void> {
    await this.process.sleep(FETCH_MS);
    if (!this.assigned) return;
    if (this.sought !== null) {
      this.group.commit(this.sought);
      this.from = this.group.from;
      this.sought = null;
    }
    const { records: size, told } = this.group.nextFetch();
    const records = this.group.log.map(({ record }) => record).filter(({ offset }) => BigInt(offset) >= this.from);
    if (records.length === 0) return;
    this.mine = false;
    this.group.pauses.push([]);
    await this.partition.take({
      records: records.slice(0, size),
      isMine: () => this.isMine(),
      resolve: (offset) => {
        this.group.pauses.push([]);
        this.from = BigInt(offset) + 1n;
        if (told) this.group.commit(this.from);
      },
      heartbeat: () => {
        this.mine = false;
        return this.heartbeat();
      },
    });
  }

  private isMine(): boolean {
    this.mine = this.assigned && this.sought === null;
    return this.mine;
  }

  private async heartbeat(): Promise<void> {
    if (this.generation !== this.group.generation) throw REBALANCE;
  }
}

const faults = (kinds: readonly Fault[]): fc.Arbitrary<Fault[]> => fc.array(fc.constantFrom(...kinds), { maxLength: 30, size: 'max' });
const DELAYS = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 });
const FETCHES = fc.array(fc.record({ records: fc.integer({ min: 1, max: 12 }), told: fc.boolean() }), { minLength: 1, maxLength: 4 });
const incidents = (kinds: readonly Incident['what'][]): fc.Arbitrary<Incident[]> =>
  kinds.length === 0 ? fc.constant([]) : fc.array(fc.record({ at: fc.nat(4_000), what: fc.constantFrom(...kinds) }), { maxLength: 4 });

interface Story {
  readonly log: Made[];
  readonly faults: Fault[];
  readonly delays: number[];
  readonly fetches: Fetch[];
  readonly incidents: Incident[];
  /** How many processes died before, while they handled the first record alone. */
  readonly died: number;
}
const story = (kinds: readonly Kind[], failing: readonly Fault[], happening: readonly Incident['what'][]): fc.Arbitrary<Story> =>
  fc.record({
    log: logs(kinds, 8),
    faults: faults(failing),
    delays: DELAYS,
    fetches: FETCHES,
    incidents: incidents(happening),
    died: fc.constant(0),
  });

/** The same, after up to two processes died of the first record or at the same time. */
const afterDeaths = (of: fc.Arbitrary<Story>): fc.Arbitrary<Story> => fc.tuple(of, fc.nat(2)).map(([one, died]) => ({ ...one, died }));

/** Plays a story until everything planned has happened and the group has caught up. */
async function told(of: Story): Promise<Group> {
  const group = new Group(of.log, new FaultPlan(of.faults, of.delays), of.fetches);
  group.died(of.died);
  group.start();
  group.start();
  let left = of.incidents.length;
  for (const incident of of.incidents) {
    void group.time.sleep(incident.at).then(() => {
      left -= 1;
      group.happen(incident);
    });
  }
  await group.time.pass(() => left === 0 && group.caughtUp, CAUGHT_UP_WITHIN_MS);
  // Whoever was frozen thaws, and changes nothing.
  const end = group.time.now + (of.incidents.some(({ what }) => what === 'frozen') ? FROZEN_MS : 0);
  await group.time.pass(() => group.time.now >= end, end + 1_000);
  return group;
}

function expectAll(group: Group, log = group.log): void {
  const { database, violations, caughtUp } = group;
  expect({ ...found(database), violations, caughtUp }).toEqual({ ...expected(log), violations: [], caughtUp: true });
}

const model = (name: string, of: fc.Arbitrary<Story>, check: (group: Group) => void): void =>
  it(
    name,
    () =>
      fc.assert(
        fc.asyncProperty(of, async (one) => check(await told(one))),
        { numRuns: MODEL_RUNS },
      ),
    MODEL_TIMEOUT_MS,
  );

describe('a partition under a model', () => {
  model(
    'waits for its database as long as it takes, longer each time up to two seconds, and sets nothing aside for it',
    afterDeaths(story(KINDS, ['failed', 'lost', 'none', 'none', 'none', 'none'], [])),
    (group) => {
      expectAll(group);
      const doubled = group.pauses.map((waited) => waited.map((_, times) => Math.min(100 * 2 ** times, 2_000)));
      expect(group.pauses).toEqual(doubled);
    },
  );

  model(
    'has every effect once while it is handed over, frozen, set back and begun again',
    story(KINDS, ['failed', 'lost', 'none', 'none', 'none'], ['handed over', 'frozen', 'backed up', 'set back', 'broker forgets']),
    expectAll,
  );

  // Seed 1921542186: what was learned of the beginning of the log was taken for true of a batch further on.
  it('reads from the beginning again after its database was set back, where the log does not begin with 0', async () => {
    const made = (kind: Kind, no: number): Made => {
      return { kind, first: no, record: recordOf({ no, single: false }, String(no + 1), { no, kind }) };
    };
    const group = await told({
      log: [made('good', 0), made('poison', 1)],
      faults: ['failed', 'none', 'none', 'none', 'none', 'none', 'lost'],
      delays: [0],
      fetches: [{ records: 1, told: false }],
      incidents: [{ at: 501, what: 'set back' }],
      died: 0,
    });
    expectAll(group);
  });

  model(
    'finds each record that kills the process by seven deaths at most, four more where it changes hands, and sets nobody else aside',
    story(['killer', 'poison', 'rejected', 'invalid'], ['none'], ['handed over']).map((of) => ({
      ...of,
      fetches: [{ records: 12, told: true }],
    })),
    (group) => {
      expectAll(group);
      const killers = group.log.filter(({ kind }) => kind === 'killer').length;
      expect(group.deaths).toBeLessThanOrEqual(7 * killers + 4 * group.handedOver);
    },
  );

  model(
    'takes no record for a killer that three processes did not die of, alone',
    afterDeaths(
      story(
        ['killer', 'poison', 'rejected', 'invalid'],
        ['failed', 'lost', 'none', 'none', 'none', 'none', 'none', 'killed before', 'killed after'],
        ['handed over', 'killed', 'frozen'],
      ),
    ),
    (group) => {
      const killed = ({ record }: Made): boolean => group.database.dead.has(`${record.offset} CONSUMER_KILLED`);
      const log = group.log.map((one): Made => (killed(one) ? { ...one, kind: 'killer' } : one));
      expectAll(group, log);
    },
  );
});
