import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import type { BrokerPorts } from './ports.js';
import { STACK_PRINCIPAL } from './principals.js';
import { repository } from './repository.js';
import { brokerPassword, clusterId } from './secrets.js';

export interface KafkaPlan {
  readonly java: string;
  readonly classPath: string;
  readonly dataDir: string;
  /** All brokers of the cluster; `node` is the one to start. */
  readonly brokers: readonly BrokerPorts[];
  /** Its number, from 1. */
  readonly node: number;
  readonly issuer: string;
  readonly audience: string;
  readonly seed: string;
  /** Compiles hot code fully. Absent: only quickly, for a broker that starts in 3 s and does little. */
  readonly fullTier?: boolean | undefined;
}

/** Writes the broker's settings and, the first time, formats its log directory. Returns the arguments of `java`. */
export async function prepareKafka(plan: KafkaPlan): Promise<string[]> {
  const home = join(plan.dataDir, 'kafka');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const suffix = plan.node === 1 ? '' : `-${plan.node}`;
  const file = join(home, `server${suffix}.properties`);
  const logDir = join(home, `log${suffix}`);
  writeFileSync(file, brokerSettings({ ...plan, host: '127.0.0.1', jwks: `${plan.issuer}/jwks`, logDir }), { mode: 0o600 });
  if (!existsSync(join(logDir, 'meta.properties'))) await format(plan, file);
  return [...jvm(plan), `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${plan.issuer}/jwks`, 'kafka.Kafka', file];
}

const jvm = ({ classPath, fullTier, brokers }: Pick<KafkaPlan, 'classPath' | 'fullTier' | 'brokers'>): string[] => [
  `-Xmx${brokers.length > 1 ? 384 : 512}m`,
  '-XX:+UseSerialGC',
  ...(fullTier ? [] : ['-XX:TieredStopAtLevel=1']),
  `-Dlog4j2.configurationFile=${join(repository, 'infra/local/kafka/log4j2.properties')}`,
  '-cp',
  classPath,
];

/** A JVM takes seconds for it, in which the other servers are started. */
async function format({ java, dataDir, ...plan }: KafkaPlan, file: string): Promise<void> {
  const args = [...jvm(plan), 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId(plan.seed)}`, '-c', file];
  const problem = await new Promise<string | null>((resolve) => {
    execFile(java, args, (error, stdout, stderr) => resolve(error && (`${stdout}${stderr}`.trim().split('\n').at(-1) ?? '')));
  });
  if (problem === null) return;
  throw new CannotStart(
    `Kafka could not format ${dataDir} (${problem})`,
    'give it a directory it can write, with JINQIAO_DATA, and start again',
  );
}

export interface BrokerSettings {
  readonly brokers: readonly BrokerPorts[];
  /** Which of the brokers these settings are for, from 1. */
  readonly node: number;
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
 * A node, broker and controller in one. Every client comes through CLIENT with a token of the issuer; brokers speak to each other and to
 * themselves through INTERNAL and CONTROLLER with a password of their own, so that nobody gets round the access rules on this machine
 * either. From three nodes on everything is kept three times, and two copies have to be there for a record to be acknowledged.
 */
export function brokerSettings({ brokers, node, host, issuer, jwks, audience, seed, logDir }: BrokerSettings): string {
  const password = brokerPassword(seed);
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${STACK_PRINCIPAL}" password="${password}" user_${STACK_PRINCIPAL}="${password}";`;
  const address = (port: number): string => `127.0.0.1:${port}`;
  const voters = brokers.map(({ kafkaController }, index) => `${index + 1}@${address(kafkaController)}`);
  const ports = brokers[node - 1];
  if (!ports) throw new Error(`there is no broker ${node} of ${brokers.length}`);
  const copies = Math.min(3, brokers.length);
  const copiesInSync = Math.max(1, copies - 1);
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': voters.join(),
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
    'default.replication.factor': copies,
    'min.insync.replicas': copiesInSync,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': copiesInSync,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': copiesInSync,
    'group.initial.rebalance.delay.ms': 0,
    // Index files are preallocated at this size; thousands of partitions of tests and organisations would fill the disk with zeros.
    'log.index.size.max.bytes': 1_048_576,
    // Also of a single node: a controller that was not told takes the next start for a second broker of this number, for 9 s.
    'controlled.shutdown.enable': true,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
