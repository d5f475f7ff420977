import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager, type EntitySubscriberInterface, type TransactionCommitEvent } from 'typeorm';
import { type Envelope, type OutgoingEvent, seal } from './event.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { unnested } from './unnested.js';

export class OutboxOutsideTransaction extends Error {
  constructor() {
    super('outbox.add needs the transaction of the change it announces');
  }
}

const HAS_EVENTS = 'outboxHasEvents';
const COLUMNS = { topic: 'text', key: 'text', headers: 'json', value: 'text' } satisfies Record<keyof Envelope, string>;

/**
 * Events are rows of the same transaction as the change they announce. A row's identity is taken when it is added, after the
 * aggregate's lock, so per key the order of identities is the order of commits; the relay publishes in that order.
 */
@Injectable()
export class Outbox implements OnModuleInit {
  private readonly listeners: (() => void)[] = [];

  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly db: DataSource,
  ) {}

  onModuleInit(): void {
    const subscriber: EntitySubscriberInterface = {
      afterTransactionCommit: (committed: TransactionCommitEvent) => {
        if (!committed.queryRunner.data[HAS_EVENTS]) return;
        committed.queryRunner.data[HAS_EVENTS] = false;
        for (const wake of this.listeners) wake();
      },
    };
    this.db.subscribers.push(subscriber);
  }

  /** Called after each commit that added events. Waking inside the transaction (NOTIFY) would serialise commits. */
  onCommitted(wake: () => void): void {
    this.listeners.push(wake);
  }

  /** Adds events in the given order. Throws EventInvalid or EventTooLarge, and then nothing of the transaction may be kept. */
  async add(tx: EntityManager, events: OutgoingEvent | readonly OutgoingEvent[]): Promise<void> {
    const outgoing = Array.isArray(events) ? (events as readonly OutgoingEvent[]) : [events as OutgoingEvent];
    if (outgoing.length === 0) return;
    const runner = tx.queryRunner;
    if (!runner?.isTransactionActive) throw new OutboxOutsideTransaction();
    const time = new Date().toISOString();
    const envelopes = outgoing.map((one) => seal(one, this.options.service, this.options.schemaBaseUrl, time));
    const { columns, from, values } = unnested(COLUMNS, envelopes);
    await tx.query(`INSERT INTO outbox (${columns}) SELECT ${columns} FROM ${from} ORDER BY position`, [...values]);
    runner.data[HAS_EVENTS] = true;
  }

  /** Adds a record as it came, for a dead-letter topic. Its body may be anything, so it is kept as bytes. */
  async addRaw(
    tx: EntityManager,
    record: { topic: string; key: string | null; headers: Record<string, string>; value: Buffer | null },
  ): Promise<void> {
    await tx.query('INSERT INTO outbox (topic, key, headers, raw) VALUES ($1, $2, $3, $4)', [
      record.topic,
      record.key,
      JSON.stringify(record.headers),
      record.value,
    ]);
    if (tx.queryRunner) tx.queryRunner.data[HAS_EVENTS] = true;
  }
}
