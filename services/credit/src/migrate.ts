import { migrateService } from '@jinqiao/platform/migrate';
import { CreateCreditRecords1795450000000 } from './migrations/1795450000000-create-credit-records.js';

await migrateService('credit', [CreateCreditRecords1795450000000]);
