import { ServiceConfig } from '@jinqiao/platform';

/** The credit service reads nothing beyond what every service reads. */
export class CreditConfig extends ServiceConfig {}
