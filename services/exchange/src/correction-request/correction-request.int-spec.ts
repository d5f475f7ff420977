/** Requests to correct data on real servers: who may file one about what, who hears of it and answers, and what is listed when nobody does. */
import { type CorrectionRequestState, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

const REQUESTS = '/api/exchange/correction-requests';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
const who = new Map<string, Http>();
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result']],
    ['DEPARTMENT', 'tj-housing', []],
    ['PLATFORM', 'jd', []],
    ['PLATFORM', 'tmall', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    if (kind !== 'OPERATOR') await as('operator').post('/api/exchange/organisations', { id, kind, name: `机构${id}`, scopes });
  }
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'C-1', online: { platformName: '机构jd' } }));
  await eventually(async () => expect(await place.sql("SELECT FROM feedbacks WHERE subject = 'tj-amr:C-1'")).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

const as = (id: string): Http => who.get(id) ?? place.http();
const draft = {
  entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
  subject: 'tj-amr:C-1',
  subjectRevision: 1,
  wrong: '批次应为 A2',
  evidence: [{ description: '进货凭证', hash: 'a'.repeat(64) }],
};
const file = (by: string, changes: object = {}) => as(by).post(REQUESTS, { ...draft, ...changes });
const idOf = ({ body }: { body: Record<string, unknown> }): string => String(body['requestId']);
const listed = async (by: string, query = ''): Promise<string[]> => {
  const { body } = await as(by).get<{ items: CorrectionRequestState[] }>(`${REQUESTS}?${query}`);
  return body.items.map(({ requestId }) => requestId);
};

it('goes to the publisher, is answered by it and announced', async () => {
  const filed = await file('jd');
  expect(filed).toMatchObject({ status: 201, body: { status: 'FILED', publisherId: 'tj-amr', answerDueOn: '2026-12-07' } });
  const id = idOf(filed);
  expect(await listed('tj-amr')).toEqual([id]);
  expect(await listed('tmall')).toEqual([]);
  expect((await as('tmall').get(`${REQUESTS}/${id}`)).body).toMatchObject({ code: 'CORRECTION_REQUEST_UNKNOWN', status: 404 });
  const answered = await as('tj-amr').post(`${REQUESTS}/${id}/answer`, { status: 'CORRECTED', answer: '已更正', correctedIn: 2 });
  expect(answered.body).toMatchObject({ status: 'CORRECTED', revision: 2, correctedIn: 2 });
  expect((await as('jd').get(`${REQUESTS}/${id}`)).body).toEqual(answered.body);
  const records = await place
    .outside('service.stack')
    .readUntil('exchange.correction-request.v1', (all) => all.filter(({ key }) => key === id).length === 2);
  expect(records.map(({ headers, body }) => [headers['ce_type'], headers['ce_revision'], body?.['status']])).toEqual([
    ['exchange.correction-request.CorrectionRequested', '1', 'FILED'],
    ['exchange.correction-request.CorrectionAnswered', '2', 'CORRECTED'],
  ]);
});

it('is listed as overdue when ten working days have passed without an answer', async () => {
  const id = idOf(await file('jd'));
  clock.set(new Date('2026-12-07T15:59:59.000Z'));
  expect(await listed('operator', 'overdue=true')).toEqual([]);
  clock.set(new Date('2026-12-07T16:00:00.000Z'));
  expect(await listed('operator', 'overdue=true')).toEqual([id]);
  expect((await as('jd').post(`${REQUESTS}/${id}/withdrawal`)).body).toMatchObject({ status: 'WITHDRAWN' });
  expect(await listed('operator', 'overdue=true')).toEqual([]);
});

it('is filed by a department about what it was granted, and not before', async () => {
  const grant = await as('tj-housing').post('/api/exchange/entitlements', {
    stream: 'inspection.sampling-result',
    mode: 'KAFKA',
    level: 1,
    legalBasis: '政务数据共享条例第二十条',
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2026-12-31',
  });
  const entitlementId = String(grant.body['entitlementId']);
  expect((await file('tj-housing', { entitlementId })).body).toMatchObject({ status: 409, code: 'NOTHING_RECEIVED' });
  await as('tj-amr').post(`/api/exchange/entitlements/${entitlementId}/changes`, { act: 'APPROVE' });
  expect(await file('tj-housing', { entitlementId })).toMatchObject({ status: 201, body: { publisherId: 'tj-amr' } });
});

describe('what is refused changes nothing', () => {
  it.each<[string, { by: string; changes: object }, { status: number; code: string }]>([
    ['about a record that was not told', { by: 'jd', changes: { subject: 'tj-amr:C-9' } }, { status: 404, code: 'FEEDBACK_UNKNOWN' }],
    ['under what another organisation has', { by: 'tmall', changes: {} }, { status: 404, code: 'ENTITLEMENT_UNKNOWN' }],
    ['under what never was', { by: 'tj-amr', changes: { entitlementId: 'GRANT:none' } }, { status: 404, code: 'ENTITLEMENT_UNKNOWN' }],
    ['without evidence', { by: 'jd', changes: { evidence: [] } }, { status: 400, code: 'VALIDATION_FAILED' }],
  ])('a request %s', async (_what, { by, changes }, refusal) => {
    const before = await listed('operator');
    expect((await file(by, changes)).body).toMatchObject(refusal);
    expect(await listed('operator')).toEqual(before);
  });

  it('an answer by somebody else, or after the end', async () => {
    const id = idOf(await file('jd'));
    const answer = { status: 'DECLINED', answer: '经复核无误' };
    expect((await as('jd').post(`${REQUESTS}/${id}/answer`, answer)).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT' });
    expect((await as('tj-housing').post(`${REQUESTS}/${id}/answer`, answer)).status).toBe(404);
    expect((await as('tj-amr').post(`${REQUESTS}/${id}/answer`, { status: 'DECLINED' })).body).toMatchObject({ status: 400 });
    expect((await as('tj-amr').post(`${REQUESTS}/${id}/answer`, answer)).status).toBe(200);
    expect((await as('tj-amr').post(`${REQUESTS}/${id}/answer`, answer)).body).toMatchObject({
      status: 409,
      code: 'CORRECTION_REQUEST_CLOSED',
      requestStatus: 'DECLINED',
    });
  });
});
