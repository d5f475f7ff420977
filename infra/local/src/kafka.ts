import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import type { ServerPorts } from './ports.js';
import { STACK_PRINCIPAL } from './principals.js';
import { repository } from './repository.js';
import { brokerPassword } from './secrets.js';

export interface KafkaPlan {
  readonly java: string;
  readonly classPath: string;
  readonly dataDir: string;
  readonly ports: ServerPorts;
  readonly issuer: string;
  readonly audience: string;
  readonly seed: string;
  /** Compiles hot code fully. Absent: only quickly, for a broker that starts in 3 s and does little. */
  readonly fullTier?: boolean | undefined;
}

/** Writes the broker's settings and, the first time, formats its log directory. Returns the arguments of `java`. */
export function prepareKafka(plan: KafkaPlan): string[] {
  const home = join(plan.dataDir, 'kafka');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = join(home, 'server.properties');
  writeFileSync(file, brokerSettings({ ...plan, host: '127.0.0.1', jwks: `${plan.issuer}/jwks`, logDir: join(home, 'log') }), {
    mode: 0o600,
  });
  if (!existsSync(join(home, 'log/meta.properties'))) format(plan, file);
  return [...jvm(plan), `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${plan.issuer}/jwks`, 'kafka.Kafka', file];
}

const jvm = ({ classPath, fullTier }: Pick<KafkaPlan, 'classPath' | 'fullTier'>): string[] => [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  ...(fullTier ? [] : ['-XX:TieredStopAtLevel=1']),
  `-Dlog4j2.configurationFile=${join(repository, 'infra/local/kafka/log4j2.properties')}`,
  '-cp',
  classPath,
];

function format(plan: KafkaPlan, file: string): void {
  const result = spawnSync(plan.java, [...jvm(plan), 'kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', file], {
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    throw new CannotStart(
      `Kafka could not format ${plan.dataDir} (${`${result.stdout}${result.stderr}`.trim().split('\n').at(-1) ?? ''})`,
      'give it a directory it can write, with JINQIAO_DATA, and start again',
    );
  }
}

/** A random id that begins with `-` would be taken for an option. */
function clusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? clusterId() : id;
}

export interface BrokerSettings {
  readonly ports: Pick<ServerPorts, 'kafka' | 'kafkaInternal' | 'kafkaController'>;
  /** The address to listen on. Clients and the broker itself always come by 127.0.0.1. */
  readonly host: string;
  readonly issuer: string;
  /** Where the broker finds the issuer's keys. */
  readonly jwks: string;
  readonly audience: string;
  readonly seed: string;
  readonly logDir: string;
}

/**
 * One node, broker and controller. Every client comes through CLIENT with a token of the issuer; the broker speaks to itself through
 * INTERNAL and CONTROLLER with a password of its own, so that nobody gets round the access rules on this machine either.
 */
export function brokerSettings({ ports, host, issuer, jwks, audience, seed, logDir }: BrokerSettings): string {
  const password = brokerPassword(seed);
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${STACK_PRINCIPAL}" password="${password}" user_${STACK_PRINCIPAL}="${password}";`;
  const address = (port: number): string => `127.0.0.1:${port}`;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${address(ports.kafkaController)}`,
    listeners: `CLIENT://${host}:${ports.kafka},INTERNAL://${address(ports.kafkaInternal)},CONTROLLER://${address(ports.kafkaController)}`,
    'advertised.listeners': `CLIENT://${address(ports.kafka)},INTERNAL://${address(ports.kafkaInternal)}`,
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,INTERNAL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.internal.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.internal.plain.sasl.jaas.config': plain,
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': plain,
    'listener.name.client.sasl.enabled.mechanisms': 'OAUTHBEARER',
    'listener.name.client.oauthbearer.sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
    'listener.name.client.oauthbearer.sasl.server.callback.handler.class':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler',
    // A connection ends when its token does; the client comes back with a new one.
    'listener.name.client.oauthbearer.connections.max.reauth.ms': 3_600_000,
    'sasl.oauthbearer.jwks.endpoint.url': jwks,
    'sasl.oauthbearer.expected.issuer': issuer,
    'sasl.oauthbearer.expected.audience': audience,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': false,
    'super.users': `User:${STACK_PRINCIPAL}`,
    'auto.create.topics.enable': false,
    'log.dirs': logDir,
    // A single node.
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Index files are preallocated at this size; thousands of partitions of tests and organisations would fill the disk with zeros.
    'log.index.size.max.bytes': 1_048_576,
    'controlled.shutdown.enable': false,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
