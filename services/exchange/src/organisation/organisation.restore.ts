import type { OrganisationRegistered } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { namesOf } from './organisation.js';

/** Organisations as they were announced last, with their names. Their topics and access rules existed before that. */
export async function takeOverOrganisations(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, OrganisationRegistered>();
  for (const { data } of said as readonly Received<OrganisationRegistered>[]) {
    if (data.revision <= (newest.get(data.organisationId)?.revision ?? 0)) continue;
    newest.set(data.organisationId, { aliases: [], sectors: [], scopes: [], status: 'PRODUCTION', ...data });
  }
  const taken: { id: string }[] = await tx.query(
    `INSERT INTO organisations AS kept (id, kind, name, aliases, sectors, scopes, uscc, status, status_reason, revision)
     SELECT "organisationId", kind, name, aliases, sectors, scopes, uscc, status, "statusReason", revision
     FROM jsonb_to_recordset($1::jsonb) AS x ("organisationId" text, kind text, name text, aliases text[], sectors text[], scopes text[],
            uscc text, status text, "statusReason" text, revision integer)
     ORDER BY "organisationId"
     ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, aliases = excluded.aliases, sectors = excluded.sectors,
       scopes = excluded.scopes, uscc = excluded.uscc, status = excluded.status, status_reason = excluded.status_reason, revision = excluded.revision
     WHERE kept.revision < excluded.revision
     RETURNING id`,
    [JSON.stringify([...newest.values()])],
  );
  const ids = taken.map(({ id }) => id);
  // All names of all of them go first: one may have moved from one to the other.
  await tx.query('DELETE FROM organisation_names WHERE organisation_id = ANY($1)', [ids]);
  const names = ids.flatMap((id) => {
    const { name = '', aliases = [], uscc = null } = newest.get(id) ?? {};
    return namesOf({ id, name, aliases, uscc }).map(({ key }) => ({ key, id }));
  });
  await tx.query(
    `INSERT INTO organisation_names (name_key, organisation_id)
     SELECT key, id FROM jsonb_to_recordset($1::jsonb) AS x (key text, id text) ORDER BY key ON CONFLICT DO NOTHING`,
    [JSON.stringify(names)],
  );
  return taken.length;
}
