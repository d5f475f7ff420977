import { type DynamicModule, type FactoryProvider, Module, type Provider } from '@nestjs/common';
import { BatchConsumer } from './batch-consumer.js';
import { Batches } from './batches.js';
import { ConsumerTables } from './consumer-tables.js';
import { DeadLetters } from './dead-letters.js';
import { Housekeeping } from './housekeeping.js';
import { KafkaConnection } from './kafka.js';
import { MessagingStatus } from './messaging-status.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { Outbox } from './outbox.js';
import { OutboxTable } from './outbox-table.js';
import { OwnTopics } from './own-topics.js';
import { Relay } from './relay.js';
import { Topics } from './topics.js';

/** The options, or how to make them from what the application provides. */
type MessagingOptionsSource = MessagingOptions | Pick<FactoryProvider<MessagingOptions>, 'inject' | 'useFactory'>;

/** Outbox, relay, consumers and dead letters of one service. Needs TypeORM's DataSource with the tables of messagingMigrations. */
@Module({})
export class MessagingModule {
  static forService(options: MessagingOptionsSource): DynamicModule {
    const given: Provider =
      'useFactory' in options ? { provide: MESSAGING_OPTIONS, ...options } : { provide: MESSAGING_OPTIONS, useValue: options };
    const parts = [
      KafkaConnection,
      OwnTopics,
      Outbox,
      OutboxTable,
      Relay,
      DeadLetters,
      ConsumerTables,
      Batches,
      BatchConsumer,
      Topics,
      MessagingStatus,
      Housekeeping,
    ];
    return {
      module: MessagingModule,
      global: true,
      providers: [given, ...parts],
      exports: [OwnTopics, Outbox, Relay, DeadLetters, BatchConsumer, Topics, MessagingStatus, KafkaConnection],
    };
  }
}
