import { inPortions, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CreditChanges } from './credit-change.service.js';

const NUMBER_EVERY_MS = 1_000;
const ERASE_EVERY_MS = 3_600_000;
const CHANGES = { size: 5_000, portions: 20 };

/** Gives changes their places about as fast as they come, and erases tombstones. Any number of processes may run it. */
@Injectable()
export class CreditChangeJob implements OnApplicationBootstrap, OnModuleDestroy {
  private jobs: Regular[] = [];

  constructor(private readonly changes: CreditChanges) {}

  onApplicationBootstrap(): void {
    const log = new Logger(CreditChangeJob.name);
    this.jobs = [
      regularly(NUMBER_EVERY_MS, (stopping) => inPortions(stopping, CHANGES, (most) => this.changes.number(most)), log),
      regularly(ERASE_EVERY_MS, (stopping) => inPortions(stopping, CHANGES, (most) => this.changes.eraseTombstones(most)), log),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.stop()));
  }
}
