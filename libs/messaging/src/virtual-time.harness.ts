import { setImmediate as everythingElse } from 'node:timers/promises';

/** How often each property of a model is tried: `npm test -- model --long` sets the environment variable. */
export const MODEL_RUNS = Number(process.env.MODEL_RUNS ?? 2_000);
/** Generous: the machine may have other work to do. */
export const MODEL_TIMEOUT_MS = 60 * MODEL_RUNS;

/** Time that passes only when nothing else can happen: the next timer is due once every promise that can go on has done so. */
export class VirtualTime {
  now = 0;
  private readonly timers: { readonly at: number; readonly wake: () => void }[] = [];

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      const at = this.now + ms;
      const later = this.timers.findIndex((timer) => timer.at > at);
      this.timers.splice(later < 0 ? this.timers.length : later, 0, { at, wake });
    });
  }

  /** Lets time pass until what is waited for has come. Throws when it does not come by `limit`, or can not come any more. */
  async pass(finished: () => boolean, limit: number): Promise<void> {
    for (;;) {
      await everythingElse();
      if (finished()) return;
      const next = this.timers.shift();
      if (!next) throw new Error('nothing is left that could happen');
      if (next.at > limit) throw new Error(`not finished after ${limit} ms`);
      this.now = next.at;
      next.wake();
    }
  }
}

/** What goes wrong with one awaited call. `lost`: it had its effect, the answer does not come back. */
export type Fault = 'none' | 'failed' | 'lost' | 'killed before' | 'killed after';

export class Lost extends Error {
  readonly code = 'ECONNRESET';
}

/** One process: what it awaits can fail, come back without an answer, or never come back because the process is no more. */
export class Process {
  alive = true;
  private frozenUntil = 0;
  private readonly atDeath: (() => void)[] = [];

  constructor(
    private readonly time: VirtualTime,
    private readonly plan: FaultPlan,
  ) {}

  /** Awaits something outside of the process. */
  async call<T>(effect: () => T): Promise<T> {
    const { fault, delay } = this.plan.next();
    if (delay > 0) await this.time.sleep(delay);
    await this.thawed();
    if (fault === 'killed before') this.die();
    if (!this.alive) return never();
    if (fault === 'failed') throw new Lost('the connection was closed');
    const answer = effect();
    await this.thawed();
    if (fault === 'killed after') this.die();
    if (!this.isAlive()) return never();
    if (fault === 'lost') throw new Lost('the connection was closed before the answer came');
    return answer;
  }

  async sleep(ms: number): Promise<void> {
    await this.time.sleep(ms);
    await this.thawed();
    if (!this.alive) return never();
  }

  /** SIGKILL. Nothing that was awaited goes on; connections are closed. */
  die(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const close of this.atDeath) close();
  }

  onDeath(close: () => void): void {
    this.atDeath.push(close);
  }

  /** SIGSTOP, and SIGCONT after so long. */
  freeze(ms: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, this.time.now + ms);
  }

  private async thawed(): Promise<void> {
    while (this.time.now < this.frozenUntil) await this.time.sleep(this.frozenUntil - this.time.now);
  }

  // Asked again after an await.
  private isAlive(): boolean {
    return this.alive;
  }
}

/** The faults of one run, one for each awaited call in the order they are made; then none any more. */
export class FaultPlan {
  private calls = 0;

  constructor(
    private readonly faults: readonly Fault[],
    private readonly delays: readonly number[] = [],
  ) {}

  next(): { fault: Fault; delay: number } {
    const call = this.calls++;
    return { fault: this.faults[call] ?? 'none', delay: this.delays[call % (this.delays.length || 1)] ?? 0 };
  }
}

const never = <T>(): Promise<T> => new Promise(() => undefined);
