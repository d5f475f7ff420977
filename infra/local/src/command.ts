import { once } from 'node:events';
import { CannotStart } from './cannot-start.js';

/** Everything is stopped within 10 s of the signal; what is not ends with us, by its keeper. */
const STOP_MS_MAX = 9_500;
const PARENT_POLL_MS = 500;

/** Runs something that stays up until Ctrl-C, SIGTERM or a closed terminal. What cannot be started: its one sentence and exit code 1. */
export async function runUntilStopped(start: (signal: AbortSignal) => Promise<{ stop(): Promise<void> }>): Promise<void> {
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      asked.abort();
      setTimeout(() => process.exit(1), STOP_MS_MAX).unref();
    });
  }
  followNpm(() => process.kill(process.pid, 'SIGTERM'));
  try {
    const running = await start(asked.signal);
    if (!asked.signal.aborted) await once(asked.signal, 'abort');
    await running.stop();
  } catch (error) {
    if (asked.signal.aborted) return;
    if (!(error instanceof CannotStart)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** npm hands a SIGTERM on, but when it is killed nobody tells us: then we belong to another parent. */
function followNpm(end: () => void): void {
  const npm = process.ppid;
  if (!process.env['npm_lifecycle_event']) return;
  const watch = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(watch);
    end();
  }, PARENT_POLL_MS);
  watch.unref();
}
