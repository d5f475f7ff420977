/**
 * What the exchange alone needs to know (ADR-0009): whom to call, which records departments were given, what platforms showed in the
 * sandbox. A database that was set back to before it knows it again from topics that nobody else may read.
 */
import { SamplingResultPublished } from '@jinqiao/contracts';
import { clientSecret } from '@jinqiao/infra-local';
import { Simulator } from '@jinqiao/simulator';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import type { ConformanceEntry } from './conformance/conformance.service.js';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';
import type { GrantedPage } from './granted-record/granted-record.service.js';

const MEMORY = ['exchange.contact.v1', 'exchange.granted-key.v1', 'exchange.conformance-run.v1'];
const CONTACTS = '/api/exchange/contacts';
const RUNS = '/api/exchange/conformance-runs';
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
  place = await (await realServers()).place('exchange');
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
});
const revisionsOn = async (topic: string): Promise<string[]> =>
  (await place.readAll(topic)).map(({ key, headers }) => `${String(key)} ${String(headers['ce_revision'])}`);

it('comes back when the database was set back, and goes on from there', async () => {
  await jd.put(CONTACTS, { contacts: [compliance] });
  // A restore forgets the channel (ADR-0012), and a run counts for the channel it was passed by.
  await jd.put('/api/exchange/channel', { channel: 'PULL' });
  await publish('M-1', '120116');
  await eventually(async () => expect((await pull()).items).toHaveLength(1));
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  await service.close();
  const setBack = await place.backUp();

  await start();
  await jd.put(CONTACTS, { contacts: [security, { ...compliance, address: '022-20000000' }] });
  await jd.put(CONTACTS, { contacts: [{ ...compliance, address: '022-20000000' }, security] });
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
  await service.close();

  await setBack();
  await start();
  expect(await standing()).toEqual(before);
  await publish('M-2', '120101', 2);
  await eventually(async () => expect((await pull(cursor)).items).toMatchObject([{ key: 'tj-amr:M-2', revision: 2, gone: true }]));
  await jd.put(CONTACTS, { contacts: [security] });
  await eventually(async () => expect(await revisionsOn('exchange.contact.v1')).toEqual(['jd 1', 'jd 2', 'jd 3']));
  expect(await revisionsOn('exchange.granted-key.v1')).toEqual([`${granted} 1`, `${granted} 2`]);
  expect((await operator.post('/api/exchange/organisations/jd/changes', { act: 'PROMOTE' })).body).toMatchObject({ status: 'PRODUCTION' });
}, 120_000);

it.each(MEMORY)('%s is read by nobody else', async (topic) => {
  for (const other of ['jd', 'tj-housing', 'service.inspection', 'service.credit', 'service.monitoring', 'service.registration']) {
    await expect(place.outside(other).readAll(topic)).rejects.toThrow(/not authorized/i);
  }
});
