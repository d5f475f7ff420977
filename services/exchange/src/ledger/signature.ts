/** Detached JWS (RFC 7515 appendix F): a signature that travels beside what it signs, the RFC 8785 form of an object. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { canonicalForm } from '@jinqiao/schema';
import { calculateJwkThumbprint, FlattenedSign, flattenedVerify, importJWK, type JWK } from 'jose';

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: JWK & { readonly kid: string };
}

/** `pkcs8`: an Ed25519 private key, PKCS #8, DER, in base64. The key's id is its RFC 7638 thumbprint. */
export async function signingKeyOf(pkcs8: string): Promise<SigningKey> {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (crv !== 'Ed25519') throw new Error('the key that signs is no Ed25519 key');
  const jwk = { kty: kty ?? '', crv, x: x ?? '' };
  return { privateKey, publicKey: { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' } };
}

export async function sign(payload: object, { privateKey, publicKey }: SigningKey): Promise<string> {
  const signed = await new FlattenedSign(bytesOf(payload)).setProtectedHeader({ alg: 'EdDSA', kid: publicKey.kid }).sign(privateKey);
  return `${signed.protected ?? ''}..${signed.signature}`;
}

/** Is this a signature of the payload by the key? Anything that is no detached JWS is not. */
async function isSignature(signature: string, payload: object, key: JWK): Promise<boolean> {
  const [header = '', between, end = '', ...more] = signature.split('.');
  if (between !== '' || more.length > 0) return false;
  const jws = { protected: header, payload: Buffer.from(bytesOf(payload)).toString('base64url'), signature: end };
  try {
    await flattenedVerify(jws, await importJWK(key, ALGORITHMS[key.crv ?? ''] ?? ''), { algorithms: Object.values(ALGORITHMS) });
    return true;
  } catch {
    return false;
  }
}

/** The `kid` of the key that made the signature; null = none of them did. */
export async function signerOf(signature: string, payload: object, keys: readonly JWK[]): Promise<string | null> {
  for (const key of keys) if (await isSignature(signature, payload, key)) return key.kid ?? null;
  return null;
}

/** The algorithm that goes with each curve. */
export const ALGORITHMS: Readonly<Record<string, string>> = { Ed25519: 'EdDSA', 'P-256': 'ES256' };

const bytesOf = (payload: object): Uint8Array => new TextEncoder().encode(canonicalForm(payload));
