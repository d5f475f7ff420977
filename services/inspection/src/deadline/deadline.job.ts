import { DeadlineOverdue, inspectionDeadlines } from '@jinqiao/contracts';
import { event, Outbox, OwnTopics, type Received } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recallDuties } from '../recall/recall.duties.js';
import { caseDuties } from '../sampling-case/sampling-case.duties.js';
import { sheetDuties } from '../sampling-sheet/sampling-sheet.duties.js';
import type { Duties } from './duties.js';

const EVERY_MS = 30_000;
const AT_ONCE = 500;
const ALL: readonly Duties[] = [sheetDuties, caseDuties, recallDuties];

/** Says what was not done in time. Any number of processes may do so at once: each duty is said by one of them, after any downtime. */
@Injectable()
export class DeadlineJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    ownTopics: OwnTopics,
  ) {
    ownTopics.takenOver(inspectionDeadlines, takeOver);
  }

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.raise(), new Logger(DeadlineJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Raises everything that is overdue by now. Gives back how much that was. */
  async raise(): Promise<number> {
    let raised = 0;
    for (const duties of ALL) {
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

/** What was raised and a database that was set back has forgotten is not raised again. */
async function takeOver(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const raised = (said as readonly Received<DeadlineOverdue>[]).map(({ data }) => data);
  let taken = 0;
  for (const duties of ALL) taken += await duties.takeOver(tx, raised);
  return taken;
}
