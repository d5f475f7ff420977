import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.js';

/**
 * Runs a server and ends it when its standard input ends. Nobody ever writes there: we close it to stop the server, and the kernel
 * closes it when we were killed, so both ways out are one, and a `kill -9` of the supervisor leaves no orphan.
 * The first argument is the signal the server stops on, the second how many tenths of a second it gets.
 */
const KEEPER = `
signal=$1 tenths=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -s "$signal" $server
  while [ $tenths -gt 0 ] && kill -0 $server; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -s KILL $server; } 2>/dev/null &
watch=$!
wait $server
status=$?
kill -s KILL $watch 2>/dev/null
exit $status`;

const BACKOFF_MS_FIRST = 500;
const BACKOFF_MS_MAX = 30_000;
/** A process that stayed up this long is healthy again: the next restart begins with the first pause. */
const STEADY_MS = 60_000;
/** Every server stops well within this; with the services before them the whole stack is down within 10 s. */
const STOP_MS_MAX = 4_500;
/** What the keeper needs to end what did not end by itself. */
const KILL_MS = 300;

export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly stopSignal?: 'TERM' | 'INT';
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Resolves when the server answers; is asked again until then. */
  readonly ready: () => Promise<void>;
  readonly readyWithinMs: number;
  readonly report: (line: string) => void;
}

/** One process of the stack: started, watched, started again with growing pauses, stopped in order. */
export class Supervised {
  private readonly plan: ProcessPlan;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private stopping = false;
  private readonly stopRequested = new AbortController();
  private pauseMs = BACKOFF_MS_FIRST;
  restarts = 0;

  constructor(plan: ProcessPlan) {
    this.plan = plan;
  }

  get name(): string {
    return this.plan.name;
  }

  /** The process group of the keeper and its server; null while it is down. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Starts it and waits until it answers. A first start that fails is not repeated: its cause will not go away. */
  async start(): Promise<void> {
    this.spawn();
    const failure = await this.waitUntilReady();
    if (failure) {
      await this.stop();
      throw new CannotStart(`${this.plan.name} ${failure}${this.lastWords()}`, `read ${this.plan.logFile} and start again`);
    }
    this.watch();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.stopRequested.abort();
    const child = this.child;
    if (!child) return;
    child.stdin?.end();
    const timer = setTimeout(() => killGroup(child), STOP_MS_MAX + KILL_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private spawn(): void {
    const log = openSync(this.plan.logFile, 'a');
    const child = spawn(
      '/bin/sh',
      ['-c', KEEPER, this.plan.name, this.plan.stopSignal ?? 'TERM', String(STOP_MS_MAX / 100), this.plan.command, ...this.plan.args],
      {
        // A group of its own: Ctrl-C in the terminal reaches only us, and we stop the servers in order.
        detached: true,
        stdio: ['pipe', log, log],
        env: { ...process.env, ...this.plan.env },
        cwd: '/',
        ...this.plan.user,
      },
    );
    closeSync(log);
    child.stdin?.on('error', () => undefined); // the keeper went first: its exit is handled below
    this.child = child;
    this.ended = new Promise((resolve) => {
      const gone = (): void => {
        killGroup(child); // when the keeper itself was killed, its server is still there
        if (this.child === child) this.child = null;
        resolve();
      };
      child.once('exit', gone);
      child.once('error', gone);
    });
  }

  private watch(): void {
    const startedAt = Date.now();
    void this.ended.then(() => (this.stopping ? undefined : this.startAgain(Date.now() - startedAt)));
  }

  private async startAgain(upMs: number): Promise<void> {
    if (upMs > STEADY_MS) this.pauseMs = BACKOFF_MS_FIRST;
    while (!this.stopping) {
      this.plan.report(`${this.plan.name} ended${this.lastWords()}; starting it again in ${this.pauseMs / 1000} s`);
      await sleep(this.pauseMs, undefined, { signal: this.stopRequested.signal }).catch(() => undefined);
      this.pauseMs = Math.min(this.pauseMs * 2, BACKOFF_MS_MAX);
      if (this.stopRequested.signal.aborted) return;
      this.restarts++;
      this.spawn();
      if ((await this.waitUntilReady()) === null) {
        this.plan.report(`${this.plan.name} is back`);
        this.watch();
        return;
      }
      this.child?.stdin?.end();
      await this.ended;
    }
  }

  /** null once it answers; else why it never will. */
  private async waitUntilReady(): Promise<string | null> {
    const deadline = Date.now() + this.plan.readyWithinMs;
    const child = this.child;
    while (Date.now() < deadline) {
      if (this.stopping) return 'was stopped';
      if (this.child !== child || this.child === null) return 'ended before it was ready';
      const answered = await this.plan.ready().then(
        () => true,
        () => false,
      );
      if (answered && this.child === child) return null;
      await sleep(50);
    }
    return `did not answer within ${this.plan.readyWithinMs / 1000} s`;
  }

  private lastWords(): string {
    const line = readFileSync(this.plan.logFile, 'utf8').trimEnd().split('\n').at(-1)?.trim();
    return line ? ` (“${line.slice(0, 200)}”)` : '';
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is empty: nothing is left to end.
  }
}
