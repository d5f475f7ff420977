import { type FeedbackIssued, RecallPublished, RecallWithdrawn, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aRecall,
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
import type { NotReceivedList, NotUndoneList } from '../feedback/feedback.queries.js';
import { Escalations } from './escalation.service.js';

/* What a platform has not done in time is said once for each step, and what it has not undone is listed until it has. */
const NOW = new Date('2026-11-23T01:00:00.000Z');
const HOUR = 3_600_000;
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let jd: Http;
let auditor: Http;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  operator = place.http(await place.token('OPERATOR', 'operator'));
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

describe('a recall that nobody received', () => {
  const PATH = '/api/exchange/feedback/not-received';
  type Noted = { organisationId: string; step: number; reason: string };
  const notices = async (http: Http, reason = 'NOT_RECEIVED'): Promise<{ items: Noted[] }> => {
    const { body } = await http.get<{ items: Noted[] }>('/api/exchange/contact-notices?platform=tmall');
    return { items: body.items.filter((notice) => notice.reason === reason) };
  };

  it('is listed, and told to contacts of the platform, its keeper and the operator once for each step, until it is received', async () => {
    await operator.post('/api/exchange/organisations', { id: 'tj-amr', kind: 'DEPARTMENT', name: '天津市市场监管委' });
    await operator.post('/api/exchange/organisations', { id: 'operator', kind: 'OPERATOR', name: '运行机构' });
    await operator.post('/api/exchange/organisations', { id: 'tmall', kind: 'PLATFORM', name: '天猫' });
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    const keeper = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    const stranger = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    await tmall.put('/api/exchange/channel', { channel: 'PULL' });
    await place.publish(RecallPublished, aRecall({ recallNo: 'N-1', revision: 1, sectors: [] }));
    const listed = async (http: Http): Promise<NotReceivedList> => (await http.get<NotReceivedList>(`${PATH}?platform=tmall`)).body;
    // Both platforms are told; what the broker has is received.
    await eventually(async () => expect((await operator.get<NotReceivedList>(PATH)).body.items).toMatchObject([{ recipientId: 'tmall' }]));

    await after(1);
    expect((await notices(operator)).items).toEqual([]);
    await after(1);
    const reading = ['operator', 'tj-amr', 'tmall'].map((organisationId) => ({ organisationId, step: 1, reason: 'NOT_RECEIVED' }));
    const byName = (items: readonly Noted[]): Noted[] =>
      [...items].sort((one, other) => one.organisationId.localeCompare(other.organisationId));
    expect(byName((await notices(auditor)).items)).toMatchObject(reading);
    for (const http of [tmall, keeper])
      expect((await notices(http)).items).toMatchObject([{ step: 1, platformId: 'tmall', kind: 'RECALL' }]);
    expect((await notices(stranger)).items).toEqual([]);
    expect((await place.http().get<string>('/metrics')).body).toMatch(/^contact_notices_total\{reason="NOT_RECEIVED"[^}]*\} 3$/m);
    for (const http of [operator, auditor, tmall, keeper])
      expect(await listed(http)).toMatchObject({
        byPlatform: [{ platformId: 'tmall', notReceived: 1, oldestIssuedAt: NOW.toISOString() }],
        items: [{ recipientId: 'tmall', subject: 'N-1', issuedAt: NOW.toISOString(), issuedHoursAgo: 2 }],
      });
    expect((await listed(stranger)).items).toEqual([]);

    await after(4);
    expect((await notices(tmall)).items.map(({ step }) => step)).toEqual([2, 1]);
    const { body } = await tmall.get<{ cursor: string }>('/api/exchange/deliveries');
    await tmall.post('/api/exchange/deliveries/acknowledgements', { cursor: body.cursor });
    await after(100);
    expect((await notices(tmall)).items.map(({ step }) => step)).toEqual([2, 1]);
    expect(await listed(operator)).toMatchObject({ byPlatform: [], items: [] });
    // Received and not done is overdue like anything else, which is noted once for any number of processes.
    const first = byName((await notices(operator, 'OVERDUE')).items).filter(({ step }) => step === 1);
    expect(first.map(({ organisationId }) => organisationId)).toEqual(['tj-amr', 'tmall']);
  });

  it('is no longer waited for when it is withdrawn', async () => {
    await place.publish(RecallPublished, aRecall({ recallNo: 'N-2', revision: 1, sectors: [] }));
    const subjects = async (): Promise<string[]> => (await operator.get<NotReceivedList>(PATH)).body.items.map(({ subject }) => subject);
    await eventually(async () => expect(await subjects()).toEqual(['N-2']));
    const withdrawn = { ...aRecall({ recallNo: 'N-2', revision: 2, sectors: [] }), reason: '误报', withdrawnAt: NOW.toISOString() };
    await place.publish(RecallWithdrawn, withdrawn);
    await eventually(async () => expect(await subjects()).toEqual([]));
  });
});
