/*
 * The exchange says to itself how endpoints stand, with their secrets as they are encrypted, so that a database that was set back knows
 * them again (ADR-0009). How an endpoint fares is not said: it would be an event for each failure, and shows again by itself.
 */
import { type SealedSecret, WebhookEndpointChanged } from '@jinqiao/contracts';
import { event, type Outbox, type Received } from '@jinqiao/messaging';
import { type EntityManager, In } from 'typeorm';
import { dueAtOnce } from '../delivery/delivery.series.js';
import { WebhookEndpoint, WebhookSecret } from './endpoint.entity.js';

/** To be called last, under the locks of the endpoints. Of an organisation one that has ended is said only until it has another. */
export async function sayEndpoints(tx: EntityManager, outbox: Outbox, endpointIds: readonly string[], at: Date): Promise<void> {
  if (endpointIds.length === 0) return;
  const [numbered]: [{ endpointId: string; revision: number }[], number] = await tx.query(
    `UPDATE webhook_endpoints e
     SET revision = 1 + (SELECT max(o.revision) FROM webhook_endpoints o WHERE o.organisation_id = e.organisation_id)
     WHERE e.endpoint_id = ANY($1)
     RETURNING e.endpoint_id AS "endpointId", e.revision`,
    [endpointIds],
  );
  const revisions = new Map(numbered.map(({ endpointId, revision }) => [endpointId, revision]));
  const endpoints = await tx.findBy(WebhookEndpoint, { endpointId: In(endpointIds) });
  const secrets = await tx.findBy(WebhookSecret, { endpointId: In(endpointIds) });
  const changed = endpoints.map((endpoint) => {
    const own = secrets.filter(({ endpointId }) => endpointId === endpoint.endpointId);
    const signing = own.filter(({ validUntil }) => validUntil === null || validUntil > at);
    return stateOf(endpoint, revisions.get(endpoint.endpointId) ?? 1, signing);
  });
  await outbox.add(
    tx,
    changed.map((state) => event(WebhookEndpointChanged, state)),
  );
}

function stateOf(endpoint: WebhookEndpoint, revision: number, secrets: readonly WebhookSecret[]): WebhookEndpointChanged {
  const { organisationId, endpointId, url, algorithm, contact, status, statusReason, registeredAt, statusSince } = endpoint;
  return {
    organisationId,
    revision,
    endpointId,
    url,
    algorithm,
    contact,
    status,
    ...(statusReason !== null && { statusReason }),
    secrets: secrets.map(sealedOf),
    registeredAt: registeredAt.toISOString(),
    statusSince: statusSince.toISOString(),
  };
}

const sealedOf = ({ secretId, secret, createdAt, validUntil }: WebhookSecret): SealedSecret => ({
  secretId,
  secret,
  createdAt: createdAt.toISOString(),
  ...(validUntil !== null && { validUntil: validUntil.toISOString() }),
});

/** Endpoints as they stood and a database that was set back does not know. */
export async function takeOverEndpoints(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<WebhookEndpointChanged>[]) {
    const known: unknown[] = await tx.query('SELECT FROM webhook_endpoints WHERE organisation_id = $1 AND revision >= $2', [
      data.organisationId,
      data.revision,
    ]);
    if (known.length > 0) continue;
    await takeOver(tx, data);
    news += 1;
  }
  return news;
}

async function takeOver(tx: EntityManager, state: WebhookEndpointChanged): Promise<void> {
  const { organisationId, endpointId, registeredAt, secrets } = state;
  // Nobody knows any more what was delivered since: all that is due goes to it.
  if (state.status === 'ACTIVE') await dueAtOnce(tx, organisationId, new Date(state.statusSince));
  // How the one before had ended is no longer on the topic where this one is the last state; but it had, or this one would not be.
  await tx.query(
    `UPDATE webhook_endpoints SET status = 'ENDED', status_reason = 'REMOVED', status_since = $3
     WHERE organisation_id = $1 AND endpoint_id <> $2 AND status <> 'ENDED'`,
    [organisationId, endpointId, registeredAt],
  );
  await tx.query('DELETE FROM webhook_secrets s USING webhook_endpoints e WHERE e.endpoint_id = s.endpoint_id AND e.organisation_id = $1', [
    organisationId,
  ]);
  await tx.query(
    `INSERT INTO webhook_endpoints (endpoint_id, organisation_id, url, algorithm, contact, status, status_reason, status_since, registered_at,
       revision)
     SELECT "endpointId", "organisationId", url, algorithm, contact, status, "statusReason", "statusSince", "registeredAt", revision
     FROM jsonb_to_record($1::jsonb) AS x ("endpointId" uuid, "organisationId" text, url text, algorithm text, contact text, status text,
       "statusReason" text, "statusSince" timestamptz, "registeredAt" timestamptz, revision integer)
     ON CONFLICT (endpoint_id) DO UPDATE SET url = excluded.url, contact = excluded.contact, status = excluded.status,
       status_reason = excluded.status_reason, status_since = excluded.status_since, revision = excluded.revision,
       failures = 0, failing_since = NULL, paused_until = NULL`,
    [JSON.stringify(state)],
  );
  await tx.query(
    `INSERT INTO webhook_secrets (secret_id, endpoint_id, secret, created_at, valid_until)
     SELECT "secretId", $1::uuid, secret, "createdAt", "validUntil"
     FROM jsonb_to_recordset($2::jsonb) AS x ("secretId" uuid, secret text, "createdAt" timestamptz, "validUntil" timestamptz)`,
    [endpointId, JSON.stringify(secrets)],
  );
  await tx.query(
    `INSERT INTO contact_notices (organisation_id, platform_id, endpoint_id, reason, contact, noticed_at)
     SELECT organisation_id, organisation_id, endpoint_id, status_reason, contact, status_since FROM webhook_endpoints e
     WHERE endpoint_id = $1 AND status_reason IN ('GONE', 'FAILING')
       AND NOT EXISTS (SELECT FROM contact_notices n WHERE n.endpoint_id = e.endpoint_id AND n.noticed_at = e.status_since)`,
    [endpointId],
  );
}
