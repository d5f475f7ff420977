import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { History } from '../history.js';
import type { Service, Stage } from '../stage.js';

const DRAINED_MS_MAX = 20_000;
/** What the service had begun to answer when the gateway stood still is committed after this. */
const UNDER_WAY_MS = 500;

/**
 * The service is down for the moment of either copy, like after a crash; the load goes on all the time. What was accepted over HTTP and
 * not published when a database is lost is lost with it, which no checker could tell from a fault: so the gateway stands still until the
 * outbox has been empty. What comes over Kafka goes on, and may be lost: it is read again.
 */
export async function setBack(stage: Stage, service: Service, { forMs, history }: { forMs: number; history: History }): Promise<number> {
  const process = stage.process(service);
  const [database, backup] = [`jinqiao_${service}`, `jinqiao_${service}_backup`];
  const admin = new Client({ connectionString: stage.servers.databaseAdminUrl });
  await admin.connect();
  try {
    await process.hold();
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
    await copied(admin, `CREATE DATABASE ${backup} TEMPLATE ${database} OWNER ${service}_owner`);
    await process.start();
    await sleep(forMs);
    stage.process('gateway').signal('SIGSTOP');
    await sleep(UNDER_WAY_MS);
    await drained(stage.databaseUrl(service));
    await process.hold();
    stage.process('gateway').signal('SIGCONT');
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    history.write({ entry: 'phase', phase: 'database set back', what: service });
    await admin.query(`ALTER DATABASE ${backup} RENAME TO ${database}`);
    const since = Date.now();
    await process.start();
    return since;
  } finally {
    stage.process('gateway').signal('SIGCONT');
    await admin.end().catch(() => undefined);
  }
}

async function drained(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const giveUpAt = Date.now() + DRAINED_MS_MAX;
    while ((await client.query('SELECT FROM outbox WHERE parked_at IS NULL LIMIT 1')).rowCount !== 0) {
      if (Date.now() > giveUpAt) throw new Error('the outbox was never empty');
      await sleep(20);
    }
  } finally {
    await client.end();
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
