import { readConfig, startService } from '@jinqiao/platform';
import { MonitoringConfig } from './config.js';
import { MonitoringModule } from './monitoring.module.js';

await startService(MonitoringModule, readConfig(MonitoringConfig));
