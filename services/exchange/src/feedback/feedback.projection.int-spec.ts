/**
 * What leaves on every way out, on real servers: the tables are filled behind the service's back with what should never be there, and
 * nothing of it is found on topics, in pull, in webhooks' bytes (the same text) or in answers, for any class of recipient.
 */
import { SamplingResultNotified, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  startTestService,
  testUscc,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { Sweep } from '../sweep.js';

const USCC = testUscc(7);
let place: Place;
let service: TestService;
let jd: Http;
let tmall: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
  await operator.post('/api/exchange/organisations', { id: 'tmall', kind: 'PLATFORM', name: '天猫' });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  tmall = place.http(await place.token('PLATFORM', 'tmall'));
}, 60_000);
afterAll(() => service.close());

const isFollowed = (sampleNo: string, revision = 1) =>
  eventually(async () =>
    expect(await place.sql('SELECT FROM subjects WHERE subject = $1 AND revision = $2', [`tj-amr:${sampleNo}`, revision])).toHaveLength(1),
  );

/** Everything a platform can read of what it is told. */
async function readBy(id: string, http: Http): Promise<string> {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const topic = await place.outside(id).readAll(`platform.${id}.feedback.v1`);
  const answers = await Promise.all(
    ['feedback?limit=500', 'feedback?status=UNMATCHED', 'deliveries?limit=500', 'feedback/counts', 'disputes'].map((route) =>
      http.get(`/api/exchange/${route}`),
    ),
  );
  return JSON.stringify([topic.map(({ headers, key, value }) => ({ headers, key, value })), answers.map(({ body }) => body)]);
}

describe('what lies in the tables and was never declared', () => {
  beforeAll(async () => {
    const junk = { phone: 'INSIDE-13800000000', legalRepresentative: { name: 'INSIDE-张某' }, contacts: [{ idNumber: 'INSIDE-120101' }] };
    const facts = {
      uscc: USCC,
      revision: 1,
      lists: [],
      recordNos: ['r-1'],
      ...junk,
      publicRecords: [{ type: 'SAMPLING_RESULT', count: 1, ...junk }],
    };
    await place.sql('INSERT INTO credit_statuses VALUES ($1, 1, $2, now())', [USCC, JSON.stringify(facts)]);
    for (const [platform, shop] of [
      ['jd', 'of-jd'],
      ['tmall', 'of-tmall'],
    ])
      await place.sql('INSERT INTO platform_merchants VALUES ($1, $2, 1, $3, $2, NULL, now())', [platform, shop, USCC]);
    const state = { ...aSamplingResult({ sampleNo: 'J-1', online: { platformName: '未知平台' } }), ...junk };
    await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'J-1', online: { platformName: '未知平台' } }));
    await isFollowed('J-1');
    await place.sql('UPDATE unmatched_feedbacks SET state = $1', [
      JSON.stringify({
        ...state,
        product: { ...state.product, ...junk },
        sampledParty: { ...state.sampledParty, ...junk },
        online: { ...state.online, ...junk },
      }),
    ]);
    await place.sql(`INSERT INTO organisation_names VALUES ('未知平台', 'jd')`);
    const waiting = await place.http(await place.token('DEPARTMENT', 'tj-amr')).get('/api/exchange/feedback?status=UNMATCHED');
    expect(waiting.body).toMatchObject({ items: [{ subject: 'tj-amr:J-1' }] });
    expect(JSON.stringify(waiting.body)).not.toContain('INSIDE');
    await service.get(Sweep).sweep();
  });

  it('leaves by no way, and nobody reads of another platform’s shops', async () => {
    const [toJd, toTmall] = [await readBy('jd', jd), await readBy('tmall', tmall)];
    for (const read of [toJd, toTmall]) {
      expect(read).toContain(USCC);
      expect(read).not.toContain('INSIDE');
    }
    expect(toJd).toContain('of-jd');
    expect(toJd).not.toContain('of-tmall');
    expect(toTmall).toContain('of-tmall');
    expect(toTmall).not.toContain('of-jd');
    expect(toJd).toContain('tj-amr:J-1');
    expect(toTmall).not.toContain('J-1');
  });

  it('is shown to nobody who reads afterwards either', async () => {
    // What was told can not be changed, unless by who may change the database itself.
    await place.sql('ALTER TABLE feedback_revisions DISABLE TRIGGER as_told');
    await place.sql(`UPDATE feedback_revisions SET said = (said::jsonb || '{"content": {"verdict": "UNQUALIFIED", "phone": "INSIDE"}}')::json
      WHERE said ->> 'kind' = 'SAMPLING_RESULT'`);
    for (const [kind, id] of [
      ['AUDITOR', 'tj-audit'],
      ['OPERATOR', 'operator'],
      ['DEPARTMENT', 'tj-amr'],
    ] as const) {
      const { body } = await place.http(await place.token(kind, id)).get('/api/exchange/feedback?kind=SAMPLING_RESULT');
      expect(body).toMatchObject({ items: [{ subject: 'tj-amr:J-1', content: { verdict: 'UNQUALIFIED' } }] });
      expect(JSON.stringify(body)).not.toContain('INSIDE');
    }
  });

  it('is a number for statistics, and nothing else', async () => {
    const statistics = place.http(await place.token('STATISTICS', 'tj-stats'));
    expect((await statistics.get('/api/exchange/feedback/counts')).body).toEqual({
      issued: 3,
      unmatched: 0,
      withdrawn: 0,
      byPlatform: { jd: 2, tmall: 1 },
    });
    for (const route of ['feedback', 'feedback/overdue', 'disputes', 'deliveries', `applied/${USCC}`])
      expect((await statistics.get(`/api/exchange/${route}`)).status).toBe(403);
  });
});

it('tells no platform anything of a sample that was bought offline and is not published', async () => {
  const before = [await readBy('jd', jd), await readBy('tmall', tmall)];
  const offline = { publishedAt: undefined, notice: undefined, online: undefined, product: { name: '线下购买的样品' } };
  await place.publish(SamplingResultNotified, aSamplingResult({ sampleNo: 'OFF-1', ...offline, sampledParty: { uscc: USCC } }));
  await isFollowed('OFF-1');
  await service.get(Sweep).sweep();
  const after = [await readBy('jd', jd), await readBy('tmall', tmall)];
  expect(after).toEqual(before);
  for (const read of after) expect(read).not.toContain('OFF-1');
  expect(await place.sql('SELECT FROM unmatched_feedbacks')).toEqual([]);
  // Neither that it exists.
  expect((await jd.get('/api/exchange/applied/tj-amr:OFF-1')).status).toBe(403);
  expect((await jd.get('/api/exchange/feedback?subject=tj-amr:OFF-1')).body).toEqual({ items: [], next: null });
});
