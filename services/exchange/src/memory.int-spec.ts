/**
 * What the exchange alone needs to know (ADR-0009): whom to call, which records departments were given, what platforms showed in the
 * sandbox, by which channel and at which endpoint they are told. A database that was set back to before it knows it again from topics
 * that nobody else may read.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SamplingResultPublished, WebhookEndpointChanged } from '@jinqiao/contracts';
import { clientSecret } from '@jinqiao/infra-local';
import { Simulator } from '@jinqiao/simulator';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import type { ConformanceEntry } from './conformance/conformance.service.js';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';
import type { GrantedPage } from './granted-record/granted-record.service.js';

const MEMORY = ['contact', 'granted-key', 'conformance-run', 'channel', 'webhook-endpoint', 'signature-key'].map(
  (name) => `exchange.${name}.v1`,
);
const CONTACTS = '/api/exchange/contacts';
const RUNS = '/api/exchange/conformance-runs';
const CHANNEL = '/api/exchange/channel';
const ENDPOINTS = '/api/exchange/webhook-endpoints';
const compliance = { role: 'COMPLIANCE', address: 'compliance@example.com' };
const security = { role: 'SECURITY', address: '022-10000000' };
let place: Place;
let service: TestService;
let operator: Http;
let amr: Http;
let housing: Http;
let jd: Http;
let granted: string;

async function start(): Promise<void> {
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
}
beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  await start();
  operator = place.http(await place.token('OPERATOR', 'operator'));
  amr = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  housing = place.http(await place.token('DEPARTMENT', 'tj-housing'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  await admit('tj-amr', 'DEPARTMENT', { scopes: ['provides:inspection.sampling-result'] });
  await admit('tj-housing', 'DEPARTMENT');
  await admit('jd', 'PLATFORM', { status: 'SANDBOX' });
  granted = await grant();
}, 60_000);
afterAll(() => service.close());

async function admit(id: string, kind: string, more: object = {}): Promise<void> {
  const { status } = await operator.post('/api/exchange/organisations', { id, kind, name: `机构${id}`, ...more });
  expect(status).toBe(201);
}
async function grant(): Promise<string> {
  const { body } = await housing.post('/api/exchange/entitlements', {
    stream: 'inspection.sampling-result',
    mode: 'PULL',
    areas: ['120116'],
    level: 1,
    legalBasis: '政务数据共享条例第二十条',
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2030-12-31',
  });
  const id = String(body['entitlementId']);
  expect((await amr.post(`/api/exchange/entitlements/${id}/changes`, { act: 'APPROVE' })).status).toBe(200);
  return id;
}
const publish = (sampleNo: string, divisionCode: string, revision = 1) =>
  place.publish(
    SamplingResultPublished,
    aSamplingResult({ sampleNo, revision, sampledParty: { name: '商店', divisionCode }, nominalProducer: { name: '厂' } }),
  );
const pull = async (cursor?: string): Promise<GrantedPage> => {
  const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
  return (await housing.get<GrantedPage>(`/api/exchange/entitlements/${granted}/records${query}`)).body;
};
/** A run that is passed, by pull. */
async function show(): Promise<void> {
  const { issuer, seed, kafkaBrokers } = place.servers;
  const access = { origin: place.origin, issuer, clientId: 'jd', clientSecret: clientSecret(seed, 'jd') };
  const simulator = await Simulator.start({
    channel: 'PULL',
    access: { ...access, brokers: kafkaBrokers.split(','), namespace: place.namespace },
  });
  const { body } = await jd.post<ConformanceEntry>(RUNS, {});
  await eventually(async () => expect((await jd.get<ConformanceEntry>(`${RUNS}/${body.runId}`)).body.status).toBe('PASSED'), {
    within: 30_000,
  });
  await simulator.stop();
}
const standing = async () => ({
  contacts: await place.sql('SELECT * FROM contacts ORDER BY organisation_id, role'),
  given: await place.sql('SELECT * FROM granted_keys ORDER BY entitlement_id, key'),
  runs: await place.sql(
    'SELECT run_id, organisation_id, channel, revised_id, withdrawn_id, started_at, ends_at, refused, checks, passed, finished_at FROM conformance_runs',
  ),
  channels: await place.sql('SELECT organisation_id, channel, channel_revision FROM recipients ORDER BY organisation_id'),
  endpoints: await place.sql(
    `SELECT endpoint_id, organisation_id, url, algorithm, contact, status, status_reason, status_since, registered_at, revision
     FROM webhook_endpoints ORDER BY endpoint_id`,
  ),
  secrets: await place.sql('SELECT * FROM webhook_secrets ORDER BY secret_id'),
});
const allSaid = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
interface Made {
  readonly endpointId: string;
  readonly secret: string;
}
const endpointAt = async (http: Http, url: string): Promise<Made> => {
  const { status, body } = await http.post<Made>(ENDPOINTS, { url, contact: '平台合规岗' });
  expect(status).toBe(201);
  return body;
};
const revisionsOn = async (topic: string): Promise<string[]> =>
  (await place.readAll(topic)).map(({ key, headers }) => `${String(key)} ${String(headers['ce_revision'])}`);

it('comes back when the database was set back, and goes on from there', async () => {
  await jd.put(CONTACTS, { contacts: [compliance] });
  const { endpointId: first } = await endpointAt(jd, 'http://127.0.0.1:9/first');
  await publish('M-1', '120116');
  await eventually(async () => expect((await pull()).items).toHaveLength(1));
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  await service.close();
  const setBack = await place.backUp();

  await start();
  await jd.put(CONTACTS, { contacts: [security, { ...compliance, address: '022-20000000' }] });
  await jd.put(CONTACTS, { contacts: [{ ...compliance, address: '022-20000000' }, security] });
  await jd.put(`${ENDPOINTS}/${first}`, { url: 'http://127.0.0.1:9/moved', contact: '值班' });
  await jd.delete(`${ENDPOINTS}/${first}`);
  const { endpointId: second } = await endpointAt(jd, 'http://127.0.0.1:9/second');
  await jd.post(`${ENDPOINTS}/${second}/rotations`, { overlapHours: 2 });
  // A run counts for the channel it was passed by.
  await jd.put(CHANNEL, { channel: 'PULL' });
  await publish('M-2', '120116');
  await eventually(async () => expect((await pull()).items).toHaveLength(2));
  await show();
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const { cursor } = await pull();
  const before = await standing();
  expect(before.runs).toMatchObject([{ organisation_id: 'jd', channel: 'PULL', passed: true }]);
  expect(before.given.map(({ key, revision }): unknown[] => [key, revision])).toEqual([
    ['tj-amr:M-1', 1],
    ['tj-amr:M-2', 2],
  ]);
  expect(before.endpoints).toHaveLength(2);
  expect(before.secrets).toHaveLength(2);
  await service.close();

  await setBack();
  await start();
  expect(await standing()).toEqual(before);
  expect((await jd.get(CHANNEL)).body).toMatchObject({ channel: 'PULL' });
  await publish('M-2', '120101', 2);
  await eventually(async () => expect((await pull(cursor)).items).toMatchObject([{ key: 'tj-amr:M-2', revision: 2, gone: true }]));
  await jd.put(CONTACTS, { contacts: [security] });
  await eventually(async () => expect(await revisionsOn('exchange.contact.v1')).toEqual(['jd 1', 'jd 2', 'jd 3']));
  expect(await revisionsOn('exchange.granted-key.v1')).toEqual([`${granted} 1`, `${granted} 2`]);
  expect((await operator.post('/api/exchange/organisations/jd/changes', { act: 'PROMOTE' })).body).toMatchObject({ status: 'PRODUCTION' });
}, 120_000);

it('sends what was told since to the endpoint of today, and nothing to the one that said 410', async () => {
  const calls: { path: string; id: string; isSigned: boolean }[] = [];
  const secrets = new Map<string, string>();
  let gone = '';
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      const id = String(headers['webhook-id']);
      const signed = `${id}.${String(headers['webhook-timestamp'])}.${Buffer.concat(parts).toString()}`;
      const key = Buffer.from((secrets.get(path) ?? '').replace('whsec_', ''), 'base64');
      const isSigned = headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
      calls.push({ path, id, isSigned });
      response.writeHead(path === gone ? 410 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await admit('tmall', 'PLATFORM');
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    const tell = (sampleNo: string) =>
      place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, online: { platformName: '机构tmall' } }));
    const undelivered = async (): Promise<unknown> => (await tmall.get(CHANNEL)).body['undelivered'];
    const { endpointId, secret } = await endpointAt(tmall, `${origin}/old`);
    secrets.set('/old', secret);
    await tmall.put(CHANNEL, { channel: 'WEBHOOK' });
    await tell('N-1');
    await eventually(async () => expect([calls.length, await undelivered()]).toEqual([1, 0]));
    await allSaid();
    await service.close();
    const setBack = await place.backUp();

    await start();
    gone = '/old';
    await tell('N-2');
    await eventually(async () => expect((await tmall.get<{ items: object[] }>(ENDPOINTS)).body.items).toMatchObject([{ status: 'ENDED' }]));
    secrets.set('/new', (await endpointAt(tmall, `${origin}/new`)).secret);
    await eventually(async () => expect([calls.length, await undelivered()]).toEqual([3, 0]));
    await allSaid();
    const before = await standing();
    await service.close();

    await setBack();
    await start();
    expect(await standing()).toEqual(before);
    await eventually(async () => expect([calls.length, await undelivered()]).toEqual([4, 0]));
    expect(calls.every(({ isSigned }) => isSigned)).toBe(true);
    expect(calls.map(({ path }) => path)).toEqual(['/old', '/old', '/new', '/new']);
    expect(new Set(calls.slice(1).map(({ id }) => id)).size).toBe(1);
    const { body: notices } = await operator.get<{ items: object[] }>('/api/exchange/contact-notices?platform=tmall');
    expect(notices.items).toMatchObject([{ endpointId, reason: 'GONE', contact: '平台合规岗' }]);
    await tmall.put(CHANNEL, { channel: 'KAFKA' });
    await eventually(async () => expect(await revisionsOn('exchange.channel.v1')).toContain('tmall 2'));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 120_000);

it('knows the endpoint of today also where the one before it is no longer on the topic', async () => {
  await allSaid();
  await service.close();
  const [secret] = await place.sql<{ secret: string }>('SELECT secret FROM webhook_secrets LIMIT 1');
  const at = new Date().toISOString();
  const latest: WebhookEndpointChanged = {
    organisationId: 'jd',
    revision: 100,
    endpointId: randomUUID(),
    url: 'http://127.0.0.1:9/latest',
    algorithm: 'HMAC_SHA256',
    contact: '值班',
    status: 'ACTIVE',
    secrets: [{ secretId: randomUUID(), secret: secret?.secret ?? '', createdAt: at }],
    registeredAt: at,
    statusSince: at,
  };
  await place.publish(WebhookEndpointChanged, latest);
  await start();
  const living = await place.sql("SELECT endpoint_id, revision FROM webhook_endpoints WHERE organisation_id = 'jd' AND status <> 'ENDED'");
  expect(living).toEqual([{ endpoint_id: latest.endpointId, revision: 100 }]);
  expect(
    await place.sql("SELECT s.endpoint_id FROM webhook_secrets s JOIN webhook_endpoints USING (endpoint_id) WHERE organisation_id = 'jd'"),
  ).toEqual([{ endpoint_id: latest.endpointId }]);
  expect((await jd.delete(`${ENDPOINTS}/${latest.endpointId}`)).status).toBe(200);
  await eventually(async () => expect(await revisionsOn('exchange.webhook-endpoint.v1')).toContain('jd 101'));
});

it('shows no secret on the way, and holds none of an endpoint that has ended', async () => {
  const records = await place.readAll('exchange.webhook-endpoint.v1');
  expect(records.some(({ value }) => value?.includes('"secret":"eyJ'))).toBe(true);
  expect(records.filter(({ value }) => /whsec_|whsk_/.test(value ?? ''))).toEqual([]);
  const ended = records.filter(({ body }) => body?.['status'] === 'ENDED');
  expect(new Set(ended.map(({ body }) => body?.['statusReason']))).toEqual(new Set(['REMOVED', 'GONE']));
  expect(ended.filter(({ value }) => value?.includes('"secret":'))).toEqual([]);
});

it.each(MEMORY)('%s is read by nobody else', async (topic) => {
  for (const other of ['jd', 'tj-housing', 'service.inspection', 'service.credit', 'service.monitoring', 'service.registration']) {
    await expect(place.outside(other).readAll(topic)).rejects.toThrow(/not authorized/i);
  }
});
