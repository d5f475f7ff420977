import { setTimeout as sleep } from 'node:timers/promises';
import { asStack } from '@jinqiao/infra-local';
import { Client, Pool } from 'pg';
import type { History } from '../history.js';
import { KEEPING, type Service, type Stage } from '../stage.js';

const POLL_MS = 100;
const QUERY_MS_MAX = 2_000;
/** What a consumer holds already is worked on within this. */
const FETCHED_MS = 3_000;

/** The newest trace of work in each database, by the database's own clock (ms); taken by the statement that did it. */
const LAST_WORK: Readonly<Record<string, string>> = {
  inspection: 'SELECT max(applied_at) AS at FROM sampling_results',
  registration: 'SELECT max(changed_at) AS at FROM platform_merchants',
  exchange: 'SELECT max(updated_at) AS at FROM consumer_offsets',
  credit: 'SELECT max(updated_at) AS at FROM consumer_offsets',
  monitoring: 'SELECT max(updated_at) AS at FROM consumer_offsets',
};

/** The partition of a busy topic that has waited longest. */
const EVERYWHERE = "SELECT min(updated_at) AS at FROM consumer_offsets WHERE topic = 'inspection.sampling-result.v1' AND next_offset > 0";
const EVERYWHERE_IN: readonly Service[] = ['exchange', 'credit', 'monitoring'];

/** What a consumer of each service writes first. */
const WRITES: Readonly<Record<string, string>> = {
  inspection: 'sampling_results',
  exchange: 'subjects',
  credit: 'followed_subjects',
  monitoring: 'contributions',
};

/** Looks on: when a service works again, whether everything has been caught up, and how far each consumer has stored that it is. */
export class Watch {
  private readonly stage: Stage;
  private readonly history: History;
  private readonly pools = new Map<Service, Pool>();
  private readonly noted = new Map<string, string>();
  private watching = true;
  private finished: Promise<void> = Promise.resolve();

  constructor(stage: Stage, history: History) {
    this.stage = stage;
    this.history = history;
  }

  /** Writes stored offsets down all the time: they must never go back. */
  start(everyMs: number): void {
    this.finished = (async () => {
      while (this.watching) {
        for (const service of KEEPING) await this.noteOffsets(service);
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
    const look = (service: Service) => (service === 'gateway' ? this.gatewayAnswers() : this.newest(service, LAST_WORK[service] ?? ''));
    return latest(await Promise.all(services.map((service) => this.first(() => look(service), { since, withinMs }))), since);
  }

  /** As `worksAgain`, but in every partition of what everybody reads, and not with what had been fetched before. */
  async worksEverywhere(since: number, withinMs: number): Promise<number | null> {
    const later = { since: since + FETCHED_MS, withinMs: withinMs - FETCHED_MS };
    const found = await Promise.all(EVERYWHERE_IN.map((service) => this.first(() => this.newest(service, EVERYWHERE), later)));
    return latest(found, since);
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
      const { groups } = await asStack(this.stage.servers, (admin) => admin.describeGroups([service, `${service}.intake`]));
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
    for (const service of KEEPING) {
      const rows = await this.query<{ waiting: string }>(service, 'SELECT count(*) AS waiting FROM outbox WHERE parked_at IS NULL');
      const [row] = rows ?? [];
      if (!row) problems.push(`${service} cannot be asked`);
      else if (row.waiting !== '0') problems.push(`${service} has ${row.waiting} events in its outbox`);
    }
    for (const service of KEEPING) problems.push(...(await this.lag(service)));
    return problems;
  }

  /** Holds a lock on what a consumer writes, and ends every statement that waits for it, as an operator would in need. */
  async cancel(service: Service, forMs: number): Promise<void> {
    const locking = new Client({ connectionString: this.stage.databaseUrl(service) });
    locking.on('error', () => undefined);
    const table = WRITES[service] ?? '';
    const until = Date.now() + forMs;
    try {
      await locking.connect();
      await locking.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      while (Date.now() < until) {
        await locking.query(
          `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        await sleep(POLL_MS / 2);
      }
    } finally {
      await locking.end().catch(() => undefined);
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
    look: () => Promise<number | null>,
    { since, withinMs }: { since: number; withinMs: number },
  ): Promise<number | null> {
    while (Date.now() < since + withinMs) {
      const at = await look();
      if (at !== null && at > since) return at;
      await sleep(POLL_MS);
    }
    return null;
  }

  private async newest(service: Service, text: string): Promise<number | null> {
    const rows = await this.query<{ at: Date | null }>(service, text);
    return rows?.[0]?.at?.getTime() ?? null;
  }

  private async gatewayAnswers(): Promise<number | null> {
    const answer = await fetch(`${this.stage.origin}/health/live`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    return answer?.ok ? Date.now() : null;
  }

  private async noteOffsets(service: Service): Promise<void> {
    const rows = await this.query<{ name: string; next: string }>(
      service,
      `SELECT group_id || ' ' || topic || '[' || partition || ']' AS name, next_offset AS next FROM consumer_offsets WHERE next_offset IS NOT NULL`,
    );
    const moved = (rows ?? []).filter(({ name, next }) => this.noted.get(`${service} ${name}`) !== next);
    if (moved.length === 0) return;
    for (const { name, next } of moved) this.noted.set(`${service} ${name}`, next);
    this.history.write({ entry: 'offsets', service, offsets: Object.fromEntries(moved.map(({ name, next }) => [name, Number(next)])) });
  }

  private async lag(service: Service): Promise<string[]> {
    const rows = await this.query<{ topic: string; partition: number; next: string }>(
      service,
      'SELECT topic, partition, next_offset AS next FROM consumer_offsets WHERE next_offset IS NOT NULL',
    );
    if (!rows || rows.length === 0) return [];
    const topics = [...new Set(rows.map(({ topic }) => topic))];
    try {
      const ends = await asStack(this.stage.servers, async (admin) =>
        Promise.all(topics.map(async (topic) => ({ topic, partitions: await admin.fetchTopicOffsets(topic) }))),
      );
      return ends.flatMap(({ topic, partitions }) =>
        partitions.flatMap(({ partition, high }) => {
          const stored = Number(rows.find((row) => row.topic === topic && row.partition === partition)?.next ?? 0);
          return stored < Number(high) ? [`${service} has read ${topic}[${partition}] up to ${stored} of ${high}`] : [];
        }),
      );
    } catch {
      return ['the broker cannot be asked'];
    }
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
