import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repository } from './repository.js';
import { clientSecret, drawSecretKey, rolePassword, serviceSigningKey, webhookSecretKey } from './secrets.js';
import type { ServerAddresses } from './servers.js';

export interface ServicePlace {
  /** Of this service alone. */
  readonly database: string;
  /** Prefix of every topic and group; '' for a stack with a broker of its own. */
  readonly namespace?: string;
  readonly partitions?: number;
}

/** The environment of one service on these servers: what its config class reads, and the owner's URL its migrations read. */
export function serviceEnvironment(servers: ServerAddresses, service: string, place: ServicePlace): Record<string, string> {
  const url = (role: string): string => {
    const address = new URL(servers.databaseAdminUrl);
    address.username = role;
    address.password = rolePassword(servers.seed, role);
    address.pathname = `/${place.database}`;
    return address.href;
  };
  return {
    DATABASE_URL: url(service),
    DATABASE_MIGRATION_URL: url(`${service}_owner`),
    REDIS_URL: servers.redisUrl,
    KAFKA_BROKERS: servers.kafkaBrokers,
    KAFKA_NAMESPACE: place.namespace ?? '',
    KAFKA_PARTITIONS: String(place.partitions ?? 3),
    OIDC_ISSUER: servers.issuer,
    OIDC_AUDIENCE: servers.audience,
    OIDC_CLIENT_ID: `service.${service}`,
    OIDC_CLIENT_SECRET: clientSecret(servers.seed, `service.${service}`),
    ...(service === 'exchange' && {
      LEDGER_SIGNING_KEY: serviceSigningKey(servers.seed, 'ledger'),
      WEBHOOK_SECRET_KEYS: webhookSecretKey(servers.seed),
    }),
    ...(service === 'inspection' && { DRAW_SECRET_KEYS: drawSecretKey(servers.seed) }),
    ...(service === 'credit' && {
      CERTIFICATE_SIGNING_KEY: serviceSigningKey(servers.seed, 'certificate'),
      SNAPSHOT_SIGNING_KEY: serviceSigningKey(servers.seed, 'snapshot'),
    }),
  };
}

/** A program of a service in a checkout that is built, in one piece with what it imports (tools/bundle.mjs). */
export const program = (service: string, name: 'main' | 'migrate', root = repository): string =>
  join(root, 'services', service, 'dist/bundle', `${name}.js`);

/** With what Node runs a service; traces show our own sources. */
export const serviceProgram = (service: string, root = repository): string[] => [
  ...['--import', pathToFileURL(join(root, 'libs/platform/dist/source-maps.js')).href],
  program(service, 'main', root),
];

/** The same, and in the business of this process it is as many days later as the file says. What is in one piece has a clock that nobody else can reach. */
export function laterProgram(service: string, file: string): string[] {
  const laterClock = pathToFileURL(join(repository, 'libs/testing/dist/later-clock.js'));
  laterClock.searchParams.set('file', file);
  return ['--import', laterClock.href, join(repository, 'services', service, 'dist/main.js')];
}
