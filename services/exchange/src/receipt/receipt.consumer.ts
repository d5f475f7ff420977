import { FeedbackAnswered } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Receipts } from './receipt.service.js';

/** Listens to platform.<id>.receipt.v1 of every platform; the owner of the topic is who answers. */
@Controller()
export class ReceiptConsumer {
  constructor(private readonly receipts: Receipts) {}

  @OnBatch(FeedbackAnswered)
  async follow(received: Received<FeedbackAnswered>[], tx: EntityManager): Promise<void> {
    await this.receipts.follow(tx, received);
  }
}
