import type { Logger } from '@nestjs/common';

/** Work that is done again and again for as long as the process lives; `stop` waits for what is under way. */
export interface Regular {
  stop(): Promise<void>;
}

/** Whatever fails is tried again with the next round, so nothing is lost by waiting; a round that takes longer is not joined by another. */
export function regularly(everyMs: number, work: () => Promise<unknown>, log: Logger): Regular {
  let running: Promise<void> | undefined;
  const round = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error(error instanceof Error ? error.message : String(error));
    }
  };
  const timer = setInterval(() => {
    running ??= round().finally(() => (running = undefined));
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
