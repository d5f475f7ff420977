/**
 * What credit knows of the register: which entities there are, which permits they hold, and which of them a platform has under contract.
 * All are copies of what registration says; the higher revision wins, whatever order things arrive in.
 */
import type { MarketEntityRegistered, MerchantOnboarded, PermitGranted } from '@jinqiao/contracts';
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

/** A permit that was taken back stays, so that none of its earlier revisions comes again. */
export async function followPermits(tx: EntityManager, received: readonly Received<PermitGranted>[]): Promise<void> {
  await tx.query(
    `INSERT INTO registered_permits AS kept (department_id, permit_no, revision, uscc, kind, scope, authority, issued_on, valid_from,
       valid_until, status, legal_basis, is_withdrawn)
     SELECT DISTINCT ON ("departmentId", "permitNo") "departmentId", "permitNo", revision, uscc, kind, scope, authority, "issuedOn", "validFrom",
       "validUntil", status, "legalBasis", "withdrawnBecause" IS NOT NULL
     FROM jsonb_to_recordset($1::jsonb) AS x ("departmentId" text, "permitNo" text, revision integer, uscc text, kind text, scope text,
       authority text, "issuedOn" date, "validFrom" date, "validUntil" date, status text, "legalBasis" jsonb, "withdrawnBecause" text)
     ORDER BY "departmentId", "permitNo", revision DESC
     ON CONFLICT (department_id, permit_no) DO UPDATE SET revision = excluded.revision, uscc = excluded.uscc, kind = excluded.kind,
       scope = excluded.scope, authority = excluded.authority, issued_on = excluded.issued_on, valid_from = excluded.valid_from,
       valid_until = excluded.valid_until, status = excluded.status, legal_basis = excluded.legal_basis, is_withdrawn = excluded.is_withdrawn
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
