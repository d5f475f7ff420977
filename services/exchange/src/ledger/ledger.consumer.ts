import { FeedbackIssued, FeedbackWithdrawn } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { startClocks } from '../clock/clock.receipts.js';
import { dueByTopic, keepPublished } from '../delivery/delivery.series.js';
import { deliveredUnder } from '../entitlement/entitlement.js';
import { Ledger } from './ledger.service.js';

/** Reads platform.<id>.feedback.v1 back: where the broker keeps each record, and since when, is part of what the ledger proves. */
@Controller()
export class LedgerConsumer {
  constructor(private readonly ledger: Ledger) {}

  @OnBatch(FeedbackIssued, FeedbackWithdrawn)
  async published(received: Received<FeedbackIssued | FeedbackWithdrawn>[], tx: EntityManager): Promise<void> {
    const entries = received.map(({ data, topic, partition, offset, appendedAt }) => ({
      kind: 'PUBLISHED' as const,
      feedbackId: data.feedbackId,
      feedbackRevision: data.revision,
      recipientId: data.recipientId,
      ...deliveredUnder(data.recipientId, data.kind),
      topic,
      partition,
      offset,
      at: appendedAt.toISOString(),
    }));
    await this.ledger.add(tx, entries);
    const reached = await dueByTopic(
      tx,
      received.map(({ data: { feedbackId, revision }, appendedAt }) => ({ feedbackId, revision, at: appendedAt })),
    );
    await startClocks(tx, reached);
    await keepPublished(tx, reached);
  }
}
