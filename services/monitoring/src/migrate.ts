import { migrateService } from '@jinqiao/platform/migrate';
import { CreateSamplingRates1795451000000 } from './migrations/1795451000000-create-sampling-rates.js';

await migrateService('monitoring', [CreateSamplingRates1795451000000]);
