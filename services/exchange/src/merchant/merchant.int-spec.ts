/** Credit statuses and merchants on real servers, in every order in which the two topics may deliver them. */
import { CreditStatusChanged, MerchantChanged, MerchantExited, MerchantOnboarded } from '@jinqiao/contracts';
import {
  aCreditStatus,
  aMerchant,
  eventually,
  type Http,
  type OutsideRecord,
  type Place,
  realServers,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { Sweep } from '../sweep.js';

let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  await register('jd', '京东');
  await register('tmall', '天猫');
}, 60_000);
afterAll(() => service.close());

async function register(id: string, name: string): Promise<void> {
  await place.token('PLATFORM', id); // the issuer has to know whoever reads a topic
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name })).status).toBe(201);
}

const shopOf = (platformId: string, n: number, changes: Partial<MerchantOnboarded> = {}): MerchantOnboarded =>
  aMerchant({ platformId, shopId: `${platformId}-${n}`, uscc: testUscc(n), shopName: `店 ${platformId} ${n}`, ...changes });
const statusOf = (n: number, revision = 1): CreditStatusChanged =>
  aCreditStatus({ uscc: testUscc(n), revision, recordNos: [`r-${n}-${revision}`] });

async function applied(subject: string, revision: number): Promise<void> {
  await eventually(async () => {
    const { body } = await operator.get(`/api/exchange/applied/${encodeURIComponent(subject)}`);
    expect(body['revision']).toBe(revision);
  });
}
async function told(platform: string, n: number): Promise<OutsideRecord[]> {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  const records = await place.outside(platform).readAll(`platform.${platform}.feedback.v1`);
  return records.filter(({ key }) => key === testUscc(n));
}
const summary = (records: readonly OutsideRecord[]): unknown[] =>
  records.map(({ headers, body }) => [headers['ce_type']?.split('.').at(-1), body?.['revision'], body?.['subjectRevision']]);

it('tells every platform on which the merchant is onboarded, and no other', async () => {
  await place.publish(MerchantOnboarded, shopOf('jd', 1));
  await applied('jd:jd-1', 1);
  await place.publish(CreditStatusChanged, statusOf(1));
  await applied(testUscc(1), 1);
  const [record] = await told('jd', 1);
  expect(record?.body).toMatchObject({
    kind: 'CREDIT_STATUS',
    subject: testUscc(1),
    merchant: { uscc: testUscc(1), shopId: 'jd-1', shopName: '店 jd 1' },
    content: { publicRecords: [{ type: 'SAMPLING_RESULT', count: 1 }], recordNos: ['r-1-1'] },
    actionsRequired: [{ action: 'NONE', mandatory: false }],
  });
  expect(record?.headers).toMatchObject({ ce_entitlement: 'AGREEMENT:CREDIT_STATUS:jd', ce_purpose: 'MERCHANT_CREDIT' });
  expect(await told('tmall', 1)).toEqual([]);
});

it('tells a platform that onboards the merchant later, of its own shop only', async () => {
  await place.publish(MerchantOnboarded, shopOf('tmall', 1));
  await applied('tmall:tmall-1', 1);
  const [record] = await told('tmall', 1);
  expect(record?.body).toMatchObject({ merchant: { shopId: 'tmall-1' } });
  expect(record?.value).not.toMatch(/jd-1|店 jd/);
  expect(summary(await told('jd', 1))).toEqual([['FeedbackIssued', 1, 1]]);
});

it('tells nothing new after the exit, and withdraws as soon as something ends that was told', async () => {
  await place.publish(MerchantExited, shopOf('tmall', 1, { revision: 2, exitedAt: '2026-11-01T00:00:00.000Z' }));
  await applied('tmall:tmall-1', 2);
  await place.publish(CreditStatusChanged, { ...statusOf(1, 2), recordNos: ['r-1-1', 'r-1-2'] });
  await applied(testUscc(1), 2);
  expect(summary(await told('tmall', 1))).toEqual([['FeedbackIssued', 1, 1]]);
  await place.publish(CreditStatusChanged, { ...statusOf(1, 3), recordNos: ['r-1-2'] });
  await applied(testUscc(1), 3);
  const taken = await told('tmall', 1);
  expect(summary(taken)).toEqual([
    ['FeedbackIssued', 1, 1],
    ['FeedbackWithdrawn', 2, 3],
  ]);
  expect(taken.at(-1)?.body).toMatchObject({ actionsRequired: [{ action: 'RESTORE', mandatory: true }] });
  const { body } = await operator.get<{ items: { subject: string }[] }>('/api/exchange/feedback/not-undone?platform=tmall');
  expect(body.items.map(({ subject }) => subject)).toEqual([testUscc(1)]);
});

it('is in the report of what was not undone for the credit office, and for no other department', async () => {
  const scopes = ['provides:credit.credit-record'];
  for (const department of [
    { id: 'tj-dc', name: '发展改革委', scopes },
    { id: 'tj-amr', name: '市场监管委' },
  ])
    expect((await operator.post('/api/exchange/organisations', { kind: 'DEPARTMENT', ...department })).status).toBe(201);
  const report = async (id: string): Promise<unknown> => {
    const department = place.http(await place.token('DEPARTMENT', id));
    return (await department.get<{ items: { subject: string; recipientId: string }[] }>('/api/exchange/feedback/not-undone')).body.items;
  };
  const undone = ['jd', 'tmall'].map((recipientId) => ({ subject: testUscc(1), recipientId, kind: 'CREDIT_STATUS' }));
  expect(await report('tj-dc')).toMatchObject(undone);
  expect(await report('tj-amr')).toEqual([]);
});

it('withdraws from everyone when nothing public remains', async () => {
  await place.publishTombstone(CreditStatusChanged, { key: testUscc(1), revision: 4 });
  await applied(testUscc(1), 4);
  expect(summary(await told('jd', 1))).toEqual([
    ['FeedbackIssued', 1, 1],
    ['FeedbackIssued', 2, 2],
    ['FeedbackIssued', 3, 3],
    ['FeedbackWithdrawn', 4, 4],
  ]);
  expect(await told('tmall', 1)).toHaveLength(2);
});

it('goes on with the same feedback when something public comes back; late and repeated states do nothing', async () => {
  await place.publish(CreditStatusChanged, statusOf(1, 2));
  await place.publish(CreditStatusChanged, statusOf(1, 5));
  await place.publish(CreditStatusChanged, statusOf(1, 5));
  await place.publish(CreditStatusChanged, statusOf(1, 3));
  await place.publish(CreditStatusChanged, statusOf(1, 6));
  await applied(testUscc(1), 6);
  const records = await told('jd', 1);
  expect(records.at(-1)?.body).toMatchObject({ subjectRevision: 6 });
  expect(records.map(({ body }) => body?.['revision'])).toEqual(records.map((_, index) => index + 1));
  expect(records.map(({ body }) => body?.['subjectRevision'])).not.toContain(undefined);
});

it('tells a platform that a record it knows of is contested, as the next revision, and that it is settled', async () => {
  const recordNo = 'r-5';
  const standing = (revision: number, contested?: boolean): CreditStatusChanged => ({
    ...statusOf(5, revision),
    recordNos: [recordNo],
    records: [{ recordNo, revision, publicUntil: '2027-05-31', ...(contested && { contested }) }],
  });
  await place.publish(MerchantOnboarded, shopOf('jd', 5));
  await applied('jd:jd-5', 1);
  for (const status of [standing(1), standing(2, true), standing(3)]) {
    await place.publish(CreditStatusChanged, status);
    await applied(testUscc(5), status.revision);
  }
  const records = await told('jd', 5);
  expect(summary(records)).toEqual([1, 2, 3].map((revision) => ['FeedbackIssued', revision, revision]));
  expect(records.map(({ body }) => (body?.['content'] as { records: object[] }).records)).toEqual([
    [{ recordNo, revision: 1, publicUntil: '2027-05-31' }],
    [{ recordNo, revision: 2, publicUntil: '2027-05-31', contested: true }],
    [{ recordNo, revision: 3, publicUntil: '2027-05-31' }],
  ]);
  expect(records.every(({ body }) => JSON.stringify(body?.['actionsRequired']).includes('NONE'))).toBe(true);
});

it('moves what is told when the shop turns out to be another merchant’s', async () => {
  await place.publish(CreditStatusChanged, statusOf(2));
  await place.publish(CreditStatusChanged, statusOf(3));
  await place.publish(MerchantOnboarded, shopOf('jd', 2));
  await applied('jd:jd-2', 1);
  await eventually(async () => expect(summary(await told('jd', 2))).toEqual([['FeedbackIssued', 1, 1]]));
  await place.publish(MerchantChanged, shopOf('jd', 2, { revision: 2, uscc: testUscc(3) }));
  await applied('jd:jd-2', 2);
  expect(summary(await told('jd', 2))).toEqual([
    ['FeedbackIssued', 1, 1],
    ['FeedbackWithdrawn', 2, 1],
  ]);
  expect(summary(await told('jd', 3))).toEqual([['FeedbackIssued', 1, 1]]);
});

it('tells a platform that registers after its merchants', async () => {
  await place.publish(CreditStatusChanged, statusOf(4));
  await place.publish(MerchantOnboarded, shopOf('late', 4));
  await applied(testUscc(4), 1);
  await applied('late:late-4', 1);
  await register('late', '后来的平台');
  expect(summary(await told('late', 4))).toEqual([['FeedbackIssued', 1, 1]]);
  await expect(service.get(Sweep).sweep()).resolves.toBe(0);
});

it('misses nobody when merchant and status arrive at the same moment', async () => {
  const numbers = Array.from({ length: 30 }, (_, index) => 100 + index);
  await Promise.all(
    numbers.flatMap((n) => [place.publish(MerchantOnboarded, shopOf('jd', n)), place.publish(CreditStatusChanged, statusOf(n))]),
  );
  await Promise.all(numbers.flatMap((n) => [applied(testUscc(n), 1), applied(`jd:jd-${n}`, 1)]));
  const rows = await place.sql("SELECT subject FROM feedbacks WHERE kind = 'CREDIT_STATUS' AND recipient_id = 'jd' AND status = 'ISSUED'");
  expect(rows.map(({ subject }) => subject as string)).toEqual(expect.arrayContaining(numbers.map((n) => testUscc(n))));
  await expect(service.get(Sweep).sweep()).resolves.toBe(0);
});

it('does not show a department what platforms know of their merchants', async () => {
  const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  expect((await department.get('/api/exchange/feedback?kind=CREDIT_STATUS')).body).toEqual({ items: [], next: null });
});
