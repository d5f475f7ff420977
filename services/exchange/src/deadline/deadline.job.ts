import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CorrectionRequests } from '../correction-request/correction-request.service.js';
import { Entitlements } from '../entitlement/entitlement.service.js';

const EVERY_MS = 30_000;

/** Computes again what waited for holidays to be published. What moves is the request's next revision, so everybody who was told learns of it. */
@Injectable()
export class DeadlineJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly corrections: CorrectionRequests,
    private readonly entitlements: Entitlements,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.computeAgain(), new Logger(DeadlineJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Any number of processes may do so at once: each request is taken by one of them. */
  async computeAgain(): Promise<void> {
    await this.corrections.computeAgain();
    await this.entitlements.computeAgain();
  }
}
