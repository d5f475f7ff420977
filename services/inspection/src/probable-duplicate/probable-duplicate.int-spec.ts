/*
 * The same result, reported twice: by a system and in a notice, or by two departments. The second waits, nobody is told of it, and a
 * person says what becomes of it. On a real database and broker.
 */
import { OrganisationRegistered, samplingNotices, type SamplingResultReported, samplingResults } from '@jinqiao/contracts';
import {
  aReport,
  type Changes,
  eventually,
  type Http,
  type OutsideRecord,
  type Place,
  realServers,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { InspectionModule } from '../inspection.module.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import type { WaitingReport } from '../waiting-report/waiting-report.service.js';
import type { ProbableDuplicate } from './probable-duplicate.service.js';
import { ProbableDuplicateSweep } from './probable-duplicate.sweep.js';

const RESULTS = '/api/inspection/sampling-results';
const PAIRS = '/api/inspection/probable-duplicates';
const WAITING = '/api/inspection/waiting-reports';
let place: Place;
let service: TestService;
let city: Http;
let county: Http;
let stranger: Http;
let province: Http;
let auditor: Http;
let last = 0;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  const of = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
  [city, county, stranger, province] = [await of('tj-amr'), await of('tj-heping'), await of('tj-hexi'), await of('tj-province')];
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const directory = { organisationId: 'tj-province', kind: 'DEPARTMENT', name: '省局', scopes: ['level:PROVINCE'], revision: 1 };
  await place.publish(OrganisationRegistered, directory as OrganisationRegistered);
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());

interface Told {
  readonly status: string;
  readonly outcome: string;
  readonly warnings: readonly { readonly code: string }[];
}

/** A batch that no other test speaks of. */
const freshBatch = (): string => `B-${(last += 1)}`;
const reportOf = (batch: string, sampleNo: string, changes: Changes<SamplingResultReported> = {}): SamplingResultReported =>
  aReport({ sampleNo, product: { batch, producedOn: undefined }, ...changes });
const report = async (as: Http, input: SamplingResultReported): Promise<Told> => (await as.post<Told>(RESULTS, input)).body;
const later = (batch: string, sampleNo: string, revision: number, changes: Changes<SamplingResultReported> = {}) =>
  reportOf(batch, sampleNo, { revision, revisionReason: 'CORRECTED', ...changes });
const retract = (as: Http, sampleNo: string, revision: number) =>
  as.post(`${RESULTS}/${sampleNo}/retraction`, { revision, reason: '录入错误' });

/** Open pairs that name one of the two, as the caller sees them. */
async function open(as: Http, sampleNo: string): Promise<ProbableDuplicate[]> {
  const { body } = await as.get<{ items: ProbableDuplicate[] }>(`${PAIRS}?status=OPEN&limit=500`);
  return body.items.filter(({ later: one, earlier }) => one.sampleNo === sampleNo || earlier.sampleNo === sampleNo);
}
async function pairOf(sampleNo: string): Promise<ProbableDuplicate> {
  const [pair] = await open(auditor, sampleNo);
  if (!pair) throw new Error(`no open pair of ${sampleNo}`);
  return pair;
}
const rule = (as: Http, { pairId }: ProbableDuplicate, ruling: object) =>
  as.post<ProbableDuplicate & { code: string }>(`${PAIRS}/${pairId}/decision`, { reason: '核对原始记录', ...ruling });

/** What has left about a result, on both topics. */
async function said(subject: string): Promise<string[]> {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const records: OutsideRecord[] = [...(await place.readAll(samplingNotices.topic)), ...(await place.readAll(samplingResults.topic))];
  const own = records.filter(({ key }) => key === subject).sort((a, b) => Number(a.body?.['revision']) - Number(b.body?.['revision']));
  return own.map(({ headers, body }) => {
    const { revision, mergedInto } = body as { revision?: number; mergedInto?: string };
    return [revision, headers['ce_type']?.split('.').at(-1), mergedInto].filter((part) => part !== undefined).join(' ');
  });
}

/** The city's result stands, the county's waits. */
async function reportedTwice(batch = freshBatch()): Promise<{ batch: string; pair: ProbableDuplicate; ours: string; theirs: string }> {
  const [ours, theirs] = [`C-${batch}`, `H-${batch}`];
  expect(await report(city, reportOf(batch, ours))).toMatchObject({ status: 'PUBLISHED', warnings: [] });
  expect(await report(county, reportOf(batch, theirs))).toMatchObject({ outcome: 'accepted', status: 'WAITING' });
  return { batch, pair: await pairOf(theirs), ours, theirs };
}

describe('what two departments report', () => {
  it('is told once: the second waits, and is listed with why to both of them, the province and the auditor', async () => {
    const { pair, ours, theirs } = await reportedTwice();
    expect(pair).toMatchObject({
      status: 'OPEN',
      later: { reporterId: 'tj-heping', sampleNo: theirs, status: 'WAITING', facts: { verdict: 'UNQUALIFIED' } },
      earlier: { reporterId: 'tj-amr', sampleNo: ours, status: 'PUBLISHED', facts: { verdict: 'UNQUALIFIED' } },
      agrees: ['PRODUCER', 'PRODUCT', 'BATCH_NUMBER', 'SPEC', 'BRAND', 'SELLER', 'SAMPLED_ON', 'VERDICT', 'FAILING_ITEM', 'MEASURED'],
      notStated: ['PRODUCED_ON', 'SHOP', 'SAMPLE_NO'],
      rulings: [],
    });
    for (const as of [city, county, province, auditor]) expect(await open(as, theirs)).toEqual([pair]);
    expect(await open(stranger, theirs)).toEqual([]);
    expect(await said(`tj-heping:${theirs}`)).toEqual([]);
    expect((await county.get(`${RESULTS}/${theirs}`)).body).toMatchObject({
      status: 'WAITING',
      result: { state: null, revision: 0, warnings: [{ code: 'WAITS_FOR_RULING' }] },
    });
    const waiting = (await county.get<{ items: WaitingReport[] }>(WAITING)).body.items.find(({ sampleNo }) => sampleNo === theirs);
    expect(waiting).toMatchObject({ waitsFor: 'PROBABLE_DUPLICATE', mergedInto: null });
    const letIn = await county.post(`${WAITING}/tj-heping/${theirs}/ruling`, { reportedRevision: 1, admitted: true, reason: '径行' });
    expect(letIn).toMatchObject({ status: 409, body: { code: 'RULED_ON_IN_PAIR' } });
    expect((await county.post('/api/inspection/sampling-cases', { sampleNo: theirs })).body).toMatchObject({ code: 'CASE_NOT_OPENABLE' });
  });

  it('shows nobody the sampler’s order number', async () => {
    const batch = freshBatch();
    const bought = { online: { platformName: '京东', shopName: '示例网店', orderNo: 'SECRET-9' } };
    await report(city, reportOf(batch, `C-${batch}`, bought));
    await report(county, reportOf(batch, `H-${batch}`, bought));
    expect((await pairOf(`H-${batch}`)).later.facts).toMatchObject({ online: { shopName: '示例网店' } });
    for (const path of [PAIRS, WAITING]) expect(JSON.stringify((await auditor.get(`${path}?limit=500`)).body)).not.toContain('SECRET-9');
  });

  it('is compared when it arrives in two transactions at once: exactly one of them is told', async () => {
    const batch = freshBatch();
    const results = service.get(SamplingResults);
    let isStored: () => void = () => undefined;
    let mayEnd: () => void = () => undefined;
    const stored = new Promise<void>((resolve) => (isStored = resolve));
    const end = new Promise<void>((resolve) => (mayEnd = resolve));
    const accept = (reporterId: string, sampleNo: string, hold?: Promise<void>) =>
      service.get(DataSource).transaction(async (tx) => {
        const [answer] = await results.accept(tx, reporterId, [{ kind: 'REPORT', input: reportOf(batch, sampleNo) }], { channel: 'HTTP' });
        if (hold) isStored();
        await hold;
        return answer?.status;
      });
    const first = accept('tj-amr', `C-${batch}`, end);
    await stored;
    const second = accept('tj-heping', `H-${batch}`);
    // Nothing but the first can hold it up.
    const held = `SELECT FROM pg_locks WHERE NOT granted
      AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`;
    await eventually(async () => expect(await place.sql(held)).toHaveLength(1));
    mayEnd();
    expect(await Promise.all([first, second])).toEqual(['PUBLISHED', 'WAITING']);
    expect(await open(auditor, `H-${batch}`)).toHaveLength(1);
  });

  it('is told once however many report it at the same time', async () => {
    const batch = freshBatch();
    const departments = [city, county, stranger, province];
    const answers = await Promise.all(departments.map((as, n) => report(as, reportOf(batch, `M${n}-${batch}`))));
    expect(answers.map(({ status }) => status).sort()).toEqual(['PUBLISHED', 'WAITING', 'WAITING', 'WAITING']);
  });
});

describe('what a department’s system reports and its notice prints', () => {
  const HEADING = '公告号,公告日期,被抽样单位名称,标称生产企业名称,样品名称,规格型号,生产日期/批号,不合格项目,检验结果,标准值,检验结论';
  async function upload(batch: string): Promise<void> {
    const row = `2024年第12号,2024-05-10,天津市和平区某某超市,天津某某食品有限责任公司,香辣花生,200g/袋,${batch},黄曲霉毒素B1,35μg/kg,≤20μg/kg,不合格`;
    const form = new FormData();
    form.append('file', new Blob([`${HEADING}\n${row}`]), 'notice.csv');
    expect((await city.post('/api/inspection/imports', form)).body).toMatchObject({ accepted: 1 });
  }

  it('is told once, in whichever order it comes', async () => {
    const [first, second] = [freshBatch(), freshBatch()];
    await report(city, reportOf(first, `C-${first}`));
    await upload(first);
    const bySystem = await pairOf(`C-${first}`);
    expect(bySystem).toMatchObject({ earlier: { channel: 'HTTP' }, later: { channel: 'FILE', status: 'WAITING' } });
    expect(await said(`tj-amr:${bySystem.later.sampleNo}`)).toEqual([]);
    await upload(second);
    expect(await report(city, reportOf(second, `C-${second}`))).toMatchObject({ status: 'WAITING' });
    expect(await pairOf(`C-${second}`)).toMatchObject({ earlier: { channel: 'FILE' }, later: { channel: 'HTTP' } });
  });

  it('is the department’s own to rule on', async () => {
    const batch = freshBatch();
    await report(city, reportOf(batch, `C-${batch}`));
    await upload(batch);
    const pair = await pairOf(`C-${batch}`);
    expect(await rule(city, pair, { ruling: 'SAME' })).toMatchObject({ status: 200, body: { status: 'SAME' } });
    expect(await said(`tj-amr:C-${batch}`)).toEqual(['1 SamplingResultPublished']);
    expect(await said(`tj-amr:${pair.later.sampleNo}`)).toEqual([]);
  });
});

describe('DIFFERENT', () => {
  it('lets the one that waits in, and the pair is never raised again', async () => {
    const { batch, pair, theirs } = await reportedTwice();
    expect(await rule(county, pair, { ruling: 'DIFFERENT' })).toMatchObject({
      status: 200,
      body: {
        status: 'DIFFERENT',
        later: { status: 'PUBLISHED' },
        rulings: [{ ruling: 'DIFFERENT', survivor: null, actorId: 'tj-heping', competence: 'ORGANISER', reason: '核对原始记录' }],
      },
    });
    expect(await said(`tj-heping:${theirs}`)).toEqual(['1 SamplingResultPublished']);
    await retract(county, theirs, 2);
    expect(await report(county, later(batch, theirs, 3))).toMatchObject({ status: 'PUBLISHED' });
    expect(await open(auditor, theirs)).toEqual([]);
    expect(await rule(city, pair, { ruling: 'SAME' })).toMatchObject({
      status: 409,
      body: { code: 'PROBABLE_DUPLICATE_NOT_OPEN', state: 'DIFFERENT' },
    });
  });

  it('lets in the newest that was reported meanwhile', async () => {
    const { batch, pair, theirs } = await reportedTwice();
    await report(county, later(batch, theirs, 2, { laboratory: { name: '市质检院' } }));
    await rule(province, pair, { ruling: 'DIFFERENT' });
    expect((await county.get(`${RESULTS}/${theirs}`)).body).toMatchObject({
      result: { revision: 1, reportedRevision: 2, state: { laboratory: { name: '市质检院' } } },
    });
  });

  it('leaves it waiting where a third one is like it', async () => {
    const { batch, pair, theirs } = await reportedTwice();
    await report(stranger, reportOf(batch, `X-${batch}`));
    const third = await pairOf(`X-${batch}`);
    await rule(county, pair, { ruling: 'DIFFERENT' });
    expect(await rule(province, third, { ruling: 'DIFFERENT' })).toMatchObject({ body: { later: { status: 'WAITING' } } });
    expect(await pairOf(`X-${batch}`)).toMatchObject({ earlier: { sampleNo: theirs }, later: { sampleNo: `X-${batch}` } });
  });
});

describe('SAME', () => {
  it('gives the later one up, of which nobody had been told', async () => {
    const { pair, ours, theirs } = await reportedTwice();
    expect((await rule(city, pair, { ruling: 'SAME' })).body).toMatchObject({ code: 'NOT_COMPETENT', by: ['PROVINCE'] });
    expect((await rule(stranger, pair, { ruling: 'SAME' })).body).toMatchObject({ status: 404, code: 'PROBABLE_DUPLICATE_UNKNOWN' });
    expect((await rule(county, pair, { ruling: 'SAME', survivor: 'tj-amr:other' })).body).toMatchObject({
      status: 422,
      code: 'SURVIVOR_NOT_OF_PAIR',
    });
    expect((await rule(county, pair, { ruling: 'SAME' })).body).toMatchObject({ status: 'SAME', later: { status: 'WITHDRAWN' } });
    expect(await said(`tj-heping:${theirs}`)).toEqual([]);
    expect(await said(`tj-amr:${ours}`)).toEqual(['1 SamplingResultPublished']);
  });

  it('takes the earlier one back where the later one is to stand', async () => {
    const { pair, ours, theirs } = await reportedTwice();
    const { body } = await rule(province, pair, { ruling: 'SAME', survivor: `tj-heping:${theirs}` });
    expect(body).toMatchObject({ status: 'SAME', earlier: { status: 'WITHDRAWN' }, later: { status: 'PUBLISHED' } });
    expect(await said(`tj-amr:${ours}`)).toEqual(['1 SamplingResultPublished', `2 SamplingResultWithdrawn tj-heping:${theirs}`]);
    expect(await said(`tj-heping:${theirs}`)).toEqual(['1 SamplingResultPublished']);
  });

  it('has later reports of what was given up wait with the one that stands; its department gives the merge up', async () => {
    const { batch, pair, ours, theirs } = await reportedTwice();
    await rule(county, pair, { ruling: 'SAME' });
    expect(await report(county, later(batch, theirs, 2))).toMatchObject({ status: 'WITHDRAWN', warnings: [{ code: 'WAITS_FOR_RULING' }] });
    const seen = async (as: Http) =>
      (await as.get<{ items: WaitingReport[] }>(WAITING)).body.items.filter(({ sampleNo }) => sampleNo === theirs);
    for (const as of [city, county, province]) expect(await seen(as)).toMatchObject([{ waitsFor: 'MERGE', mergedInto: `tj-amr:${ours}` }]);
    expect(await seen(stranger)).toEqual([]);
    const admit = (as: Http) =>
      as.post<{ code: string }>(`${WAITING}/tj-heping/${theirs}/ruling`, { reportedRevision: 2, admitted: true, reason: '并非同一批' });
    expect((await admit(stranger)).body).toMatchObject({ code: 'NOTHING_WAITS' });
    expect((await admit(county)).body).toMatchObject({ code: 'NOT_COMPETENT' });
    expect((await admit(city)).status).toBe(204);
    expect(await said(`tj-heping:${theirs}`)).toEqual(['1 SamplingResultPublished']);
    const { body } = await auditor.get<{ items: ProbableDuplicate[] }>(`${PAIRS}?status=DIFFERENT&limit=500`);
    expect(body.items.find(({ pairId }) => pairId === pair.pairId)?.rulings).toMatchObject([
      { ruling: 'SAME', survivor: `tj-amr:${ours}`, actorId: 'tj-heping' },
      { ruling: 'DIFFERENT', actorId: 'tj-amr', reason: '并非同一批' },
    ]);
  });

  it('is not said of one that is withdrawn', async () => {
    const { pair, ours } = await reportedTwice();
    await retract(city, ours, 2);
    expect((await rule(county, pair, { ruling: 'SAME' })).body).toMatchObject({
      status: 409,
      code: 'SURVIVOR_WITHDRAWN',
      pointer: '/survivor',
    });
  });

  it('of many rulings at the same time one holds', async () => {
    const { pair, theirs } = await reportedTwice();
    const rulings = [
      { ruling: 'SAME' },
      { ruling: 'DIFFERENT' },
      { ruling: 'SAME', survivor: `tj-heping:${theirs}` },
      { ruling: 'DIFFERENT' },
    ];
    const answers = await Promise.all(rulings.map((ruling) => rule(province, pair, ruling)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(await place.sql('SELECT FROM probable_duplicate_rulings WHERE pair_id = $1', [pair.pairId])).toHaveLength(1);
  });
});

describe('what changes meanwhile', () => {
  it('lapses with a correction that makes another batch of it, or with its retraction', async () => {
    const [corrected, retracted] = [await reportedTwice(), await reportedTwice()];
    expect(await report(county, later(freshBatch(), corrected.theirs, 2))).toMatchObject({ status: 'PUBLISHED', warnings: [] });
    await retract(county, retracted.theirs, 2);
    expect(await said(`tj-heping:${retracted.theirs}`)).toEqual([]);
    for (const { theirs, pair } of [corrected, retracted]) {
      expect(await open(auditor, theirs)).toEqual([]);
      expect((await rule(county, pair, { ruling: 'DIFFERENT' })).body).toMatchObject({ code: 'PROBABLE_DUPLICATE_NOT_OPEN' });
    }
    expect(await report(county, later(retracted.batch, retracted.theirs, 3))).toMatchObject({ status: 'WITHDRAWN' });
    expect(await pairOf(retracted.theirs)).toMatchObject({ pairId: retracted.pair.pairId });
  });

  it('raises what has been told of, too, when a correction makes it the same; both stand until a person has ruled', async () => {
    const [batch, other] = [freshBatch(), freshBatch()];
    await report(city, reportOf(batch, `C-${batch}`));
    await report(county, reportOf(other, `H-${batch}`));
    expect(await report(county, later(batch, `H-${batch}`, 2))).toMatchObject({ status: 'PUBLISHED', warnings: [] });
    await rule(county, await pairOf(`H-${batch}`), { ruling: 'SAME' });
    expect(await said(`tj-heping:H-${batch}`)).toEqual([
      '1 SamplingResultPublished',
      '2 SamplingResultPublished',
      `3 SamplingResultWithdrawn tj-amr:C-${batch}`,
    ]);
  });

  it('is let in by the sweep when the other one is taken back', async () => {
    const { ours, theirs } = await reportedTwice();
    await retract(city, ours, 2);
    await service.get(ProbableDuplicateSweep).sweep();
    expect(await said(`tj-heping:${theirs}`)).toEqual(['1 SamplingResultPublished']);
    expect(await open(auditor, theirs)).toEqual([]);
  });
});

it('what was stored before there were batch keys is compared by the sweep, and both stand', async () => {
  const { pair, ours, theirs } = await reportedTwice();
  await rule(province, pair, { ruling: 'DIFFERENT' });
  await place.sql('DELETE FROM probable_duplicate_rulings WHERE pair_id = $1', [pair.pairId]);
  await place.sql('DELETE FROM probable_duplicates WHERE pair_id = $1', [pair.pairId]);
  await place.sql('UPDATE sampling_results SET batch_key = NULL WHERE sample_no = ANY($1)', [[ours, theirs]]);
  await service.get(ProbableDuplicateSweep).sweep();
  expect(await pairOf(theirs)).toMatchObject({ earlier: { status: 'PUBLISHED' }, later: { status: 'PUBLISHED' } });
  expect(await place.sql('SELECT FROM sampling_results WHERE batch_key IS NULL')).toEqual([]);
  expect(service.ends).toEqual([]);
});
