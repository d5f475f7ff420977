import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { type Http, type Place, realServers, StandingClock, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';

// A certificate as whoever is shown it checks it: with the published keys alone, by jose and by nothing but node:crypto.
const NOON = new Date('2026-11-23T04:00:00.000Z');
const clock = new StandingClock(NOON);
const uscc = testUscc(1);
let place: Place;
let service: TestService;
let certificate: string;
let keys: JSONWebKeySet;
let jd: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  await department.post('/api/credit/records', {
    recordNo: 'P-1',
    uscc,
    type: 'SERIOUS_DISHONESTY',
    documentDate: '2026-11-20',
    digest: { documentNo: '1', matter: '严重违法', authority: '天津市市场监督管理委员会' },
  });
  const { body } = await jd.post<{ certificate: string; validUntil: string }>('/api/credit/certificates', {
    purpose: 'ONBOARDING',
    applicationId: 'RZ-1',
    uscc,
  });
  expect(body.validUntil).toBe('2026-11-24T04:00:00.000Z');
  certificate = body.certificate;
  // Nobody needs a token for the keys.
  keys = (await place.http().get<JSONWebKeySet>('/api/credit/jwks')).body;
}, 60_000);
afterAll(() => service.close());

/** By RFC 7515 alone. */
function isGenuine(jws: string): boolean {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const [key] = keys.keys.map((jwk: JWK) => createPublicKey({ key: jwk, format: 'jwk' }));
  return key !== undefined && verifySignature(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
}

it('states the public facts of now, without a record and without who had it made', async () => {
  const { payload, protectedHeader } = await jwtVerify(certificate, createLocalJWKSet(keys), {
    currentDate: NOON,
    issuer: 'urn:jinqiao:credit',
  });
  expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: keys.keys[0]?.kid });
  expect(payload).toMatchObject({
    sub: uscc,
    iat: NOON.getTime() / 1_000,
    exp: NOON.getTime() / 1_000 + 86_400,
    status: { uscc, lists: ['SERIOUS_DISHONESTY'], publicRecords: [{ type: 'SERIOUS_DISHONESTY', count: 1 }], match: 'NOT_REGISTERED' },
  });
  expect(payload['status']).not.toHaveProperty('records');
  expect(JSON.stringify(payload)).not.toMatch(/"jd"|RZ-1/);
});

it('is checked offline, with nothing but the published key', () => {
  expect(isGenuine(certificate)).toBe(true);
});

it('is worth nothing once a byte of it is another', () => {
  const at = fc.integer({ min: 0, max: certificate.length - 1 });
  fc.assert(
    fc.property(at, fc.constantFrom(...'ABCDwxyz0189-_'), (position, sign) => {
      const edited = `${certificate.slice(0, position)}${sign}${certificate.slice(position + 1)}`;
      const bytesOf = (jws: string): string =>
        jws
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('hex'))
          .join('.');
      // The last sign of a part may hold bits that belong to no byte.
      fc.pre(bytesOf(edited) !== bytesOf(certificate));
      expect(isGenuine(edited)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it('is refused after its time', async () => {
  const tomorrow = new Date(NOON.getTime() + 86_400_001);
  await expect(jwtVerify(certificate, createLocalJWKSet(keys), { currentDate: tomorrow })).rejects.toMatchObject({
    code: 'ERR_JWT_EXPIRED',
  });
});

it('publishes no private part of a key', () => {
  expect(keys.keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']]);
});
