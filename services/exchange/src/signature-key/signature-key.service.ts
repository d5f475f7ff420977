import { SignatureKeyRegistered, SignatureKeyRevoked } from '@jinqiao/contracts';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { Clock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { KeyUnknown, readKey, type SignatureKey } from './signature-key.js';

const COLUMNS = 'kid, jwk, registered_at AS "registeredAt", revoked_at AS "revokedAt"';

@Injectable()
export class SignatureKeys {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** May be repeated. A key that was revoked stays revoked. */
  async register(recipientId: string, given: Record<string, unknown>): Promise<SignatureKey> {
    const jwk = await readKey(given);
    return this.db.transaction(async (tx) => {
      const registered: unknown[] = await tx.query(
        `INSERT INTO signature_keys (recipient_id, kid, jwk, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1`,
        [recipientId, jwk.kid, jwk, this.clock.now()],
      );
      const key = await one(tx, recipientId, jwk.kid);
      if (registered.length > 0) await this.outbox.add(tx, event(SignatureKeyRegistered, stateOf(recipientId, key)));
      return key;
    });
  }

  /** What it has signed stays signed; nothing new is. */
  async revoke(recipientId: string, kid: string): Promise<SignatureKey> {
    return this.db.transaction(async (tx) => {
      const [, revoked]: [unknown[], number] = await tx.query(
        'UPDATE signature_keys SET revoked_at = $3 WHERE recipient_id = $1 AND kid = $2 AND revoked_at IS NULL',
        [recipientId, kid, this.clock.now()],
      );
      const key = await one(tx, recipientId, kid);
      if (revoked > 0) await this.outbox.add(tx, event(SignatureKeyRevoked, stateOf(recipientId, key)));
      return key;
    });
  }

  async list(recipientId: string): Promise<SignatureKey[]> {
    return this.db.query(`SELECT ${COLUMNS} FROM signature_keys WHERE recipient_id = $1 ORDER BY registered_at, kid`, [recipientId]);
  }

  /** All keys of recipients, revoked ones too. */
  async of(tx: EntityManager, recipientIds: readonly string[]): Promise<Map<string, SignatureKey[]>> {
    if (recipientIds.length === 0) return new Map();
    const rows: (SignatureKey & { recipientId: string })[] = await tx.query(
      `SELECT recipient_id AS "recipientId", ${COLUMNS} FROM signature_keys WHERE recipient_id = ANY($1)`,
      [recipientIds],
    );
    return Map.groupBy(rows, ({ recipientId }) => recipientId);
  }
}

async function one(tx: EntityManager, recipientId: string, kid: string): Promise<SignatureKey> {
  const [row]: SignatureKey[] = await tx.query(`SELECT ${COLUMNS} FROM signature_keys WHERE recipient_id = $1 AND kid = $2`, [
    recipientId,
    kid,
  ]);
  if (!row) throw new KeyUnknown();
  return row;
}

const stateOf = (organisationId: string, { kid, jwk, registeredAt, revokedAt }: SignatureKey): SignatureKeyRegistered => ({
  organisationId,
  kid,
  revision: revokedAt === null ? 1 : 2,
  jwk: { ...jwk },
  registeredAt: registeredAt.toISOString(),
  ...(revokedAt !== null && { revokedAt: revokedAt.toISOString() }),
});

/** What organisations had registered or revoked and a database that was set back does not know. */
export async function takeOverKeys(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<SignatureKeyRegistered>[]) {
    const { organisationId, kid, jwk, registeredAt, revokedAt = null } = data;
    const kept: unknown[] = await tx.query(
      `INSERT INTO signature_keys AS kept (recipient_id, kid, jwk, registered_at, revoked_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (recipient_id, kid) DO UPDATE SET revoked_at = excluded.revoked_at
         WHERE kept.revoked_at IS NULL AND excluded.revoked_at IS NOT NULL
       RETURNING 1`,
      [organisationId, kid, jwk, registeredAt, revokedAt],
    );
    news += kept.length;
  }
  return news;
}
