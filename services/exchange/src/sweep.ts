import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SamplingFeedback } from './feedback/feedback.service.js';
import { MerchantCredit } from './merchant/merchant.service.js';

const EVERY_MS = 60_000;

/**
 * Repairs and reports what slipped (design §4): a process that ended between a registration and what follows from it leaves results
 * waiting for a name that is known, and platforms that were not told of their merchants.
 */
@Injectable()
export class Sweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(Sweep.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly feedback: SamplingFeedback,
    private readonly credit: MerchantCredit,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A sweep that takes longer than a minute is not joined by a queue of others.
      this.running ??= this.sweepOrWait().finally(() => (this.running = undefined));
    }, EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** Gives back how much had slipped. */
  async sweep(): Promise<number> {
    const slipped = (await this.feedback.issueWaiting('ANY')) + (await this.credit.tellMissing(null));
    if (slipped > 0) this.log.warn(`${slipped} feedbacks had slipped and were issued`);
    return slipped;
  }

  /** Whatever fails, the next round tries again: nothing is lost by waiting. */
  private async sweepOrWait(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.log.error(error instanceof Error ? error.message : String(error));
    }
  }
}
