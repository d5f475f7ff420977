/** Test messages on real servers, to a real HTTP receiver on the loopback (let through by configuration); the signature is checked by hand. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

const ENDPOINTS = '/api/exchange/webhook-endpoints';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
let status = 204;
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    calls.push({ headers: request.headers, body });
    response.writeHead(status).end();
  });
});
let place: Place;
let service: TestService;
let jd: Http;
let endpoint: { endpointId: string; secret: string };

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  for (const id of ['jd', 'tmall']) await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  endpoint = (await jd.post<typeof endpoint>(ENDPOINTS, { url, contact: '平台合规岗' })).body;
  await jd.put('/api/exchange/channel', { channel: 'WEBHOOK' });
}, 60_000);
beforeEach(() => {
  calls.length = 0;
  status = 204;
  clock.advance(10_000);
});
afterAll(async () => {
  await service.close();
  receiver.closeAllConnections();
  receiver.close();
});

const test = (http = jd) => http.post<object>(`${ENDPOINTS}/${endpoint.endpointId}/tests`);
const listed = async (): Promise<object | undefined> => (await jd.get<{ items: object[] }>(ENDPOINTS)).body.items[0];

it('is signed like any webhook, and known as a test without and with a look into the body', async () => {
  const { status: answered, body } = await test();
  const [call] = calls;
  const header = (name: string): string => String(call?.headers[name]);
  const key = Buffer.from(endpoint.secret.replace('whsec_', ''), 'base64');
  const signed = `${header('webhook-id')}.${header('webhook-timestamp')}.${call?.body ?? ''}`;
  expect(header('webhook-signature')).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  expect(call?.headers).toMatchObject({ 'ce-purpose': 'ENDPOINT_TEST', 'ce-sequence': '0', 'ce-type': 'platform.feedback.FeedbackIssued' });
  expect((JSON.parse(call?.body ?? '') as { subject: string }).subject).toMatch(/^sandbox:/);
  const came = { testedAt: clock.now().toISOString(), outcome: 'DELIVERED', status: 204, reason: null };
  expect([answered, body]).toMatchObject([200, { webhookId: header('webhook-id'), ...came }]);
  expect(await listed()).toMatchObject({ lastTest: came });
});

it('is in no series, no log of attempts and no ledger', async () => {
  await test();
  for (const table of ['feedbacks', 'deliveries', 'webhook_attempts', 'ledger_intake', 'ledger_entries'])
    expect({ table, rows: await place.sql(`SELECT FROM ${table}`) }).toEqual({ table, rows: [] });
  const { body } = await jd.post('/api/exchange/receipts', {
    ...{ feedbackId: String(calls[0]?.headers['webhook-id']).slice(0, 36), feedbackRevision: 1, revision: 1, status: 'RECEIVED' },
    ...{ feedbackHash: (JSON.parse(calls[0]?.body ?? '') as { contentHash: string }).contentHash, answeredAt: NOW.toISOString() },
  });
  expect(body).toMatchObject({ status: 404, code: 'FEEDBACK_UNKNOWN' });
});

it.each([
  [500, 'FAILED'],
  [302, 'REDIRECTED'],
  [410, 'GONE'],
])('tells that %s came back, which changes nothing about the endpoint', async (answer, outcome) => {
  status = answer;
  expect((await test()).body).toMatchObject({ outcome, status: answer });
  expect(await listed()).toMatchObject({ status: 'ACTIVE', failures: 0, pausedUntil: null, lastTest: { outcome, status: answer } });
});

it('goes to no address that is refused', async () => {
  const urlOf = 'UPDATE webhook_endpoints SET url = $1 RETURNING url';
  const [{ url } = { url: '' }] = await place.sql<{ url: string }>('SELECT url FROM webhook_endpoints');
  await place.sql(urlOf, ['https://169.254.169.254/latest']);
  expect((await test()).body).toMatchObject({ outcome: 'ADDRESS_REFUSED', status: null });
  await place.sql(urlOf, [url]);
});

it('goes out once in ten seconds at most', async () => {
  const [first, second] = await Promise.all([test(), test()]);
  expect([first.status, second.status].sort()).toEqual([200, 429]);
  clock.advance(9_000);
  const { headers, body } = await test();
  expect(body).toMatchObject({ code: 'TESTED_JUST_NOW', retryAfter: 1 });
  expect(headers.get('retry-after')).toBe('1');
  expect(calls).toHaveLength(1);
});

it('goes to the caller’s own endpoint, also to one that is disabled, and to none that has ended', async () => {
  const tmall = place.http(await place.token('PLATFORM', 'tmall'));
  expect((await test(tmall)).body).toMatchObject({ status: 404, code: 'ENDPOINT_UNKNOWN' });
  await place.sql(`UPDATE webhook_endpoints SET status = 'DISABLED', status_reason = 'FAILING'`);
  expect((await test()).body).toMatchObject({ outcome: 'DELIVERED' });
  expect(await listed()).toMatchObject({ status: 'DISABLED' });
  clock.advance(10_000);
  await jd.delete(`${ENDPOINTS}/${endpoint.endpointId}`);
  expect((await test()).body).toMatchObject({ status: 409, code: 'ENDPOINT_ENDED' });
  expect(calls).toHaveLength(1);
});
