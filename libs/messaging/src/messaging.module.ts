import { type DynamicModule, Module } from '@nestjs/common';
import { BatchConsumer } from './batch-consumer.js';
import { Batches } from './batches.js';
import { DeadLetters } from './dead-letters.js';
import { Housekeeping } from './housekeeping.js';
import { KafkaConnection } from './kafka.js';
import { MessagingStatus } from './messaging-status.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { Outbox } from './outbox.js';
import { Relay } from './relay.js';
import { Topics } from './topics.js';

/** Outbox, relay, consumers and dead letters of one service. Needs TypeORM's DataSource with the tables of messagingMigrations. */
@Module({})
export class MessagingModule {
  static forService(options: MessagingOptions): DynamicModule {
    const parts = [KafkaConnection, Outbox, Relay, DeadLetters, Batches, BatchConsumer, Topics, MessagingStatus, Housekeeping];
    return {
      module: MessagingModule,
      global: true,
      providers: [{ provide: MESSAGING_OPTIONS, useValue: options }, ...parts],
      exports: [Outbox, Relay, DeadLetters, BatchConsumer, Topics, MessagingStatus, KafkaConnection],
    };
  }
}
