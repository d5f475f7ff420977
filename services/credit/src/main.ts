import { readConfig, startService } from '@jinqiao/platform';
import { CreditConfig } from './config.js';
import { CreditModule } from './credit.module.js';

await startService(CreditModule, readConfig(CreditConfig));
