import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { IssuerUnreachable, TokenExpired, TokenInvalid, TokenMissing, Tokens, WrongAudience } from './tokens.js';

// The issuer here is a key and its two published documents; the real one is met in the integration specs.
describe('an access token', () => {
  let issuer: string;
  let server: Server;
  let key: CryptoKey;
  let foreignKey: CryptoKey;
  let tokens: Tokens;

  beforeAll(async () => {
    const pair = await generateKeyPair('ES256');
    key = pair.privateKey;
    foreignKey = (await generateKeyPair('ES256')).privateKey;
    const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] };
    server = createServer((request, answer) => {
      answer.setHeader('content-type', 'application/json');
      answer.end(JSON.stringify(request.url === '/jwks' ? jwks : { jwks_uri: `${issuer}/jwks` }));
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    tokens = new Tokens(issuer, 'jinqiao');
  });

  afterAll(() => new Promise((done) => server.close(done)));

  const signed = async (claims: JWTPayload, by = key): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000);
    const whole = { iss: issuer, aud: 'jinqiao', sub: 'jd', kind: 'PLATFORM', scope: 'jinqiao feedback', exp: now + 60, ...claims };
    return `Bearer ${await new SignJWT(whole).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(by)}`;
  };

  it('names the principal', async () => {
    expect(await tokens.principalOf(await signed({}))).toEqual({ id: 'jd', kind: 'PLATFORM', scopes: ['jinqiao', 'feedback'] });
  });

  it('may name a service', async () => {
    expect(await tokens.principalOf(await signed({ sub: 'service.credit', kind: 'SERVICE' }))).toMatchObject({ kind: 'SERVICE' });
  });

  it('is required', () => expect(tokens.principalOf(undefined)).rejects.toThrow(TokenMissing));

  it('is refused when it has expired', async () => {
    await expect(tokens.principalOf(await signed({ exp: Math.floor(Date.now() / 1_000) - 60 }))).rejects.toThrow(TokenExpired);
  });

  it('is refused when it was made for another audience', async () => {
    await expect(tokens.principalOf(await signed({ aud: 'another' }))).rejects.toThrow(WrongAudience);
  });

  it.each([
    ['of another issuer', { iss: 'http://elsewhere' }],
    ['without a subject', { sub: undefined }],
    ['without an expiry', { exp: undefined }],
    ['of an unknown kind', { kind: 'KING' }],
    ['without a kind', { kind: undefined }],
  ])('is refused %s', async (_what, claims) => {
    await expect(tokens.principalOf(await signed(claims))).rejects.toThrow(TokenInvalid);
  });

  it('is refused when another key signed it', async () => {
    await expect(tokens.principalOf(await signed({}, foreignKey))).rejects.toThrow(TokenInvalid);
  });

  it.each(['Bearer', 'Bearer abc', 'Basic amQ6eA==', 'Bearer e30.e30.', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJqZCJ9.'])(
    'is refused when it is none: %j',
    async (header) => {
      await expect(tokens.principalOf(header)).rejects.toThrow(TokenInvalid);
    },
  );

  it('that was right is right again without a look at its signature, until it expires', async () => {
    const header = await signed({ exp: Math.floor(Date.now() / 1_000) + 20 });
    const first = await tokens.principalOf(header);
    const verify = jest.spyOn(crypto.subtle, 'verify');
    expect(await tokens.principalOf(header)).toEqual(first);
    expect(verify).not.toHaveBeenCalled();
    await tokens.principalOf(await signed({ jti: 'another' }));
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
    const later = Date.now() + 30_000;
    jest.useFakeTimers({
      now: later,
      doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'setTimeout', 'queueMicrotask', 'performance'],
    });
    try {
      await expect(tokens.principalOf(header)).rejects.toThrow(TokenExpired);
    } finally {
      jest.useRealTimers();
    }
  });

  it('cannot be judged while the issuer is away, which is not its fault', async () => {
    await expect(new Tokens('http://127.0.0.1:1', 'jinqiao').principalOf(await signed({}))).rejects.toThrow(IssuerUnreachable);
  });
});
