import { randomBytes } from 'node:crypto';
import { keepingServices } from './principals.js';
import { ADMIN_ROLE } from './postgres.js';
import {
  brokerPassword,
  clientSecret,
  drawSecretKey,
  redisPassword,
  rolePassword,
  serviceSigningKey,
  webhookSecretKey,
} from './secrets.js';

// `npm run -s secrets > .env`: fresh passwords for docker-compose.yml, in the names of .env.example.
const seed = randomBytes(32).toString('hex');
const secrets = {
  JINQIAO_SEED: seed,
  POSTGRES_PASSWORD: rolePassword(seed, ADMIN_ROLE),
  REDIS_PASSWORD: redisPassword(seed),
  KAFKA_BROKER_PASSWORD: brokerPassword(seed),
  ...Object.fromEntries(
    keepingServices.flatMap((service) => [
      [`${service.toUpperCase()}_DATABASE_PASSWORD`, rolePassword(seed, service)],
      [`${service.toUpperCase()}_CLIENT_SECRET`, clientSecret(seed, `service.${service}`)],
    ]),
  ),
  INSPECTION_DRAW_SECRET_KEYS: drawSecretKey(seed),
  EXCHANGE_LEDGER_SIGNING_KEY: serviceSigningKey(seed, 'ledger'),
  EXCHANGE_WEBHOOK_SECRET_KEYS: webhookSecretKey(seed),
  CREDIT_CERTIFICATE_SIGNING_KEY: serviceSigningKey(seed, 'certificate'),
  CREDIT_SNAPSHOT_SIGNING_KEY: serviceSigningKey(seed, 'snapshot'),
};
for (const [name, value] of Object.entries(secrets)) console.log(`${name}=${value}`);
