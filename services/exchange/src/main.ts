import { readConfig, startService } from '@jinqiao/platform';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';

await startService(ExchangeModule, readConfig(ExchangeConfig));
