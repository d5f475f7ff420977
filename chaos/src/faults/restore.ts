import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { History } from '../history.js';
import type { Service, Stage } from '../stage.js';

/** The service is down for the moment of either copy, like after a crash; the load goes on all the time. */
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
    await process.hold();
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    history.write({ entry: 'phase', phase: 'database set back', what: service });
    await admin.query(`ALTER DATABASE ${backup} RENAME TO ${database}`);
    const since = Date.now();
    await process.start();
    return since;
  } finally {
    await admin.end().catch(() => undefined);
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
