import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CreditRecords } from './credit-record.service.js';

const EVERY_MS = 60_000;
const RECORDS_A_TRANSACTION = 500;
const TRANSACTIONS_A_ROUND_MAX = 200;

/**
 * Lets periods begin and end. A period is a matter of days, so a minute's delay does no harm, and a round that fails (the database is away)
 * is made good by the next one. Rows are claimed with SKIP LOCKED: every process of the service may sweep.
 */
@Injectable()
export class CreditRecordSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly records: CreditRecords) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.sweep(stopping), new Logger(CreditRecordSweep.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    for (let transactions = 0; transactions < TRANSACTIONS_A_ROUND_MAX && !stopping.aborted; transactions += 1) {
      if ((await this.records.sweep(RECORDS_A_TRANSACTION)) < RECORDS_A_TRANSACTION) return;
    }
  }
}
