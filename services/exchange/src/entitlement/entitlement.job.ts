import { type Reading, Topics } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { factsOf } from '../catalogue/catalogue.js';
import { Ledger } from '../ledger/ledger.service.js';
import { MerchantCredit } from '../merchant/merchant.service.js';
import { Entitlements } from './entitlement.service.js';

/** A change has to be in effect everywhere within 5 s. */
const EVERY_MS = 1_000;
const EVERYTHING_EVERY_MS = 60_000;
/** Any number; whoever changes the broker's rules holds it until its transaction ends. */
const ACCESS_LOCK = 5_110_024;

interface Access {
  readonly organisationId: string;
  readonly stream: string;
  readonly entitlementId: string;
  readonly purpose: string;
}

/**
 * What follows from entitlements: their end by the clock, who may read which topic at the broker, and what a platform was not told while
 * its agreement was not in force. It looks at what is the case, so a process that ends in between leaves nothing undone.
 */
@Injectable()
export class EntitlementJob implements OnApplicationBootstrap, OnModuleDestroy {
  private jobs: Regular[] = [];

  constructor(
    private readonly db: DataSource,
    private readonly entitlements: Entitlements,
    private readonly topics: Topics,
    private readonly credit: MerchantCredit,
    private readonly ledger: Ledger,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const log = new Logger(EntitlementJob.name);
    this.jobs = [
      regularly(EVERY_MS, () => this.follow(), log),
      regularly(EVERYTHING_EVERY_MS, () => this.tellEverything(), log),
      // By itself: a platform with many merchants takes longer than a change may.
      regularly(EVERY_MS, () => this.catchUp(), log),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.stop()));
  }

  private async follow(): Promise<void> {
    await this.entitlements.expire();
    await this.tellChanges();
  }

  /**
   * Tells the broker what it was not told yet. Within the transaction that keeps what was told, and one process at a time: a rule that one
   * process makes after another has taken it away would stay.
   */
  private async tellChanges(): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [ACCESS_LOCK]);
      const close: Access[] = await tx.query(
        `SELECT organisation_id AS "organisationId", t.stream, entitlement_id AS "entitlementId", r.state ->> 'purpose' AS purpose
         FROM topic_access t JOIN entitlements e USING (entitlement_id) JOIN entitlement_revisions r USING (entitlement_id, revision)
           JOIN organisations o ON o.id = e.recipient_id
         WHERE e.status <> 'ACTIVE' OR o.status <> 'PRODUCTION' ORDER BY 1, 2`,
      );
      const open: Access[] = await tx.query(
        `SELECT e.recipient_id AS "organisationId", e.stream, entitlement_id AS "entitlementId", r.state ->> 'purpose' AS purpose
         FROM entitlements e JOIN entitlement_revisions r USING (entitlement_id, revision) LEFT JOIN topic_access t USING (entitlement_id)
           JOIN organisations o ON o.id = e.recipient_id AND o.status = 'PRODUCTION'
         WHERE e.kind = 'GRANT' AND e.mode = 'KAFKA' AND e.status = 'ACTIVE' AND t.stream IS NULL ORDER BY 1, 2`,
      );
      if (close.length + open.length === 0) return;
      await this.topics.changeReaders({ close: readingsOf(close), open: readingsOf(open) });
      await this.keepTold(tx, close, open);
    });
  }

  /** Once more, whatever was told: a broker, or a database that was set back, may know something else. */
  async tellEverything(): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [ACCESS_LOCK]);
      const all: (Pick<Access, 'organisationId' | 'stream'> & { isOpen: boolean })[] = await tx.query(
        `SELECT e.recipient_id AS "organisationId", e.stream, bool_or(e.status = 'ACTIVE' AND o.status = 'PRODUCTION') AS "isOpen"
         FROM entitlements e JOIN organisations o ON o.id = e.recipient_id
         WHERE e.kind = 'GRANT' AND e.mode = 'KAFKA' GROUP BY 1, 2 ORDER BY 1, 2`,
      );
      if (all.length === 0) return;
      const [open, close] = [all.filter(({ isOpen }) => isOpen), all.filter(({ isOpen }) => !isOpen)];
      await this.topics.changeReaders({ close: readingsOf(close), open: readingsOf(open) });
    });
  }

  private async keepTold(tx: EntityManager, close: readonly Access[], open: readonly Access[]): Promise<void> {
    await tx.query('DELETE FROM topic_access WHERE entitlement_id = ANY($1)', [close.map(({ entitlementId }) => entitlementId)]);
    await tx.query(
      `INSERT INTO topic_access (organisation_id, stream, entitlement_id)
       SELECT "organisationId", stream, "entitlementId"
       FROM jsonb_to_recordset($1::jsonb) AS x ("organisationId" text, stream text, "entitlementId" text)`,
      [JSON.stringify(open)],
    );
    const at = this.clock.now().toISOString();
    const entryOf =
      (kind: 'OPENED' | 'CLOSED') =>
      ({ organisationId: recipientId, ...access }: Access) => ({ kind, recipientId, ...access, at });
    await this.ledger.add(tx, [...close.map(entryOf('CLOSED')), ...open.map(entryOf('OPENED'))]);
  }

  private async catchUp(): Promise<void> {
    const behind: { entitlementId: string; revision: number; platformId: string }[] = await this.db.query(
      `SELECT entitlement_id AS "entitlementId", revision, recipient_id AS "platformId" FROM entitlements
       WHERE catches_up AND feedback_kind = 'CREDIT_STATUS' ORDER BY entitlement_id`,
    );
    for (const { entitlementId, revision, platformId } of behind) {
      await this.credit.bringUpToDate(platformId);
      await this.db.query('UPDATE entitlements SET catches_up = FALSE WHERE entitlement_id = $1 AND revision = $2', [
        entitlementId,
        revision,
      ]);
    }
  }
}

/** Streams that an earlier version granted and this one does not know have no topic to open or close. */
const readingsOf = (accesses: readonly Pick<Access, 'organisationId' | 'stream'>[]): Reading[] =>
  accesses.flatMap(({ organisationId, stream }) => {
    const facts = factsOf(stream);
    return facts ? [{ organisationId, stream: facts.stream }] : [];
  });
