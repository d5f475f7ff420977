/**
 * `npm run recount -w services/monitoring`, in the environment of the service: counts the rollups again and names everything that differs.
 * Prints one JSON object; exit code 1 when anything differs.
 */
import { KafkaConnection } from '@jinqiao/messaging';
import { configured, readConfig } from '@jinqiao/platform';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { MonitoringConfig } from './config.js';
import { MonitoringModule } from './monitoring.module.js';
import { recountEvents, recountRollups } from './sampling-rate/sampling-rate.recount.js';

// Neither HTTP nor consumers: those are started by startService.
const app = await NestFactory.createApplicationContext(configured(MonitoringModule, readConfig(MonitoringConfig)), { logger: ['error'] });
const db = app.get(DataSource, { strict: false });
const events = await recountEvents(db, app.get(KafkaConnection, { strict: false }));
const rollups = await recountRollups(db.manager);
process.stdout.write(`${JSON.stringify({ rollups, events }, null, 2)}\n`);
process.exitCode = rollups.differences.length + events.differences.length === 0 ? 0 : 1;
await app.close();
