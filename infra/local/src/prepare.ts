import { existsSync } from 'node:fs';
import { accessRules, sharedTopics } from '@jinqiao/schema';
import { runToEnd } from './one-off.js';
import { databaseOf } from './postgres.js';
import { keepingServices } from './principals.js';
import type { ServerAddresses } from './servers.js';
import { program, serviceEnvironment } from './service-environment.js';
import { ensureTopics } from './topics.js';

const MIGRATION_MS_MAX = 120_000;

export interface Preparation {
  readonly partitions: number;
  readonly report: (line: string) => void;
  /** Where a service's migration writes; absent = our own output. */
  readonly logFile?: (service: string) => string;
}

/** Topics, access rules and tables: what every service expects to find. Databases and roles are there already. */
export async function prepareServers(servers: ServerAddresses, { partitions, report, logFile }: Preparation): Promise<void> {
  const migrate = (service: string): Promise<void> =>
    runToEnd({
      name: `the migration of ${service}`,
      args: [program(service, 'migrate')],
      env: serviceEnvironment(servers, service, { database: databaseOf(service) }),
      logFile: logFile?.(service),
      withinMs: MIGRATION_MS_MAX,
    });
  const services = keepingServices.filter((service) => existsSync(program(service, 'migrate')));
  const outcomes = await Promise.allSettled([
    ensureTopics(servers, sharedTopics({ partitions }), accessRules()).then(() => report('topics and access rules are there')),
    Promise.all(services.map(migrate)).then(() => report('databases are up to date')),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
