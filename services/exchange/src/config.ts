import { ServiceConfig } from '@jinqiao/platform';

/** The exchange reads nothing beyond what every service reads. */
export class ExchangeConfig extends ServiceConfig {}
