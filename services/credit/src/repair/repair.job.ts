import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Repairs } from './repair.service.js';

const EVERY_MS = 60_000;
const DECISIONS_A_ROUND = 500;

/** Applies decisions to records that came after them. Rows are claimed with SKIP LOCKED: every process of the service may do it. */
@Injectable()
export class RepairJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly repairs: Repairs) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.repairs.applyWaiting(DECISIONS_A_ROUND), new Logger(RepairJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }
}
