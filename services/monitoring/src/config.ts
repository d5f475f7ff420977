import { ServiceConfig } from '@jinqiao/platform';

/** What this service reads from its environment: nothing of its own so far. */
export class MonitoringConfig extends ServiceConfig {}
