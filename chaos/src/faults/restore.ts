import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { History } from '../history.js';
import type { Service, Stage } from '../stage.js';
import type { Watch } from './watch.js';

const DRAINED_MS_MAX = 20_000;
/** What the service had begun to answer when the entrance stood still is committed after this. */
const UNDER_WAY_MS = 500;

export interface SettingBack {
  readonly forMs: number;
  readonly history: History;
  readonly watch: Watch;
}

/**
 * The service is down for the moment of either copy, like after a crash; the load goes on all the time. What was accepted over HTTP and
 * not published when a database is lost is lost with it, which no checker could tell from a fault: so the entrance stands still until the
 * outbox has been empty. What comes over Kafka goes on, and may be lost: it is read again.
 */
export async function setBack(stage: Stage, service: Service, { forMs, history, watch }: SettingBack): Promise<number> {
  const process = stage.process(service);
  const entrance = stage.process(stage.cast.entrance);
  const database = stage.cast.databaseOf(service);
  const backup = `${database}_backup`;
  const admin = new Client({ connectionString: stage.servers.databaseAdminUrl });
  await admin.connect();
  try {
    await process.hold();
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
    const { rows } = await admin.query<{ owner: string }>(
      `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '${database}'`,
    );
    await copied(admin, `CREATE DATABASE ${backup} TEMPLATE ${database} OWNER ${rows[0]?.owner ?? ''}`);
    await process.start();
    await sleep(forMs);
    entrance.signal('SIGSTOP');
    await sleep(UNDER_WAY_MS);
    await drained(watch, service);
    await process.hold();
    entrance.signal('SIGCONT');
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    history.write({ entry: 'phase', phase: 'database set back', what: service });
    await admin.query(`ALTER DATABASE ${backup} RENAME TO ${database}`);
    const since = Date.now();
    await process.start();
    return since;
  } finally {
    entrance.signal('SIGCONT');
    await admin.end().catch(() => undefined);
  }
}

async function drained(watch: Watch, service: Service): Promise<void> {
  const giveUpAt = Date.now() + DRAINED_MS_MAX;
  while ((await watch.unsent(service)) !== 0) {
    if (Date.now() > giveUpAt) throw new Error('the outbox was never empty');
    await sleep(20);
  }
}

const ATTEMPTS_MAX = 20;

/** A template may have no guests; whoever looks in at the moment is gone in the next. */
async function copied(admin: Client, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.query(statement);
      return;
    } catch (problem) {
      if (attempt === ATTEMPTS_MAX) throw problem;
      await sleep(100);
    }
  }
}
