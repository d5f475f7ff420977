/** Service levels on real servers, held against a plain recount of what the spec itself let pass between one thing and the next. */
import { type FeedbackIssued, SamplingResultNotified, SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
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
import type { Spread } from './service-level.js';
import type { ServiceLevelReport } from './service-level.service.js';

const SECOND = 1_000;
// Nine in the morning of the 23rd in China.
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let auditor: Http;
let vip: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  for (const id of ['vip', 'jd', 'tmall']) await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: `平台${id}` });
  vip = place.http(await place.token('PLATFORM', 'vip'));
  await vip.put('/api/exchange/channel', { channel: 'PULL' });
}, 60_000);
afterAll(() => service.close());

const after = (from: Date, seconds: number): Date => new Date(from.getTime() + seconds * SECOND);
/** The percentile of the plain book: sorted, and between two neighbours in proportion. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const [low = 0, high = low] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}
const spread = (values: readonly number[], open: number): Spread => ({
  count: values.length,
  open,
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  p99: percentile(values, 0.99),
  max: Math.max(...values),
});
const rounded = (of: Spread | undefined): object =>
  Object.fromEntries(
    Object.entries(of ?? {}).map(([name, value]: [string, number | null]) => [
      name,
      value === null ? null : Math.round(value * 1_000) / 1_000,
    ]),
  );

async function tell(sampleNo: string, acceptedAt: Date, platform = 'vip'): Promise<FeedbackIssued> {
  const state = aSamplingResult({
    sampleNo,
    online: { platformName: `平台${platform}` },
    acceptedAt: acceptedAt.toISOString(),
    publishedAt: acceptedAt.toISOString(),
  });
  await place.publish(SamplingResultPublished, state);
  return eventually(async () => {
    const { body } = await auditor.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (!said) throw new Error('not told yet');
    return said;
  });
}
const answer = (said: FeedbackIssued, revision: number, status: string) =>
  vip.post('/api/exchange/receipts', {
    feedbackId: said.feedbackId,
    feedbackRevision: said.revision,
    feedbackHash: said.contentHash,
    revision,
    status,
    answeredAt: NOW.toISOString(),
  });
const report = async (query: string, as = auditor): Promise<ServiceLevelReport> =>
  (await as.get<ServiceLevelReport>(`/api/exchange/service-levels?${query}`)).body;

describe('what was told to a platform', () => {
  const accepted = [3, 1, 14, 1.5, 92, 6, 5, 35, 8, 97];
  const toDelivered = [30, 7, 600, 45, 20, 11, 5];
  const toAnswered = [3_600, 60, 7_200, 500.25];

  it('is timed from acceptance to delivery to answer, percentiles exact, and what is open counted', async () => {
    const told: FeedbackIssued[] = [];
    for (const [nth, seconds] of accepted.entries()) told.push(await tell(`L-${nth}`, after(NOW, -seconds)));
    for (const [nth, seconds] of toDelivered.entries()) {
      clock.set(after(NOW, seconds));
      const { feedbackId, revision } = told[nth] as FeedbackIssued;
      await vip.post('/api/exchange/deliveries/acknowledgements', { deliveries: [{ feedbackId, revision }] });
    }
    for (const [nth, seconds] of toAnswered.entries()) {
      const said = told[nth] as FeedbackIssued;
      clock.set(after(NOW, (toDelivered[nth] ?? 0) + 1));
      await answer(said, 1, 'RECEIVED');
      clock.set(after(NOW, (toDelivered[nth] ?? 0) + seconds));
      await answer(said, 2, nth === 0 ? 'CONTESTED' : 'ACTED');
    }
    const { platforms } = await report('from=2026-11-23&to=2026-11-23&platform=vip');
    expect(platforms).toMatchObject([{ platformId: 'vip', kind: 'SAMPLING_RESULT', day: '2026-11-23', told: 10 }]);
    const delivered = toDelivered.map((seconds, nth) => seconds + (accepted[nth] ?? 0));
    expect(rounded(platforms[0]?.acceptedToDelivered)).toEqual(rounded(spread(delivered, 3)));
    expect(rounded(platforms[0]?.deliveredToAnswered)).toEqual(rounded(spread(toAnswered, 6)));
  });

  it('counts by the day in China, and what was answered is delivered, whatever the channel said', async () => {
    clock.set(new Date('2026-11-23T15:59:59.000Z'));
    await tell('L-late', clock.now());
    clock.set(new Date('2026-11-23T16:00:00.000Z'));
    const next = await tell('L-next', after(clock.now(), -2));
    clock.advance(10 * SECOND);
    await answer(next, 1, 'NOTHING_FOUND');
    const { platforms } = await report('from=2026-11-23&to=2026-11-24&platform=vip');
    expect(platforms.map(({ day, told }) => [day, told])).toEqual([
      ['2026-11-23', 11],
      ['2026-11-24', 1],
    ]);
    expect(platforms[1]).toMatchObject({
      acceptedToDelivered: { count: 1, open: 0, p50: 12 },
      deliveredToAnswered: { count: 1, open: 0, p50: 0 },
    });
    expect((await report('from=2026-11-24&to=2026-11-24')).platforms).toHaveLength(1);
  });

  it('is delivered, by Kafka, when the broker has it', async () => {
    clock.set(NOW);
    await tell('L-kafka', new Date(Date.now() - 60_000), 'jd');
    await eventually(async () => {
      const { platforms } = await report('from=2026-11-23&to=2026-11-23&platform=jd');
      expect(platforms).toMatchObject([{ told: 1, acceptedToDelivered: { count: 1, open: 0 }, deliveredToAnswered: { open: 1 } }]);
      const seconds = platforms[0]?.acceptedToDelivered.p50 ?? 0;
      expect(seconds).toBeGreaterThanOrEqual(60);
      expect(seconds).toBeLessThan(120);
    });
  });
});

describe('what a department reported', () => {
  it('is timed from the sample to the report to the publication; what is withdrawn is not waited for', async () => {
    const at = (time: string): string => `2026-10-1${time}Z`;
    const notified = (sampleNo: string, acceptedAt: string, sampledOn: string | undefined, revision = 1) =>
      aSamplingResult({ sampleNo, revision, acceptedAt, sampledOn, reporterId: 'tj-mkt', publishedAt: undefined, notice: undefined });
    await place.publish(SamplingResultNotified, notified('D-1', at('0T00:00:00'), '2026-10-01'));
    await place.publish(SamplingResultPublished, { ...notified('D-1', at('0T06:00:00'), '2026-10-01', 2), publishedAt: at('0T06:00:00') });
    await place.publish(SamplingResultPublished, { ...notified('D-2', at('0T00:00:00'), '2026-10-07'), publishedAt: at('0T02:00:00') });
    await place.publish(SamplingResultNotified, notified('D-3', at('0T00:00:00'), undefined));
    const gone = notified('D-4', at('0T00:00:00'), '2026-10-10');
    await place.publish(SamplingResultNotified, gone);
    await place.publish(SamplingResultWithdrawn, { ...gone, revision: 2, reason: '误报', withdrawnAt: at('1T00:00:00') });
    const expected = [
      {
        departmentId: 'tj-mkt',
        day: '2026-10-10',
        reported: 4,
        sampledToReportedDays: { count: 3, open: 1, p50: 3, max: 9 },
        reportedToPublished: { count: 2, open: 1, p50: 4 * 3_600, max: 6 * 3_600 },
      },
    ];
    await eventually(async () =>
      expect((await report('from=2026-10-01&to=2026-10-31&department=tj-mkt')).departments).toMatchObject(expected),
    );
    const own = place.http(await place.token('DEPARTMENT', 'tj-mkt'));
    expect(await report('from=2026-10-01&to=2026-10-31', own)).toMatchObject({ platforms: [], departments: expected });
  });
});

describe('who reads it', () => {
  it('its own, a platform; a department what platforms did with its results', async () => {
    const mine = await report('from=2026-11-01&to=2026-11-30', vip);
    expect(new Set(mine.platforms.map(({ platformId }) => platformId))).toEqual(new Set(['vip']));
    expect(mine.departments).toEqual([]);
    const publisher = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    const ours = await report('from=2026-11-01&to=2026-11-30', publisher);
    expect(new Set(ours.platforms.map(({ platformId }) => platformId))).toEqual(new Set(['vip', 'jd']));
    expect(new Set(ours.departments.map(({ departmentId }) => departmentId))).toEqual(new Set(['tj-amr']));
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    expect(await report('from=2026-11-01&to=2026-11-30', other)).toMatchObject({ platforms: [], departments: [] });
  });

  it.each([
    ['from=2026-01-01&to=2026-12-31', 422, 'PERIOD_TOO_LONG', '/to'],
    ['from=2026-11-02&to=2026-11-01', 422, 'PERIOD_REVERSED', '/to'],
    ['platform=nobody', 404, 'PLATFORM_UNKNOWN', '/platform'],
    ['from=2026-02-30', 400, 'VALIDATION_FAILED', '/from'],
  ])('%s is refused: %i %s', async (query, status, code, pointer) => {
    const { body } = await auditor.get(`/api/exchange/service-levels?${query}`);
    expect(body).toMatchObject({ status, code, errors: [{ pointer }] });
  });

  it('nobody else’s', async () => {
    const { body } = await vip.get('/api/exchange/service-levels?platform=jd');
    expect(body).toMatchObject({ status: 403, code: 'SERVICE_LEVEL_OF_ANOTHER', errors: [{ pointer: '/platform' }] });
    for (const [kind, id] of [
      ['STATISTICS', 'tj-stats'],
      ['LABORATORY', 'tj-lab'],
    ] as const)
      expect((await place.http(await place.token(kind, id)).get('/api/exchange/service-levels')).status).toBe(403);
  });
});
