import { randomInt } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';

// Any number: the first of the two that name an advisory lock. The second says which process.
const HOLDERS = 5_110_022;
const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 2_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
const AGAIN_MS = { first: 100, longest: 1_000 };

/** How long the lock of a process that lives can be free: its connection was lost, and it takes the lock again. */
export const HELD_AGAIN_WITHIN_MS = 3_000;

/** SQL: does the process with this number hold its lock? */
export const isHeldBy = (holder: string): string => `EXISTS (
  SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ${HOLDERS}::oid AND objid = ${holder}::oid AND objsubid = 2
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/**
 * Has the database know that this process lives: an advisory lock on a connection that is kept for nothing else. A process that dies loses
 * it at once, one that is frozen keeps it. It is held by a transaction that stays open, as a pooler gives what a session holds to others.
 * That transaction has read nothing and holds up no vacuum. The lock is shared, so it is taken again while the server still keeps the
 * connection that was lost.
 */
@Injectable()
export class Holder implements OnApplicationShutdown {
  private readonly log = new Logger(Holder.name);
  private readonly number = randomInt(1, 2 ** 31);
  private first: Promise<void> | undefined;
  private session: pg.Client | null = null;
  private isHeld = false;
  private isStopped = false;
  private againMs = AGAIN_MS.first;
  private again: NodeJS.Timeout | undefined;

  constructor(private readonly db: DataSource) {}

  /** The number of this process, which takes its lock when it is asked first; null while it does not hold it. */
  async held(): Promise<number | null> {
    await (this.first ??= this.hold());
    return this.isHeld ? this.number : null;
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.again);
    await this.session?.end().catch(() => undefined);
  }

  private async hold(): Promise<void> {
    const { url, applicationName } = this.db.options as { url?: string; applicationName?: string };
    const session = new pg.Client({
      connectionString: url,
      application_name: `${applicationName}-holder`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    });
    session.on('error', (problem) => this.lose(session, problem));
    session.on('end', () => this.lose(session, new Error('the connection was closed')));
    this.session = session;
    try {
      await session.connect();
      await session.query(
        `BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock_shared(${HOLDERS}, ${this.number})`,
      );
      this.isHeld = this.session === session;
      this.againMs = AGAIN_MS.first;
    } catch (problem) {
      this.lose(session, problem);
    }
  }

  private lose(session: pg.Client, problem: unknown): void {
    if (this.session !== session) return;
    this.session = null;
    this.isHeld = false;
    void session.end().catch(() => undefined);
    if (this.isStopped) return;
    if (this.againMs === AGAIN_MS.first)
      this.log.warn(`the lock of this process is taken again: ${problem instanceof Error ? problem.message : String(problem)}`);
    this.again = setTimeout(() => void this.hold(), this.againMs).unref();
    this.againMs = Math.min(this.againMs * 2, AGAIN_MS.longest);
  }
}
