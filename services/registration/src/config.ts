import { ServiceConfig } from '@jinqiao/platform';

/** The registration service reads nothing beyond what every service reads. */
export class RegistrationConfig extends ServiceConfig {}
