import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Enquiries } from './enquiry.service.js';

const EVERY_MS = 3_600_000;
const LINES_A_TRANSACTION = 5_000;
const TRANSACTIONS_A_ROUND_MAX = 200;

/** Erases lines of the log whose time has passed. Any number of processes may do it. */
@Injectable()
export class EnquiryJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly enquiries: Enquiries) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.erase(stopping), new Logger(EnquiryJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async erase(stopping: AbortSignal): Promise<void> {
    for (let transactions = 0; transactions < TRANSACTIONS_A_ROUND_MAX && !stopping.aborted; transactions += 1) {
      if ((await this.enquiries.erase(LINES_A_TRANSACTION)) < LINES_A_TRANSACTION) return;
    }
  }
}
