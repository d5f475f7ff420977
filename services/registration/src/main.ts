import { readConfig, startService } from '@jinqiao/platform';
import { RegistrationConfig } from './config.js';
import { RegistrationModule } from './registration.module.js';

await startService(RegistrationModule, readConfig(RegistrationConfig));
