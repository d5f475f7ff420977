import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceTokens } from './kafka-tokens.js';

let issuer: Server;
let origin: string;
let given: number;

beforeEach(async () => {
  given = 0;
  issuer = createServer((request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    const answer = isDiscovery ? { token_endpoint: `${origin}/token` } : { access_token: `token-${++given}`, expires_in: 600 };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  origin = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
});
afterEach(() => {
  jest.restoreAllMocks();
  issuer.closeAllConnections();
  issuer.close();
});

const tokens = (): ServiceTokens => new ServiceTokens(origin, { id: 'service.credit', secret: 's' });

it('a token is asked for once, by however many, and kept', async () => {
  const own = tokens();
  expect(await Promise.all([own.token(), own.token(), own.token()])).toEqual(['token-1', 'token-1', 'token-1']);
  expect(await own.provider()).toEqual({ value: 'token-1' });
});

it('a token is renewed in the last fifth of its life, wherever the clock stood when it was given', async () => {
  const own = tokens();
  const ahead = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  await own.token();
  ahead.mockRestore();
  const began = performance.now();
  const now = jest.spyOn(performance, 'now').mockReturnValue(began + 470_000);
  expect(await own.token()).toBe('token-1');
  now.mockReturnValue(began + 481_000);
  expect(await own.token()).toBe('token-2');
});
