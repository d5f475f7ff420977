import { ServiceConfig } from '@jinqiao/platform';

/** The inspection service reads nothing beyond what every service reads. */
export class InspectionConfig extends ServiceConfig {}
