import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADMIN_ROLE,
  AUDIENCE,
  brokerSettings,
  createServiceDatabases,
  freePort,
  issuerProcess,
  issuerUrl,
  redisPassword,
  rolePassword,
  secretSeed,
  type ServerAddresses,
} from '@jinqiao/infra-local/servers';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, TestContainers, Wait } from 'testcontainers';

const START_MS_MAX = 240_000; // with the images to be fetched

/** Probing is cheap: without an engine testcontainers says so within milliseconds. */
export const engineAnswers = (): Promise<boolean> =>
  getContainerRuntimeClient().then(
    () => true,
    () => false,
  );

/** The same servers from the images of docker-compose.yml; only the issuer is a process of ours. */
export async function startContainers(home: string): Promise<{ addresses: ServerAddresses; stop: () => Promise<void> }> {
  const seed = secretSeed(home);
  const [issuerPort, kafka, kafkaInternal, kafkaController] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  mkdirSync(join(home, 'logs'));
  const issuer = issuerProcess({ dataDir: home, port: issuerPort, seed, report: () => undefined });
  await issuer.start();
  const started: StartedTestContainer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all([issuer.stop(), ...started.map((container) => container.stop())]);
  };
  const run = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const running = await container.withStartupTimeout(START_MS_MAX).start();
    started.push(running);
    return running;
  };
  try {
    await TestContainers.exposeHostPorts(issuerPort);
    const jwks = `http://host.testcontainers.internal:${issuerPort}/jwks`;
    const settings = brokerSettings({
      brokers: [{ kafka, kafkaInternal, kafkaController }],
      node: 1,
      host: '0.0.0.0',
      issuer: issuerUrl(issuerPort),
      jwks,
      audience: AUDIENCE,
      seed,
      logDir: '/tmp/kafka',
    });
    const outcomes = await Promise.allSettled([
      run(kafkaContainer(settings, kafka, jwks)),
      run(postgresContainer(seed)),
      run(redisContainer(seed)),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    const [, postgres, redis] = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined));
    const addresses: ServerAddresses = {
      kafkaBrokers: `127.0.0.1:${kafka}`,
      databaseAdminUrl: `postgres://${ADMIN_ROLE}:${rolePassword(seed, ADMIN_ROLE)}@${postgres?.getHost()}:${postgres?.getMappedPort(5432)}/postgres`,
      redisUrl: `redis://:${redisPassword(seed)}@${redis?.getHost()}:${redis?.getMappedPort(6379)}`,
      issuer: issuerUrl(issuerPort),
      audience: AUDIENCE,
      seed,
    };
    await createServiceDatabases(addresses.databaseAdminUrl, seed);
    return { addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The broker's port is the same inside and outside: it tells its clients to come back to the one it listens on. */
function kafkaContainer(settings: string, port: number, jwks: string): GenericContainer {
  const bin = '/opt/kafka/bin';
  const file = '/tmp/server.properties';
  return new GenericContainer('apache/kafka:4.3.0')
    .withExposedPorts({ container: port, host: port })
    .withCopyContentToContainer([{ content: settings, target: file }])
    .withEnvironment({ KAFKA_OPTS: `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${jwks}` })
    .withEntrypoint(['/bin/sh', '-c'])
    .withCommand([
      `${bin}/kafka-storage.sh format -t $(${bin}/kafka-storage.sh random-uuid) -c ${file} && exec ${bin}/kafka-server-start.sh ${file}`,
    ])
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/));
}

const postgresContainer = (seed: string): GenericContainer =>
  new GenericContainer('postgres:18')
    .withExposedPorts(5432)
    .withEnvironment({ POSTGRES_USER: ADMIN_ROLE, POSTGRES_PASSWORD: rolePassword(seed, ADMIN_ROLE), POSTGRES_DB: 'postgres' })
    .withCommand(['postgres', '-c', 'max_connections=400'])
    // The image starts once to set itself up and again to stay.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2));

const redisContainer = (seed: string): GenericContainer =>
  new GenericContainer('redis:8')
    .withExposedPorts(6379)
    .withCommand(['redis-server', '--requirepass', redisPassword(seed), '--save', '', '--appendonly', 'no'])
    .withWaitStrategy(Wait.forListeningPorts());
