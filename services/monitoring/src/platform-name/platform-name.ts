import type { OrganisationRegistered } from '@jinqiao/contracts';
import { nameKey } from '@jinqiao/law';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';

/** Follows exchange.organisation.v1, to count the spellings of a platform under its id. */
export async function followNames(tx: EntityManager, received: readonly Received<OrganisationRegistered>[]): Promise<void> {
  for (const { data } of received) await follow(tx, data);
}

async function follow(tx: EntityManager, { organisationId, kind, name, aliases = [], revision }: OrganisationRegistered): Promise<void> {
  if (kind !== 'PLATFORM') return;
  const advanced = await tx.query<unknown[]>(
    `INSERT INTO platforms (organisation_id, revision, name) VALUES ($1, $2, $3)
     ON CONFLICT (organisation_id) DO UPDATE SET revision = excluded.revision, name = excluded.name WHERE platforms.revision < excluded.revision
     RETURNING revision`,
    [organisationId, revision, name],
  );
  if (advanced.length === 0) return;
  const names = [...new Set([organisationId, name, ...aliases].map(nameKey))].sort();
  await tx.query('DELETE FROM platform_names WHERE organisation_id = $1 AND name <> ALL ($2)', [organisationId, names]);
  // Two platforms are on two partitions: a name that moved may be taken by the new owner before the old one is seen to give it up.
  await tx.query(
    `INSERT INTO platform_names (name, organisation_id) SELECT name, $1 FROM unnest($2::text[]) AS name ORDER BY name
     ON CONFLICT (name) DO UPDATE SET organisation_id = excluded.organisation_id`,
    [organisationId, names],
  );
}
