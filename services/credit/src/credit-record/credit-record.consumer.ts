import { SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import { OnBatch } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CreditRecords, type SamplingResultEvent } from './credit-record.service.js';

/** Listens to inspection's published results. */
@Controller()
export class CreditRecordConsumer {
  constructor(private readonly records: CreditRecords) {}

  @OnBatch(SamplingResultPublished, SamplingResultWithdrawn)
  follow(received: SamplingResultEvent[], tx: EntityManager): Promise<void> {
    return this.records.follow(tx, received);
  }
}
