/** Secrets at rest: JWE (RFC 7516) in compact form, `dir` with A256GCM. `kid` names the key, so that keys can be exchanged. */
import { Matches } from 'class-validator';
import { calculateJwkThumbprint, compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose';

const KEY = '[A-Za-z0-9+/]{43}=';

/** Of a variable that holds such keys. `openssl rand -base64 32` makes one. */
export const IsKeyring = (): PropertyDecorator =>
  Matches(new RegExp(`^${KEY}(,${KEY})*$`), {
    message: '$property must be keys of 32 bytes in base64, separated by commas; the first one encrypts',
  });

/** What is sealed was sealed with a key that is not here. */
export class KeyMissing extends Error {
  constructor(readonly kid: string) {
    super(`the key ${kid} is missing`);
  }
}

/** Keys that open what was sealed with any of them; the first one seals. A key's id is the RFC 7638 thumbprint of its JWK. */
export class Keyring {
  private constructor(
    private readonly first: { readonly kid: string; readonly key: Uint8Array },
    private readonly keys: ReadonlyMap<string, Uint8Array>,
  ) {}

  /** `keys`: of 32 bytes each, in base64, separated by commas. */
  static async of(keys: string): Promise<Keyring> {
    const all = await Promise.all(
      keys.split(',').map(async (base64) => {
        const key = Buffer.from(base64, 'base64');
        return { kid: await calculateJwkThumbprint({ kty: 'oct', k: key.toString('base64url') }), key };
      }),
    );
    const [first] = all;
    if (!first) throw new Error('a keyring has one key at least');
    return new Keyring(first, new Map(all.map(({ kid, key }) => [kid, key])));
  }

  seal(text: string): Promise<string> {
    const { kid, key } = this.first;
    return new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid }).encrypt(key);
  }

  /** Throws KeyMissing, and whatever jose throws for what nobody has sealed or somebody has changed. */
  async open(sealed: string): Promise<string> {
    const kid = kidOf(sealed) ?? '';
    const key = this.keys.get(kid);
    if (!key) throw new KeyMissing(kid);
    const { plaintext } = await compactDecrypt(sealed, key, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] });
    return Buffer.from(plaintext).toString();
  }

  /** How a text stands here: sealed with the key that seals now, with another one, or not at all. */
  stateOf(text: string): 'CURRENT' | 'FORMER' | 'OPEN' {
    const kid = kidOf(text);
    if (kid === null) return 'OPEN';
    return kid === this.first.kid ? 'CURRENT' : 'FORMER';
  }
}

/** Null for what is no JWE. */
function kidOf(text: string): string | null {
  try {
    return decodeProtectedHeader(text).kid ?? null;
  } catch {
    return null;
  }
}
