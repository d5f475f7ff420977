import { migrateService } from '@jinqiao/platform/migrate';
import { CreateCreditRecords1795450000000 } from './migrations/1795450000000-create-credit-records.js';
import { ReportCreditRecords1795450700000 } from './migrations/1795450700000-report-credit-records.js';

await migrateService('credit', [CreateCreditRecords1795450000000, ReportCreditRecords1795450700000]);
