import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CreditSnapshots } from './credit-snapshot.service.js';

const EVERY_MS = 60_000;

/** Builds the snapshot of a day that has begun, however late it is, and erases old ones. Any number of processes may run it. */
@Injectable()
export class CreditSnapshotJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly snapshots: CreditSnapshots) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => this.round(stopping), new Logger(CreditSnapshotJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async round(stopping: AbortSignal): Promise<void> {
    try {
      await this.snapshots.build(stopping);
    } finally {
      await this.snapshots.eraseOld();
    }
  }
}
