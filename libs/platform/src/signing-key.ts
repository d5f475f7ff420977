/** Ed25519 keys that a service signs with, as its environment gives them. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { Matches } from 'class-validator';
import { calculateJwkThumbprint, type JWK } from 'jose';

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: JWK & { readonly kid: string };
}

/** Of a variable that holds such a key. `openssl genpkey -algorithm ed25519 -outform DER | base64 -w0` makes one. */
export const IsSigningKey = (): PropertyDecorator =>
  Matches(/^[A-Za-z0-9+/]{64}$/, { message: '$property must be an Ed25519 private key: PKCS #8, DER, in base64' });

/** `pkcs8`: an Ed25519 private key, PKCS #8, DER, in base64. The key's id is its RFC 7638 thumbprint. */
export async function signingKeyOf(pkcs8: string): Promise<SigningKey> {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (crv !== 'Ed25519') throw new Error('the key that signs is no Ed25519 key');
  const jwk = { kty: kty ?? '', crv, x: x ?? '' };
  return { privateKey, publicKey: { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' } };
}
