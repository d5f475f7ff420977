import { SamplingNoticeWithdrawn, SamplingResultNotified, SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SamplingFeedback } from './feedback.service.js';

type SamplingEvent = SamplingResultNotified | SamplingNoticeWithdrawn | SamplingResultPublished | SamplingResultWithdrawn;

/** Listens to inspection.sampling-notice.v1 and inspection.sampling-result.v1, together: one series of revisions runs over both. */
@Controller()
export class SamplingFeedbackConsumer {
  constructor(private readonly feedback: SamplingFeedback) {}

  @OnBatch(SamplingResultNotified, SamplingNoticeWithdrawn, SamplingResultPublished, SamplingResultWithdrawn)
  async follow(received: Received<SamplingEvent | null>[], tx: EntityManager): Promise<void> {
    await this.feedback.follow(tx, received);
  }
}
