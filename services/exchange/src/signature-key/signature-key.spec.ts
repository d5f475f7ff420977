import { inForce, type SignatureKey } from './signature-key.js';

const [BEFORE, REVOKED, AFTER] = ['2026-11-23T01:00:00Z', '2026-11-23T02:00:00Z', '2026-11-23T03:00:00Z'].map((at) => new Date(at));
const keyOf = (kid: string, revokedAt: Date | null): SignatureKey => ({ kid, jwk: { kid }, registeredAt: new Date(0), revokedAt });
const keys = [keyOf('living', null), keyOf('revoked', REVOKED ?? null)];

it.each([
  ['comes in now is signed by no key that was revoked', null, ['living']],
  ['was accepted before it was revoked is', BEFORE, ['living', 'revoked']],
  ['was accepted after it was revoked is not', AFTER, ['living']],
] as const)('what %s', (_rule, at, kids) => expect(inForce(keys, at ?? null).map(({ kid }) => kid)).toEqual(kids));
