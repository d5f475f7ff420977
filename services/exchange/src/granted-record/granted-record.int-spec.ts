/** Pulling under a grant on real servers: what lies on the topic, narrowed to the granted area, page by page, and taken back where it was given. */
import { SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
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
import type { GrantedPage } from './granted-record.service.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
const who = new Map<string, Http>();
let place: Place;
let service: TestService;
let granted: string;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result']],
    ['DEPARTMENT', 'tj-housing', []],
    ['DEPARTMENT', 'tj-credit', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    if (kind === 'DEPARTMENT') await as('operator').post('/api/exchange/organisations', { id, kind, name: `机构${id}`, scopes });
  }
  const { body } = await as('tj-housing').post('/api/exchange/entitlements', {
    stream: 'inspection.sampling-result',
    mode: 'PULL',
    areas: ['120116'],
    level: 1,
    legalBasis: '政务数据共享条例第二十条',
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2026-12-31',
  });
  granted = String(body['entitlementId']);
}, 60_000);
afterAll(() => service.close());

const as = (id: string): Http => who.get(id) ?? place.http();
const change = (act: string, reason?: string) =>
  as('tj-amr').post(`/api/exchange/entitlements/${granted}/changes`, { act, ...(reason && { reason }) });
const pull = (query: Record<string, string> = {}, by = 'tj-housing') =>
  as(by).get<GrantedPage & Record<string, unknown>>(
    `/api/exchange/entitlements/${granted}/records?${new URLSearchParams(query).toString()}`,
  );
const result = (sampleNo: string, divisionCode: string, revision = 1) =>
  aSamplingResult({
    sampleNo,
    revision,
    sampledParty: { name: '商店', divisionCode },
    nominalProducer: { name: '厂', divisionCode: '130102' },
  });
const publish = (sampleNo: string, divisionCode: string, revision = 1) =>
  place.publish(SamplingResultPublished, result(sampleNo, divisionCode, revision));

it('gives nothing before the approval, and to nobody else', async () => {
  await publish('P-1', '120116');
  await publish('P-2', '120101');
  await publish('P-3', '120116');
  expect((await pull()).body).toMatchObject({ status: 409, code: 'GRANT_NOT_IN_FORCE', entitlementStatus: 'REQUESTED' });
  expect((await change('APPROVE')).status).toBe(200);
  expect((await pull({}, 'tj-amr')).body).toMatchObject({ status: 404, code: 'ENTITLEMENT_UNKNOWN' });
  expect((await pull({}, 'tj-credit')).body).toMatchObject({ status: 404, code: 'ENTITLEMENT_UNKNOWN' });
});

it('gives what concerns the area, as it lies on the topic, and goes on from the cursor', async () => {
  const { body } = await pull();
  expect(body).toMatchObject({ entitlementId: granted, purpose: '住房租赁监管', more: false });
  expect(body.items.map(({ key }) => key).sort()).toEqual(['tj-amr:P-1', 'tj-amr:P-3']);
  expect(body.items.find(({ key }) => key === 'tj-amr:P-1')).toMatchObject({
    event: 'SamplingResultPublished',
    revision: 1,
    gone: false,
    body: { sampleNo: 'P-1', verdict: 'UNQUALIFIED' },
  });
  const { cursor } = body;
  expect((await pull({ cursor })).body).toMatchObject({ items: [], cursor, more: false });

  await publish('P-1', '120101', 2);
  await publish('P-2', '120101', 2);
  const { reportedRevision: _reported, ...state } = result('P-3', '120116', 2);
  await place.publish(SamplingResultWithdrawn, { ...state, reportedRevision: 1, reason: '撤销', withdrawnAt: NOW.toISOString() });
  const { body: next } = await pull({ cursor });
  expect(next.items.map(({ key, gone, event }) => `${key} ${event} ${gone}`).sort()).toEqual([
    'tj-amr:P-1 SamplingResultPublished true',
    'tj-amr:P-3 SamplingResultWithdrawn false',
  ]);
});

it('is read to its end page by page, nothing twice and nothing left out', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (let more = true; more;) {
    const { body }: { body: GrantedPage } = await pull({ limit: '3', ...(cursor && { cursor }) });
    seen.push(...body.items.map(({ key, revision }) => `${key} ${revision}`));
    cursor = body.cursor;
    more = body.more;
  }
  const { body: whole } = await pull();
  expect([...seen].sort()).toEqual(whole.items.map(({ key, revision }) => `${key} ${revision}`).sort());
}, 60_000);

it('stops with the suspension, and leaves a trace of everything that was given', async () => {
  await change('SUSPEND', '发现超范围使用');
  expect((await pull()).body).toMatchObject({ status: 409, code: 'GRANT_NOT_IN_FORCE', entitlementStatus: 'SUSPENDED' });
  // The ledger takes in every second what waits at its door.
  await eventually(async () => {
    const { body } = await as('tj-amr').get<{ items: { kind: string; records: number }[] }>(`/api/exchange/uses?entitlement=${granted}`);
    expect(body.items.length).toBeGreaterThan(2);
    expect(body.items[0]).toMatchObject({ kind: 'PULLED', purpose: '住房租赁监管', records: 2, stream: 'inspection.sampling-result' });
  });
  expect((await pull({ cursor: 'abc' })).body).toMatchObject({ code: 'GRANT_NOT_IN_FORCE' });
  await change('RESUME');
  expect((await pull({ cursor: 'abc' })).body).toMatchObject({ status: 400, code: 'BAD_CURSOR' });
});
