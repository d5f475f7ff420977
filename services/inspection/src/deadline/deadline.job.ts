import { DeadlineOverdue } from '@jinqiao/contracts';
import { arrangedUntil, type Changes } from '@jinqiao/law';
import { event, Outbox } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ALL_DUTIES } from './all-duties.js';
import type { Duties } from './duties.js';
import { computedAgain, type RunClock } from './run-clock.js';

const EVERY_MS = 30_000;
const AT_ONCE = 500;

/**
 * Computes again what waited for holidays to be published, then says what was not done in time. Any number of processes may do so at once:
 * each duty is said by one of them, after any downtime, and once, also where it has moved since.
 */
@Injectable()
export class DeadlineJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.round(), new Logger(DeadlineJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  private async round(): Promise<void> {
    await this.computeAgain();
    await this.raise();
  }

  /** What is open and provisional and ends on a day that is decided about by now. Gives back how many periods that were. */
  async computeAgain(): Promise<number> {
    let computed = 0;
    for (const { table, listed } of ALL_DUTIES) {
      const changes = listed.isPausable ? CHANGES : NO_CHANGES;
      const periods: Period[] = await this.db.query(
        `SELECT DISTINCT started_on::text AS "startedOn", rule_version AS "ruleVersion", due_on::text AS "dueOn", ${changes} AS changes FROM ${table}
         WHERE provisional AND stopped_on IS NULL AND due_on <= $1::date ORDER BY 3, 1, 2 LIMIT $2`,
        [arrangedUntil(), AT_ONCE],
      );
      for (const period of periods) computed += await this.move(table, changes, period);
    }
    return computed;
  }

  /** Clocks that somebody else holds are left for the next round: whoever waited here and there could wait for ever. */
  private async move(table: string, changes: string, period: Period): Promise<number> {
    const { dueOn, provisional } = computedAgain({ ...period, ...period.changes });
    const moved: [unknown[], number] = await this.db.query(
      `UPDATE ${table} SET due_on = $4, provisional = $5, first_due_on = CASE WHEN due_on = $4 THEN first_due_on ELSE coalesce(first_due_on, due_on) END
       WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE provisional AND stopped_on IS NULL AND started_on = $1 AND rule_version = $2
         AND due_on = $3 AND ${changes} = $6::jsonb FOR UPDATE SKIP LOCKED))`,
      [period.startedOn, period.ruleVersion, period.dueOn, dueOn, provisional, JSON.stringify(period.changes)],
    );
    return moved[1];
  }

  /** Raises everything that is overdue by now. Gives back how much that was. */
  async raise(): Promise<number> {
    let raised = 0;
    for (const duties of ALL_DUTIES) {
      for (let portion = AT_ONCE; portion === AT_ONCE; raised += portion) {
        portion = await this.db.transaction((tx) => this.raiseSome(tx, duties));
      }
    }
    return raised;
  }

  private async raiseSome(tx: EntityManager, duties: Duties): Promise<number> {
    const now = this.clock.now();
    const overdue = await duties.raise(tx, now, AT_ONCE);
    await this.outbox.add(
      tx,
      overdue.map(({ departmentId, ...one }) =>
        event(DeadlineOverdue, { ...one, revision: 1, ...(departmentId !== null && { departmentId }), raisedAt: now.toISOString() }),
      ),
    );
    return overdue.length;
  }
}

/** Everything that decides when a clock ends: clocks that began on the same day by the same row move together, if they were paused alike. */
type Period = Pick<RunClock, 'startedOn' | 'ruleVersion' | 'dueOn'> & { readonly changes: Changes };

const CHANGES = `jsonb_build_object('pauses', pauses, 'extensions', extensions)`;
const NO_CHANGES = `'{}'::jsonb`;
