/** Signatures by the Standard Webhooks specification 1.0: over `id.timestamp.body`, one for each secret that is valid. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

export const ALGORITHMS = ['HMAC_SHA256', 'ED25519'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** What is kept of a new secret, and what the platform is shown: of HMAC the same, of Ed25519 the public key. */
export interface NewSecret {
  readonly kept: string;
  readonly shown: string;
}

const HMAC_BYTES = 32;
/** PKCS#8 of an Ed25519 key, up to its 32 bytes (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const KEY_BYTES = 32;
/** More than there are platforms. */
const PRIVATE_KEYS_MAX = 1_000;
const privateKeys = new Map<string, KeyObject>();

export function newSecret(algorithm: Algorithm): NewSecret {
  if (algorithm === 'HMAC_SHA256') {
    const secret = `whsec_${randomBytes(HMAC_BYTES).toString('base64')}`;
    return { kept: secret, shown: secret };
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const ending = (key: KeyObject, type: 'pkcs8' | 'spki'): string =>
    key.export({ format: 'der', type }).subarray(-KEY_BYTES).toString('base64');
  return { kept: `whsk_${ending(privateKey, 'pkcs8')}`, shown: `whpk_${ending(publicKey, 'spki')}` };
}

/** The header `webhook-signature`: during a rotation one signature by each secret, the newest first. */
export const signatures = (secrets: readonly string[], id: string, at: Date, body: string): string =>
  secrets
    .map((secret) => (secret.startsWith('whsk_') ? asymmetric(secret, id, at, body) : new Webhook(secret).sign(id, at, body)))
    .join(' ');

// The library signs with HMAC only.
function asymmetric(secret: string, id: string, at: Date, body: string): string {
  return `v1a,${sign(null, Buffer.from(`${id}.${secondsOf(at)}.${body}`), privateKey(secret)).toString('base64')}`;
}

// Reading a key costs as much as signing with it.
function privateKey(secret: string): KeyObject {
  const known = privateKeys.get(secret);
  if (known) return known;
  if (privateKeys.size >= PRIVATE_KEYS_MAX) privateKeys.clear();
  const seed = Buffer.from(secret.slice('whsk_'.length), 'base64');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  privateKeys.set(secret, key);
  return key;
}

/** Unix seconds, as in the header `webhook-timestamp`. */
export const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1_000);
