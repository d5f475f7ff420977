import { createECDH, createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every password of a stack comes from one random seed, which is made at its first start and kept in the data directory for its owner
 * alone. Nothing else has to be stored, and what knows the seed (the tests, the demo) can speak as any seeded principal.
 */
export function secretSeed(dataDir: string): string {
  const file = join(dataDir, 'secret-seed');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8');
}

const derive = (seed: string, use: string): string => createHmac('sha256', seed).update(use).digest('hex').slice(0, 40);

export const clientSecret = (seed: string, clientId: string): string => derive(seed, `client:${clientId}`);
export const rolePassword = (seed: string, role: string): string => derive(seed, `role:${role}`);
export const redisPassword = (seed: string): string => derive(seed, 'redis');
export const brokerPassword = (seed: string): string => derive(seed, 'broker');
/** Not a secret, but one that every broker of a cluster has to know at its first start. */
export const clusterId = (seed: string): string => Buffer.from(derive(seed, 'cluster'), 'hex').subarray(0, 16).toString('base64url');
export const registrationToken = (seed: string): string => derive(seed, 'registration');

// What PKCS #8 writes before the 32 bytes of an Ed25519 key (RFC 8410 §7).
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** What a service signs with: the exchange its ledger, credit its certificates and snapshots. An Ed25519 private key, PKCS #8, DER, in base64. */
export function serviceSigningKey(seed: string, use: 'ledger' | 'certificate' | 'snapshot'): string {
  const key = createHmac('sha256', seed).update(`${use}-signing-key`).digest();
  return Buffer.concat([ED25519_PKCS8, key]).toString('base64');
}

/** What the exchange encrypts the secrets of webhooks with: 32 bytes in base64. */
export const webhookSecretKey = (seed: string): string => createHmac('sha256', seed).update('webhook-secret-key').digest('base64');

/** What inspection seals the draws with that it keeps for a restore: 32 bytes in base64. */
export const drawSecretKey = (seed: string): string => createHmac('sha256', seed).update('draw-secret-key').digest('base64');

/**
 * The issuer's signing key, ES256. From the seed like the rest: tokens outlive a restart, and a test can make the token that no issuer
 * gives, an expired one or one for another audience.
 */
export function signingKey(seed: string): {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
  d: string;
  kid: string;
  alg: 'ES256';
  use: 'sig';
} {
  const d = createHmac('sha256', seed).update('signing-key').digest();
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(d);
  const point = curve.getPublicKey(); // 0x04, x, y
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  return {
    kty: 'EC',
    crv: 'P-256',
    x: x.toString('base64url'),
    y: y.toString('base64url'),
    d: d.toString('base64url'),
    kid: derive(seed, 'key-id').slice(0, 16),
    alg: 'ES256',
    use: 'sig',
  };
}
