import { migrateService } from '@jinqiao/platform/migrate';
import { CreateRegister1795452000000 } from './migrations/1795452000000-create-register.js';
import { KeepPermits1795452010000 } from './migrations/1795452010000-keep-permits.js';

await migrateService('registration', [CreateRegister1795452000000, KeepPermits1795452010000]);
