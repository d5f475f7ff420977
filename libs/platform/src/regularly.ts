import type { Logger } from '@nestjs/common';

/** Work that is done again and again for as long as the process lives; `stop` waits for what is under way. */
export interface Regular {
  stop(): Promise<void>;
}

/**
 * Does work every so many milliseconds, the first time after as long. Whatever fails is logged and tried again with the next round, so
 * nothing is lost by waiting; a round that takes longer is not joined by another. Long rounds end early when `stopping` is aborted.
 */
export function regularly(everyMs: number, work: (stopping: AbortSignal) => Promise<unknown>, log: Logger): Regular {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  const round = async (): Promise<void> => {
    try {
      await work(stopping.signal);
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
      stopping.abort();
      await running;
    },
  };
}

/**
 * Does work a portion at a time, each in a transaction of its own, until one is not full, `portions` of them are done or it is to stop.
 * `portion` does at most so many and answers how many.
 */
export async function inPortions(
  stopping: AbortSignal,
  { size, portions }: { readonly size: number; readonly portions: number },
  portion: (most: number) => Promise<number>,
): Promise<void> {
  for (let done = 0; done < portions && !stopping.aborted; done += 1) {
    if ((await portion(size)) < size) return;
  }
}
