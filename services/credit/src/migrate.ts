import { migrateService } from '@jinqiao/platform/migrate';
import { CreateCreditRecords1795450000000 } from './migrations/1795450000000-create-credit-records.js';
import { KeepCreditHistory1795450800000 } from './migrations/1795450800000-keep-credit-history.js';
import { ReportCreditRecords1795450700000 } from './migrations/1795450700000-report-credit-records.js';

await migrateService('credit', [CreateCreditRecords1795450000000, ReportCreditRecords1795450700000, KeepCreditHistory1795450800000]);
