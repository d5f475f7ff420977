/**
 * Clocks that start on receipt, on real servers: told to platforms by each of the three channels, what starts them and what does not, and
 * how they go on over revisions. Recalls are not published yet, so the specs tell them themselves.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FeedbackActionCode, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
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
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { DEADLINE_STATES } from './clock.js';
import { startClocks } from './clock.receipts.js';
import { ExchangeConfig } from '../config.js';
import { Escalations } from '../escalation/escalation.service.js';
import { ExchangeModule } from '../exchange.module.js';
import { type Draft, type Feedback, feedbackIdOf, issue } from '../feedback/feedback.js';
import { FeedbackTeller } from '../feedback/feedback.teller.js';
import type { FeedbackEntry, OverdueList } from '../feedback/feedback.queries.js';

const HOUR = 3_600_000;
const RULE = 'RECALL_TAKE_DOWN/PRODUCT@2025-12-16';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let operator: Http;
let platforms: Map<string, Http>;
let sink: Server;

const as = (id: string): Http => platforms.get(id) ?? place.http();

beforeAll(async () => {
  sink = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
  await new Promise<void>((listening) => sink.listen(0, '127.0.0.1', listening));
  const { port } = sink.address() as AddressInfo;
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  platforms = new Map();
  for (const id of ['jd', 'tmall', 'vip']) {
    await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: `平台${id}` });
    platforms.set(id, place.http(await place.token('PLATFORM', id)));
  }
  await as('tmall').post('/api/exchange/webhook-endpoints', { url: `http://127.0.0.1:${port}/hook`, contact: 'duty' });
  expect((await as('tmall').put('/api/exchange/channel', { channel: 'WEBHOOK' })).status).toBe(200);
  expect((await as('vip').put('/api/exchange/channel', { channel: 'PULL' })).status).toBe(200);
}, 60_000);
afterAll(async () => {
  await service.close();
  sink.closeAllConnections();
  sink.close();
});
afterEach(() => clock.set(NOW));

interface Recall {
  readonly recipientId: string;
  readonly recallNo: string;
  readonly action: FeedbackActionCode;
  /** Something that a platform reads, besides what is asked of it. */
  readonly entitlementId: string;
}
const draft = ({ recipientId, recallNo, action, entitlementId }: Recall, subjectRevision: number): Draft => ({
  recipientId,
  kind: 'RECALL',
  subject: recallNo,
  subjectRevision,
  publisherId: null,
  matchedBy: null,
  regime: 'PRODUCT',
  actionsRequired: [{ action, mandatory: true, basis: '消费品召回管理暂行规定' }],
  legalBasis: [{ instrument: '消费品召回管理暂行规定（市场监管总局令第19号）', ruleVersion: '2020-01-01' }],
  entitlement: { kind: 'STATUTORY_NOTICE', id: entitlementId },
  source: {},
});
/** Tells a platform the next state of a recall. */
async function tell(recipientId: string, recallNo: string, action: FeedbackActionCode, entitlementId = 'RECALL'): Promise<FeedbackIssued> {
  const teller = service.get(FeedbackTeller);
  return service.get(DataSource).transaction(async (tx) => {
    const [previous = null] = (await teller.load(tx, 'RECALL', [recallNo])).get(recallNo) ?? [];
    const revision = (previous?.said.subjectRevision ?? 0) + 1;
    const next = issue(previous, draft({ recipientId, recallNo, action, entitlementId }, revision), clock.now()) as Feedback;
    await teller.tell(tx, [{ feedback: next, causedBy: null }]);
    return next.said as FeedbackIssued;
  });
}
const entry = async ({ feedbackId }: FeedbackIssued): Promise<FeedbackEntry> =>
  (await operator.get<FeedbackEntry>(`/api/exchange/feedback/${feedbackId}`)).body;
const answer = (id: string, said: FeedbackIssued, revision: number, status: string) =>
  as(id).post('/api/exchange/receipts', {
    feedbackId: said.feedbackId,
    feedbackRevision: said.revision,
    feedbackHash: said.contentHash,
    revision,
    status,
    answeredAt: NOW.toISOString(),
  });
const acknowledge = (id: string, { feedbackId, revision }: FeedbackIssued) =>
  as(id).post('/api/exchange/deliveries/acknowledgements', { deliveries: [{ feedbackId, revision }] });
const later = (ms: number): string => new Date(NOW.getTime() + ms).toISOString();
const isRunning = (startedAt: string) => ({
  state: 'RUNNING',
  startedAt,
  dueAt: new Date(Date.parse(startedAt) + 24 * HOUR).toISOString(),
  closedAt: null,
  ruleVersion: RULE,
});

describe('a clock that starts on receipt', () => {
  it('is told as such, without a date, and waits', async () => {
    const said = await tell('vip', 'R-told', 'STOP_SALE');
    expect(said.clock).toEqual({ startsOn: 'RECEIVED', duration: 'PT24H', days: 'CALENDAR', basis: 'STATUTE' });
    expect(said).not.toHaveProperty('dueAt');
    expect(said.legalBasis.at(-1)).toMatchObject({ ruleVersion: RULE });
    clock.advance(99 * HOUR);
    expect(await entry(said)).toMatchObject({ overdue: false, deadline: { state: 'NOT_STARTED', startedAt: null, dueAt: null } });
  });

  it('starts with the acknowledgement of a pull', async () => {
    const said = await tell('vip', 'R-pull', 'STOP_SALE');
    clock.advance(5 * HOUR);
    await acknowledge('vip', said);
    expect(await entry(said)).toMatchObject({ deadline: isRunning(later(5 * HOUR)) });
    clock.advance(HOUR);
    await acknowledge('vip', said);
    await answer('vip', said, 1, 'RECEIVED');
    expect(await entry(said)).toMatchObject({ deadline: isRunning(later(5 * HOUR)) });
  });

  it.each(['RECEIVED', 'CONTESTED'])('starts with the answer %s, where nothing was acknowledged', async (status) => {
    const said = await tell('vip', `R-${status}`, 'STOP_SALE');
    clock.advance(2 * HOUR);
    await answer('vip', said, 1, status);
    expect(await entry(said)).toMatchObject({ deadline: isRunning(later(2 * HOUR)) });
  });

  it('starts when its webhook is taken', async () => {
    const said = await tell('tmall', 'R-webhook', 'STOP_SALE');
    await eventually(async () => expect(await entry(said)).toMatchObject({ deadline: isRunning(NOW.toISOString()) }));
  });

  it('starts when the broker has it, for whoever chose Kafka', async () => {
    const said = await tell('jd', 'R-kafka', 'STOP_SALE');
    const { deadline } = await eventually(async () => {
      const read = await entry(said);
      if (!read.deadline?.startedAt) throw new Error('not started yet');
      return read;
    });
    const [record] = (await place.outside('jd').readAll('platform.jd.feedback.v1')).filter(({ key }) => key === 'R-kafka');
    const [ledger] = await place.sql<{ at: string }>(
      `SELECT entry::json ->> 'at' AS at FROM (SELECT entry FROM ledger_entries UNION ALL SELECT entry FROM ledger_intake) AS e
       WHERE entry::json ->> 'kind' = 'PUBLISHED' AND entry::json ->> 'feedbackId' = $1`,
      [said.feedbackId],
    );
    expect(record).toBeDefined();
    expect(deadline).toMatchObject({ startedAt: ledger?.at });
  });

  it('goes on over revisions that ask the same, and starts anew with what asks something else', async () => {
    const first = await tell('vip', 'R-next', 'STOP_SALE');
    const second = await tell('vip', 'R-next', 'STOP_SALE', 'RECALL_2');
    clock.advance(HOUR);
    await acknowledge('vip', first);
    expect(await entry(first)).toMatchObject({ revision: second.revision, deadline: isRunning(later(HOUR)) });
    clock.advance(HOUR);
    await tell('vip', 'R-next', 'STOP_SALE', 'RECALL_3');
    expect(await entry(first)).toMatchObject({ revision: 3, deadline: isRunning(later(HOUR)) });
    const other = await tell('vip', 'R-next', 'RESUME');
    expect(await entry(first)).toMatchObject({ deadline: { state: 'NOT_STARTED' } });
    await acknowledge('vip', second);
    expect(await entry(first)).toMatchObject({ deadline: { state: 'NOT_STARTED' } });
    await acknowledge('vip', other);
    expect(await entry(first)).toMatchObject({ deadline: isRunning(later(2 * HOUR)) });
  });

  it('becomes overdue and is listed by platform and age, with its rule; done late it is met late', async () => {
    const said = await tell('vip', 'R-overdue', 'STOP_SALE');
    await acknowledge('vip', said);
    clock.advance(25 * HOUR);
    await service.get(Escalations).escalate();
    const steps = await place.sql('SELECT escalated_steps AS steps FROM feedbacks WHERE feedback_id = $1', [said.feedbackId]);
    expect(steps).toEqual([{ steps: 1 }]);
    const overdue = async (query: string): Promise<OverdueList> =>
      (await operator.get<OverdueList>(`/api/exchange/feedback/overdue?platform=vip&${query}`)).body;
    const ids = ({ items }: OverdueList): string[] => items.map(({ feedbackId }) => feedbackId);
    const listed = (await overdue('')).items.find(({ feedbackId }) => feedbackId === said.feedbackId);
    expect(listed).toMatchObject({ ruleVersion: RULE, overdueHours: 1 });
    expect(ids(await overdue('hoursLeast=2'))).not.toContain(said.feedbackId);
    clock.advance(24 * HOUR);
    expect(ids(await overdue('hoursLeast=25'))).toContain(said.feedbackId);
    expect((await overdue('hoursLeast=25')).byPlatform).toMatchObject([{ platformId: 'vip', overWeek: 0 }]);
    await answer('vip', said, 1, 'ACTED');
    expect(await entry(said)).toMatchObject({ overdue: false, deadline: { state: 'MET_LATE' } });
  });
});

type Step = { readonly asks: 'STOP_SALE' | 'DELIST' } | { readonly receives: number; readonly minute: number };

describe('any history of what is told and received', () => {
  const steps: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ asks: fc.constantFrom('STOP_SALE', 'DELIST') }),
    fc.record({ receives: fc.integer({ min: 1, max: 6 }), minute: fc.integer({ min: 0, max: 5_000 }) }),
  );

  it('leads to the deadline of a plain recount', async () => {
    let histories = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 10 }), async (rest) => {
        const recallNo = `R-any-${(histories += 1)}`;
        const asked: string[] = [];
        let heard: number[] = [];
        for (const step of [{ asks: 'STOP_SALE' } as const, ...rest]) {
          if ('asks' in step) {
            await tell('vip', recallNo, step.asks, `RECALL_${asked.length}`);
            // Whatever was received of something else that was asked starts nothing.
            if (asked.at(-1) !== step.asks) heard = [];
            asked.push(step.asks);
          } else if (step.receives <= asked.length) {
            const feedbackId = feedbackIdOf('vip', 'RECALL', recallNo);
            const at = new Date(NOW.getTime() + step.minute * 60_000);
            await service.get(DataSource).transaction((tx) => startClocks(tx, [{ feedbackId, revision: step.receives, at }]));
            const others = asked.slice(step.receives - 1).some((action) => action !== asked.at(-1));
            if (!others) heard.push(step.minute);
          }
        }
        let due: string | null = null;
        if (heard.length > 0) {
          let instant = NOW.getTime() + Math.min(...heard) * 60_000;
          for (let hour = 0; hour < 24; hour += 1) instant += HOUR;
          due = new Date(instant).toISOString();
        }
        const [row] = await place.sql<{ due: Date | null; escalates: Date | null; started: Date | null }>(
          'SELECT due_at AS due, escalates_at AS escalates, clock_started_at AS started FROM feedbacks WHERE subject = $1',
          [recallNo],
        );
        expect(row?.due?.toISOString() ?? null).toBe(due);
        expect(row?.escalates).toEqual(row?.due);
        expect(row?.started === null).toBe(due === null);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('a clock that starts on issue', () => {
  it('is shown with its start and the row it comes from', async () => {
    await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'C-1', online: { platformName: '平台vip' } }));
    const said = await eventually(async () => {
      const { body } = await as('vip').get<{ items: FeedbackIssued[] }>('/api/exchange/feedback?subject=tj-amr:C-1');
      const [found] = body.items;
      if (!found) throw new Error('not told yet');
      return found;
    });
    expect(await entry(said)).toMatchObject({
      deadline: { state: 'RUNNING', startedAt: NOW.toISOString(), dueAt: said.dueAt, ruleVersion: 'FEEDBACK_ACTION/FOOD@2015-01-01' },
    });
  });
});

describe('the list by how deadlines stand', () => {
  it('has what nobody has received, and of each other state what is shown with it', async () => {
    const [waits, meets] = [await tell('vip', 'R-waits', 'STOP_SALE'), await tell('vip', 'R-meets', 'STOP_SALE')];
    await answer('vip', meets, 1, 'ACTED');
    await acknowledge('vip', await tell('vip', 'R-late', 'STOP_SALE'));
    clock.advance(25 * HOUR);
    await acknowledge('vip', await tell('vip', 'R-runs', 'STOP_SALE'));
    const listed = async (query: string): Promise<FeedbackEntry[]> =>
      (await operator.get<{ items: FeedbackEntry[] }>(`/api/exchange/feedback?kind=RECALL&platform=vip&limit=500${query}`)).body.items;
    const all = await listed('');
    for (const state of DEADLINE_STATES) {
      const such = all.filter(({ deadline }) => deadline?.state === state);
      expect(such.length).toBeGreaterThan(0);
      expect(await listed(`&deadline=${state}`)).toEqual(such);
    }
    expect((await listed('&deadline=NOT_STARTED')).map(({ feedbackId }) => feedbackId)).toContain(waits.feedbackId);
    expect(await operator.get('/api/exchange/feedback?deadline=LATE')).toMatchObject({ status: 400, body: { pointer: '/deadline' } });
  });
});
