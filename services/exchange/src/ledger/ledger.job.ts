import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Ledger } from './ledger.service.js';

const EVERY_MS = 1_000;

/** Takes entries into the tree about as fast as they come, and closes days. Any number of processes may run it. */
@Injectable()
export class LedgerJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(LedgerJob.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly ledger: Ledger) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running ??= this.ledger
        .settle()
        .then(() => undefined)
        // Whatever fails, the next round tries again: entries wait where they are.
        .catch((error: unknown) => this.log.error(error instanceof Error ? error.message : String(error)))
        .finally(() => (this.running = undefined));
    }, EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
