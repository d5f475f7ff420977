import { Inject, Injectable } from '@nestjs/common';
import type { Stream } from '@jinqiao/contracts';
import { type AccessRule, accessRules, grantRules, organisationRules, organisationTopics, sharedTopics, type Topic } from '@jinqiao/schema';
import kafkajs, { type Admin } from 'kafkajs';
import { KafkaConnection } from './kafka.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';

// Node sees only some of this CommonJS package's names; the others are reached through its default export.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const ATTEMPTS = 5;
const PAUSE_MS = 300;

/** Makes topics and access rules on the broker. Everything here may be done again and again. */
@Injectable()
export class Topics {
  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
  ) {}

  /** The topics that exist before any organisation registers: for setting up a broker. */
  async ensureShared(): Promise<void> {
    const { namespace, partitions } = this.options;
    await this.ensure(sharedTopics({ namespace, partitions }), accessRules(namespace));
  }

  /** The topics of one organisation, with the rules that let it, and the services, at them. */
  async ensureOrganisation(kind: string, organisationId: string): Promise<void> {
    const { namespace } = this.options;
    await this.ensure(organisationTopics(kind, organisationId, namespace), organisationRules(kind, organisationId, namespace));
  }

  /** Takes from an organisation the right to read and write its own topics; they stay, with what is on them. */
  async closeOrganisation(kind: string, organisationId: string): Promise<void> {
    const rules = organisationRules(kind, organisationId, this.options.namespace);
    const own = rules.filter(({ principal, resourceType }) => principal === `User:${organisationId}` && resourceType === 'TOPIC');
    await this.asAdmin(async (admin) => {
      if (own.length > 0) await admin.deleteAcls({ filters: own.map(toAcl) });
    });
  }

  /** Takes the right to read streams away and gives it, in this order: who may read what was decided elsewhere. */
  async changeReaders(change: { readonly close: readonly Reading[]; readonly open: readonly Reading[] }): Promise<void> {
    const rulesOf = ({ organisationId, stream }: Reading): readonly AccessRule[] =>
      grantRules(organisationId, stream, this.options.namespace);
    const closed = change.close.flatMap(rulesOf).filter(({ resourceType }) => resourceType === 'TOPIC');
    const opened = change.open.flatMap(rulesOf);
    await this.asAdmin(async (admin) => {
      if (closed.length > 0) await admin.deleteAcls({ filters: closed.map(toAcl) });
      if (opened.length > 0) await admin.createAcls({ acl: opened.map(toAcl) });
    });
  }

  // A controller that is busy answers late, and KafkaJS gives up sooner than the topic is there.
  private async ensure(topics: readonly Topic[], rules: readonly AccessRule[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.tryToEnsure(topics, rules);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, attempt * PAUSE_MS));
      }
    }
  }

  private tryToEnsure(topics: readonly Topic[], rules: readonly AccessRule[]): Promise<void> {
    return this.asAdmin(async (admin) => {
      // Rules first: a topic that is there before its rules is seen by readers that are refused it, and ends them.
      if (rules.length > 0) await admin.createAcls({ acl: rules.map(toAcl) });
      if (topics.length > 0) await admin.createTopics({ waitForLeaders: true, timeout: 15_000, topics: topics.map(toTopicConfig) });
    });
  }

  private async asAdmin(work: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = this.kafka.client.admin();
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

/** An organisation and a stream of one topic that it may or may not read. */
export interface Reading {
  readonly organisationId: string;
  readonly stream: Stream;
}

const toTopicConfig = ({ name, partitions, settings }: Topic) => ({
  topic: name,
  numPartitions: partitions,
  configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
});

const toAcl = ({ principal, resourceType, name, pattern, operation }: AccessRule) => ({
  principal,
  host: '*',
  resourceType: AclResourceTypes[resourceType],
  resourceName: name,
  resourcePatternType: ResourcePatternTypes[pattern],
  operation: AclOperationTypes[operation],
  permissionType: AclPermissionTypes.ALLOW,
});
