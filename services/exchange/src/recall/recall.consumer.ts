import { RecallClosed, RecallPublished, RecallWithdrawn } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RecallFeedback } from './recall.service.js';

/** Listens to inspection.recall.v1 (with its tombstones). */
@Controller()
export class RecallConsumer {
  constructor(private readonly recalls: RecallFeedback) {}

  @OnBatch(RecallPublished, RecallClosed, RecallWithdrawn)
  async follow(received: Received<RecallPublished | RecallClosed | RecallWithdrawn | null>[], tx: EntityManager): Promise<void> {
    await this.recalls.follow(tx, received);
  }
}
