import { readConfig, startService } from '@jinqiao/platform';
import { InspectionConfig } from './config.js';
import { InspectionModule } from './inspection.module.js';

await startService(InspectionModule, readConfig(InspectionConfig));
