import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Ledger } from './ledger.service.js';

const EVERY_MS = 1_000;

/** Takes entries into the tree about as fast as they come, and closes days. Any number of processes may run it. */
@Injectable()
export class LedgerJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly ledger: Ledger) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.ledger.settle(), new Logger(LedgerJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }
}
