import { Topics } from '@jinqiao/messaging';
import { type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';

const EVERY_MS = 1_000;
const EVERYTHING_EVERY_MS = 60_000;
/** Any number; whoever changes organisations' own rules at the broker holds it until its transaction ends. */
const SHUT_OUT_LOCK = 5_110_025;

interface Told {
  readonly id: string;
  readonly kind: string;
  readonly isOut: boolean;
}

/** Tells the broker who may not read and write its own topics at the moment, as EntitlementJob does for those of others. */
@Injectable()
export class OrganisationJob implements OnApplicationBootstrap, OnModuleDestroy {
  private jobs: Regular[] = [];

  constructor(
    private readonly db: DataSource,
    private readonly topics: Topics,
  ) {}

  onApplicationBootstrap(): void {
    const log = new Logger(OrganisationJob.name);
    this.jobs = [
      regularly(EVERY_MS, () => this.tell('CHANGES'), log),
      regularly(EVERYTHING_EVERY_MS, () => this.tell('ALL_SHUT_OUT'), log),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.stop()));
  }

  private async tell(which: 'CHANGES' | 'ALL_SHUT_OUT'): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [SHUT_OUT_LOCK]);
      const told: Told[] = await tx.query(
        `SELECT id, kind, "isOut" FROM (SELECT *, status IN ('SUSPENDED', 'EXITED') AS "isOut" FROM organisations) AS o
         WHERE "isOut" <> shut_out OR ($1 AND "isOut") ORDER BY id`,
        [which === 'ALL_SHUT_OUT'],
      );
      for (const { id, kind, isOut } of told) {
        await (isOut ? this.topics.closeOrganisation(kind, id) : this.topics.ensureOrganisation(kind, id));
        await tx.query('UPDATE organisations SET shut_out = $2 WHERE id = $1', [id, isOut]);
      }
    });
  }
}
