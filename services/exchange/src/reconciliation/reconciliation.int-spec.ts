import { type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aSamplingResult,
  eventually,
  type Http,
  type OutsideRecord,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { bucketOf, hashOfBucket, type Holding } from './reconciliation.js';
import type { Manifest, Reconciliation } from './reconciliation.service.js';

/* A platform that lost part of what it was told finds out by hashes, and gets exactly that again. */
const NOW = new Date('2026-11-23T01:00:00.000Z');
const AS_OF = NOW.toISOString();
const RECONCILIATIONS = '/api/exchange/reconciliations';
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let jd: Http;
let told: FeedbackIssued[];

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  for (const [id, name] of [
    ['jd', '京东'],
    ['tmall', '天猫'],
  ])
    await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name });
  for (let n = 1; n <= 12; n += 1) {
    const platformName = n === 12 ? '天猫' : '京东';
    await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: `C-${n}`, revision: 1, online: { platformName } }));
  }
  told = await eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>('/api/exchange/feedback');
    expect(body.items).toHaveLength(11);
    return body.items;
  });
}, 60_000);
afterAll(() => service.close());

const holdingOf = ({ feedbackId, revision, contentHash }: FeedbackIssued): Holding => ({ feedbackId, revision, contentHash });
const records = async (feedbackId: string): Promise<OutsideRecord[]> => {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  return (await place.readAll('platform.jd.feedback.v1')).filter(({ body }) => body?.['feedbackId'] === feedbackId);
};
const manifest = async (): Promise<Manifest> => (await jd.get<Manifest>(`/api/exchange/manifest?asOf=${AS_OF}`)).body;
const hashes = (held: readonly Holding[]) => async () => {
  const { buckets } = await manifest();
  return buckets.map(({ bucket }) => ({ bucket, hash: hashOfBucket(held.filter((one) => bucketOf(one) === bucket)) }));
};

describe('a platform that holds everything', () => {
  it('has the hashes of the manifest, and nothing is told again', async () => {
    const { buckets } = await manifest();
    expect(buckets).toHaveLength(256);
    expect(buckets.reduce((sum, { feedbacks }) => sum + feedbacks, 0)).toBe(11);
    const { status, body } = await jd.post<Reconciliation>(RECONCILIATIONS, { asOf: AS_OF, buckets: await hashes(told.map(holdingOf))() });
    expect(status).toBe(201);
    expect(body).toMatchObject({ recipientId: 'jd', differingBuckets: [], differences: [], redelivered: 0 });
  });
});

describe('a platform that lost one, has an old content of another and one of somebody else’s', () => {
  it('learns which buckets differ, then which feedbacks, and gets again what it lacks', async () => {
    const [lost, changed, ...others] = told as [FeedbackIssued, FeedbackIssued, ...FeedbackIssued[]];
    const foreign = { feedbackId: '00000000-0000-5000-8000-000000000000', revision: 1, contentHash: '0'.repeat(64) };
    const held = [...others.map(holdingOf), { ...holdingOf(changed), contentHash: 'f'.repeat(64) }, foreign];
    const first = await jd.post<Reconciliation>(RECONCILIATIONS, { asOf: AS_OF, buckets: await hashes(held)() });
    expect([...first.body.differingBuckets].sort()).toEqual([...new Set(['00', bucketOf(lost), bucketOf(changed)])].sort());
    expect(first.body.redelivered).toBe(0);

    const buckets = first.body.differingBuckets.map((bucket) => ({ bucket, items: held.filter((one) => bucketOf(one) === bucket) }));
    const second = await jd.post<Reconciliation>(RECONCILIATIONS, { asOf: AS_OF, buckets });
    expect(second.body.differences).toEqual(
      expect.arrayContaining([
        { kind: 'MISSING', feedbackId: lost.feedbackId, told: 1, held: null },
        { kind: 'CHANGED', feedbackId: changed.feedbackId, told: 1, held: 1 },
        { kind: 'UNKNOWN', feedbackId: foreign.feedbackId, told: null, held: 1 },
      ]),
    );
    expect(second.body).toMatchObject({ redelivered: 2 });
    expect(second.body.differences).toHaveLength(3);

    const [once, again, ...more] = await records(lost.feedbackId);
    expect(more).toEqual([]);
    expect(again?.body).toEqual(once?.body);
    expect(await records(changed.feedbackId)).toHaveLength(2);
    expect(await records((others[0] as FeedbackIssued).feedbackId)).toHaveLength(1);
    const listed = await place
      .http(await place.token('AUDITOR', 'tj-audit'))
      .get<{ items: Reconciliation[] }>(`${RECONCILIATIONS}?platform=jd`);
    expect(listed.body.items.slice(0, 2)).toEqual([second.body, first.body]);
  });
});

describe('a comparison is refused', () => {
  afterEach(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  it.each([
    ['as of an instant to come', { asOf: '2026-11-23T01:00:01.000Z', buckets: [{ bucket: '00' }] }, 'AS_OF_IN_FUTURE', '/asOf'],
    ['with a bucket twice', { asOf: AS_OF, buckets: [{ bucket: '00' }, { bucket: '00' }] }, 'CLAIM_REFUSED', '/buckets/1/bucket'],
    [
      'with an item in another’s bucket',
      { asOf: AS_OF, buckets: [{ bucket: '00', items: [{ feedbackId: 'f'.repeat(36), revision: 1, contentHash: '0'.repeat(64) }] }] },
      'CLAIM_REFUSED',
      '/buckets/0/items/0/feedbackId',
    ],
    ['with a bucket that is none', { asOf: AS_OF, buckets: [{ bucket: 'zz' }] }, 'VALIDATION_FAILED', '/buckets/0/bucket'],
  ])('%s', async (_why, claim, code, pointer) => {
    const { body } = await jd.post(RECONCILIATIONS, claim);
    expect(body).toMatchObject({ code, errors: [{ pointer }] });
  });

  it('from anyone who is not a platform; and a platform sees its own alone', async () => {
    expect((await place.http(await place.token('DEPARTMENT', 'tj-amr')).post(RECONCILIATIONS, { asOf: AS_OF, buckets: [] })).status).toBe(
      403,
    );
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    expect((await tmall.get<{ items: object[] }>(`${RECONCILIATIONS}?platform=jd`)).body.items).toEqual([]);
    const { body } = await tmall.get<Manifest>(`/api/exchange/manifest?asOf=${AS_OF}`);
    expect(body.buckets.reduce((sum, { feedbacks }) => sum + feedbacks, 0)).toBe(1);
  });
});
