/**
 * The secrets of webhooks as they lie in the database: encrypted when they are made, encrypted at the next start where they were kept
 * before there was a key, and encrypted anew when another key comes first. What was shown to the platform signs throughout.
 */
import { eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { EndpointSecrets } from './endpoint.secrets.js';

const ENDPOINTS = '/api/exchange/webhook-endpoints';
const [FIRST, SECOND] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')];
const AT = new Date();
let place: Place;
let service: TestService;

async function start(keys: string): Promise<void> {
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, env: { WEBHOOK_SECRET_KEYS: keys } });
}
beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  await start(FIRST);
}, 60_000);
afterAll(() => service.close());

async function endpointOf(id: string): Promise<{ http: Http; endpointId: string; secret: string }> {
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id });
  const http = place.http(await place.token('PLATFORM', id));
  const { status, body } = await http.post<{ endpointId: string; secret: string }>(ENDPOINTS, {
    url: 'http://127.0.0.1:9/',
    contact: '值班',
  });
  expect(status).toBe(201);
  return { http, ...body };
}
const signing = async (endpointId: string): Promise<string[]> => {
  const valid = await service.get(EndpointSecrets).valid(service.get(DataSource).manager, [endpointId], AT);
  return valid.map(({ secret }) => secret);
};
/** Which key each row names, '' = none. */
async function kids(): Promise<string[]> {
  const rows = await place.sql<{ secret: string }>('SELECT secret FROM webhook_secrets ORDER BY created_at');
  return rows.map(({ secret }) => {
    const [header = ''] = secret.split('.');
    return secret.startsWith('whs') ? '' : (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
  });
}
/** As rows were kept before: the check came afterwards and holds for none of them. */
async function keepOpen(endpointId: string, secret: string): Promise<void> {
  await place.sql('ALTER TABLE webhook_secrets DROP CONSTRAINT webhook_secrets_encrypted');
  await place.sql('UPDATE webhook_secrets SET secret = $2 WHERE endpoint_id = $1', [endpointId, secret]);
  await place.sql(`ALTER TABLE webhook_secrets ADD CONSTRAINT webhook_secrets_encrypted CHECK (secret LIKE 'eyJ%') NOT VALID`);
}

it('are encrypted when they are made, opened to sign, and taken in no other way', async () => {
  const jd = await endpointOf('jd');
  expect(await place.sql(`SELECT FROM webhook_secrets WHERE secret LIKE 'whs%' OR position($1 in secret) > 0`, [jd.secret])).toEqual([]);
  expect(await kids()).toHaveLength(1);
  expect(await signing(jd.endpointId)).toEqual([jd.secret]);
  const rotated = await jd.http.post<{ secret: string }>(`${ENDPOINTS}/${jd.endpointId}/rotations`, {});
  expect(await signing(jd.endpointId)).toEqual([rotated.body.secret, jd.secret]);
  await expect(place.sql('UPDATE webhook_secrets SET secret = $1', [jd.secret])).rejects.toThrow('webhook_secrets_encrypted');
});

it('stand in no answer that is kept: who repeats a request is told that it was carried out, and takes another', async () => {
  const { http, endpointId, secret } = await endpointOf('suning');
  await http.delete(`${ENDPOINTS}/${endpointId}`);
  const asked = (path: string, body: object, key: string) =>
    http.post<{ endpointId: string; secret: string; code?: string }>(path, body, { headers: { 'idempotency-key': key } });
  const draft = { url: 'http://127.0.0.1:9/', contact: '值班' };
  const made = await asked(ENDPOINTS, draft, 'made');
  expect(made).toMatchObject({ status: 201, body: { secret: expect.stringMatching(/^whsec_/) } });
  expect(await asked(ENDPOINTS, draft, 'made')).toMatchObject({ status: 409, body: { code: 'ANSWER_NOT_KEPT' } });
  expect(await signing(made.body.endpointId)).toEqual([made.body.secret]);

  const rotations = `${ENDPOINTS}/${made.body.endpointId}/rotations`;
  const rotated = await asked(rotations, {}, 'rotated');
  expect(await asked(rotations, {}, 'rotated')).toMatchObject({ status: 409, body: { code: 'ANSWER_NOT_KEPT' } });
  expect(await signing(made.body.endpointId)).toEqual([rotated.body.secret, made.body.secret]);
  const another = await asked(rotations, { overlapHours: 0 }, 'another');
  const valid = await service.get(EndpointSecrets).valid(service.get(DataSource).manager, [made.body.endpointId], new Date());
  expect(valid).toMatchObject([{ secret: another.body.secret }]);

  const secrets = [secret, made.body.secret, rotated.body.secret, another.body.secret];
  expect(await place.sql('SELECT status FROM idempotency_keys ORDER BY key')).toHaveLength(3);
  expect(
    await place.sql('SELECT FROM idempotency_keys AS kept, unnest($1::text[]) AS secret WHERE position(secret in kept::text) > 0', [
      secrets,
    ]),
  ).toEqual([]);
});

it('kept before there was a key are encrypted at the next start, and what an interrupted start has encrypted stays', async () => {
  const [tmall, vip] = [await endpointOf('tmall'), await endpointOf('vip')];
  await keepOpen(tmall.endpointId, tmall.secret);
  const before = await place.sql('SELECT secret_id, secret FROM webhook_secrets WHERE endpoint_id = $1', [vip.endpointId]);
  await service.close();
  await start(FIRST);
  expect(new Set(await kids()).size).toBe(1);
  expect(await kids()).not.toContain('');
  expect(await signing(tmall.endpointId)).toEqual([tmall.secret]);
  expect(await place.sql('SELECT secret_id, secret FROM webhook_secrets WHERE endpoint_id = $1', [vip.endpointId])).toEqual(before);
});

it('go over to another key that comes first; then the former one can go, and not before', async () => {
  const pdd = await endpointOf('pdd');
  const [former = ''] = await kids();
  await service.close();
  await start(`${FIRST},${SECOND}`);
  expect(new Set(await kids())).toEqual(new Set([former]));
  await service.close();
  await expect(start(SECOND)).rejects.toThrow(`WEBHOOK_SECRET_KEYS must hold the key ${former}, with which secrets in webhook_secrets`);
  await start(`${SECOND},${FIRST}`);
  expect(await kids()).not.toContain(former);
  await service.close();
  await start(SECOND);
  expect(await signing(pdd.endpointId)).toEqual([pdd.secret]);
  expect(new Set(await kids()).size).toBe(1);
}, 60_000);

it('of another key are said under it: what a restored database takes over asks for no former one', async () => {
  const dewu = await endpointOf('dewu');
  await service.close();
  const setBack = await place.backUp();
  await start(`${FIRST},${SECOND}`);
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const before = await kids();
  await service.close();
  await setBack();
  expect(await kids()).not.toEqual(before);
  await start(FIRST);
  expect(new Set(await kids())).toEqual(new Set(before));
  expect(await signing(dewu.endpointId)).toEqual([dewu.secret]);
}, 60_000);
