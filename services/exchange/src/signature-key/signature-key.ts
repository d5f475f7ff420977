/** Public keys with which an organisation signs its answers: registered by itself, never taken out of use for what they have signed. */
import { SIGNATURE_ALGORITHMS } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';

export interface SignatureKey {
  /** RFC 7638 thumbprint; the `kid` of what the key signs. */
  readonly kid: string;
  readonly jwk: JWK;
  readonly registeredAt: Date;
  readonly revokedAt: Date | null;
}

/** Those that may sign what was accepted at a moment; null: what comes in now. */
export const inForce = (keys: readonly SignatureKey[], at: Date | null): JWK[] =>
  keys.filter(({ revokedAt }) => revokedAt === null || (at !== null && at <= revokedAt)).map(({ jwk }) => jwk);

export class KeyUnusable extends DomainError {
  constructor(why: string) {
    super('KEY_UNUSABLE', 422, { zh: '公钥不可用', en: 'This is no public key that answers can be signed with' }, [
      { code: 'KEY_UNUSABLE', pointer: '/jwk', message: why },
    ]);
  }
}

export class KeyUnknown extends DomainError {
  constructor() {
    super('KEY_UNKNOWN', 404, { zh: '没有该公钥', en: 'You have no such key' });
  }
}

/** The key alone, named by its thumbprint. Throws KeyUnusable for anything but a public Ed25519 or P-256 key. */
export async function readKey(given: Record<string, unknown>): Promise<JWK & { kid: string }> {
  const { kty, crv, x, y, d } = given;
  if (d !== undefined) throw new KeyUnusable('holds the private part, which has to stay with you: make another key');
  const algorithm = typeof crv === 'string' ? SIGNATURE_ALGORITHMS[crv] : undefined;
  if (algorithm === undefined) throw new KeyUnusable('must be an Ed25519 or a P-256 key (RFC 7517, RFC 8037)');
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y })) as JWK;
  try {
    await importJWK(jwk, algorithm);
    return { ...jwk, kid: await calculateJwkThumbprint(jwk) };
  } catch {
    throw new KeyUnusable('is not a point of its curve');
  }
}
