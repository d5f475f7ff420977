import { organisations } from './principals.js';
import { registerOrganisations } from './register-organisations.js';
import { required } from './required.js';

// Once after the services of docker-compose.yml: the organisations of the development stack.
const issuer = { issuer: required('OIDC_ISSUER'), seed: required('JINQIAO_SEED') };
const added = await registerOrganisations(required('EXCHANGE_URL'), issuer, organisations());
console.log(`${added} organisations are registered`);
