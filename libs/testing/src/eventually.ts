import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Asks again until the function neither throws nor answers `false`, and gives back its answer. After the deadline it fails with what the
 * last attempt failed with, so that an assertion inside says what was missing.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, { within = 10_000 }: { within?: number } = {}): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      const answer = await attempt();
      if (answer !== false) return answer;
      if (Date.now() > deadline) throw new Error('still false');
    } catch (error) {
      if (Date.now() > deadline) throw late(error, within);
    }
    await sleep(POLL_MS);
  }
}

function late(error: unknown, within: number): Error {
  const problem = error instanceof Error ? error : new Error(String(error));
  problem.message = `not within ${within / 1000} s: ${problem.message}`;
  return problem;
}
