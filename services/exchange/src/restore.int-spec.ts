import { FeedbackAnswered, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';
import { hashOfHead } from './ledger/ledger.js';
import { Ledger } from './ledger/ledger.service.js';

/*
 * A database of the exchange that is set back (ADR-0009): who takes part, what platforms were told and what they answered is known again,
 * and what is read again from the stored offsets tells nobody anything a second time.
 */
let place: Place;
let service: TestService;
let operator: Http;
let jd: Http;

async function start(): Promise<void> {
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
}
beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  await start();
}, 60_000);
afterAll(() => service.close());

const register = (id: string, name: string) => operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name });
const result = (sampleNo: string, revision: number, platformName: string, verdict: 'QUALIFIED' | 'UNQUALIFIED') =>
  place.publish(
    SamplingResultPublished,
    aSamplingResult({ sampleNo, revision, verdict, ...(verdict === 'QUALIFIED' && { failingItems: undefined }), online: { platformName } }),
  );

/** Everything of the exchange's own, but for times and for what a restore leaves unknown (ADR-0009). */
const standing = async () => ({
  organisations: await place.sql('SELECT * FROM organisations ORDER BY id'),
  names: await place.sql('SELECT * FROM organisation_names ORDER BY name_key'),
  entitlements: await place.sql(
    'SELECT entitlement_id, revision, kind, status, recipient_id, provider_id, stream FROM entitlements ORDER BY 1',
  ),
  corrections: await place.sql('SELECT request_id, revision, state::text FROM correction_requests ORDER BY 1'),
  steps: await place.sql('SELECT entitlement_id, revision, event, state::text FROM entitlement_revisions ORDER BY 1, 2'),
  subjects: await place.sql('SELECT subject, revision FROM subjects ORDER BY subject'),
  feedbacks: await place.sql(
    'SELECT subject, recipient_id, publisher_id, revision, status, due_at, closed_at, answer_status, answered_at FROM feedbacks ORDER BY 1, 2',
  ),
  deliveries: await place.sql(
    'SELECT recipient_id, position, feedback_id, revision, type, purpose, classification, legal_basis, retention_until FROM deliveries ORDER BY 1, 2',
  ),
  series: await place.sql('SELECT organisation_id, last_position FROM recipients ORDER BY 1'),
  revisions: await place.sql('SELECT feedback_id, revision, content_hash, said::text FROM feedback_revisions ORDER BY 1, 2'),
});
const isCaughtUp = (results: number, receipts: number) =>
  eventually(async () => {
    const read = await place.sql(
      `SELECT coalesce(sum(next_offset) FILTER (WHERE topic LIKE 'inspection.%'), 0)::integer AS results,
              coalesce(sum(next_offset) FILTER (WHERE topic LIKE '%.receipt.v1'), 0)::integer AS receipts
       FROM consumer_offsets`,
    );
    expect(read).toEqual([{ results, receipts }]);
    expect(await place.sql('SELECT FROM outbox')).toEqual([]);
  });
async function said(): Promise<string[]> {
  const topics = [
    'platform.jd.feedback.v1',
    'platform.tmall.feedback.v1',
    'exchange.feedback-outcome.v1',
    'exchange.organisation.v1',
    'exchange.entitlement.v1',
  ];
  const all = await Promise.all(topics.map((topic) => place.readAll(topic)));
  const lines = all.flat().map(({ key, headers, body }) => {
    const { feedbackId = '' } = (body ?? {}) as { feedbackId?: string };
    return `${String(headers['ce_type'])} ${String(key)} ${feedbackId} ${String(headers['ce_revision'])}`;
  });
  // Which partition is read first is not the same each time.
  return lines.sort();
}
async function told(sampleNo: string): Promise<FeedbackIssued> {
  const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
  const [issued] = body.items;
  if (!issued) throw new Error(`nothing was told about ${sampleNo}`);
  return issued;
}
/** Asked for in the database that is kept, answered in what it forgets. */
async function grant(): Promise<string> {
  const draft = { stream: 'inspection.sampling-result', mode: 'KAFKA', level: 1, legalBasis: '政务数据共享条例第二十条' };
  for (const [id, scopes] of [
    ['tj-amr', ['provides:inspection.sampling-result']],
    ['tj-housing', []],
  ] as const) {
    await operator.post('/api/exchange/organisations', { id, kind: 'DEPARTMENT', name: id, scopes });
  }
  const housing = place.http(await place.token('DEPARTMENT', 'tj-housing'));
  const { body } = await housing.post('/api/exchange/entitlements', {
    ...draft,
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2030-12-31',
  });
  return String(body['entitlementId']);
}
const opened = () => place.sql('SELECT organisation_id, stream FROM topic_access');

const answerTo = (issued: FeedbackIssued, revision: number): FeedbackAnswered => ({
  feedbackId: issued.feedbackId,
  feedbackRevision: issued.revision,
  feedbackHash: issued.contentHash,
  revision,
  status: revision === 1 ? 'RECEIVED' : 'ACTED',
  actions: [{ action: 'DELIST', at: '2026-11-23T00:30:00Z', result: 'DONE' }],
  answeredAt: '2026-11-23T00:59:00Z',
});

it('a database of the exchange that is set back tells nobody anything a second time and goes on above what was told', async () => {
  await register('jd', '京东');
  const granted = await grant();
  await result('E-1', 1, '京东', 'UNQUALIFIED');
  await isCaughtUp(1, 0);
  await service.close();
  const setBack = await place.backUp();

  await start();
  await register('tmall', '天猫');
  const amr = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  await amr.post(`/api/exchange/entitlements/${granted}/changes`, { act: 'APPROVE' });
  await eventually(async () => expect(await opened()).toEqual([{ organisation_id: 'tj-housing', stream: 'inspection.sampling-result' }]));
  await result('E-1', 2, '京东', 'QUALIFIED');
  await result('E-1', 3, '京东', 'UNQUALIFIED');
  await result('E-2', 1, '京东', 'UNQUALIFIED');
  await result('E-2', 2, '天猫', 'UNQUALIFIED');
  await result('E-3', 1, '京东', 'UNQUALIFIED');
  await result('E-4', 1, '京东', 'UNQUALIFIED');
  await isCaughtUp(7, 0);
  for (const revision of [1, 2]) {
    await place.publish(FeedbackAnswered, answerTo(await told('E-3'), revision), { owner: 'jd' });
    await jd.post('/api/exchange/receipts', answerTo(await told('E-4'), revision));
  }
  const evidence = [{ description: '进货凭证' }];
  const filed = { entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd', subject: 'tj-amr:E-1', wrong: '批次有误', evidence };
  const { body: request } = await jd.post('/api/exchange/correction-requests', filed);
  await amr.post(`/api/exchange/correction-requests/${String(request['requestId'])}/answer`, { status: 'DECLINED', answer: '无误' });
  await isCaughtUp(7, 2);
  const published = await service.get(Ledger).headOfNow();
  await isCaughtUp(7, 2);
  const before = await standing();
  const saidBefore = await said();
  await service.close();

  await setBack();
  await start();
  await isCaughtUp(7, 2);
  expect(await standing()).toEqual(before);
  expect(await said()).toEqual(saidBefore);
  await eventually(async () => expect(await opened()).toHaveLength(1));
  expect(await place.sql('SELECT code FROM dead_letters')).toEqual([]);
  const kept = await place.sql('SELECT revision, content_hash IS NULL AS incomplete, actions FROM answers ORDER BY incomplete, revision');
  expect(kept).toMatchObject([
    { revision: 1, incomplete: false, actions: [{ action: 'DELIST' }] },
    { revision: 2, incomplete: false, actions: [{ action: 'DELIST' }] },
    { revision: 1, incomplete: true, actions: [] },
    { revision: 2, incomplete: true, actions: [] },
  ]);
  expect((await jd.post('/api/exchange/receipts', answerTo(await told('E-4'), 2))).body).toMatchObject({ status: 'duplicate' });

  const next = await service.get(Ledger).headOfNow();
  expect(next?.previousHash).toBe(published && hashOfHead(published));
  const entries = await place.sql<{ entry: string }>("SELECT entry::json ->> 'kind' AS entry FROM ledger_entries");
  expect(entries.filter(({ entry }) => entry === 'TOLD')).toHaveLength(before.revisions.length);
  const lost = await place.sql('SELECT FROM ledger_heads WHERE lost');
  expect(lost.length).toBeGreaterThan(0);
  expect(entries.filter(({ entry }) => entry === 'SET_BACK')).toHaveLength(lost.length);

  await result('E-1', 4, '京东', 'QUALIFIED');
  await isCaughtUp(8, 2);
  expect(await told('E-1')).toMatchObject({ revision: 4, subjectRevision: 4 });
}, 120_000);
