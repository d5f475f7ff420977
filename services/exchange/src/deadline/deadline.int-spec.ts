/*
 * The periods that the exchange keeps, on real servers: what platforms have to do, what departments have to answer; each reader its own; and
 * what becomes of answers that were due before a calendar of holidays was published.
 */
import { type EntitlementState, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
import type { DeadlineEntry, Page } from '@jinqiao/platform';
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
import { ExchangeConfig } from '../config.js';
import { Escalations } from '../escalation/escalation.service.js';
import { ExchangeModule } from '../exchange.module.js';
import { DeadlineJob } from './deadline.job.js';

const NOW = new Date('2026-11-23T01:00:00.000Z'); // a Monday
const clock = new StandingClock(NOW);
const who = new Map<string, Http>();
let place: Place;
let service: TestService;

const as = (id: string): Http => who.get(id) ?? place.http();

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['AUDITOR', 'tj-audit', []],
    ['STATISTICS', 'tj-stats', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result', 'provides:credit.credit-status']],
    ['DEPARTMENT', 'tj-food', []],
    ['DEPARTMENT', 'tj-housing', []],
    ['PLATFORM', 'jd', []],
    ['PLATFORM', 'tmall', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    if (kind === 'DEPARTMENT' || kind === 'PLATFORM') {
      await as('operator').post('/api/exchange/organisations', { id, kind, name: `机构${id}`, scopes });
    }
  }
  for (const [sampleNo, platform, reporterId] of [
    ['L-1', 'jd', 'tj-amr'],
    ['L-2', 'jd', 'tj-food'],
    ['L-3', 'tmall', 'tj-amr'],
  ] as const) {
    await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, reporterId, online: { platformName: `机构${platform}` } }));
  }
  await eventually(async () => expect(await place.sql('SELECT FROM feedbacks')).toHaveLength(3));
  expect((await answered('jd', 'tj-food:L-2')).status).toBe(201);
  const correction = { subject: 'tj-amr:L-1', wrong: '批次应为 A2', evidence: [{ description: '进货凭证', hash: 'a'.repeat(64) }] };
  const filed = await as('jd').post('/api/exchange/correction-requests', {
    ...correction,
    entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
  });
  expect(filed.status).toBe(201);
  expect((await asked('inspection.sampling-result')).status).toBe(201);
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(NOW));

async function answered(platform: string, subject: string): Promise<{ status: number }> {
  const { body } = await as(platform).get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=${subject}`);
  const [said] = body.items;
  return as(platform).post('/api/exchange/receipts', {
    feedbackId: said?.feedbackId,
    feedbackRevision: said?.revision,
    feedbackHash: said?.contentHash,
    revision: 1,
    status: 'NOTHING_FOUND',
    searched: '全部在售商品',
    answeredAt: NOW.toISOString(),
  });
}
const asked = (stream: string) =>
  as('tj-housing').post<EntitlementState>('/api/exchange/entitlements', {
    stream,
    mode: 'PULL',
    level: 2,
    legalBasis: '政务数据共享条例第二十条',
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2027-12-31',
  });

async function listed(id: string, query = '', limit = 2): Promise<DeadlineEntry[]> {
  const all: DeadlineEntry[] = [];
  for (let cursor = ''; ;) {
    const { body, status } = await as(id).get<Page<DeadlineEntry>>(`/api/exchange/deadlines?limit=${limit}&${query}${cursor}`);
    expect(status).toBe(200);
    all.push(...body.items);
    if (body.next === null) return all;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}
const named = (entries: readonly DeadlineEntry[]): string[] =>
  entries.map(({ matter, subject, dueOn, state }) => `${matter} ${subject.replace(/^GRANT:.*/, 'GRANT')} ${dueOn} ${state}`).sort();

describe('the list', () => {
  it('has what platforms have to do and what departments have to answer, with what each rests on', async () => {
    const all = await listed('operator', 'state=all');
    expect(named(all)).toEqual([
      'CORRECTION_REQUEST tj-amr:L-1 2026-12-07 RUNNING',
      'FEEDBACK tj-amr:L-1 2026-11-24 RUNNING',
      'FEEDBACK tj-amr:L-3 2026-11-24 RUNNING',
      'FEEDBACK tj-food:L-2 2026-11-24 MET',
      'GRANT_REQUEST GRANT 2026-11-24 RUNNING',
    ]);
    expect(all.find(({ subject, matter }) => subject === 'tj-amr:L-1' && matter === 'FEEDBACK')).toMatchObject({
      clock: 'FEEDBACK_ACTION',
      kind: 'DUTY',
      party: 'PLATFORM',
      startedAt: NOW.toISOString(),
      dueAt: '2026-11-24T01:00:00.000Z',
      provisional: false,
      legalBasis: { ruleVersion: 'FEEDBACK_ACTION/FOOD@2015-01-01' },
      department: 'tj-amr',
      handler: 'jd',
      overdueRaisedAt: null,
    });
    expect(all.find(({ matter }) => matter === 'CORRECTION_REQUEST')).toMatchObject({
      clock: 'SHARING_CORRECTION',
      startedOn: '2026-11-23',
      dueAt: '2026-12-07T15:59:59.000Z',
      legalBasis: { instrument: '政务数据共享条例', article: '第二十六条' },
      department: 'tj-amr',
      handler: 'tj-amr',
    });
  });

  it('has for each reader its own and nothing else', async () => {
    const all = await listed('tj-audit', 'state=all');
    const own: Record<string, (one: DeadlineEntry) => boolean> = {
      operator: () => true,
      'tj-audit': () => true,
      'tj-amr': ({ department }) => department === 'tj-amr',
      'tj-food': ({ department }) => department === 'tj-food',
      'tj-housing': ({ matter }) => matter === 'GRANT_REQUEST',
      jd: ({ handler, matter }) => handler === 'jd' || matter === 'CORRECTION_REQUEST',
      tmall: ({ handler }) => handler === 'tmall',
    };
    const question = fc.record({
      reader: fc.constantFrom(...Object.keys(own)),
      department: fc.option(fc.constantFrom<string>('tj-amr', 'tj-food', 'tj-housing'), { nil: undefined }),
      handler: fc.option(fc.constantFrom<string>('jd', 'tmall', 'tj-amr'), { nil: undefined }),
      from: fc.option(fc.constantFrom<string>('2026-11-24', '2026-11-25'), { nil: undefined }),
      to: fc.option(fc.constantFrom<string>('2026-11-23', '2026-11-24', '2026-12-06'), { nil: undefined }),
      limit: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ reader, limit, ...rest }) => {
        const { department, handler, from = '', to = '9' } = rest;
        const given = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const expected = all.filter(
          (one) =>
            own[reader]?.(one) &&
            (department ?? one.department) === one.department &&
            (handler ?? one.handler) === one.handler &&
            from <= one.dueOn &&
            one.dueOn <= to,
        );
        expect(await listed(reader, new URLSearchParams([['state', 'all'], ...given]).toString(), limit)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
    expect((await as('tj-stats').get('/api/exchange/deadlines')).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  }, 60_000);

  it('has what is overdue, since when that was said, and what was done', async () => {
    clock.set(new Date('2026-11-24T01:00:30.000Z'));
    await service.get(Escalations).escalate();
    await service.get(Escalations).escalate();
    const overdue = await listed('jd', 'state=overdue');
    expect(named(overdue)).toEqual(['FEEDBACK tj-amr:L-1 2026-11-24 OVERDUE']);
    expect(overdue).toMatchObject([{ overdueRaisedAt: '2026-11-24T01:00:30.000Z' }]);
    expect(named(await listed('operator', 'state=due'))).toHaveLength(2);
    expect(named(await listed('operator', 'state=closed'))).toEqual(['FEEDBACK tj-food:L-2 2026-11-24 MET']);
    clock.set(new Date('2026-11-27T01:00:30.000Z'));
    await service.get(Escalations).escalate();
    expect(await listed('jd', 'state=overdue')).toMatchObject([{ overdueRaisedAt: '2026-11-24T01:00:30.000Z' }]);
  });
});

describe('when a calendar is published', () => {
  it('what is due moves as the next revision, once, and what waits on stays', async () => {
    clock.set(new Date('2026-12-21T01:00:00.000Z'));
    const waits = (await asked('credit.credit-status')).body;
    clock.set(new Date('2026-09-25T01:00:00.000Z'));
    const { body: filed } = await as('jd').post('/api/exchange/correction-requests', {
      entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
      subject: 'tj-food:L-2',
      wrong: '批次应为 A2',
      evidence: [{ description: '进货凭证', hash: 'a'.repeat(64) }],
    });
    const requestId = String(filed['requestId']);
    // As a process leaves it that knows no holidays of 2026 yet.
    await place.sql(
      `UPDATE correction_requests SET answer_due_on = '2026-10-09', answer_provisional = TRUE,
         state = (state::jsonb || '{"answerDueOn": "2026-10-09"}')::json WHERE request_id = $1`,
      [requestId],
    );
    const job = service.get(DeadlineJob);
    await Promise.all([job.computeAgain(), job.computeAgain(), job.computeAgain()]);
    await job.computeAgain();
    expect((await as('jd').get(`/api/exchange/correction-requests/${requestId}`)).body).toMatchObject({
      revision: 2,
      status: 'FILED',
      answerDueOn: '2026-10-15',
    });
    const told = await place
      .outside('service.stack')
      .readUntil('exchange.correction-request.v1', (all) => all.filter(({ key }) => key === requestId).length === 2);
    expect(told.filter(({ key }) => key === requestId).map(({ body }) => body?.['answerDueOn'])).toEqual(['2026-10-15', '2026-10-15']);
    expect(waits).toMatchObject({ answerDueOn: '2027-01-04', revision: 1 });
    expect(named(await listed('tj-housing', 'state=provisional'))).toEqual(['GRANT_REQUEST GRANT 2027-01-04 RUNNING']);
  });
});

describe('an answer that does not come in time', () => {
  it('is said once of each request, as its next revision, and may still come', async () => {
    clock.set(new Date('2027-03-01T01:00:00.000Z'));
    const job = service.get(DeadlineJob);
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    expect(await job.raise()).toBe(0);
    const open = await place.sql<{ id: string; revision: number }>(
      `SELECT request_id::text AS id, revision FROM correction_requests WHERE status = 'FILED'
       UNION ALL SELECT entitlement_id, revision FROM entitlements WHERE status = 'REQUESTED' AND answer_due_on IS NOT NULL ORDER BY 1`,
    );
    expect(open.length).toBeGreaterThan(1);
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    const all = [...(await place.readAll('exchange.correction-request.v1')), ...(await place.readAll('exchange.entitlement.v1'))];
    const late = all.filter(({ headers }) => headers['ce_type']?.endsWith('Overdue'));
    expect(
      late.map(({ key, body }) => ({ id: key, revision: body?.['revision'] })).sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)),
    ).toEqual(open);
    const listedLate = (await listed('operator', 'state=overdue')).filter(({ matter }) => matter !== 'FEEDBACK');
    expect(listedLate).toHaveLength(open.length);
    expect(new Set(listedLate.map(({ overdueRaisedAt }) => overdueRaisedAt))).toEqual(new Set(['2027-03-01T01:00:00.000Z']));
  });
});
