import { migrateService } from '@jinqiao/platform';
import { inspectionMigrations } from './migrations.js';

await migrateService('inspection', inspectionMigrations);
