import { migrateService } from '@jinqiao/platform/migrate';
import { CreateRegister1795452000000 } from './migrations/1795452000000-create-register.js';

await migrateService('registration', [CreateRegister1795452000000]);
