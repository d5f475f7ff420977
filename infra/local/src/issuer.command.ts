import { writeIssuerSettings } from './issuer-settings.js';
import { required } from './required.js';
import { AUDIENCE } from './servers.js';

// The issuer of docker-compose.yml: settings from the environment, then the same program as everywhere.
const directory = required('ISSUER_DIRECTORY');
writeIssuerSettings(directory, { seed: required('JINQIAO_SEED'), issuer: required('OIDC_ISSUER'), host: '0.0.0.0', audience: AUDIENCE });
process.argv.splice(2, Infinity, directory, required('ISSUER_PORT'));
await import('./issuer.js');
