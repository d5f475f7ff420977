import { Inject, Injectable } from '@nestjs/common';
import { allStreams, type OwnerKind, type Stream, topicOf } from '@jinqiao/contracts';
import { type AccessRule, organisationRules, topicSettings } from '@jinqiao/schema';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from 'kafkajs';
import { KafkaConnection } from './kafka.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';

/** Makes topics and access rules on the broker. Everything here may be done again and again. */
@Injectable()
export class Topics {
  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
  ) {}

  /** The topics of one organisation, with the rules that let it, and the services, at them. */
  async ensureOrganisation(kind: OwnerKind, organisationId: string): Promise<void> {
    const streams = allStreams().filter((stream) => stream.owner?.kind === kind);
    await this.ensure(
      streams.map((stream) => ({ stream, owner: organisationId })),
      organisationRules(kind, organisationId),
    );
  }

  /** Any set of topics and rules: for setting up a broker. */
  async ensure(topics: readonly { stream: Stream; owner?: string }[], rules: readonly AccessRule[]): Promise<void> {
    await this.withAdmin(async (admin) => {
      await admin.createTopics({
        waitForLeaders: true,
        topics: topics.map(({ stream, owner }) => ({
          topic: this.kafka.physical(topicOf(stream, owner)),
          numPartitions: stream.owner ? 1 : this.options.partitions,
          configEntries: Object.entries(topicSettings(stream)).map(([name, value]) => ({ name, value: String(value) })),
        })),
      });
      await admin.createAcls({ acl: rules.map((rule) => this.toAcl(rule)) });
    });
  }

  private async withAdmin(work: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = this.kafka.client.admin();
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  private toAcl(rule: AccessRule): Parameters<Admin['createAcls']>[0]['acl'][number] {
    return {
      principal: `User:${rule.principal}`,
      host: '*',
      resourceType: AclResourceTypes[rule.resource],
      resourceName: rule.resource === 'CLUSTER' ? 'kafka-cluster' : this.kafka.physical(rule.name),
      resourcePatternType: ResourcePatternTypes[rule.pattern],
      operation: AclOperationTypes[rule.operation],
      permissionType: AclPermissionTypes.ALLOW,
    };
  }
}
