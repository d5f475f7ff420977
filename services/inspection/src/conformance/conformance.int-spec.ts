/**
 * A department in the sandbox, on real servers: what it reports, by whatever channel, is answered as it would be and is true for nobody;
 * a run sees what its system can do; and after the promotion it begins anew.
 */
import {
  DepartmentConformed,
  OrganisationChanged,
  OrganisationRegistered,
  RecallReported,
  type SamplingResultReported,
  SamplingResultReported as Reported,
} from '@jinqiao/contracts';
import {
  anOrganisation,
  aReport,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { Answer } from '../sampling-result/sampling-result.js';
import type { RunEntry } from './conformance.service.js';

const RUNS = '/api/inspection/conformance-runs';
const RESULTS = '/api/inspection/sampling-results';
const NEW = 'tj-new';
const clock = new StandingClock(new Date('2026-11-23T01:00:00.000Z'));
let place: Place;
let service: TestService;
let trying: Http;
let amr: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await place.addOrganisation('DEPARTMENT', NEW);
  service = await startTestService(InspectionModule, place, { clock });
  trying = place.http(await place.token('DEPARTMENT', NEW));
  amr = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  await follow(1, 'SANDBOX');
}, 60_000);
afterAll(() => service.close());

/** The directory says how the department stands, and inspection has heard it. */
async function follow(revision: number, status: 'SANDBOX' | 'PRODUCTION'): Promise<void> {
  const department = anOrganisation({ organisationId: NEW, kind: 'DEPARTMENT', name: '新部门', aliases: [], revision, status });
  await place.publish(revision === 1 ? OrganisationRegistered : OrganisationChanged, department);
  await eventually(async () => {
    expect(await place.sql('SELECT status FROM followed_organisations WHERE id = $1', [NEW])).toEqual([{ status }]);
  });
}
const report = (sampleNo: string, changes: Partial<SamplingResultReported> = {}) =>
  trying.post<Answer>(RESULTS, aReport({ sampleNo, ...changes }));
const revised = { revision: 2, revisionReason: 'CORRECTED' } as const;
const results = () => place.sql('SELECT sample_no FROM sampling_results WHERE reporter_id = $1', [NEW]);
async function said(): Promise<string[]> {
  const topics = ['inspection.sampling-result.v1', 'inspection.sampling-notice.v1'];
  const records = (await Promise.all(topics.map((topic) => place.readAll(topic)))).flat();
  return records.map(({ key }) => String(key)).filter((key) => key.startsWith(NEW));
}

it('is passed by showing all four, which is announced once', async () => {
  const started = await trying.post<RunEntry>(RUNS, {});
  expect(started).toMatchObject({ status: 201, body: { departmentId: NEW, status: 'RUNNING', shown: {} } });
  expect((await trying.post(RUNS, {})).body).toMatchObject({ status: 409, code: 'CONFORMANCE_RUNNING' });

  const bad = await report('T-1', { verdict: 'MAYBE' as never });
  expect(bad.body).toMatchObject({ status: 422, code: 'NOT_IN_CODE_LIST', pointer: '/verdict' });
  expect((await report('T-1')).body).toMatchObject({ outcome: 'accepted', revision: 1, sandbox: true });
  expect((await report('T-1')).body).toMatchObject({ outcome: 'duplicate', revision: 1, sandbox: true });
  const { runId } = started.body;
  expect((await trying.get<RunEntry>(`${RUNS}/${runId}`)).body).toMatchObject({ status: 'RUNNING', finishedAt: null });
  expect((await report('T-1', { ...revised, product: { name: '更正' } })).body).toMatchObject({ outcome: 'accepted', revision: 2 });
  const { body: passed } = await trying.get<RunEntry>(`${RUNS}/${runId}`);
  expect(passed).toMatchObject({
    status: 'PASSED',
    shown: { ACCEPTED: { sampleNo: 'T-1' }, DUPLICATE: {}, REVISION: {}, REFUSED: { code: 'NOT_IN_CODE_LIST', pointer: '/verdict' } },
  });
  await report('T-1');
  const announced = await eventually(async () => {
    const records = await place.readAll('inspection.conformance.v1');
    expect(records).toHaveLength(1);
    return records[0];
  });
  expect(announced).toMatchObject({ key: NEW, body: { runId, departmentId: NEW, revision: 1 } });
  expect((announced?.body as unknown as DepartmentConformed).shown.map(({ check }) => check)).toEqual([
    'ACCEPTED',
    'DUPLICATE',
    'REVISION',
    'REFUSED',
  ]);
});

it('shows what it does wrong by what is missing, and can be begun anew', async () => {
  clock.advance(1_000);
  const { body: run } = await trying.post<RunEntry>(RUNS, {});
  expect((await report('T-1')).body).toMatchObject({ outcome: 'accepted', revision: 1 });
  expect((await report('T-1', { product: { name: '另一内容' } })).body).toMatchObject({ status: 409, code: 'REVISION_CONFLICT' });
  expect((await report('T-1', { ...revised, revision: 4 })).body).toMatchObject({
    outcome: 'accepted',
    warnings: [{ code: 'REVISION_GAP' }],
  });
  clock.advance(60 * 60_000);
  const { body } = await trying.get<RunEntry>(`${RUNS}/${run.runId}`);
  expect({ status: body.status, shown: Object.keys(body.shown) }).toEqual({ status: 'FAILED', shown: ['ACCEPTED'] });
  expect((await trying.post(RUNS, {})).status).toBe(201);
  const { body: list } = await trying.get<{ items: RunEntry[] }>(RUNS);
  expect(list.items.map(({ status }) => status)).toEqual(['RUNNING', 'FAILED', 'PASSED']);
  expect((await amr.get(`${RUNS}/${run.runId}`)).body).toMatchObject({ status: 404, code: 'CONFORMANCE_RUN_UNKNOWN' });
});

it('sees what comes as an array, by topic and as a retraction, each answered as it would be', async () => {
  const { body } = await trying.post<{ items: Answer[] }>(RESULTS, [aReport({ sampleNo: 'T-2' }), aReport({ sampleNo: 'T-2' }), {}]);
  expect(body.items.map(({ outcome, sandbox }) => ({ outcome, sandbox }))).toEqual([
    { outcome: 'accepted', sandbox: true },
    { outcome: 'duplicate', sandbox: true },
    { outcome: 'rejected', sandbox: true },
  ]);
  await place.publish(Reported, aReport({ sampleNo: 'T-3' }), { owner: NEW });
  await place.publish(Reported, aReport({ sampleNo: 'T-4', verdict: 'MAYBE' as never }), { owner: NEW });
  await eventually(async () => {
    expect(await place.sql('SELECT FROM tried_results WHERE department_id = $1 AND sample_no = $2', [NEW, 'T-3'])).toHaveLength(1);
    expect(await place.sql(`SELECT code FROM dead_letters WHERE key = 'T-4'`)).toEqual([{ code: 'NOT_IN_CODE_LIST' }]);
  });
  const taken = await trying.post<Answer>(`${RESULTS}/T-2/retraction`, { revision: 2, reason: '撤销' });
  expect(taken.body).toMatchObject({ outcome: 'accepted', status: 'WITHDRAWN', sandbox: true });
});

it('is true for nobody: no result, no word of it, no likeness to a result of another department', async () => {
  expect(await results()).toEqual([]);
  const real = await amr.post<Answer>(RESULTS, aReport({ sampleNo: 'T-1' }));
  expect(real.body).toMatchObject({ outcome: 'accepted', status: 'PUBLISHED' });
  expect(real.body).not.toHaveProperty('sandbox');
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  expect(await said()).toEqual([]);
  expect(await place.sql('SELECT FROM probable_duplicates')).toEqual([]);
  expect(await place.sql('SELECT FROM intake_rejections WHERE reporter_id = $1', [NEW])).toEqual([]);
});

it('is open to the department and nothing else is, over HTTP or by topic', async () => {
  const refused = { status: 403, code: 'ORGANISATION_IN_SANDBOX' };
  expect((await trying.post('/api/inspection/recalls', { recallNo: 'R-1' })).body).toMatchObject(refused);
  expect((await trying.get('/api/inspection/published/counts')).body).toMatchObject(refused);
  const recall = { recallNo: 'R-2', product: { name: '充电宝' }, producer: { name: '厂' }, hazard: '起火', measure: '召回' };
  await place.publish(RecallReported, recall, { owner: NEW });
  await eventually(async () => {
    expect(await place.sql(`SELECT code FROM dead_letters WHERE key = 'R-2'`)).toEqual([{ code: 'ORGANISATION_IN_SANDBOX' }]);
  });
  expect((await amr.post(RUNS, {})).body).toMatchObject({ status: 409, code: 'NOT_IN_SANDBOX' });
});

it('ends with the promotion: every number is free, and what is reported is true', async () => {
  await follow(2, 'PRODUCTION');
  expect(await place.sql('SELECT FROM tried_results')).toEqual([]);
  // Of other goods than the result of the other department: from now on likeness counts.
  const { body } = await report('T-1', { product: { name: '儿童自行车', batch: 'B-9' } });
  expect(body).toMatchObject({ outcome: 'accepted', revision: 1, status: 'PUBLISHED' });
  expect(body).not.toHaveProperty('sandbox');
  expect(await results()).toEqual([{ sample_no: 'T-1' }]);
  await eventually(async () => expect(await said()).toEqual([`${NEW}:T-1`]));
  await eventually(async () => expect((await trying.get('/api/inspection/published/counts')).status).toBe(200));
  expect((await trying.post(RUNS, {})).body).toMatchObject({ code: 'NOT_IN_SANDBOX', organisationStatus: 'PRODUCTION' });
});
