/**
 * `npm run recount -w services/monitoring`: counts every rollup again from the contributions and names each bucket that differs.
 * Prints one JSON object; exit code 1 when anything differs. Changes nothing, and may run beside the service.
 */
import { readConfig } from '@jinqiao/platform';
import { DataSource } from 'typeorm';
import { MonitoringConfig } from './config.js';
import { recount } from './sampling-rate/sampling-rate.recount.js';

const db = await new DataSource({
  type: 'postgres',
  url: readConfig(MonitoringConfig).DATABASE_URL,
  installExtensions: false,
}).initialize();
try {
  const answer = await recount(db.manager);
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  process.exitCode = answer.differences.length === 0 ? 0 : 1;
} finally {
  await db.destroy();
}
