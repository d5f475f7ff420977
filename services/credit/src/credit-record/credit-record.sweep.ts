import { inPortions, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CreditStatuses } from '../credit-status/credit-status.service.js';
import { CreditRecords } from './credit-record.service.js';

const EVERY_MS = 60_000;
const A_ROUND = { size: 500, portions: 200 };

/**
 * Lets periods begin and end. A period is a matter of days, so a minute's delay does no harm, and a round that fails (the database is away)
 * is made good by the next one. Rows are claimed with SKIP LOCKED: every process of the service may sweep.
 */
@Injectable()
export class CreditRecordSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly records: CreditRecords,
    private readonly statuses: CreditStatuses,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.sweep(stopping), new Logger(CreditRecordSweep.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    await inPortions(stopping, A_ROUND, (most) => this.records.sweep(most));
    // After an upgrade, once.
    await inPortions(stopping, A_ROUND, (most) => this.statuses.restateOlder(most));
  }
}
