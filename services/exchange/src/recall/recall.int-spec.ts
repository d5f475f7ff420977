/** Recalls on real servers: told to the platforms of their sectors, amended, closed, withdrawn, in every order in which they may arrive. */
import { RecallClosed, RecallPublished, RecallWithdrawn } from '@jinqiao/contracts';
import {
  aRecall,
  type Changes,
  eventually,
  type Http,
  type OutsideRecord,
  type Place,
  realServers,
  startTestService,
  type TestService,
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
  await register('jd', ['互联网销售']);
  await register('meituan', ['居民生活']);
  await register('tmall', []);
}, 60_000);
afterAll(() => service.close());

async function register(id: string, sectors: string[], status?: 'SANDBOX'): Promise<void> {
  await place.token('PLATFORM', id); // the issuer has to know whoever reads a topic
  const draft = { id, kind: 'PLATFORM', name: `平台 ${id}`, sectors, ...(status && { status }) };
  expect((await operator.post('/api/exchange/organisations', draft)).status).toBe(201);
}
const change = (id: string, act: string) => operator.post(`/api/exchange/organisations/${id}/changes`, { act, reason: '测试' });
const recall = (recallNo: string, revision: number, changes: Changes<RecallPublished> = {}): RecallPublished =>
  aRecall({ recallNo, revision, sectors: ['互联网销售'], ...changes });

async function applied(recallNo: string, revision: number): Promise<void> {
  await eventually(async () => expect((await operator.get(`/api/exchange/applied/${recallNo}`)).body['revision']).toBe(revision));
}
async function told(platform: string, recallNo: string): Promise<OutsideRecord[]> {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  return (await place.outside(platform).readAll(`platform.${platform}.feedback.v1`)).filter(({ key }) => key === recallNo);
}
const summary = (records: readonly OutsideRecord[]): string[] =>
  records.map(
    ({ headers, body }) => `${headers['ce_type']?.split('.').at(-1)} ${String(body?.['revision'])} of ${String(body?.['subjectRevision'])}`,
  );
const actions = (record: OutsideRecord | undefined): string[] =>
  (record?.body?.['actionsRequired'] as { action: string }[]).map(({ action }) => action);

it('tells the platforms that trade in its sectors, and those of which nobody knows in what they trade', async () => {
  await place.publish(RecallPublished, recall('A', 1));
  await applied('A', 1);
  const [record] = await told('jd', 'A');
  expect(record?.headers).toMatchObject({ ce_entitlement: 'STATUTORY_NOTICE:RECALL:jd', ce_purpose: 'RECALL_FEEDBACK' });
  expect(record?.headers).toHaveProperty('ce_causationid');
  expect(record?.body).toMatchObject({
    kind: 'RECALL',
    subject: 'A',
    clock: { startsOn: 'RECEIVED', duration: 'PT24H' },
    content: { recallNo: 'A', product: { gtins: ['06901234567892'], batches: ['2025-06'] }, producer: { name: '示例生产企业有限公司' } },
  });
  expect(actions(record)).toEqual(expect.arrayContaining(['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_CONSUMERS']));
  expect(summary(await told('tmall', 'A'))).toEqual(['FeedbackIssued 1 of 1']);
  expect(await told('meituan', 'A')).toEqual([]);
});

it('lets its keeper and the auditor read what was told, and the clock run from the receipt', async () => {
  const [record] = await told('jd', 'A');
  const path = `/api/exchange/feedback/${String(record?.body?.['feedbackId'])}`;
  const department = async (id: string) => place.http(await place.token('DEPARTMENT', id)).get(path);
  expect((await department('tj-amr')).body).toMatchObject({ kind: 'RECALL', content: { recallNo: 'A' } });
  expect((await department('tj-credit')).status).toBe(404);
  const jd = place.http(await place.token('PLATFORM', 'jd'));
  const { body } = await jd.get(path);
  expect(body).toMatchObject({ status: 'ISSUED', deadline: { ruleVersion: 'RECALL_TAKE_DOWN/PRODUCT@2025-12-16' } });
  const answer = { feedbackId: body['feedbackId'], feedbackRevision: 1, feedbackHash: body['contentHash'], revision: 1, status: 'ACTED' };
  const done = [{ action: 'STOP_SALE', at: new Date().toISOString(), result: 'DONE' }];
  const receipt = await jd.post('/api/exchange/receipts', { ...answer, actions: done, answeredAt: new Date().toISOString() });
  expect(receipt.body).toMatchObject({ status: 'accepted', superseded: false });
  expect((await jd.get(path)).body).toMatchObject({ deadline: { state: 'MET' } });
});

it('is amended by the next revision, closed with the block that stays, and withdrawn from everyone', async () => {
  await place.publish(RecallPublished, recall('A', 2, { product: { models: ['A1', 'A2'] } }));
  await applied('A', 2);
  // More goods are to be taken down than were: it is asked anew, of a platform that had done all.
  const [row] = await place.sql("SELECT asked_since, closed_at FROM feedbacks WHERE subject = 'A' AND recipient_id = 'jd'");
  expect(row).toEqual({ asked_since: 2, closed_at: null });
  await place.publish(RecallClosed, { ...recall('A', 3, { product: { models: ['A1', 'A2'] } }), closedOn: '2026-11-26' });
  await applied('A', 3);
  const records = await told('jd', 'A');
  expect(summary(records)).toEqual(['FeedbackIssued 1 of 1', 'FeedbackIssued 2 of 2', 'FeedbackIssued 3 of 3']);
  expect(actions(records[1])).toContain('STOP_SALE');
  expect(actions(records[2])).toEqual(['BLOCK_RELISTING']);
  expect((await change('tmall', 'SUSPEND')).status).toBe(200);
  await place.publish(RecallWithdrawn, { ...recall('A', 4), reason: '误报', withdrawnAt: '2026-11-26T00:00:00.000Z' });
  await applied('A', 4);
  expect(summary(await told('jd', 'A')).at(-1)).toBe('FeedbackWithdrawn 4 of 4');
  const withdrawn = await place.sql(
    "SELECT recipient_id FROM feedbacks WHERE kind = 'RECALL' AND subject = 'A' AND status = 'WITHDRAWN' ORDER BY 1",
  );
  expect(withdrawn).toEqual([{ recipient_id: 'jd' }, { recipient_id: 'tmall' }]);
  expect((await change('tmall', 'RESUME')).status).toBe(200);
  // The broker lets it read again a moment later.
  await eventually(async () => expect(actions((await told('tmall', 'A')).at(-1))).toEqual(['RESTORE']), { within: 20_000 });
});

it('does nothing with late and repeated states', async () => {
  await place.publish(RecallPublished, recall('B', 2));
  await applied('B', 2);
  await place.publish(RecallPublished, recall('B', 1, { measure: '换货' }));
  await place.publish(RecallPublished, recall('B', 2));
  await place.publish(RecallPublished, recall('B', 3, { measure: '维修' }));
  await applied('B', 3);
  expect(summary(await told('jd', 'B'))).toEqual(['FeedbackIssued 1 of 2', 'FeedbackIssued 2 of 3']);
});

it('goes to a platform that registers later, comes to trade in its sector, or leaves the sandbox; closed ones do not', async () => {
  await place.publish(RecallClosed, { ...recall('C', 1), closedOn: '2026-11-26' });
  await applied('C', 1);
  await register('late', ['互联网销售']);
  await register('trying', ['互联网销售'], 'SANDBOX');
  expect(summary(await told('late', 'B'))).toEqual(['FeedbackIssued 1 of 3']);
  expect(await told('late', 'C')).toEqual([]);
  expect(await told('trying', 'B')).toEqual([]);
  expect((await change('trying', 'PROMOTE')).status).toBe(200);
  expect(summary(await told('trying', 'B'))).toEqual(['FeedbackIssued 1 of 3']);
  await operator.put('/api/exchange/organisations/meituan', { name: '平台 meituan', sectors: ['居民生活', '互联网销售'] });
  expect(summary(await told('meituan', 'B'))).toEqual(['FeedbackIssued 1 of 3']);
  await expect(service.get(Sweep).sweep()).resolves.toBe(0);
});

it('misses nobody when recall and registration arrive at the same moment', async () => {
  const ids = Array.from({ length: 4 }, (_, index) => `new-${index}`);
  await Promise.all(ids.flatMap((id) => [register(id, []), place.publish(RecallPublished, recall(id, 1))]));
  await Promise.all(ids.map((id) => applied(id, 1)));
  await expect(service.get(Sweep).sweep()).resolves.toBe(0);
  const rows = await place.sql("SELECT 1 FROM feedbacks WHERE kind = 'RECALL' AND recipient_id LIKE 'new-%' AND subject LIKE 'new-%'");
  expect(rows).toHaveLength(16);
});

it('ends with a tombstone', async () => {
  await place.publishTombstone(RecallPublished, { key: 'B', revision: 4 });
  await applied('B', 4);
  expect(summary(await told('late', 'B')).at(-1)).toBe('FeedbackWithdrawn 2 of 4');
});
