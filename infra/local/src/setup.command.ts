import { createServiceDatabases } from './postgres.js';
import { prepareServers } from './prepare.js';
import { required } from './required.js';
import { AUDIENCE } from './servers.js';

// Once before the services of docker-compose.yml: everything they find in place.
const servers = {
  kafkaBrokers: required('KAFKA_BROKERS'),
  databaseAdminUrl: required('DATABASE_URL'),
  redisUrl: required('REDIS_URL'),
  issuer: required('OIDC_ISSUER'),
  audience: AUDIENCE,
  seed: required('JINQIAO_SEED'),
};
await createServiceDatabases(servers.databaseAdminUrl, servers.seed);
await prepareServers(servers, { partitions: Number(process.env['KAFKA_PARTITIONS'] ?? 3), report: (line) => console.log(line) });
