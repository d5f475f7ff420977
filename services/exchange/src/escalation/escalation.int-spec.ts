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
import type { NotUndoneList } from '../feedback/feedback.queries.js';
import { Escalations } from './escalation.service.js';

/* What a platform has not done in time is said once for each step, and what it has not undone is listed until it has. */
const NOW = new Date('2026-11-23T01:00:00.000Z');
const HOUR = 3_600_000;
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let jd: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

const result = (sampleNo: string, revision: number, verdict: 'QUALIFIED' | 'UNQUALIFIED') =>
  aSamplingResult({
    sampleNo,
    revision,
    verdict,
    online: { platformName: '京东' },
    ...(verdict === 'QUALIFIED' && { failingItems: undefined }),
  });
async function told(sampleNo: string, revision: number, verdict: 'QUALIFIED' | 'UNQUALIFIED'): Promise<FeedbackIssued> {
  await place.publish(SamplingResultPublished, result(sampleNo, revision, verdict));
  return eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (said?.revision !== revision) throw new Error(`${sampleNo} is not told yet`);
    return said;
  });
}
const answer = (said: FeedbackIssued, action: 'DELIST' | 'RESTORE') =>
  jd.post('/api/exchange/receipts', {
    feedbackId: said.feedbackId,
    feedbackRevision: said.revision,
    feedbackHash: said.contentHash,
    revision: 1,
    status: 'ACTED',
    actions: [{ action, at: '2026-11-23T00:30:00Z', result: 'DONE' }],
    answeredAt: '2026-11-23T00:59:00Z',
  });
/** Moves the clock on, and lets three processes look at once. */
async function after(hours: number): Promise<void> {
  clock.advance(hours * HOUR);
  const escalations = service.get(Escalations);
  await Promise.all([escalations.escalate(), escalations.escalate(), escalations.escalate()]);
}
async function steps(said: FeedbackIssued): Promise<unknown[]> {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  const records: OutsideRecord[] = await place.readAll('exchange.feedback-outcome.v1');
  return records
    .filter(({ headers, body }) => String(headers['ce_type']).endsWith('.FeedbackOverdue') && body?.['feedbackId'] === said.feedbackId)
    .map(({ body }) => body?.['revision']);
}

describe('what is overdue', () => {
  it('is said when the period ends and at each further step, once over any number of processes', async () => {
    const said = await told('O-1', 1, 'UNQUALIFIED');
    await after(23);
    expect(await steps(said)).toEqual([]);
    await after(1);
    expect(await steps(said)).toEqual([1]);
    await after(1);
    expect(await steps(said)).toEqual([1]);
    await after(200);
    await after(0);
    expect(await steps(said)).toEqual([1, 2, 3]);
  });

  it('is not said of what was done, and goes on where something else is required', async () => {
    const done = await told('O-2', 1, 'UNQUALIFIED');
    expect((await answer(done, 'DELIST')).status).toBe(201);
    const turned = await told('O-3', 1, 'UNQUALIFIED');
    await after(24);
    await told('O-3', 2, 'QUALIFIED');
    await after(23);
    expect(await steps(done)).toEqual([]);
    expect(await steps(turned)).toEqual([1]);
    await after(1);
    expect(await steps(turned)).toEqual([1, 1]);
  });
});

describe('the report of stale penalties', () => {
  it('lists who was asked to undo something until it has, by age', async () => {
    const report = async (): Promise<NotUndoneList> => (await auditor.get<NotUndoneList>('/api/exchange/feedback/not-undone')).body;
    const open = (await report()).items.length;
    await told('U-1', 1, 'UNQUALIFIED');
    expect((await report()).items).toHaveLength(open);
    const undo = await told('U-1', 2, 'QUALIFIED');
    clock.advance(5 * HOUR);
    const listed = await report();
    expect(listed.items.find(({ feedbackId }) => feedbackId === undo.feedbackId)).toMatchObject({
      recipientId: 'jd',
      subject: 'tj-amr:U-1',
      askedAt: NOW.toISOString(),
      askedHoursAgo: 5,
    });
    expect(listed.byPlatform).toMatchObject([{ platformId: 'jd', notUndone: open + 1 }]);
    expect((await answer(undo, 'RESTORE')).status).toBe(201);
    expect((await report()).items).toHaveLength(open);
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    expect((await tmall.get<NotUndoneList>('/api/exchange/feedback/not-undone')).body).toEqual({ byPlatform: [], items: [], next: null });
  });
});
