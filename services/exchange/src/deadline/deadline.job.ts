import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CorrectionRequests } from '../correction-request/correction-request.service.js';
import { Entitlements } from '../entitlement/entitlement.service.js';

const EVERY_MS = 30_000;

/**
 * Computes again what waited for holidays to be published, then says which requests were not answered in time. Either is the request's next
 * revision, so everybody who was told learns of it.
 */
@Injectable()
export class DeadlineJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly corrections: CorrectionRequests,
    private readonly entitlements: Entitlements,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.round(), new Logger(DeadlineJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async round(): Promise<void> {
    await this.computeAgain();
    await this.raise();
  }

  /** Any number of processes may do so at once: each request is taken by one of them. */
  async computeAgain(): Promise<void> {
    await this.corrections.computeAgain();
    await this.entitlements.computeAgain();
  }

  /** Of how many requests it was said. Each is said by one process, and once. */
  async raise(): Promise<number> {
    return (await this.corrections.raiseOverdue()) + (await this.entitlements.raiseOverdue());
  }
}
