/** Detached JWS (RFC 7515 appendix F): a signature that travels beside what it signs, the RFC 8785 form of an object. */
import { canonicalForm } from '@jinqiao/schema';
import { FlattenedSign, flattenedVerify, importJWK, type JWK } from 'jose';
import type { SigningKey } from './signing-key.js';

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
    const imported = await importJWK(key, SIGNATURE_ALGORITHMS[key.crv ?? ''] ?? '');
    await flattenedVerify(jws, imported, { algorithms: Object.values(SIGNATURE_ALGORITHMS) });
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
export const SIGNATURE_ALGORITHMS: Readonly<Record<string, string>> = { Ed25519: 'EdDSA', 'P-256': 'ES256' };

const bytesOf = (payload: object): Uint8Array => new TextEncoder().encode(canonicalForm(payload));
