/**
 * What credit knows of the register: which entities there are, and which of them a platform has under contract. Both are copies of what
 * registration says; the higher revision wins, whatever order things arrive in.
 */
import type { MarketEntityRegistered, MerchantOnboarded } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';

export async function followEntities(tx: EntityManager, received: readonly Received<MarketEntityRegistered>[]): Promise<void> {
  await tx.query(
    `INSERT INTO registered_entities AS kept (uscc, revision, name, status, division_code, industry_code, registered_on)
     SELECT DISTINCT ON (uscc) uscc, revision, name, status, "divisionCode", "industryCode", "registeredOn"
     FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, revision integer, name text, status text, "divisionCode" text,
       "industryCode" text, "registeredOn" date)
     ORDER BY uscc, revision DESC
     ON CONFLICT (uscc) DO UPDATE SET revision = excluded.revision, name = excluded.name, status = excluded.status,
       division_code = excluded.division_code, industry_code = excluded.industry_code, registered_on = excluded.registered_on
     WHERE kept.revision < excluded.revision`,
    [JSON.stringify(received.map(({ data }) => data))],
  );
}

export async function followShops(
  tx: EntityManager,
  received: readonly Received<MerchantOnboarded & { exitedAt?: string }>[],
): Promise<void> {
  const shops = received.map(({ data: { platformId, shopId, revision, uscc, onboardedAt, exitedAt } }) => {
    return { platformId, shopId, revision, uscc, onboardedAt, exitedAt };
  });
  await tx.query(
    `INSERT INTO platform_shops AS kept (platform_id, shop_id, revision, uscc, onboarded_at, exited_at)
     SELECT DISTINCT ON ("platformId", "shopId") "platformId", "shopId", revision, uscc, "onboardedAt", "exitedAt"
     FROM jsonb_to_recordset($1::jsonb) AS x ("platformId" text, "shopId" text, revision integer, uscc text,
       "onboardedAt" timestamptz, "exitedAt" timestamptz)
     ORDER BY "platformId", "shopId", revision DESC
     ON CONFLICT (platform_id, shop_id) DO UPDATE SET revision = excluded.revision, uscc = excluded.uscc,
       onboarded_at = excluded.onboarded_at, exited_at = excluded.exited_at
     WHERE kept.revision < excluded.revision`,
    [JSON.stringify(shops)],
  );
}

/** An entity that a platform may have under contract. */
export interface Contract {
  readonly platformId: string;
  readonly uscc: string;
}

/** Of each whether the platform has it under contract: onboarded, and not left since. */
export async function areContracted(tx: EntityManager, asked: readonly Contract[]): Promise<boolean[]> {
  const rows: { contracted: boolean }[] = await tx.query(
    `SELECT EXISTS (SELECT FROM platform_shops AS shop
       WHERE shop.platform_id = asked.platform_id AND shop.uscc = asked.uscc AND shop.exited_at IS NULL) AS contracted
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (platform_id, uscc, place) ORDER BY asked.place`,
    [asked.map(({ platformId }) => platformId), asked.map(({ uscc }) => uscc)],
  );
  return rows.map(({ contracted }) => contracted);
}
