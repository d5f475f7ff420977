import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServicePlan {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly ready: { readonly url: string; readonly status: number };
}

const RESTART_MS = 500;
const READY_MS_MAX = 180_000;
const STOP_MS_MAX = 10_000;

/** A service, started again half a second after whatever ended it. */
export class ServiceProcess {
  readonly name: string;
  private readonly plan: ServicePlan;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private stopping = false;
  /** Held down on purpose, as for a restore. */
  private held = false;
  /** Ends nobody asked for: the process gave up by itself. */
  endedBy: { readonly at: number; readonly by: string }[] = [];

  constructor(plan: ServicePlan) {
    this.plan = plan;
    this.name = plan.name;
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  async start(): Promise<void> {
    this.held = false;
    this.stopping = false;
    this.spawn();
    await this.ready();
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends it and keeps it down until `start`. */
  async hold(): Promise<void> {
    this.held = true;
    this.signal('SIGKILL');
    await this.ended;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  async ready(): Promise<void> {
    const giveUpAt = Date.now() + READY_MS_MAX;
    for (;;) {
      const answer = await fetch(this.plan.ready.url, { signal: AbortSignal.timeout(3_000) }).catch(() => null);
      if (answer?.status === this.plan.ready.status) return;
      if (Date.now() > giveUpAt) throw new Error(`${this.name} was not ready within ${READY_MS_MAX / 1_000} s; read ${this.plan.logFile}`);
      await sleep(100);
    }
  }

  private spawn(): void {
    const log = openSync(this.plan.logFile, 'a');
    // Its standard input is held open by us alone: when we are gone, preload.ts ends it.
    const child = spawn(process.execPath, this.plan.args, {
      stdio: ['pipe', log, log],
      env: { ...process.env, ...this.plan.env },
      cwd: '/',
    });
    closeSync(log);
    child.stdin?.on('error', () => undefined);
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.endedBy.push({ at: Date.now(), by: signal ?? String(code) });
        if (this.child === child) this.child = null;
        resolve();
        if (!this.stopping && !this.held) setTimeout(() => this.startAgain(), RESTART_MS);
      });
    });
  }

  private startAgain(): void {
    if (!this.stopping && !this.held && this.child === null) this.spawn();
  }
}
