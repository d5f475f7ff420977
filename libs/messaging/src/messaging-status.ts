import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BatchConsumer } from './batch-consumer.js';
import type { Lag } from './reader.js';

export interface MessagingState {
  /** Rows waiting for the broker, and the age of the oldest in seconds (0 when none waits). */
  readonly outboxRows: number;
  readonly oldestOutboxSeconds: number;
  /** Keys whose events wait behind a record that the broker refused. */
  readonly parkedKeys: number;
  readonly openDeadLetters: number;
  readonly lag: readonly Lag[];
}

/** What an operator has to know of the messaging core of one service. */
@Injectable()
export class MessagingStatus {
  constructor(
    private readonly db: DataSource,
    private readonly consumer: BatchConsumer,
  ) {}

  /** Are all groups of this service reading? Asks nobody. */
  get consuming(): boolean {
    return this.consumer.consuming;
  }

  async read(): Promise<MessagingState> {
    const rows: { outboxRows: number; oldestOutboxSeconds: number; parkedKeys: number; openDeadLetters: number }[] = await this.db.query(
      `SELECT (SELECT count(*)::int FROM outbox) AS "outboxRows",
              (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float FROM outbox) AS "oldestOutboxSeconds",
              (SELECT count(DISTINCT (topic, key))::int FROM outbox WHERE parked_at IS NOT NULL) AS "parkedKeys",
              (SELECT count(*)::int FROM dead_letters WHERE replayed_at IS NULL) AS "openDeadLetters"`,
    );
    const [found] = rows;
    return {
      outboxRows: found?.outboxRows ?? 0,
      oldestOutboxSeconds: found?.oldestOutboxSeconds ?? 0,
      parkedKeys: found?.parkedKeys ?? 0,
      openDeadLetters: found?.openDeadLetters ?? 0,
      lag: this.consumer.lag(),
    };
  }
}
