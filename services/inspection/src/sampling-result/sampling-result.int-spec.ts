import { samplingNotices, samplingResults, type SamplingResultReported } from '@jinqiao/contracts';
import { routesThatNameNobody } from '@jinqiao/platform';
import {
  aReport,
  eventually,
  realServers,
  startTestService,
  type Changes,
  type Http,
  type OutsideRecord,
  type Place,
  type TestService,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { InspectionModule } from '../inspection.module.js';
import type { ReportedResult } from './sampling-result.reading.service.js';
import type { BatchAnswer } from '@jinqiao/platform';
import type { Answer } from './sampling-result.js';
import { SamplingResults } from './sampling-result.service.js';

/*
 * The intake over HTTP against a real database and broker: what is answered, what is stored, what leaves on the two topics, and that a
 * refusal or a rollback leaves nothing. The rules themselves are in sampling-result.spec.ts; the Kafka channel has a spec of its own.
 */
const PATH = '/api/inspection/sampling-results';
const published = samplingResults.topic;
const notified = samplingNotices.topic;

let place: Place;
let service: TestService;
let department: Http;
let operator: Http;
let last = 0;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(() => service.close());

/** A sampleNo no other test uses. */
const fresh = (): string => `HTTP-${(last += 1)}`;
const numbered = (revision: number, changes: Changes<SamplingResultReported> = {}) =>
  aReport({ revision, revisionReason: 'CORRECTED', ...changes });
const report = (input: object): ReturnType<typeof department.post<Answer>> => department.post<Answer>(PATH, input);
const retract = (sampleNo: string, body: object) => department.post<Answer>(`${PATH}/${encodeURIComponent(sampleNo)}/retraction`, body);
const read = (sampleNo: string) => department.get<ReportedResult>(`${PATH}/${encodeURIComponent(sampleNo)}`);
const rows = (sampleNo: string) =>
  place.sql('SELECT status, revision, reported_revision FROM sampling_results WHERE sample_no = $1', [sampleNo]);

/** What the topic holds of one sampleNo once it holds that many. */
async function announced(topic: string, sampleNo: string, count: number): Promise<string[]> {
  const ofIt = (records: readonly OutsideRecord[]) => records.filter(({ key }) => key === `tj-amr:${sampleNo}`);
  const records = await place.outside('service.stack').readUntil(topic, (all) => ofIt(all).length >= count);
  return ofIt(records).map(({ headers, body }) => `${headers['ce_type']?.split('.').at(-1)} ${String(body?.['revision'])}`);
}

const escaped = (text: string): string => text.replace(/[{}]/g, '\\$&');

/** Holds everybody back until that many have come; open from then on. */
function barrier(count: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const arrive = (go: () => void): void => {
    waiting.push(go);
    if (waiting.length >= count) for (const each of waiting) each();
  };
  return () => new Promise(arrive);
}

/** Waits until nothing is on its way to the broker, then tells whether anything was said of the sampleNo. */
async function isSilentAbout(sampleNo: string): Promise<boolean> {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  const all = [...(await place.readAll(published)), ...(await place.readAll(notified))];
  return all.every(({ key }) => key !== `tj-amr:${sampleNo}`);
}

describe('one result', () => {
  it('is accepted, stored and published with what was reported, without the order number', async () => {
    const sampleNo = fresh();
    const sent = aReport({ sampleNo, online: { platformName: '京东', shopName: '示例网店', orderNo: 'SECRET-77' } });
    const { status, body } = await report({ ...sent, colour: 'red' });
    expect({ status, body }).toEqual({
      status: 200,
      body: expect.objectContaining({
        sampleNo,
        outcome: 'accepted',
        revision: 1,
        status: 'PUBLISHED',
        warnings: [],
        errors: [],
        unknownFields: ['/colour'],
      }),
    });
    const records = await place.outside('service.stack').readUntil(published, (all) => all.some(({ key }) => key === `tj-amr:${sampleNo}`));
    const event = records.find(({ key }) => key === `tj-amr:${sampleNo}`);
    const { revision: _revision, online: _online, reportedAt: _reportedAt, ...fields } = sent;
    expect(event?.body).toMatchObject({ ...fields, reporterId: 'tj-amr', revision: 1, reportedRevision: 1, acceptedAt: body.acceptedAt });
    expect(JSON.stringify(event)).not.toContain('SECRET-77');
    expect(JSON.stringify((await read(sampleNo)).body)).not.toContain('SECRET-77');
    expect(await place.sql('SELECT order_no FROM sampling_results WHERE sample_no = $1', [sampleNo])).toEqual([{ order_no: 'SECRET-77' }]);
  });

  it('is answered for itself among many that come at once, from several departments, and a refused one keeps nothing', async () => {
    const other = place.http(await place.token('DEPARTMENT', 'bj-amr'));
    const sampleNos = Array.from({ length: 20 }, fresh);
    const bad = fresh();
    const posts = [
      ...sampleNos.map((sampleNo, n) => (n % 2 ? other : department).post<Answer>(PATH, aReport({ sampleNo }))),
      report({ ...aReport({ sampleNo: bad }), verdict: 'UNQUALIFIED', failingItems: [] }),
      ...sampleNos.map((sampleNo, n) => (n % 2 ? other : department).post<Answer>(PATH, aReport({ sampleNo }))),
    ];
    const answers = await Promise.all(posts);
    expect(answers[20]).toMatchObject({ status: 422, body: { code: 'FAILING_ITEM_MISSING' } });
    expect(answers.toSpliced(20, 1).map(({ body }) => body.sampleNo)).toEqual([...sampleNos, ...sampleNos]);
    const outcomes = sampleNos.map((_, n) => [answers[n]?.body.outcome, answers[n + 21]?.body.outcome].sort());
    expect(outcomes).toEqual(sampleNos.map(() => ['accepted', 'duplicate']));
    const kept = await place.sql('SELECT reporter_id FROM sampling_results WHERE sample_no = ANY($1) ORDER BY reporter_id', [sampleNos]);
    expect(kept.map((row): unknown => row['reporter_id'])).toEqual([
      ...Array<string>(10).fill('bj-amr'),
      ...Array<string>(10).fill('tj-amr'),
    ]);
    expect((await read(bad)).status).toBe(404);
  });

  it('is answered for itself in small arrays that come at once, and a refused one of these can be asked for', async () => {
    const arrays = Array.from({ length: 8 }, () => [fresh(), fresh(), fresh()]);
    const bad = { ...aReport({ sampleNo: fresh() }), verdict: 'UNQUALIFIED', failingItems: [] };
    const other = place.http(await place.token('DEPARTMENT', 'bj-amr'));
    const posts = arrays.map((sampleNos, n) =>
      (n % 2 ? other : department).post<BatchAnswer<Answer>>(PATH, [...sampleNos.map((sampleNo) => aReport({ sampleNo })), bad]),
    );
    const answers = await Promise.all([...posts, report(aReport({ sampleNo: fresh() }))]);
    const named = answers
      .slice(0, -1)
      .map(({ body }) => (body as BatchAnswer<Answer>).items.map(({ sampleNo, outcome }) => [sampleNo, outcome]));
    const expected = arrays.map((sampleNos) => [...sampleNos.map((sampleNo) => [sampleNo, 'accepted']), [bad.sampleNo, 'rejected']]);
    expect(named).toEqual(expected);
    const kept = await place.sql('SELECT reporter_id FROM intake_rejections WHERE sample_no = $1 ORDER BY reporter_id', [bad.sampleNo]);
    expect(kept.map((row): unknown => row['reporter_id'])).toEqual(['bj-amr', 'tj-amr']);
  });

  it('is answered as a duplicate the second time, with the time of the first', async () => {
    const sampleNo = fresh();
    const first = await report(aReport({ sampleNo }));
    const second = await report(aReport({ sampleNo, reportedAt: '2026-01-01T00:00:00Z' }));
    expect(second).toMatchObject({ status: 200, body: { outcome: 'duplicate', acceptedAt: first.body.acceptedAt } });
    expect(await announced(published, sampleNo, 1)).toEqual(['SamplingResultPublished 1']);
  });

  it.each([
    {
      why: 'its content differs under the same number',
      input: aReport({ revision: 1, verdict: 'QUALIFIED' }),
      problem: { status: 409, code: 'REVISION_CONFLICT', pointer: '/revision' },
    },
    {
      why: 'it breaks rules',
      input: numbered(2, { failingItems: [], finality: 'PROVISIONAL' }),
      problem: { status: 422, code: 'FAILING_ITEM_MISSING', pointer: '/failingItems' },
    },
    { why: 'it is not a report at all', input: { hello: 'world' }, problem: { status: 422, code: 'FIELD_MISSING', pointer: '/sampleNo' } },
  ])('is a problem when $why', async ({ input, problem }) => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo }));
    const before = await rows(sampleNo);
    const answer = await department.post(PATH, 'sampleNo' in input ? { ...input, sampleNo } : input);
    expect(answer).toMatchObject({ status: problem.status, body: { ...problem, titleZh: '抽检结果未被接收' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await rows(sampleNo)).toEqual(before);
    expect(await place.sql('SELECT 1 FROM intake_rejections WHERE sample_no = $1', [sampleNo])).toEqual([]);
  });

  it('names all errors of a problem', async () => {
    const { body } = await department.post<{ errors: { code: string }[] }>(
      PATH,
      aReport({ failingItems: [], finality: 'PROVISIONAL', regime: undefined }),
    );
    expect(body.errors.map(({ code }) => code)).toEqual(['FIELD_MISSING', 'FAILING_ITEM_MISSING', 'NOTICE_NOT_FINAL']);
  });

  it('is stale below the last accepted revision', async () => {
    const sampleNo = fresh();
    await report(numbered(3, { sampleNo }));
    expect(await department.post(PATH, numbered(2, { sampleNo }))).toMatchObject({
      status: 409,
      body: { code: 'STALE_REVISION', pointer: '/revision' },
    });
  });

  it('keeps its warnings: a gap, a code that may be of the 2015 pilot', async () => {
    const sampleNo = fresh();
    await report(numbered(4, { sampleNo, nominalProducer: { name: '厦门某某公司', uscc: '91350203M0001QAY9B' } }));
    const { body } = await read(sampleNo);
    expect(body.result?.warnings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'CHECK_FAILED_LEGACY_CANDIDATE /nominalProducer/uscc',
      'REVISION_GAP /revision',
    ]);
  });
});

describe('the series of revisions', () => {
  it('goes back and forth over the embargo, each revision on exactly one topic', async () => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo, notice: undefined }));
    await report(numbered(2, { sampleNo }));
    await report(numbered(3, { sampleNo, notice: undefined }));
    await report(numbered(4, { sampleNo }));
    expect(await announced(notified, sampleNo, 2)).toEqual(['SamplingResultNotified 1', 'SamplingResultNotified 4']);
    expect(await announced(published, sampleNo, 3)).toEqual([
      'SamplingResultPublished 2',
      'SamplingResultWithdrawn 3',
      'SamplingResultPublished 5',
    ]);
    expect(await rows(sampleNo)).toEqual([{ status: 'PUBLISHED', revision: 5, reported_revision: 4 }]);
  });

  it('is withdrawn by a retraction and revived by a higher revision', async () => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo }));
    expect(await retract(sampleNo, { revision: 2, reason: '样品混淆' })).toMatchObject({
      status: 200,
      body: { outcome: 'accepted', status: 'WITHDRAWN' },
    });
    expect((await read(sampleNo)).body).toMatchObject({ status: 'WITHDRAWN', result: { withdrawal: { reason: '样品混淆' } } });
    await report(numbered(3, { sampleNo }));
    expect(await announced(published, sampleNo, 3)).toEqual([
      'SamplingResultPublished 1',
      'SamplingResultWithdrawn 2',
      'SamplingResultPublished 3',
    ]);
  });

  it('ends a notice that was never published by a SamplingNoticeWithdrawn', async () => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo, notice: undefined }));
    await retract(sampleNo, { revision: 2, reason: '样品混淆' });
    expect(await announced(notified, sampleNo, 2)).toEqual(['SamplingResultNotified 1', 'SamplingNoticeWithdrawn 2']);
  });

  it('keeps the retraction of what never came, says so, and announces nothing', async () => {
    const sampleNo = fresh();
    const { status, body } = await retract(sampleNo, { revision: 2, reason: '样品混淆' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { outcome: 'accepted', warnings: [{ code: 'NEVER_REPORTED', pointer: '/sampleNo' }] },
    });
    expect(await report(aReport({ sampleNo }))).toMatchObject({ status: 409, body: { code: 'STALE_REVISION' } });
    expect(await isSilentAbout(sampleNo)).toBe(true);
  });

  it('refuses a retraction without its reason', async () => {
    expect(await retract(fresh(), { revision: 2 })).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', pointer: '/reason' } });
  });
});

describe('many results', () => {
  it('are answered one by one: a bad one never rejects the others, and those of one sampleNo are applied in their order', async () => {
    const [good, bad, twice] = [fresh(), fresh(), fresh()];
    const { status, body } = await department.post<BatchAnswer<Answer>>(PATH, [
      aReport({ sampleNo: good }),
      aReport({ sampleNo: bad, failingItems: [], sampledParty: { uscc: '91120000100000010X' } }),
      aReport({ sampleNo: twice }),
      7,
      numbered(2, { sampleNo: twice, verdict: 'QUALIFIED' }),
      aReport({ sampleNo: good }),
      aReport({ sampleNo: twice }),
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 3, duplicate: 1, rejected: 3 });
    expect(body.items.map(({ sampleNo, outcome, errors }) => [sampleNo, outcome, errors.map(({ code }) => code).join()])).toEqual([
      [good, 'accepted', ''],
      [bad, 'rejected', 'FAILING_ITEM_MISSING,USCC_CHECK_FAILED'],
      [twice, 'accepted', ''],
      [null, 'rejected', 'WRONG_TYPE'],
      [twice, 'accepted', ''],
      [good, 'duplicate', ''],
      [twice, 'rejected', 'STALE_REVISION'],
    ]);
    expect(await announced(published, twice, 2)).toEqual(['SamplingResultPublished 1', 'SamplingResultPublished 2']);
  });

  it('that were refused can be asked for', async () => {
    const sampleNo = fresh();
    await department.post(PATH, [aReport({ sampleNo, failingItems: [] })]);
    expect(await read(sampleNo)).toMatchObject({
      status: 200,
      body: {
        status: 'REJECTED',
        result: null,
        rejections: [{ revision: 1, channel: 'HTTP', errors: [{ code: 'FAILING_ITEM_MISSING', pointer: '/failingItems' }] }],
      },
    });
  });

  it('are refused as a whole above 1,000', async () => {
    const sampleNo = fresh();
    const answer = await department.post(
      PATH,
      Array.from({ length: 1_001 }, (_item, place) => aReport({ sampleNo: `${sampleNo}-${place}` })),
    );
    expect(answer).toMatchObject({ status: 413, body: { code: 'TOO_MANY_ITEMS', pointer: '' } });
    expect(await place.sql('SELECT 1 FROM sampling_results WHERE sample_no LIKE $1', [`${sampleNo}-%`])).toEqual([]);
  });

  it('survive the worst that fits into 8 MiB: one of four million wrong entries, one too large for an event', async () => {
    const sampleNo = fresh();
    const { status, body } = await department.post<BatchAnswer<Answer>>(PATH, [
      aReport({ sampleNo }),
      { ...aReport(), failingItems: Array.from({ length: 2_000_000 }, () => 1) },
      aReport({
        sampleNo: fresh(),
        failingItems: Array.from({ length: 500 }, (_item, n) => ({ item: `${n}`.padEnd(500, '项'), measured: '值'.repeat(500) })),
      }),
    ]);
    expect({ status, codes: body.items.map(({ errors }) => errors[0]?.code ?? '') }).toEqual({
      status: 200,
      codes: ['', 'OUT_OF_RANGE', 'RESULT_TOO_LARGE'],
    });
    expect(service.ends).toEqual([]);
  });

  it('are accepted up to 1,000', async () => {
    const sampleNo = fresh();
    const inputs = Array.from({ length: 1_000 }, (_item, place) => aReport({ sampleNo: `${sampleNo}-${place}` }));
    expect((await department.post<BatchAnswer<Answer>>(PATH, inputs)).body).toMatchObject({ accepted: 1_000, rejected: 0 });
    expect((await department.post<BatchAnswer<Answer>>(PATH, inputs)).body).toMatchObject({ duplicate: 1_000 });
  });

  it.each([
    ['not JSON', '{"sampleNo": ', 400, 'NOT_JSON'],
    ['larger than 1 MiB for one', JSON.stringify(aReport({ product: { name: 'x'.repeat(1_100_000) } })), 413, 'BODY_TOO_LARGE'],
    ['larger than 8 MiB', JSON.stringify([aReport({ product: { name: 'x'.repeat(8_500_000) } })]), 413, 'BODY_TOO_LARGE'],
  ])('are a problem when they are %s', async (_case, body, status, code) => {
    expect(await department.post(PATH, body, { headers: { 'content-type': 'application/json' } })).toMatchObject({
      status,
      body: { code },
    });
  });
});

describe('a transaction that fails', () => {
  it('leaves neither row nor event nor refusal', async () => {
    const [good, bad] = [fresh(), fresh()];
    const results = service.get(SamplingResults);
    const submitted = [aReport({ sampleNo: good }), aReport({ sampleNo: bad, failingItems: [] })].map(
      (input) => ({ kind: 'REPORT', input }) as const,
    );
    const failing = service.get(DataSource).transaction(async (tx) => {
      const answers = await results.accept(tx, 'tj-amr', submitted, { channel: 'HTTP' });
      expect(answers.map(({ outcome }) => outcome)).toEqual(['accepted', 'rejected']);
      throw new Error('the last step failed');
    });
    await expect(failing).rejects.toThrow('the last step failed');
    expect(await rows(good)).toEqual([]);
    expect(await place.sql('SELECT 1 FROM intake_rejections WHERE sample_no = $1', [bad])).toEqual([]);
    expect(await isSilentAbout(good)).toBe(true);
  });
});

describe('senders at the same time', () => {
  it('get one acceptance, and conflicts for the rest', async () => {
    const sampleNo = fresh();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_sender, n) => report(aReport({ sampleNo, product: { brand: `brand ${n}` } }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
    expect(await announced(published, sampleNo, 1)).toEqual(['SamplingResultPublished 1']);
  });

  it('of overlapping batches in opposite orders get one acceptance for each result', async () => {
    const sampleNos = Array.from({ length: 101 }, () => fresh());
    const batch = (order: readonly string[], brand: string) =>
      department.post<BatchAnswer<Answer>>(
        PATH,
        order.map((sampleNo) => aReport({ sampleNo, product: { brand } })),
      );
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((brand, n) => batch(n % 2 ? [...sampleNos].reverse() : sampleNos, brand)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(101);
    expect(answers.reduce((sum, { body }) => sum + body.rejected, 0)).toBe(303);
  });

  it('that lock each other out are both served, one of them not on its first attempt', async () => {
    const [a, b] = [fresh(), fresh()];
    await department.post(PATH, [aReport({ sampleNo: a }), aReport({ sampleNo: b })]);
    const results = service.get(SamplingResults);
    const bothHoldOne = barrier(2);
    const revise = (order: readonly string[]): Promise<number> => {
      let attempts = 0;
      return results.inTransaction(async (tx) => {
        attempts += 1;
        for (const sampleNo of order) {
          await tx.query('SELECT 1 FROM sampling_results WHERE sample_no = $1 FOR UPDATE', [sampleNo]);
          await bothHoldOne();
        }
        return attempts;
      });
    };
    // Whoever was chosen may come back so fast that they meet once more.
    expect(Math.max(...(await Promise.all([revise([a, b]), revise([b, a])])))).toBeGreaterThan(1);
  });

  it('of rising revisions leave one unbroken series', async () => {
    const sampleNo = fresh();
    await Promise.all(Array.from({ length: 12 }, (_sender, n) => report(numbered(n + 1, { sampleNo }))));
    const series = await place.sql<{ revision: number; reported_revision: number }>(
      'SELECT revision, reported_revision FROM sampling_results WHERE sample_no = $1',
      [sampleNo],
    );
    const [row] = series;
    expect(row?.reported_revision).toBe(12);
    const expected = Array.from({ length: row?.revision ?? 0 }, (_one, n) => `SamplingResultPublished ${n + 1}`);
    expect(await announced(published, sampleNo, expected.length)).toEqual(expected);
  });
});

describe('reading', () => {
  it('pages through the reporter’s own results with filters, none twice and none missed', async () => {
    const own = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    const sampleNos = Array.from({ length: 7 }, (_item, n) => `LIST-${n}`);
    await own.post(
      PATH,
      sampleNos.map((sampleNo, n) => aReport({ sampleNo, sampledOn: `2025-03-0${n + 1}`, verdict: n === 3 ? 'QUALIFIED' : 'UNQUALIFIED' })),
    );
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await own.get<{ items: { sampleNo: string }[]; next: string | null }>(
        `${PATH}?limit=2&from=2025-03-02&to=2025-03-06&verdict=UNQUALIFIED${cursor}`,
      );
      seen.push(...body.items.map(({ sampleNo }) => sampleNo));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toEqual(['LIST-1', 'LIST-2', 'LIST-4', 'LIST-5']);
    expect((await operator.get<{ items: unknown[] }>(`${PATH}?reporterId=tj-credit`)).body.items).toHaveLength(7);
  });

  it('finds what a platform or a day has few of without walking past everything else', async () => {
    await place.sql(`
      INSERT INTO sampling_results (reporter_id, sample_no, status, revision, reported_revision, reported_hash, accepted_at, state, channel,
                                    platform, dated_on)
      SELECT 'dept-' || n % 3, n::text, 'PUBLISHED', 1, 1, '', now(), '{}', 'HTTP',
             CASE WHEN n % 2000 = 0 THEN 'small' ELSE 'large' END, date '2024-01-01' + n / 100
      FROM generate_series(1, 20000) AS n`);
    await place.sql('ANALYZE sampling_results');
    const plan = async (condition: string): Promise<string> => {
      const rows = await place.sql<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT * FROM sampling_results WHERE ${condition} ORDER BY reporter_id, sample_no LIMIT 101`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    expect(await plan(`platform = 'small'`)).toContain('sampling_results_platform');
    expect(await plan(`reporter_id = 'dept-1' AND dated_on BETWEEN '2024-02-01' AND '2024-02-01'`)).toContain('sampling_results_day');
    await place.sql(`DELETE FROM sampling_results WHERE reporter_id LIKE 'dept-%'`);
  });

  it.each([
    ['cursor=abc', 'BAD_CURSOR', '/cursor'],
    ['limit=0', 'VALIDATION_FAILED', '/limit'],
    ['from=2025-02-30', 'VALIDATION_FAILED', '/from'],
  ])('refuses %s', async (query, code, pointer) => {
    expect(await department.get(`${PATH}?${query}`)).toMatchObject({ status: 400, body: { code, pointer } });
  });

  it('counts submissions and unknown fields for whoever watches the service', async () => {
    const counted = async (name: string): Promise<number> => {
      const { body } = await place.http().get<string>('/metrics');
      return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1] ?? 0);
    };
    const [submissions, fields] = [
      'inspection_submissions_total{channel="HTTP",outcome="rejected",code="PARTY_MISSING"}',
      'inspection_unknown_fields_total{channel="HTTP"}',
    ];
    const before = [await counted(escaped(submissions)), await counted(escaped(fields))];
    await department.post(PATH, [{ ...aReport({ sampledParty: undefined, nominalProducer: undefined }), colour: 'red', size: 3 }]);
    expect([await counted(escaped(submissions)), await counted(escaped(fields))]).toEqual(before.map((count, at) => count + at + 1));
  });

  it('counts what is public, and says how far a subject has come', async () => {
    const sampleNo = fresh();
    const before = (await operator.get<{ published: number }>('/api/inspection/published/counts')).body.published;
    await report(aReport({ sampleNo }));
    expect((await operator.get('/api/inspection/published/counts')).body).toMatchObject({ published: before + 1 });
    const applied = await department.get(`/api/inspection/applied/tj-amr:${sampleNo}`);
    expect(applied).toMatchObject({ status: 200, body: { revision: 1, appliedAt: expect.stringMatching(/Z$/) } });
  });

  it('knows nothing of what no text column could hold', async () => {
    expect(await department.get(`${PATH}/%00`)).toMatchObject({ status: 404 });
    expect(await department.get('/api/inspection/applied/tj-amr:%00')).toMatchObject({ status: 404 });
    expect(await retract('\0', { revision: 1, reason: 'x' })).toMatchObject({
      status: 422,
      body: { code: 'WRONG_FORMAT', pointer: '/sampleNo' },
    });
  });

  it('finds a sampleNo that needs escaping in an address', async () => {
    const sampleNo = `抽样/单 №${fresh()}`;
    await report(aReport({ sampleNo }));
    expect((await read(sampleNo)).body).toMatchObject({ sampleNo, status: 'PUBLISHED' });
  });
});

describe('the OpenAPI document', () => {
  it('says what a result looks like, alone and in an array', async () => {
    const { body } = await department.get<{ paths: Record<string, unknown>; components: { schemas: Record<string, unknown> } }>(
      '/openapi.json',
    );
    expect(JSON.stringify(body.paths[PATH])).toContain('"maxItems":1000,"items":{"$ref":"#/components/schemas/SamplingResultReported"}');
    expect(body.components.schemas).toHaveProperty('SamplingResultReported');
    expect(body.components.schemas).toHaveProperty('FailingItem');
  });
});

describe('who may call', () => {
  it('is said on every route', () => {
    expect(routesThatNameNobody(service.app)).toEqual([]);
  });

  it.each([
    ['PLATFORM', 'jd'],
    ['OPERATOR', 'operator'],
    ['STATISTICS', 'tj-stats'],
  ] as const)('%s may not report', async (kind, id) => {
    const other = place.http(await place.token(kind, id));
    expect(await other.post(PATH, aReport())).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await other.post(`${PATH}/X/retraction`, { revision: 2, reason: 'x' })).toMatchObject({ status: 403 });
  });

  it.each([
    ['no token', null],
    ['an expired one', { expired: true }],
    ['one for another audience', { audience: 'elsewhere' }],
  ] as const)('nobody with %s', async (_case, options) => {
    const token = options && (await place.token('DEPARTMENT', 'tj-amr', options));
    expect(await place.http(token).post(PATH, aReport())).toMatchObject({ status: 401 });
  });

  it("a department does not see another's result, an operator names whose he means", async () => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo, notice: undefined }));
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    expect(await other.get(`${PATH}/${sampleNo}`)).toMatchObject({ status: 404, body: { code: 'SAMPLING_RESULT_UNKNOWN' } });
    expect(await other.get(`/api/inspection/applied/tj-amr:${sampleNo}`)).toMatchObject({ status: 404 });
    expect(await operator.get(`${PATH}/${sampleNo}`)).toMatchObject({
      status: 400,
      body: { code: 'FIELD_MISSING', pointer: '/reporterId' },
    });
    expect(await operator.get(`${PATH}/${sampleNo}?reporterId=tj-amr`)).toMatchObject({ status: 200, body: { status: 'NOTIFIED' } });
  });

  it('and who read what is under embargo is on record', async () => {
    const sampleNo = fresh();
    await report(aReport({ sampleNo, notice: undefined }));
    await operator.get(`${PATH}/${sampleNo}?reporterId=tj-amr`, { headers: { 'x-purpose': 'supervision' } });
    const log = await place.sql('SELECT principal_id, action, purpose FROM access_log WHERE subject = $1', [sampleNo]);
    expect(log).toEqual([{ principal_id: 'operator', action: `GET ${PATH}/:sampleNo`, purpose: 'supervision' }]);
  });
});
