import { migrateService } from '@jinqiao/platform/migrate';
import { CreateExchange1795450000000 } from './migrations/1795450000000-create-exchange.js';

await migrateService('exchange', [CreateExchange1795450000000]);
