import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CreditRecords } from './credit-record.service.js';

const PAUSE_MS = 60_000;
const RECORDS_A_TRANSACTION = 500;
const TRANSACTIONS_A_ROUND_MAX = 200;

/**
 * Lets periods begin and end. A period is a matter of days, so a minute's delay does no harm, and a round that fails (the database is away)
 * is made good by the next one. Rows are claimed with SKIP LOCKED: every process of the service may sweep.
 */
@Injectable()
export class CreditRecordSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(CreditRecordSweep.name);
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly records: CreditRecords) {}

  onApplicationBootstrap(): void {
    this.round = this.sweep();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  private async sweep(): Promise<void> {
    try {
      for (let transactions = 0; transactions < TRANSACTIONS_A_ROUND_MAX && !this.stopped; transactions += 1) {
        if ((await this.records.sweep(RECORDS_A_TRANSACTION)) < RECORDS_A_TRANSACTION) break;
      }
    } catch (problem) {
      this.log.error(`sweep failed, the next one is in ${PAUSE_MS} ms: ${String(problem)}`);
    }
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.round = this.sweep();
    }, PAUSE_MS);
  }
}
