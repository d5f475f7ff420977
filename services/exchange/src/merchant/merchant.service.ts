import type { CreditStatusChanged, MerchantOnboarded } from '@jinqiao/contracts';
import { nameKey } from '@jinqiao/law';
import { lockKeys, type Received } from '@jinqiao/messaging';
import { Clock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { FeedbackTeller, type Told } from '../feedback/feedback.teller.js';
import { NAME_LOCKS } from '../organisation/organisation.js';
import { type CreditStatus, type Merchant, settle, shopsNamedBy } from './merchant.js';

type Cause = Received<object | null>;

/** Merchants whose platforms are brought up to date in one transaction of the sweep. */
const SWEPT_MAX = 500;
/** A merchant and its credit status must see each other. */
const USCC_LOCKS = 'uscc';

/** Follows who sells where and what is publicly known about them, and tells the platforms concerned. */
@Injectable()
export class MerchantCredit {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly clock: Clock,
  ) {}

  async followMerchants(tx: EntityManager, received: readonly Received<MerchantOnboarded>[]): Promise<void> {
    const newest = newestByKey(received);
    await this.lockUnregistered(
      tx,
      [...newest.values()].map(({ data }) => data.platformId),
    );
    const before = await this.usccsOf(tx, [...newest.keys()]);
    const usccs = [...newest.values()].flatMap(({ data }) => data.uscc ?? []);
    await lockKeys(tx, USCC_LOCKS, [...before, ...usccs]);
    const rows: { was: string | null; uscc: string | null; key: string }[] = await tx.query(
      `INSERT INTO platform_merchants (platform_id, shop_id, revision, uscc, shop_name, exited_at, applied_at)
       SELECT platform_id, shop_id, revision, uscc, shop_name, exited_at, clock_timestamp()
       FROM jsonb_to_recordset($1::jsonb) AS x(platform_id text, shop_id text, revision integer, uscc text, shop_name text,
         exited_at timestamptz)
       ORDER BY platform_id, shop_id
       ON CONFLICT (platform_id, shop_id) DO UPDATE SET revision = EXCLUDED.revision, uscc = EXCLUDED.uscc,
         shop_name = EXCLUDED.shop_name, exited_at = EXCLUDED.exited_at, applied_at = EXCLUDED.applied_at
       WHERE platform_merchants.revision < EXCLUDED.revision
       RETURNING old.uscc AS was, new.uscc, new.platform_id || ':' || new.shop_id AS key`,
      [JSON.stringify([...newest.values()].map(({ data }) => merchantRow(data)))],
    );
    const causes = new Map<string, Cause | null>();
    for (const { was, uscc, key } of rows) {
      for (const touched of [was, uscc]) if (touched !== null) causes.set(touched, newest.get(key) ?? null);
    }
    await this.settle(tx, causes);
  }

  async followStatuses(tx: EntityManager, received: readonly Received<CreditStatusChanged | null>[]): Promise<void> {
    const newest = newestByKey(received);
    await lockKeys(tx, USCC_LOCKS, [...newest.keys()]);
    const rows: { uscc: string }[] = await tx.query(
      `INSERT INTO credit_statuses (uscc, revision, facts, applied_at)
       SELECT uscc, revision, facts, clock_timestamp()
       FROM jsonb_to_recordset($1::jsonb) AS x(uscc text, revision integer, facts jsonb)
       ORDER BY uscc
       ON CONFLICT (uscc) DO UPDATE SET revision = EXCLUDED.revision, facts = EXCLUDED.facts, applied_at = EXCLUDED.applied_at
       WHERE credit_statuses.revision < EXCLUDED.revision
       RETURNING new.uscc`,
      [JSON.stringify([...newest].map(([uscc, { data, revision }]) => ({ uscc, revision: data?.revision ?? revision, facts: data })))],
    );
    await this.settle(tx, new Map(rows.map(({ uscc }) => [uscc, newest.get(uscc) ?? null])));
  }

  /**
   * Tells one platform (it has just registered), or all of them (null), what they should have been told and were not, in transactions of
   * its own. Gives back how many merchants that concerned.
   */
  async tellMissing(platformId: string | null): Promise<number> {
    return this.settleAll((after) => this.untold(platformId, after));
  }

  /** Tells a platform whose agreement is in force (again) everything that has changed meanwhile. */
  async bringUpToDate(platformId: string): Promise<number> {
    return this.settleAll((after) => this.merchantsOf(platformId, after));
  }

  private async settleAll(next: (after: string) => Promise<string[]>): Promise<number> {
    let told = 0;
    let after = '';
    // Bounded by the number of merchants: each round begins behind the last one.
    for (;;) {
      const usccs = await next(after);
      if (usccs.length > 0) await this.db.transaction((tx) => this.settleLocked(tx, usccs));
      told += usccs.length;
      after = usccs.at(-1) ?? '';
      if (usccs.length < SWEPT_MAX) return told;
    }
  }

  private async untold(platformId: string | null, after: string): Promise<string[]> {
    const rows: { uscc: string }[] = await this.db.query(
      `SELECT DISTINCT m.uscc
       FROM platform_merchants m
       JOIN organisations o ON o.id = m.platform_id AND o.kind = 'PLATFORM' AND o.status <> 'SANDBOX'
       JOIN entitlements e ON e.recipient_id = m.platform_id AND e.feedback_kind = 'CREDIT_STATUS' AND e.status = 'ACTIVE'
       JOIN credit_statuses s ON s.uscc = m.uscc AND s.facts IS NOT NULL
       WHERE m.exited_at IS NULL AND m.uscc > $2 AND ($1::text IS NULL OR m.platform_id = $1)
         AND NOT EXISTS (SELECT FROM feedbacks f WHERE f.kind = 'CREDIT_STATUS' AND f.subject = m.uscc
                           AND f.recipient_id = m.platform_id AND f.status = 'ISSUED')
       ORDER BY m.uscc
       LIMIT $3`,
      [platformId, after, SWEPT_MAX],
    );
    return rows.map(({ uscc }) => uscc);
  }

  private async merchantsOf(platformId: string, after: string): Promise<string[]> {
    const rows: { uscc: string }[] = await this.db.query(
      `SELECT DISTINCT m.uscc FROM platform_merchants m JOIN credit_statuses s ON s.uscc = m.uscc AND s.facts IS NOT NULL
       WHERE m.platform_id = $1 AND m.exited_at IS NULL AND m.uscc > $2
       ORDER BY m.uscc
       LIMIT $3`,
      [platformId, after, SWEPT_MAX],
    );
    return rows.map(({ uscc }) => uscc);
  }

  private async settleLocked(tx: EntityManager, usccs: readonly string[]): Promise<void> {
    await lockKeys(tx, USCC_LOCKS, usccs);
    await this.settle(tx, new Map(usccs.map((uscc) => [uscc, null])));
  }

  /**
   * A platform may be admitted to production while its first merchant arrives: whoever finds it missing holds its name until the merchant
   * is committed.
   */
  private async lockUnregistered(tx: EntityManager, platformIds: readonly string[]): Promise<void> {
    const wanted = [...new Set(platformIds)];
    const rows: { id: string }[] = await tx.query("SELECT id FROM organisations WHERE id = ANY($1) AND status <> 'SANDBOX'", [wanted]);
    const registered = new Set(rows.map(({ id }) => id));
    const missing = wanted.filter((id) => !registered.has(id));
    await lockKeys(tx, NAME_LOCKS, missing.map(nameKey));
  }

  private async usccsOf(tx: EntityManager, keys: readonly string[]): Promise<string[]> {
    const rows: { uscc: string }[] = await tx.query(
      `SELECT DISTINCT uscc FROM platform_merchants
       WHERE (platform_id, shop_id) IN (SELECT platform_id, shop_id FROM jsonb_to_recordset($1::jsonb) AS x(platform_id text, shop_id text))
         AND uscc IS NOT NULL`,
      [JSON.stringify(keys.map(splitKey))],
    );
    return rows.map(({ uscc }) => uscc);
  }

  /** Brings the platforms of these merchants up to date; their locks are held. */
  private async settle(tx: EntityManager, causes: ReadonlyMap<string, Cause | null>): Promise<void> {
    const usccs = [...causes.keys()];
    if (usccs.length === 0) return;
    const statuses = await this.statuses(tx, usccs);
    // Most merchants have no public record: nothing is to be told about them.
    const known = usccs.filter((uscc) => statuses.has(uscc));
    if (known.length === 0) return;
    const shops = await this.shops(tx, known);
    const agreed = await this.agreed(tx, [...shops.values()].flat());
    const feedbacks = await this.teller.load(tx, 'CREDIT_STATUS', known);
    const knownShops = await this.knownShops(tx, [...feedbacks.values()].flat().flatMap(shopsNamedBy));
    const now = this.clock.now();
    const told = known.flatMap((uscc): Told[] => {
      const standing = {
        uscc,
        status: statuses.get(uscc) ?? null,
        shops: shops.get(uscc) ?? [],
        feedbacks: feedbacks.get(uscc) ?? [],
        agreed,
        knownShops,
      };
      return settle(standing, now).map((feedback) => ({ feedback, causedBy: causes.get(uscc) ?? null }));
    });
    await this.teller.tell(tx, told);
    await tx.query('UPDATE credit_statuses SET applied_at = clock_timestamp() WHERE uscc = ANY($1)', [
      [...new Set(told.map(({ feedback }) => feedback.said.subject))],
    ]);
  }

  private async agreed(tx: EntityManager, shops: readonly Merchant[]): Promise<Set<string>> {
    const rows: { id: string }[] = await tx.query(
      `SELECT recipient_id AS id FROM entitlements WHERE feedback_kind = 'CREDIT_STATUS' AND status = 'ACTIVE' AND recipient_id = ANY($1)`,
      [[...new Set(shops.map(({ platformId }) => platformId))]],
    );
    return new Set(rows.map(({ id }) => id));
  }

  private async knownShops(tx: EntityManager, keys: readonly string[]): Promise<Set<string>> {
    if (keys.length === 0) return new Set();
    const rows: { key: string }[] = await tx.query(
      `SELECT platform_id || ':' || shop_id AS key FROM platform_merchants
       WHERE (platform_id, shop_id) IN (SELECT platform_id, shop_id FROM jsonb_to_recordset($1::jsonb) AS x(platform_id text, shop_id text))`,
      [JSON.stringify(keys.map(splitKey))],
    );
    return new Set(rows.map(({ key }) => key));
  }

  private async statuses(tx: EntityManager, usccs: readonly string[]): Promise<Map<string, CreditStatus>> {
    const rows: (CreditStatus & { uscc: string })[] = await tx.query(
      'SELECT uscc, revision, facts FROM credit_statuses WHERE uscc = ANY($1)',
      [usccs],
    );
    return new Map(rows.map(({ uscc, revision, facts }) => [uscc, { revision, facts }]));
  }

  private async shops(tx: EntityManager, usccs: readonly string[]): Promise<Map<string, Merchant[]>> {
    const rows: { uscc: string; shop: Merchant }[] = await tx.query(
      `SELECT m.uscc, jsonb_strip_nulls(jsonb_build_object('platformId', m.platform_id, 'shopId', m.shop_id, 'uscc', m.uscc,
         'shopName', m.shop_name, 'exitedAt', m.exited_at)) AS shop
       FROM platform_merchants m JOIN organisations o ON o.id = m.platform_id AND o.kind = 'PLATFORM' AND o.status <> 'SANDBOX'
       WHERE m.uscc = ANY($1)
       ORDER BY m.platform_id, m.shop_id`,
      [usccs],
    );
    const byUscc = new Map<string, Merchant[]>();
    for (const { uscc, shop } of rows) byUscc.set(uscc, [...(byUscc.get(uscc) ?? []), shop]);
    return byUscc;
  }
}

function newestByKey<E extends { revision: number } | null>(received: readonly Received<E>[]): Map<string, Received<E>> {
  const newest = new Map<string, Received<E>>();
  for (const one of received) {
    const before = newest.get(one.key);
    if (!before || revisionOf(one) > revisionOf(before)) newest.set(one.key, one);
  }
  return newest;
}

const revisionOf = ({ data, revision }: Received<{ revision: number } | null>): number => data?.revision ?? revision ?? 0;

/** `platformId:shopId`; only the shop's id may hold a colon. */
const splitKey = (key: string): object => ({ platform_id: key.slice(0, key.indexOf(':')), shop_id: key.slice(key.indexOf(':') + 1) });

const merchantRow = ({ platformId, shopId, revision, uscc, shopName, exitedAt }: MerchantOnboarded): object => ({
  platform_id: platformId,
  shop_id: shopId,
  revision,
  uscc: uscc ?? null,
  shop_name: shopName ?? null,
  exited_at: exitedAt ?? null,
});
