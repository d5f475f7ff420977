import { resolve } from 'node:path';
import { CannotStart } from './cannot-start.js';
import { runUntilStopped } from './command.js';
import { type ServerPorts, usualPorts } from './ports.js';
import { repository } from './repository.js';
import { portVariable, type ServerAddresses } from './servers.js';
import { startStack } from './stack.js';

// `npm start`: everything up, stays up, data kept in JINQIAO_DATA (default .local/stack). Servers that exist already are named by
// KAFKA_BROKERS, DATABASE_URL (as the administrator), REDIS_URL, OIDC_ISSUER and, for their secrets, JINQIAO_SEED.
const began = Date.now();
const say = (line: string): void => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);

await runUntilStopped(async (signal) => {
  const stack = await startStack({
    dataDir: resolve(process.env['JINQIAO_DATA'] || `${repository}/.local/stack`),
    port: portFrom('PORT', 3000),
    ports: serverPorts(),
    given: givenServers(),
    signal,
    report: say,
  });
  say(`${stack.origin} is open; API: ${stack.origin}/api/docs; Ctrl-C stops everything`);
  return stack;
});

function serverPorts(): ServerPorts {
  const ports = Object.entries<number>({ ...usualPorts }).map(([name, usual]) => [name, portFrom(portVariable(name), usual)]);
  return Object.fromEntries(ports) as ServerPorts;
}

function portFrom(variable: string, usual: number): number {
  const given = process.env[variable];
  if (!given) return usual;
  const port = Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new CannotStart(`${variable} is no port`, 'give it a whole number from 1 to 65535');
  return port;
}

function givenServers(): Partial<ServerAddresses> {
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL, OIDC_ISSUER, JINQIAO_SEED } = process.env;
  return {
    ...(KAFKA_BROKERS && { kafkaBrokers: KAFKA_BROKERS }),
    ...(DATABASE_URL && { databaseAdminUrl: DATABASE_URL }),
    ...(REDIS_URL && { redisUrl: REDIS_URL }),
    ...(OIDC_ISSUER && { issuer: OIDC_ISSUER }),
    ...(JINQIAO_SEED && { seed: JINQIAO_SEED }),
  };
}
