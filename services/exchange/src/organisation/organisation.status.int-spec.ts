/**
 * Suspension and exit on real servers: the broker and HTTP refuse whoever is shut out, what the law says it must be told is kept for it,
 * and whoever leaves takes its entitlements along.
 */
import { SamplingResultPublished } from '@jinqiao/contracts';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

const ORGANISATIONS = '/api/exchange/organisations';
const IN_EFFECT_MS = 5_000;
const who = new Map<string, Http>();
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result']],
    ['DEPARTMENT', 'tj-housing', []],
    ['PLATFORM', 'jd', []],
    ['PLATFORM', 'tmall', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    await as('operator').post(ORGANISATIONS, { id, kind, name: `机构${id}`, scopes });
  }
}, 60_000);
afterAll(() => service.close());

const as = (id: string): Http => who.get(id) ?? place.http();
const change = (id: string, act: string, reason?: string) =>
  as('operator').post(`${ORGANISATIONS}/${id}/changes`, { act, ...(reason && { reason }) });
const tell = async (sampleNo: string, platform: string): Promise<void> => {
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, online: { platformName: `机构${platform}` } }));
  await eventually(async () => expect(await place.sql('SELECT FROM subjects WHERE subject = $1', [`tj-amr:${sampleNo}`])).toHaveLength(1));
};
const reads = (id: string, topic: string) => place.outside(id).readAll(topic);
const isClosed = (id: string, topic: string) =>
  eventually(async () => expect(await reads(id, topic).catch((error: unknown) => String(error))).toMatch(/not authorized/i), {
    within: IN_EFFECT_MS,
  });
const isOpen = (id: string, topic: string, records: number) =>
  eventually(async () => expect(await reads(id, topic)).toHaveLength(records), { within: IN_EFFECT_MS });

describe('a platform that is suspended', () => {
  const TOPIC = 'platform.jd.feedback.v1';

  it('may neither read nor write nor call anything, and is told everything when it is resumed', async () => {
    await tell('L-1', 'jd');
    await isOpen('jd', TOPIC, 1);
    expect((await as('jd').put('/api/exchange/channel', { channel: 'PULL' })).status).toBe(200);
    expect((await change('jd', 'SUSPEND', '凭证泄露')).body).toMatchObject({ status: 'SUSPENDED', statusReason: '凭证泄露', revision: 2 });
    await isClosed('jd', TOPIC);
    const answer = { key: 'x', value: {} };
    await expect(place.outside('jd').produce('platform.jd.receipt.v1', answer)).rejects.toThrow(/not authorized/i);
    await eventually(async () => {
      expect((await as('jd').get('/api/exchange/deliveries')).body).toMatchObject({ status: 403, code: 'ORGANISATION_SUSPENDED' });
    });
    expect((await as('tmall').get('/api/exchange/deliveries')).status).toBe(200);

    await tell('L-2', 'jd');
    // To register it again opens nothing.
    const again = await as('operator').post(ORGANISATIONS, { id: 'jd', kind: 'PLATFORM', name: '机构jd' });
    expect(again.body).toMatchObject({ status: 'SUSPENDED' });
    await isClosed('jd', TOPIC);

    expect((await change('jd', 'RESUME')).body).toMatchObject({ status: 'PRODUCTION', statusReason: null });
    await isOpen('jd', TOPIC, 2);
    await eventually(async () => {
      const { status, body } = await as('jd').get<{ items: { subject: string }[] }>('/api/exchange/deliveries?undelivered=true');
      expect({ status, subjects: status === 200 && body.items.map(({ subject }) => subject) }).toEqual({
        status: 200,
        subjects: ['tj-amr:L-1', 'tj-amr:L-2'],
      });
    });
    await expect(place.outside('jd').produce('platform.jd.receipt.v1', answer)).resolves.toBeUndefined();
  }, 60_000);
});

describe('an organisation that leaves', () => {
  it('takes what it had along, and what it gave; results that name it wait', async () => {
    await change('tmall', 'EXIT', '终止合作');
    await isClosed('tmall', 'platform.tmall.feedback.v1');
    const agreement = await as('operator').get('/api/exchange/entitlements/AGREEMENT:CREDIT_STATUS:tmall');
    expect(agreement.body).toMatchObject({ status: 'ENDED', reason: '终止合作', changedBy: 'operator' });
    await tell('L-3', 'tmall');
    const { body } = await as('operator').get<{ items: object[] }>('/api/exchange/feedback?status=UNMATCHED&subject=tj-amr:L-3');
    expect(body.items).toHaveLength(1);
    expect((await change('tmall', 'RESUME')).body).toMatchObject({ status: 409, code: 'STATUS_NOT_ALLOWED', organisationStatus: 'EXITED' });
  }, 60_000);

  it('no longer reads what it was granted, at once while it is suspended, for good when its provider leaves', async () => {
    const TOPIC = 'inspection.sampling-result.v1';
    const { body } = await as('tj-housing').post('/api/exchange/entitlements', {
      stream: 'inspection.sampling-result',
      mode: 'KAFKA',
      level: 1,
      legalBasis: '政务数据共享条例第二十条',
      purpose: '住房租赁监管',
      signOff: '1号',
      validUntil: '2030-12-31',
    });
    const id = String(body['entitlementId']);
    await as('tj-amr').post(`/api/exchange/entitlements/${id}/changes`, { act: 'APPROVE' });
    await isOpen('tj-housing', TOPIC, 3);
    await change('tj-housing', 'SUSPEND', '安全事件');
    await isClosed('tj-housing', TOPIC);
    await change('tj-housing', 'RESUME');
    await isOpen('tj-housing', TOPIC, 3);
    await change('tj-amr', 'EXIT', '机构改革');
    await isClosed('tj-housing', TOPIC);
    expect((await as('operator').get(`/api/exchange/entitlements/${id}`)).body).toMatchObject({ status: 'REVOKED', reason: '机构改革' });
  }, 60_000);
});

it('is changed by the operator alone, with a reason, and not his own', async () => {
  expect((await change('jd', 'SUSPEND')).body).toMatchObject({ status: 422, code: 'REASON_MISSING' });
  expect((await change('operator', 'SUSPEND', '理由')).body).toMatchObject({ status: 409, code: 'OPERATOR_STAYS' });
  expect((await change('nobody', 'SUSPEND', '理由')).body).toMatchObject({ status: 404, code: 'ORGANISATION_UNKNOWN' });
  expect((await as('jd').post(`${ORGANISATIONS}/jd/changes`, { act: 'EXIT', reason: '理由' })).status).toBe(403);
  const events = await place
    .outside('service.stack')
    .readUntil('exchange.organisation.v1', (all) => all.some(({ key, body }) => key === 'jd' && body?.['revision'] === 3));
  const own = events
    .filter(({ key }) => key === 'jd')
    .map(({ headers, body }) => [headers['ce_type']?.split('.').at(-1), body?.['status']]);
  expect(own).toEqual([
    ['OrganisationRegistered', 'PRODUCTION'],
    ['OrganisationSuspended', 'SUSPENDED'],
    ['OrganisationChanged', 'PRODUCTION'],
  ]);
});
