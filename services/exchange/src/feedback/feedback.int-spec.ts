/**
 * What follows from sampling results, on real servers: events as inspection writes them go in, and what the platform itself reads with
 * its own token is compared. Both topics carry one series of revisions, so states are sent out of order and over both.
 */
import {
  FeedbackIssued,
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import { contentHash } from '@jinqiao/schema';
import {
  aSamplingResult,
  type Changes,
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
import { Sweep } from '../sweep.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  await register('jd', '京东', ['京东商城']);
  await register('tmall', '天猫');
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

async function register(id: string, name: string, aliases: string[] = []): Promise<void> {
  await place.token('PLATFORM', id); // the issuer has to know whoever reads a topic
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name, aliases })).status).toBe(201);
}

const onJd = { platformName: '京东', shopName: '示例网店0001' };
const state = (sampleNo: string, revision: number, changes: Changes<SamplingResultPublished> = {}): SamplingResultPublished =>
  aSamplingResult({ sampleNo, revision, online: onJd, ...changes });
const ended = { reason: '结果有误', withdrawnAt: '2026-11-23T00:00:00.000Z' };

/** Everything a platform was told about a sample, as it reads it itself. */
async function told(platform: string, sampleNo: string): Promise<OutsideRecord[]> {
  const records = await place.outside(platform).readAll(`platform.${platform}.feedback.v1`);
  return records.filter(({ key }) => key === `tj-amr:${sampleNo}`);
}
const summary = (records: readonly OutsideRecord[]): unknown[] =>
  records.map(({ headers, body }) => [headers['ce_type']?.split('.').at(-1), body?.['revision'], body?.['subjectRevision']]);

async function applied(sampleNo: string, revision: number): Promise<void> {
  await eventually(async () => {
    const { body } = await operator.get(`/api/exchange/applied/${encodeURIComponent(`tj-amr:${sampleNo}`)}`);
    expect(body['revision']).toBe(revision);
  });
}
/** Waits until the outbox is empty: what was decided is at the broker. */
const sent = (): Promise<void> => eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([])).then(() => undefined);

describe('a published result', () => {
  it('reaches the platform that sold the goods, minimised, with the headers an organisation gets', async () => {
    await place.publish(SamplingResultPublished, state('S-1', 1));
    await applied('S-1', 1);
    const records = await place.outside('jd').readUntil('platform.jd.feedback.v1', (all) => all.some(({ key }) => key === 'tj-amr:S-1'));
    const [record] = records.filter(({ key }) => key === 'tj-amr:S-1');
    const said = record?.body as unknown as FeedbackIssued;
    expect(said).toMatchObject({
      recipientId: 'jd',
      kind: 'SAMPLING_RESULT',
      revision: 1,
      issuedAt: NOW.toISOString(),
      dueAt: '2026-11-24T01:00:00.000Z',
    });
    expect(said.contentHash).toBe(contentHash(FeedbackIssued, said));
    expect(record?.headers).toMatchObject({
      ce_type: 'platform.feedback.FeedbackIssued',
      ce_source: '/services/exchange',
      ce_revision: '1',
      ce_entitlement: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
      ce_purpose: 'SAMPLING_FEEDBACK',
      ce_classification: 'RESTRICTED_TO_RECIPIENT',
      ce_retentionuntil: '2029-11-23T23:59:59+08:00',
    });
    expect(record?.headers).toHaveProperty('ce_legalbasis');
    expect(record?.headers).toHaveProperty('ce_causationid');
  });

  it('is pulled as the same bytes', async () => {
    const [record] = await told('jd', 'S-1');
    const { body } = await place
      .http(await place.token('PLATFORM', 'jd'))
      .get(`/api/exchange/feedback/${String(record?.body?.['feedbackId'])}`);
    const { status, overdue, deadline, answer, ...said } = body;
    expect({ status, overdue, answer }).toEqual({ status: 'ISSUED', overdue: false, answer: null });
    expect(deadline).toMatchObject({ state: 'RUNNING', dueAt: said.dueAt });
    expect(JSON.stringify(said)).toBe(record?.value);
  });

  it('sold offline is applied and told to nobody', async () => {
    await place.publish(SamplingResultPublished, state('S-offline', 1, { online: undefined }));
    await applied('S-offline', 1);
    expect(await place.sql("SELECT 1 FROM feedbacks WHERE subject = 'tj-amr:S-offline'")).toEqual([]);
  });

  it('that comes twice has one effect', async () => {
    const id = await place.publish(SamplingResultPublished, state('S-twice', 1));
    await place.publish(SamplingResultPublished, state('S-twice', 1), { id });
    await place.publish(SamplingResultPublished, state('S-twice', 1)); // under another event id: the revision tells
    await place.publish(SamplingResultPublished, state('S-twice', 2, { verdict: 'QUALIFIED' }));
    await applied('S-twice', 2);
    await sent();
    expect(summary(await told('jd', 'S-twice'))).toEqual([
      ['FeedbackIssued', 1, 1],
      ['FeedbackIssued', 2, 2],
    ]);
  });

  it('with a broken neighbour is told all the same; the neighbour becomes a dead letter', async () => {
    await place.outside('service.inspection').produce('inspection.sampling-result.v1', [
      { key: 'tj-amr:S-poison', headers: headersOf('poison'), value: { ...state('S-poison', 1), verdict: 'PERHAPS' }, partition: 0 },
      { key: 'tj-amr:S-beside', headers: headersOf('beside'), value: state('S-beside', 1), partition: 0 },
    ]);
    await applied('S-beside', 1);
    const letters = await eventually(async () => {
      const rows = await place.sql<{ code: string; pointer: string }>(
        "SELECT code, pointer FROM dead_letters WHERE key = 'tj-amr:S-poison'",
      );
      expect(rows).toHaveLength(1);
      return rows;
    });
    expect(letters[0]).toEqual({ code: 'NOT_IN_CODE_LIST', pointer: '/verdict' });
  });
});

const headersOf = (id: string): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_source: '/services/inspection',
  ce_type: 'inspection.sampling-result.SamplingResultPublished',
  ce_revision: '1',
});

describe('one series of revisions over two topics', () => {
  const embargo = { finality: 'PROVISIONAL', notice: undefined, publishedAt: undefined } as const;

  it('makes one feedback of the notice and the publication; the deadline is that of the notice', async () => {
    await place.publish(SamplingResultNotified, state('S-series', 1, embargo));
    await applied('S-series', 1);
    clock.advance(3_600_000);
    await place.publish(SamplingResultPublished, state('S-series', 2));
    await applied('S-series', 2);
    await sent();
    const records = await told('jd', 'S-series');
    expect(records.map(({ body }) => [body?.['revision'], body?.['finality'], body?.['dueAt']])).toEqual([
      [1, 'PROVISIONAL', '2026-11-24T01:00:00.000Z'],
      [2, 'FINAL', '2026-11-24T01:00:00.000Z'],
    ]);
  });

  it('leaves a late notice without effect', async () => {
    await place.publish(SamplingResultPublished, state('S-late', 2));
    await applied('S-late', 2);
    await place.publish(SamplingResultNotified, state('S-late', 1, embargo));
    await place.publish(SamplingNoticeWithdrawn, { ...state('S-late', 1, embargo), ...ended });
    await place.publish(SamplingResultNotified, state('S-after-late', 1, { ...embargo, online: undefined }));
    await applied('S-after-late', 1);
    expect(await place.sql("SELECT revision FROM subjects WHERE subject = 'tj-amr:S-late'")).toEqual([{ revision: 2 }]);
    await sent();
    expect(summary(await told('jd', 'S-late'))).toEqual([['FeedbackIssued', 1, 2]]);
  });

  it('goes back under embargo: withdrawn, then notified again', async () => {
    await place.publish(SamplingResultPublished, state('S-back', 1));
    await applied('S-back', 1);
    await place.publish(SamplingResultWithdrawn, { ...state('S-back', 2), ...ended });
    await applied('S-back', 2);
    await place.publish(SamplingResultNotified, state('S-back', 3, embargo));
    await applied('S-back', 3);
    await sent();
    expect(summary(await told('jd', 'S-back'))).toEqual([
      ['FeedbackIssued', 1, 1],
      ['FeedbackWithdrawn', 2, 2],
      ['FeedbackIssued', 3, 3],
    ]);
  });
});

describe('what changes', () => {
  it('asks the platform to restore when the result was qualified after all, and when it is withdrawn', async () => {
    await place.publish(SamplingResultPublished, state('S-turn', 1));
    await place.publish(
      SamplingResultPublished,
      state('S-turn', 2, { verdict: 'QUALIFIED', failingItems: undefined, revisionReason: 'REINSPECTED' }),
    );
    await place.publish(SamplingResultPublished, state('S-gone', 1));
    await place.publish(SamplingResultWithdrawn, { ...state('S-gone', 2), ...ended });
    await applied('S-turn', 2);
    await applied('S-gone', 2);
    await sent();
    for (const sampleNo of ['S-turn', 'S-gone']) {
      const records = await told('jd', sampleNo);
      expect(records.at(-1)?.body).toMatchObject({ revision: 2, actionsRequired: [{ action: 'RESTORE', mandatory: true }] });
    }
  });

  it('moves from one platform to the other, each told its part', async () => {
    await place.publish(SamplingResultPublished, state('S-moved', 1));
    await place.publish(SamplingResultPublished, state('S-moved', 2, { online: { platformName: '天猫', shopName: '示例网店0002' } }));
    await applied('S-moved', 2);
    await sent();
    const old = await told('jd', 'S-moved');
    expect(summary(old)).toEqual([
      ['FeedbackIssued', 1, 1],
      ['FeedbackWithdrawn', 2, 2],
    ]);
    expect(old.at(-1)?.value).not.toContain('天猫');
    expect(summary(await told('tmall', 'S-moved'))).toEqual([['FeedbackIssued', 1, 2]]);
  });

  it('stays where it was issued when the name moves to another platform', async () => {
    await place.publish(SamplingResultPublished, state('S-alias', 1, { online: { platformName: '京东 商城' } }));
    await applied('S-alias', 1);
    await operator.put('/api/exchange/organisations/jd', { name: '京东' });
    await operator.put('/api/exchange/organisations/tmall', { name: '天猫', aliases: ['京东商城'] });
    await place.publish(SamplingResultPublished, state('S-alias', 2, { online: { platformName: '京东商城' }, product: { name: '杏仁' } }));
    await place.publish(SamplingResultPublished, state('S-alias-new', 1, { online: { platformName: '京东商城' } }));
    await applied('S-alias', 2);
    await applied('S-alias-new', 1);
    const rows = await place.sql(
      "SELECT subject, recipient_id, revision FROM feedbacks WHERE subject LIKE 'tj-amr:S-alias%' ORDER BY subject",
    );
    expect(rows).toEqual([
      { subject: 'tj-amr:S-alias', recipient_id: 'jd', revision: 2 },
      { subject: 'tj-amr:S-alias-new', recipient_id: 'tmall', revision: 1 },
    ]);
  });
});

describe('a platform nobody knows', () => {
  const unmatched = async (sampleNo: string): Promise<Record<string, unknown>[]> =>
    (await operator.get<{ items: Record<string, unknown>[] }>(`/api/exchange/feedback?status=UNMATCHED&subject=tj-amr:${sampleNo}`)).body
      .items;

  it('has its newest results wait, and is told revision 1 of them when it registers, its clock from then', async () => {
    const online = { platformName: ' 新 平台 ', shopName: '示例网店0009' };
    await place.publish(SamplingResultPublished, state('S-wait', 1, { online }));
    await place.publish(SamplingResultPublished, state('S-wait', 2, { online, product: { name: '杏仁' } }));
    await applied('S-wait', 2);
    expect(await unmatched('S-wait')).toEqual([
      expect.objectContaining({
        status: 'UNMATCHED',
        platformName: ' 新 平台 ',
        subjectRevision: 2,
        content: expect.objectContaining({ product: expect.objectContaining({ name: '杏仁' }) }),
      }),
    ]);
    clock.advance(48 * 3_600_000);
    await register('new-one', '新平台');
    expect(await unmatched('S-wait')).toEqual([]);
    await sent();
    const records = await told('new-one', 'S-wait');
    expect(summary(records)).toEqual([['FeedbackIssued', 1, 2]]);
    expect(records[0]?.body).toMatchObject({ issuedAt: '2026-11-25T01:00:00.000Z', dueAt: '2026-11-26T01:00:00.000Z' });
  });

  it('is never told what was withdrawn while it waited', async () => {
    const online = { platformId: 'not-yet' };
    await place.publish(SamplingResultPublished, state('S-dropped', 1, { online }));
    await applied('S-dropped', 1);
    expect(await unmatched('S-dropped')).toHaveLength(1);
    await place.publish(SamplingResultWithdrawn, { ...state('S-dropped', 2, { online }), ...ended });
    await applied('S-dropped', 2);
    await register('not-yet', '还没有');
    expect(await place.sql("SELECT 1 FROM feedbacks WHERE subject = 'tj-amr:S-dropped'")).toEqual([]);
    expect(await unmatched('S-dropped')).toEqual([]);
  });

  it('may be one that was not printed', async () => {
    await place.publish(
      SamplingResultPublished,
      state('S-unprinted', 1, { online: { shopName: '示例网店0010', platformName: undefined } }),
    );
    await applied('S-unprinted', 1);
    expect(await unmatched('S-unprinted')).toEqual([expect.objectContaining({ platformName: '' })]);
  });

  it('misses nothing when it registers while results for it arrive', async () => {
    const sampleNos = Array.from({ length: 40 }, (_, index) => `S-race-${index}`);
    const publishing = sampleNos.map((sampleNo) =>
      place.publish(SamplingResultPublished, state(sampleNo, 1, { online: { platformName: '竞速平台' } })),
    );
    await Promise.all([...publishing.slice(0, 20), register('racer', '竞速平台'), ...publishing.slice(20)]);
    await Promise.all(sampleNos.map((sampleNo) => applied(sampleNo, 1)));
    expect(await place.sql("SELECT count(*)::integer AS told FROM feedbacks WHERE recipient_id = 'racer'")).toEqual([{ told: 40 }]);
    expect(await place.sql("SELECT 1 FROM unmatched_feedbacks WHERE name_key = '竞速平台'")).toEqual([]);
    await expect(service.get(Sweep).sweep()).resolves.toBe(0);
  });

  it('is told by the sweep what slipped', async () => {
    await place.publish(SamplingResultPublished, state('S-slipped', 1, { online: { platformName: '滑落平台' } }));
    await applied('S-slipped', 1);
    // A process that ended right after it had registered the name.
    await place.sql("INSERT INTO organisation_names VALUES ('滑落平台', 'tmall')");
    await expect(service.get(Sweep).sweep()).resolves.toBe(1);
    expect(await place.sql("SELECT recipient_id FROM feedbacks WHERE subject = 'tj-amr:S-slipped'")).toEqual([{ recipient_id: 'tmall' }]);
  });
});

describe('lists and counts', () => {
  type List = { items: Record<string, unknown>[]; next: string | null };

  it('count what stands, by platform, and what waits', async () => {
    const { body } = await operator.get('/api/exchange/feedback/counts?kind=SAMPLING_RESULT');
    const [rows] = await place.sql(
      "SELECT count(*)::integer AS issued FROM feedbacks WHERE status = 'ISSUED' AND kind = 'SAMPLING_RESULT'",
    );
    const [waiting] = await place.sql('SELECT count(*)::integer AS unmatched FROM unmatched_feedbacks');
    expect(body).toMatchObject({ ...rows, ...waiting, byPlatform: { racer: 40, 'new-one': 1 } });
    const all = await operator.get<List>('/api/exchange/feedback?kind=SAMPLING_RESULT&status=ISSUED&limit=500');
    expect(all.body.items).toHaveLength(Number(rows?.['issued']));
  });

  it('page by cursor through everything once', async () => {
    const ids: unknown[] = [];
    let next: string | null = '';
    while (next !== null) {
      const cursor: string = next && `&cursor=${encodeURIComponent(next)}`;
      const { body }: { body: List } = await operator.get<List>(`/api/exchange/feedback?platform=racer&limit=7${cursor}`);
      ids.push(...body.items.map(({ feedbackId }) => feedbackId));
      next = body.next;
    }
    expect(new Set(ids).size).toBe(40);
    expect(ids).toHaveLength(40);
  });

  it('name what is overdue, by platform and age', async () => {
    expect((await operator.get<List>('/api/exchange/feedback/overdue')).body.items).toEqual([]);
    clock.advance(30 * 3_600_000);
    const { body } = await operator.get<List & { byPlatform: object[] }>('/api/exchange/feedback/overdue?platform=racer&limit=5');
    expect(body.byPlatform).toEqual([
      { platformId: 'racer', overdue: 40, oldestDueAt: '2026-11-24T01:00:00.000Z', overDay: 0, overWeek: 0 },
    ]);
    expect(body.items).toHaveLength(5);
    expect(body.items[0]).toMatchObject({ recipientId: 'racer', overdueHours: 6 });
    const further = await operator.get<List>(
      `/api/exchange/feedback/overdue?platform=racer&limit=50&cursor=${encodeURIComponent(body.next ?? '')}`,
    );
    expect(further.body.items).toHaveLength(35);
    expect((await operator.get<List>('/api/exchange/feedback?platform=racer&overdue=true&limit=500')).body.items).toHaveLength(40);
  });
});

describe('who may see what', () => {
  it('lets a platform read its own topic and refuses it another’s', async () => {
    await expect(place.outside('tmall').readAll('platform.tmall.feedback.v1')).resolves.not.toEqual([]);
    await expect(place.outside('tmall').readAll('platform.jd.feedback.v1')).rejects.toThrow(/not authorized/i);
    await expect(place.outside('jd').produce('platform.jd.feedback.v1', { value: {} })).rejects.toThrow(/not authorized/i);
    await expect(place.outside('jd').readAll('inspection.sampling-notice.v1')).rejects.toThrow(/not authorized/i);
  });

  it('shows a platform its own feedback only, whatever it asks for', async () => {
    const jd = place.http(await place.token('PLATFORM', 'jd'));
    const { body } = await jd.get<{ items: { recipientId: string; feedbackId: string }[] }>('/api/exchange/feedback?limit=500');
    expect(new Set(body.items.map(({ recipientId }) => recipientId))).toEqual(new Set(['jd']));
    expect((await jd.get<{ items: [] }>('/api/exchange/feedback?platform=tmall')).body.items).toEqual([]);
    expect((await jd.get<{ items: [] }>('/api/exchange/feedback?status=UNMATCHED')).body.items).toEqual([]);
    expect((await jd.get('/api/exchange/feedback/counts')).body).toMatchObject({
      unmatched: 0,
      byPlatform: { jd: body.items.filter((item) => 'content' in item).length },
    });
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    const foreign = `/api/exchange/feedback/${body.items[0]?.feedbackId}`;
    const { instance: _asked, ...refused } = (await tmall.get(foreign)).body;
    const { instance: _missing, ...missing } = (await tmall.get(foreign.replace(/[0-9a-f]{12}$/, '000000000000'))).body;
    expect(refused).toEqual(missing);
    expect((await tmall.get(foreign)).status).toBe(404);
    expect((await jd.get('/api/exchange/applied/tj-amr:S-1')).status).toBe(403);
  });

  it('shows a department what follows from its own results', async () => {
    const own = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    expect((await own.get<{ items: [] }>('/api/exchange/feedback')).body.items.length).toBeGreaterThan(0);
    expect((await other.get('/api/exchange/feedback')).body).toEqual({ items: [], next: null });
    expect((await other.get('/api/exchange/feedback?status=UNMATCHED')).body).toEqual({ items: [], next: null });
    expect((await other.get('/api/exchange/feedback/counts')).body).toEqual({ issued: 0, unmatched: 0, withdrawn: 0, byPlatform: {} });
    const [followed] = await place.sql<{ subject: string }>("SELECT subject FROM subjects WHERE subject LIKE 'tj-amr:%' LIMIT 1");
    const applied = `/api/exchange/applied/${encodeURIComponent(followed?.subject ?? '')}`;
    expect((await own.get(applied)).status).toBe(200);
    expect((await other.get(applied)).body).toMatchObject({ status: 404, code: 'SUBJECT_NEVER_APPLIED' });
  });

  it.each([
    ['STATISTICS', 'tj-stats'],
    ['LABORATORY', 'tj-lab'],
  ] as const)('refuses a %s everything, but for the counts of statistics', async (kind, id) => {
    const caller = place.http(await place.token(kind, id));
    for (const path of ['feedback', 'feedback/overdue', 'applied/tj-amr:S-1']) {
      expect((await caller.get(`/api/exchange/${path}`)).status).toBe(403);
    }
    expect((await caller.get('/api/exchange/feedback/counts')).status).toBe(kind === 'STATISTICS' ? 200 : 403);
  });

  it('answers 404 for what was never applied and 400 for a foreign cursor', async () => {
    expect((await operator.get('/api/exchange/applied/tj-amr:never')).body).toMatchObject({ status: 404, code: 'SUBJECT_NEVER_APPLIED' });
    expect((await operator.get('/api/exchange/feedback?cursor=abc')).body).toMatchObject({ status: 400, code: 'BAD_CURSOR' });
    expect((await operator.get('/api/exchange/feedback?status=LOST')).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
  });
});
