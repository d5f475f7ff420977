/** Contacts on real servers: an organisation keeps its own, the operator finds them, and what is wrong changes nothing. */
import { type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

const CONTACTS = '/api/exchange/contacts';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let operator: Http;
let jd: Http;
let tmall: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  tmall = place.http(await place.token('PLATFORM', 'tmall'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
}, 60_000);
afterAll(() => service.close());

const compliance = { role: 'COMPLIANCE', address: 'compliance@example.com' };
const security = { role: 'SECURITY', address: '022-10000000' };

it('are replaced as a whole by their organisation, and what stays the same keeps its time', async () => {
  const kept = [compliance, security].map((contact) => ({ ...contact, since: NOW.toISOString() }));
  expect(await jd.put(CONTACTS, { contacts: [security, compliance] })).toMatchObject({ status: 200, body: { contacts: kept } });
  clock.advance(1_000);
  const moved = { ...security, address: '022-20000000' };
  const { body } = await jd.put(CONTACTS, { contacts: [compliance, moved] });
  expect(body).toEqual({ contacts: [kept[0], { ...moved, since: clock.now().toISOString() }] });
  expect((await jd.put(CONTACTS, { contacts: [compliance] })).body).toEqual({ contacts: [kept[0]] });
});

it('are found by the operator and by nobody else', async () => {
  expect((await operator.get(`${CONTACTS}?organisation=jd`)).body).toMatchObject({ contacts: [compliance] });
  expect((await jd.get(CONTACTS)).body).toMatchObject({ contacts: [compliance] });
  expect((await tmall.get(`${CONTACTS}?organisation=jd`)).body).toEqual({ contacts: [] });
});

it('with something wrong change nothing', async () => {
  expect((await jd.put(CONTACTS, { contacts: [compliance, security, { ...security, address: 'x' }] })).body).toMatchObject({
    status: 422,
    code: 'ROLE_TWICE',
    pointer: '/contacts/2/role',
  });
  expect((await jd.put(CONTACTS, { contacts: [{ role: 'BOSS', address: 'x' }] })).body).toMatchObject({ pointer: '/contacts/0/role' });
  expect((await jd.put(CONTACTS, { contacts: [] })).status).toBe(400);
  expect((await tmall.put(CONTACTS, { contacts: [compliance] })).body).toMatchObject({ status: 404, code: 'ORGANISATION_UNKNOWN' });
  expect((await jd.get(CONTACTS)).body).toMatchObject({ contacts: [compliance] });
});
