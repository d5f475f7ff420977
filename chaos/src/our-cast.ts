import { spawn } from 'node:child_process';
import { accessToken, ensureTopics, organisations, program, serviceEnvironment, serviceProgram } from '@jinqiao/infra-local';
import { accessRules, sharedTopics } from '@jinqiao/schema';
import type { Cast, Place } from './cast.js';
import { COUNTY, DEPARTMENTS, KEEPING, LABORATORY, PARTITIONS, PLATFORMS, SERVERS, SERVICES, type Service } from './stage.js';

const TAKING_PART: readonly string[] = [...PLATFORMS, ...DEPARTMENTS, COUNTY, LABORATORY, 'operator'];
const databaseOf = (service: string): string => `jinqiao_${service}`;

/** Every service of the platform. */
export const OURS: Cast = {
  services: SERVICES,
  keeping: KEEPING,
  ways: SERVERS,
  entrance: 'gateway',
  databaseOf,
  groupOf: (service) =>
    service === 'inspection'
      ? { principal: 'service.inspection', groupId: 'inspection.intake', topic: 'intake.tj-amr.sampling-result.v1' }
      : { principal: `service.${service}`, groupId: service, topic: 'inspection.sampling-result.v1' },
  prepare: async (place) => {
    await Promise.all([ensureTopics(place.servers, sharedTopics({ partitions: PARTITIONS }), accessRules()), migrate(place)]);
  },
  program: ({ root }, service) => serviceProgram(service, root),
  environment,
  ready: { path: '/health/ready', status: 200 },
  introduce: register,
};

function environment({ servers, ports, origin }: Place, service: Service, port: number): NodeJS.ProcessEnv {
  const addresses = SERVICES.map((name) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`] as const);
  return {
    ...serviceEnvironment(servers, service, { database: databaseOf(service), partitions: PARTITIONS }),
    ...Object.fromEntries(addresses),
    HOST: '127.0.0.1',
    PORT: String(port),
    SCHEMA_BASE_URL: `${origin}/schemas`,
    PUBLIC_URL: origin,
    NODE_ENV: 'production',
    // Where the platforms' endpoints are.
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  };
}

async function migrate(place: Place): Promise<void> {
  const run = (service: Service): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program(service, 'migrate', place.root)], {
        env: { ...process.env, ...environment(place, service, place.ports[service]) },
        stdio: 'ignore',
        timeout: 120_000,
      });
      child.once('error', reject);
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the migration of ${service} failed`))));
    });
  await Promise.all(KEEPING.map(run));
}

/** Only those who take part: an organisation brings topics along, and every one of them costs. */
async function register({ servers, origin }: Place): Promise<void> {
  const { token } = await accessToken(servers, 'operator');
  for (const { id, kind, name, aliases = [], scopes = [] } of organisations().filter((one) => TAKING_PART.includes(one.id))) {
    const answer = await fetch(`${origin}/api/exchange/organisations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id, kind, name, aliases, scopes }),
      signal: AbortSignal.timeout(60_000),
    });
    if (!answer.ok) throw new Error(`${id} was not registered: ${answer.status} ${await answer.text()}`);
  }
}
