/**
 * `npm run recount -w services/monitoring`, in the environment of the service: counts the rollups again and names everything that differs.
 * Prints one JSON object; exit code 1 when anything differs.
 */
import { KafkaConnection } from '@jinqiao/messaging';
import { configured, httpAdapter, readConfig } from '@jinqiao/platform';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { MonitoringConfig } from './config.js';
import { MonitoringModule } from './monitoring.module.js';
import { recountEvents, recountRollups } from './sampling-rate/sampling-rate.recount.js';

// Made but not started: no HTTP, no consumers, no relay, only what the service is made of.
const service = await NestFactory.create(configured(MonitoringModule, readConfig(MonitoringConfig)), httpAdapter(), { logger: ['error'] });
const db = service.get(DataSource, { strict: false });
const events = await recountEvents(db, service.get(KafkaConnection, { strict: false }));
const rollups = await recountRollups(db.manager);
const differ = rollups.differences.length + events.differences.length > 0;
// What was never started cannot be stopped in order; its idle connections end with the process.
process.stdout.write(`${JSON.stringify({ rollups, events }, null, 2)}\n`, () => process.exit(differ ? 1 : 0));
