import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessRule, Topic } from '@jinqiao/schema';
import kafkajs, { type Admin } from 'kafkajs';
import { kafkaOf } from './access.js';
import { STACK_PRINCIPAL } from './principals.js';
import type { ServerAddresses } from './servers.js';

// Node sees only some of this CommonJS package's names; the others are reached through its default export.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** Topics a request may ask for: the broker answers well within its time-out, also on a slow machine. */
const TOPICS_AT_ONCE = 50;
const ATTEMPTS = 5;
const PAUSE_MS = 300;

/** Makes topics and access rules as the stack. What exists stays as it is. */
export async function ensureTopics(servers: ServerAddresses, topics: readonly Topic[], rules: readonly AccessRule[]): Promise<void> {
  await asStack(servers, async (admin) => {
    // Rules first: brokers apply changes in order, so whoever sees the topic is already allowed what the rules say.
    if (rules.length > 0) await admin.createAcls({ acl: rules.map(toAcl) });
    for (let from = 0; from < topics.length; from += TOPICS_AT_ONCE) await make(admin, topics.slice(from, from + TOPICS_AT_ONCE));
  });
}

// A busy broker learns of its own new topics a moment later, which KafkaJS takes for an error; by then they are there.
async function make(admin: Admin, topics: readonly Topic[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ name }) => !existing.has(name));
    try {
      if (missing.length > 0) await admin.createTopics({ waitForLeaders: true, topics: missing.map(toTopicConfig) });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(attempt * PAUSE_MS);
    }
  }
}

const toTopicConfig = ({ name, partitions, settings }: Topic) => ({
  topic: name,
  numPartitions: partitions,
  configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
});

export async function asStack<T>(servers: ServerAddresses, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaOf(servers, STACK_PRINCIPAL).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

const toAcl = (rule: AccessRule): Parameters<Admin['createAcls']>[0]['acl'][number] => ({
  principal: rule.principal,
  host: '*',
  resourceType: AclResourceTypes[rule.resourceType],
  resourceName: rule.name,
  resourcePatternType: ResourcePatternTypes[rule.pattern],
  operation: AclOperationTypes[rule.operation],
  permissionType: AclPermissionTypes.ALLOW,
});

/** Takes away every rule about a resource whose name begins so. */
export async function removeRules(admin: Admin, prefix: string): Promise<void> {
  const any = { operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY };
  const everything = { ...any, resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY };
  const { resources } = await admin.describeAcls(everything);
  const ours = resources.filter(({ resourceName }) => resourceName.startsWith(prefix));
  if (ours.length === 0) return;
  const filters = ours.map(({ resourceType, resourceName, resourcePatternType }) => ({
    ...any,
    resourceType,
    resourceName,
    resourcePatternType,
  }));
  await admin.deleteAcls({ filters });
}
