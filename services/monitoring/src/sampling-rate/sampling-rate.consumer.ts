import { SamplingResultPublished, SamplingResultWithdrawn, subjectOf } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Contribution, contributionOf, withdrawn } from './sampling-rate.js';
import { SamplingRates } from './sampling-rate.service.js';

/** Listens to inspection.sampling-result.v1. */
@Controller()
export class SamplingRateConsumer {
  constructor(private readonly rates: SamplingRates) {}

  @OnBatch(SamplingResultPublished, SamplingResultWithdrawn)
  follow(received: Received<SamplingResultPublished | SamplingResultWithdrawn | null>[], tx: EntityManager): Promise<void> {
    return this.rates.apply(tx, received.map(stated));
  }
}

/** What an event says a result adds from its revision on. */
export function stated({ data, type, key, revision }: Received<SamplingResultPublished | SamplingResultWithdrawn | null>): Contribution {
  // A tombstone ends the series of an already withdrawn result; only its header knows the revision.
  if (data === null) return withdrawn(key, revision ?? 1);
  const subject = subjectOf(data);
  return type === SamplingResultWithdrawn ? withdrawn(subject, data.revision) : contributionOf(subject, data);
}
