import { Clock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource, type EntityManager } from 'typeorm';
import { KeyUnknown, readKey, type SignatureKey } from './signature-key.js';

const COLUMNS = 'kid, jwk, registered_at AS "registeredAt", revoked_at AS "revokedAt"';

@Injectable()
export class SignatureKeys {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** May be repeated. A key that was revoked stays revoked. */
  async register(recipientId: string, given: Record<string, unknown>): Promise<SignatureKey> {
    const jwk = await readKey(given);
    await this.db.query(
      'INSERT INTO signature_keys (recipient_id, kid, jwk, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [recipientId, jwk.kid, jwk, this.clock.now()],
    );
    return this.one(recipientId, jwk.kid);
  }

  /** What it has signed stays signed; nothing new is. */
  async revoke(recipientId: string, kid: string): Promise<SignatureKey> {
    await this.db.query('UPDATE signature_keys SET revoked_at = $3 WHERE recipient_id = $1 AND kid = $2 AND revoked_at IS NULL', [
      recipientId,
      kid,
      this.clock.now(),
    ]);
    return this.one(recipientId, kid);
  }

  async list(recipientId: string): Promise<SignatureKey[]> {
    return this.db.query(`SELECT ${COLUMNS} FROM signature_keys WHERE recipient_id = $1 ORDER BY registered_at, kid`, [recipientId]);
  }

  /** The keys that may sign, by recipient. */
  async inForce(tx: EntityManager, recipientIds: readonly string[]): Promise<Map<string, JWK[]>> {
    if (recipientIds.length === 0) return new Map();
    const rows: { recipientId: string; jwks: JWK[] }[] = await tx.query(
      `SELECT recipient_id AS "recipientId", jsonb_agg(jwk) AS jwks FROM signature_keys
       WHERE recipient_id = ANY($1) AND revoked_at IS NULL GROUP BY recipient_id`,
      [recipientIds],
    );
    return new Map(rows.map(({ recipientId, jwks }) => [recipientId, jwks]));
  }

  private async one(recipientId: string, kid: string): Promise<SignatureKey> {
    const [row]: SignatureKey[] = await this.db.query(`SELECT ${COLUMNS} FROM signature_keys WHERE recipient_id = $1 AND kid = $2`, [
      recipientId,
      kid,
    ]);
    if (!row) throw new KeyUnknown();
    return row;
  }
}
