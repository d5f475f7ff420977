import { setTimeout as sleep } from 'node:timers/promises';
import { asStack } from '@jinqiao/infra-local';
import type { Admin } from 'kafkajs';
import { Client, Pool } from 'pg';
import type { History } from '../history.js';
import type { Service, Stage } from '../stage.js';

const POLL_MS = 100;
const QUERY_MS_MAX = 2_000;
/** What a consumer holds already is worked on within this. */
const FETCHED_MS = 3_000;
/** A lock that nobody comes up against is no fault; it is held for so long to find somebody. */
const VICTIM_MS_MAX = 20_000;

/** The `mark` of the last work, as a time by the database's own clock (ms) or as a number that grows with all work. */
interface Work {
  readonly sql: string;
  readonly grows: 'TIME' | 'COUNT';
}

/** Where one sees from outside what the services of a cast are doing. */
export interface Views {
  /** By service. */
  readonly work: Readonly<Record<string, Work>>;
  /** By service that reads what everybody reads: the work of the partition that has waited longest, where that can be seen. */
  readonly everywhere: Readonly<Partial<Record<Service, Work>>>;
  /** What a consumer of each service writes first. */
  readonly writes: Readonly<Record<string, string>>;
  /** Counts what is still to be published. */
  readonly unsent: string;
  /** By service: counts what is due on its day and was not said yet; a job of the service looks for it now and then. */
  readonly unsaid: Readonly<Partial<Record<Service, (today: string) => string>>>;
  readonly groupsOf: (service: string) => readonly string[];
  /** By service: offsets stored beside the effects (group_id, topic, partition, next), or null where only the broker keeps them. */
  readonly offsets: string | null;
}

/** The gateway keeps nothing, so it is asked instead of its database. */
const ANSWERS: Work = { sql: '', grows: 'TIME' };

interface Stored {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly next: string;
}

/** Looks on: when a service works again, whether everything has been caught up, and how far each consumer has stored that it is. */
export class Watch {
  private readonly stage: Stage;
  private readonly history: History;
  private readonly views: Views;
  private readonly pools = new Map<Service, Pool>();
  private readonly noted = new Map<string, string>();
  private watching = true;
  private finished: Promise<void> = Promise.resolve();

  constructor(stage: Stage, history: History, views: Views) {
    this.stage = stage;
    this.history = history;
    this.views = views;
  }

  /** Writes stored offsets down all the time: they must never go back. */
  start(everyMs: number): void {
    this.finished = (async () => {
      while (this.watching) {
        for (const service of this.stage.cast.keeping) await this.noteOffsets(service);
        await sleep(everyMs);
      }
    })();
  }

  async stop(): Promise<void> {
    this.watching = false;
    await this.finished;
    await Promise.all([...this.pools.values()].map((pool) => pool.end().catch(() => undefined)));
  }

  /** How long after `since` the last of these services did something new; null when that took longer than `withinMs`. */
  async worksAgain(services: readonly Service[], since: number, withinMs: number): Promise<number | null> {
    const found = services.map((service) => this.first(service, this.views.work[service] ?? ANSWERS, { since, withinMs }));
    return latest(await Promise.all(found), since);
  }

  /** As `worksAgain`, but in every partition of what everybody reads, and not with what had been fetched before. */
  async worksEverywhere(since: number, withinMs: number): Promise<number | null> {
    const later = { since: since + FETCHED_MS, withinMs: withinMs - FETCHED_MS };
    const found = this.stage.cast.keeping.flatMap((service) => {
      const work = this.views.everywhere[service];
      return work ? [this.first(service, work, later)] : [];
    });
    return latest(await Promise.all(found), since);
  }

  /** How long until the groups of a service had new members and were stable; null when it has no group or that took too long. */
  async rebalanced(service: Service, before: ReadonlySet<string>, since: number, withinMs: number): Promise<number | null> {
    if (before.size === 0) return null;
    while (Date.now() < since + withinMs) {
      const members = await this.members(service);
      if (members.size > 0 && [...members].every((member) => !before.has(member))) return Date.now() - since;
      await sleep(POLL_MS * 2);
    }
    return null;
  }

  /** Members of the service's groups, none unless all of them are stable. */
  async members(service: Service): Promise<Set<string>> {
    try {
      const { groups } = await asStack(this.stage.servers, (admin) => admin.describeGroups([...this.views.groupsOf(service)]));
      const used = groups.filter(({ members }) => members.length > 0);
      return used.every(({ state }) => state === 'Stable')
        ? new Set(used.flatMap(({ members }) => members.map((one) => one.memberId)))
        : new Set();
    } catch {
      return new Set();
    }
  }

  /** What is still on its way; empty = everything is caught up. */
  async behind(): Promise<string[]> {
    const problems: string[] = [];
    for (const service of this.stage.cast.keeping) {
      const waiting = await this.unsent(service);
      if (waiting === null) problems.push(`${service} cannot be asked`);
      else if (waiting > 0) problems.push(`${service} has ${waiting} events in its outbox`);
    }
    for (const service of this.stage.cast.keeping) problems.push(...(await this.lag(service)));
    return problems;
  }

  /** How many events a service still has to publish; null = its database cannot be asked at the moment. */
  async unsent(service: Service): Promise<number | null> {
    const rows = await this.query<{ waiting: string }>(service, this.views.unsent);
    return rows?.[0] ? Number(rows[0].waiting) : null;
  }

  /** Whether everything that is due has been said. */
  async allIsSaid(): Promise<boolean> {
    for (const service of this.stage.cast.keeping) {
      const sql = this.views.unsaid[service]?.(this.stage.today(service));
      if (sql === undefined) continue;
      const rows = await this.query<{ waiting: string }>(service, sql);
      if (rows?.[0]?.waiting !== '0') return false;
    }
    return true;
  }

  /** Holds a lock on what a consumer writes, and ends every statement that waits for it, as an operator would in need: one at least. */
  async cancel(service: Service, forMs: number): Promise<void> {
    const began = Date.now();
    let cancelled = 0;
    const isOver = (): boolean => Date.now() > began + (cancelled === 0 ? Math.max(forMs, VICTIM_MS_MAX) : forMs);
    while (!isOver()) {
      const locking = new Client({ connectionString: this.stage.databaseUrl(service) });
      locking.on('error', () => undefined);
      try {
        await locking.connect();
        await locking.query(`BEGIN; LOCK TABLE ${this.views.writes[service] ?? ''} IN ACCESS EXCLUSIVE MODE`);
        for (; !isOver(); await sleep(POLL_MS / 2)) {
          const { rowCount } = await locking.query(
            `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          cancelled += rowCount ?? 0;
        }
      } catch {
        // A fault beside this one has ended the connection: the lock is taken again.
        await sleep(POLL_MS);
      } finally {
        await locking.end().catch(() => undefined);
      }
    }
  }

  /** null = the database cannot be asked at the moment. */
  async query<T extends object>(service: Service, text: string): Promise<T[] | null> {
    try {
      return (await this.pool(service).query<T>(text)).rows;
    } catch {
      return null;
    }
  }

  private async first(
    service: Service,
    { sql, grows }: Work,
    { since, withinMs }: { since: number; withinMs: number },
  ): Promise<number | null> {
    let before = grows === 'TIME' ? since : null;
    while (Date.now() < since + withinMs) {
      const mark = service === 'gateway' ? await this.gatewayAnswers() : await this.mark(service, sql);
      if (mark !== null) {
        const at = grows === 'TIME' ? mark : Date.now();
        if (before !== null && mark > before && at > since) return at;
        if (grows === 'COUNT') before = mark;
      }
      await sleep(POLL_MS);
    }
    return null;
  }

  private async mark(service: Service, sql: string): Promise<number | null> {
    const rows = await this.query<{ mark: Date | string | null }>(service, sql);
    const mark = rows?.[0]?.mark ?? null;
    return mark === null ? null : Math.round(Number(mark));
  }

  private async gatewayAnswers(): Promise<number | null> {
    const answer = await fetch(`${this.stage.origin}/health/live`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    return answer?.ok ? Date.now() : null;
  }

  private async noteOffsets(service: Service): Promise<void> {
    const rows = (await this.stored(service)).map(({ group, topic, partition, next }) => ({
      name: `${group} ${topic}[${partition}]`,
      next,
    }));
    const moved = rows.filter(({ name, next }) => this.noted.get(`${service} ${name}`) !== next);
    if (moved.length === 0) return;
    for (const { name, next } of moved) this.noted.set(`${service} ${name}`, next);
    this.history.write({ entry: 'offsets', service, offsets: Object.fromEntries(moved.map(({ name, next }) => [name, Number(next)])) });
  }

  private async lag(service: Service): Promise<string[]> {
    try {
      return await asStack(this.stage.servers, async (admin) => {
        const rows = this.views.offsets === null ? await this.committed(admin, service) : await this.stored(service);
        const topics = [...new Set(rows.map(({ topic }) => topic))];
        const ends = await Promise.all(topics.map(async (topic) => ({ topic, partitions: await admin.fetchTopicOffsets(topic) })));
        return ends.flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, high }) => {
            const read = Number(rows.find((row) => row.topic === topic && row.partition === partition)?.next ?? 0);
            return read < Number(high) ? [`${service} has read ${topic}[${partition}] up to ${read} of ${high}`] : [];
          }),
        );
      });
    } catch {
      return ['the broker cannot be asked'];
    }
  }

  /** How far a service has stored that it is, in its own database. */
  private async stored(service: Service): Promise<Stored[]> {
    return (this.views.offsets !== null && (await this.query<Stored>(service, this.views.offsets))) || [];
  }

  /** How far the broker has been told that it is. */
  private async committed(admin: Admin, service: Service): Promise<Stored[]> {
    const groups = await Promise.all(
      this.views.groupsOf(service).map(async (groupId) => ({ groupId, topics: await admin.fetchOffsets({ groupId }) })),
    );
    return groups.flatMap(({ groupId, topics }) =>
      topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => ({ group: groupId, topic, partition, next: String(Math.max(0, Number(offset))) })),
      ),
    );
  }

  private pool(service: Service): Pool {
    const found = this.pools.get(service);
    if (found) return found;
    const pool = new Pool({
      connectionString: this.stage.databaseUrl(service),
      connectionTimeoutMillis: QUERY_MS_MAX,
      query_timeout: QUERY_MS_MAX,
      max: 3,
      idleTimeoutMillis: 1_000,
    });
    pool.on('error', () => undefined);
    this.pools.set(service, pool);
    return pool;
  }
}

function latest(found: readonly (number | null)[], since: number): number | null {
  return found.includes(null) ? null : Math.max(0, ...found.map((at) => (at ?? 0) - since));
}
