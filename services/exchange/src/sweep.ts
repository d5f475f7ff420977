import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Entitlements } from './entitlement/entitlement.service.js';
import { Untold } from './untold.js';

const EVERY_MS = 60_000;

/**
 * Repairs and reports what slipped (design §4): a process that ended between a registration and what follows from it leaves results
 * waiting for a name that is known, and platforms that were not told of their merchants or of a recall. What an upgrade brings is made good here too:
 * platforms without the agreements of those that are admitted today.
 */
@Injectable()
export class Sweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(Sweep.name);
  private job: Regular | undefined;

  constructor(
    private readonly untold: Untold,
    private readonly entitlements: Entitlements,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.sweep(), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Gives back how much had slipped. */
  async sweep(): Promise<number> {
    await this.entitlements.concludeMissing();
    const slipped = await this.untold.tellAll();
    if (slipped > 0) this.log.warn(`${slipped} feedbacks had slipped and were issued`);
    return slipped;
  }
}
