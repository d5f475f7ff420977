import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** The longest any topic keeps earlier revisions (design §3.2), and a day: after it no replay can bring an event again. */
const INBOX_DAYS = 91;
const REPLAYED_DAYS = 90;
const SWEEP_ROWS = 10_000;
/** A million rows a minute: more than a service can take in, so what has to go never piles up. */
const SWEEP_ROUNDS_MAX = 100;
const SWEEP_EVERY_MS = 60_000;

/** Removes inbox rows that no replay can reach and dead letters long since replayed, a bounded number at a time. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(Housekeeping.name);
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> | null = null;

  constructor(private readonly db: DataSource) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep()
        .catch((error: unknown) => this.log.warn(`sweep failed: ${String(error)}`))
        .finally(() => (this.sweeping = null));
    }, SWEEP_EVERY_MS);
    this.timer.unref();
  }

  beforeApplicationShutdown(): void {
    if (this.timer) clearInterval(this.timer);
  }

  async sweep(): Promise<void> {
    for (let round = 0; round < SWEEP_ROUNDS_MAX; round += 1) {
      const removed: [unknown[], number] = await this.db.query(
        `DELETE FROM inbox WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM inbox WHERE received_at < clock_timestamp() - $1 * interval '1 day' LIMIT $2))`,
        [INBOX_DAYS, SWEEP_ROWS],
      );
      if (removed[1] < SWEEP_ROWS) break;
    }
    await this.db.query(`DELETE FROM dead_letters WHERE replayed_at < clock_timestamp() - $1 * interval '1 day'`, [REPLAYED_DAYS]);
  }
}
