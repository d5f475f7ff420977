/*
 * Cases over HTTP on a real database: who may do and see what, what is refused and changes nothing, one outcome of a race, deadlines as the
 * clock goes on.
 */
import { inspectionDeadlines, OrganisationRegistered } from '@jinqiao/contracts';
import type { DeadlineEntry } from '@jinqiao/platform';
import {
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
import { DeadlineJob } from '../deadline/deadline.job.js';
import type { CaseSummary, SamplingCase } from './sampling-case.service.js';

const CASES = '/api/inspection/sampling-cases';
const HASH = 'c'.repeat(64);
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let county: Http;
let province: Http;
let stranger: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  const of = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
  [organiser, county, province, stranger] = [await of('tj-amr'), await of('tj-heping'), await of('tj-province'), await of('tj-nankai')];
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  await place.publish(OrganisationRegistered, {
    organisationId: 'tj-province',
    kind: 'DEPARTMENT',
    name: '省局',
    scopes: ['level:PROVINCE'],
    revision: 1,
  });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(new Date('2026-03-02T01:00:00.000Z')));

async function opened(sampleNo: string, changes: object = {}): Promise<SamplingCase> {
  expect((await organiser.post('/api/inspection/sampling-results', aReport({ sampleNo, ...changes }))).status).toBe(200);
  const { status, body } = await organiser.post<SamplingCase>(CASES, { sampleNo });
  expect(status).toBe(201);
  return body;
}
const act = (as: Http, [sampleNo, name, on]: readonly [string, string, string], facts: object = {}) =>
  as.post<SamplingCase & { code: string }>(`${CASES}/tj-amr/${sampleNo}/acts`, { act: name, party: 'SAMPLED_PARTY', on, ...facts });
const stateOf = ({ tracks }: SamplingCase, name: string): string | undefined =>
  tracks.find(({ track, party }) => track === name && party === 'SAMPLED_PARTY')?.state;
const deadlines = async (as: Http, query = ''): Promise<DeadlineEntry[]> =>
  (await as.get<{ items: DeadlineEntry[] }>(`/api/inspection/deadlines?limit=500&${query}`)).body.items;

const UNQUALIFIED = { regime: 'PRODUCT', verdict: 'UNQUALIFIED', failingItems: [{ item: '铅' }], sampledParty: { name: '示例商店' } };

describe('a case', () => {
  it('is opened by whoever reported the result, once, and shows what may be done', async () => {
    const first = await opened('C-1', UNQUALIFIED);
    expect(first).toMatchObject({ reporterId: 'tj-amr', verdict: 'UNQUALIFIED', openedOn: '2026-03-02', history: [] });
    expect(first.clocks.map(({ clock: name, party, dueOn, state }) => `${name} ${party} ${dueOn} ${state}`)).toEqual([
      'SERVICE NOMINAL_PRODUCER 2026-03-09 RUNNING',
      'SERVICE SAMPLED_PARTY 2026-03-09 RUNNING',
    ]);
    expect(first.tracks.find(({ track, party }) => track === 'HANDLING' && party === 'SAMPLED_PARTY')).toMatchObject({
      state: 'NONE',
      allowed: [{ act: 'HAND_OVER', by: ['ORGANISER'] }],
    });
    expect((await organiser.post<SamplingCase>(CASES, { sampleNo: 'C-1' })).body).toEqual(first);
    expect((await county.post(CASES, { sampleNo: 'C-1' })).body).toMatchObject({ status: 404, code: 'SAMPLING_RESULT_UNKNOWN' });
    await organiser.post('/api/inspection/sampling-results/C-1w/retraction', { revision: 1, reason: '误报' });
    expect((await organiser.post(CASES, { sampleNo: 'C-1w' })).body).toMatchObject({ status: 409, code: 'CASE_NOT_OPENABLE' });
  });

  it('keeps its result from being final or public while an objection is under way', async () => {
    await opened('C-1o', { ...UNQUALIFIED, finality: 'PROVISIONAL', notice: undefined });
    await act(organiser, ['C-1o', 'SERVE', '2026-03-02'], { mode: 'DELIVERED', sha256: HASH });
    await act(organiser, ['C-1o', 'FILE_OBJECTION', '2026-03-02'], { ground: 'CONCLUSION', sha256: HASH });
    const report = (revision: number, changes: object) =>
      organiser.post('/api/inspection/sampling-results', {
        ...aReport({ sampleNo: 'C-1o', revision, revisionReason: 'FINALISED' }),
        ...UNQUALIFIED,
        ...changes,
      });
    const final = { finality: 'FINAL', notice: { no: '公告1号' } };
    const corrected = { finality: 'PROVISIONAL', notice: undefined, sampledOn: '2026-02-01' };
    expect((await report(2, final)).body).toMatchObject({ status: 422, code: 'OBJECTION_OPEN' });
    expect((await report(2, corrected)).body).toMatchObject({ outcome: 'accepted', status: 'NOTIFIED' });
    await act(organiser, ['C-1o', 'DECIDE_OBJECTION', '2026-03-02'], { upheld: false, reason: '不成立', sha256: HASH });
    expect((await report(3, final)).body).toMatchObject({ outcome: 'accepted', status: 'PUBLISHED' });
  });

  it('keeps its result from being final or public while whoever was served may object', async () => {
    await opened('C-1p', { ...UNQUALIFIED, finality: 'PROVISIONAL', notice: undefined });
    await act(organiser, ['C-1p', 'SERVE', '2026-03-02'], { mode: 'DELIVERED', sha256: HASH });
    const final = { sampleNo: 'C-1p', revision: 2, revisionReason: 'FINALISED', finality: 'FINAL', notice: { no: '公告1号' } } as const;
    const report = () => organiser.post('/api/inspection/sampling-results', { ...aReport(final), ...UNQUALIFIED });
    clock.set(new Date('2026-03-17T01:00:00.000Z'));
    expect((await report()).body).toMatchObject({ status: 422, code: 'OBJECTION_OPEN' });
    clock.set(new Date('2026-03-18T01:00:00.000Z'));
    expect((await report()).body).toMatchObject({ outcome: 'accepted', status: 'PUBLISHED' });
  });

  it('goes from the notice to the end of its handling, each step with its article, day and actor', async () => {
    await opened('C-2', UNQUALIFIED);
    clock.set(new Date('2026-10-01T01:00:00.000Z'));
    await act(organiser, ['C-2', 'SERVE', '2026-03-02'], { mode: 'POST', sentOn: '2026-03-01', sha256: HASH });
    await act(organiser, ['C-2', 'HAND_OVER', '2026-03-03'], { departmentId: 'tj-heping' });
    await act(county, ['C-2', 'ORDER_CORRECTION', '2026-03-04'], { documentNo: '责改1号' });
    await act(county, ['C-2', 'RECORD_RECHECK', '2026-05-10'], { passed: false, sha256: HASH });
    expect((await act(county, ['C-2', 'ANNOUNCE', '2026-05-20'], { documentNo: '公告1号' })).body).toMatchObject({
      status: 403,
      code: 'NOT_COMPETENT',
    });
    await act(province, ['C-2', 'ANNOUNCE', '2026-05-20'], { documentNo: '公告1号' });
    const early = await act(county, ['C-2', 'RECORD_RECHECK', '2026-06-01'], { passed: true, sha256: HASH });
    expect(early.body).toMatchObject({ status: 422, code: 'OUTSIDE_RECHECK_WINDOW' });
    await act(county, ['C-2', 'RECORD_RECHECK', '2026-08-01'], { passed: true, sha256: HASH });
    const { body, status } = await act(county, ['C-2', 'CLOSE_HANDLING', '2026-08-03'], { reason: '复查合格' });
    expect({ status, state: stateOf(body, 'HANDLING') }).toEqual({ status: 200, state: 'CLOSED' });
    expect(body.history.map((step) => `${step.act} ${step.from} ${step.to} ${step.on} ${step.actorId} ${step.competence}`)).toEqual([
      'SERVE UNSERVED SERVED 2026-03-02 tj-amr ORGANISER',
      'HAND_OVER NONE HANDED_OVER 2026-03-03 tj-amr ORGANISER',
      'ORDER_CORRECTION HANDED_OVER CORRECTION_ORDERED 2026-03-04 tj-heping RECEIVER',
      'RECORD_RECHECK CORRECTION_ORDERED RECHECK_FAILED 2026-05-10 tj-heping RECEIVER',
      'ANNOUNCE RECHECK_FAILED ANNOUNCED 2026-05-20 tj-province PROVINCE',
      'RECORD_RECHECK ANNOUNCED RECHECK_PASSED 2026-08-01 tj-heping RECEIVER',
      'CLOSE_HANDLING RECHECK_PASSED CLOSED 2026-08-03 tj-heping RECEIVER',
    ]);
    expect(body.history[0]).toMatchObject({
      basis: expect.stringContaining('第三十五条') as string,
      facts: { mode: 'POST', sentOn: '2026-03-01' },
    });
    expect(body.clocks.map(({ clock: name, state }) => `${name} ${state}`).sort()).toEqual([
      'CORRECTION MET_LATE',
      'FIRST_RECHECK MET',
      'OBJECTION RUN_OUT',
      'SECOND_RECHECK MET',
      'SERVICE MET',
      'SERVICE OVERDUE',
    ]);
  });

  it('refuses what is not done now, says what is, and changes nothing', async () => {
    const before = await opened('C-3', UNQUALIFIED);
    const refused = await act(organiser, ['C-3', 'ADMIT_REINSPECTION', '2026-03-02'], { sha256: HASH });
    expect(refused.body).toMatchObject({
      status: 409,
      code: 'ACT_NOT_ALLOWED',
      state: 'NONE',
      allowed: [{ act: 'FILE_OBJECTION', by: ['ORGANISER', 'PROVINCE'] }],
    });
    const incomplete = await act(organiser, ['C-3', 'SERVE', '2026-03-03'], {});
    expect(incomplete.body).toMatchObject({
      status: 422,
      errors: [
        { code: 'FIELD_MISSING', pointer: '/mode' },
        { code: 'FIELD_MISSING', pointer: '/sha256' },
        { code: 'IN_FUTURE', pointer: '/on' },
      ],
    });
    expect((await act(organiser, ['C-3', 'DANCE', '2026-03-02'])).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await organiser.get<SamplingCase>(`${CASES}/tj-amr/C-3`)).body).toEqual(before);
  });

  it('has one outcome of a race', async () => {
    await opened('C-4', UNQUALIFIED);
    await act(organiser, ['C-4', 'SERVE', '2026-03-02'], { mode: 'DELIVERED', sha256: HASH });
    await act(organiser, ['C-4', 'FILE_OBJECTION', '2026-03-02'], { ground: 'CONCLUSION', sha256: HASH });
    const { body: accepted } = await act(organiser, ['C-4', 'ACCEPT_OBJECTION', '2026-03-02'], { documentNo: '受理1号' });
    expect(accepted.clocks.find(({ clock: name }) => name === 'ACCEPTANCE')).toMatchObject({ dueOn: '2026-03-05', state: 'MET' });
    const decided = (upheld: boolean, n: number) =>
      act(organiser, ['C-4', 'DECIDE_OBJECTION', '2026-03-02'], { upheld, verdict: 'QUALIFIED', reason: `理由${n}`, sha256: HASH });
    const answers = await Promise.all([true, false, true, false, true, false].map(decided));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const { body } = await organiser.get<SamplingCase>(`${CASES}/tj-amr/C-4`);
    expect(body.history.filter((step) => step.act === 'DECIDE_OBJECTION')).toHaveLength(1);
  });

  it('takes once what the same organisation says again of a track before anything else happens in it', async () => {
    await opened('C-4r', UNQUALIFIED);
    const undeliverable = (reason: string) => act(organiser, ['C-4r', 'REPORT_UNDELIVERABLE', '2026-03-02'], { mode: 'POST', reason });
    const [first, again] = [await undeliverable('查无此人'), await undeliverable('查无此人')];
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, body: first.body });
    await act(organiser, ['C-4r', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    await undeliverable('查无此人');
    await undeliverable('无人接收');
    await undeliverable('查无此人');
    const { body } = await undeliverable('查无此人');
    expect(body.history.map(({ act: name, facts }) => `${name} ${(facts as { reason?: string }).reason ?? ''}`)).toEqual([
      'REPORT_UNDELIVERABLE 查无此人',
      'HAND_OVER ',
      'REPORT_UNDELIVERABLE 无人接收',
      'REPORT_UNDELIVERABLE 查无此人',
    ]);
  });

  it('is seen by its organiser, by those who have a part in it, and by the auditor', async () => {
    await opened('C-5', UNQUALIFIED);
    await act(organiser, ['C-5', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    for (const [who, status] of [
      [organiser, 200],
      [county, 200],
      [auditor, 200],
      [stranger, 404],
    ] as const)
      expect((await who.get(`${CASES}/tj-amr/C-5`)).status).toBe(status);
    const seen = async (as: Http): Promise<string[]> =>
      (await as.get<{ items: CaseSummary[] }>(`${CASES}?limit=500`)).body.items.map(({ sampleNo }) => sampleNo);
    expect(await seen(county)).toContain('C-5');
    expect(await seen(county)).not.toContain('C-1');
    expect(await seen(stranger)).toEqual([]);
    expect((await act(stranger, ['C-5', 'SERVE', '2026-03-02'], { mode: 'POST', sha256: HASH })).body).toMatchObject({
      code: 'CASE_UNKNOWN',
    });
    expect((await province.get(`${CASES}/tj-amr/C-5`)).status).toBe(200);
  });
});

describe('a stop of sale', () => {
  it('stands in the case with its day and order until the re-check was passed, and goes on to the right county', async () => {
    await opened('C-7', UNQUALIFIED);
    clock.set(new Date('2026-06-01T01:00:00.000Z'));
    const stop = (as: Http, on: string) => act(as, ['C-7', 'ORDER_STOP_SALE', on], { documentNo: '停售1号' });
    await act(organiser, ['C-7', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    expect((await stop(organiser, '2026-03-03')).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT' });
    const { body } = await stop(county, '2026-03-03');
    const order = { party: 'SAMPLED_PARTY', since: '2026-03-03', documentNo: '停售1号', endedOn: null };
    expect(body.saleStops).toEqual([order]);
    expect(body.history.at(-1)).toMatchObject({ act: 'ORDER_STOP_SALE', basis: expect.stringContaining('第四十五条') as string });
    expect((await stop(county, '2026-03-04')).body).toMatchObject({ status: 422, code: 'STOPPED_BEFORE' });
    await act(county, ['C-7', 'HAND_ON', '2026-03-04'], { departmentId: 'tj-nankai', reason: '不在本区' });
    await act(stranger, ['C-7', 'ORDER_CORRECTION', '2026-03-05'], { documentNo: '责改1号' });
    const passed = await act(stranger, ['C-7', 'RECORD_RECHECK', '2026-05-10'], { passed: true, sha256: HASH });
    expect(passed.body.saleStops).toEqual([{ ...order, endedOn: '2026-05-10' }]);
  });
});

describe('what was handed to the wrong county', () => {
  it('goes on to the right one: the wrong one is answered once more and sees it no longer', async () => {
    await opened('C-6', UNQUALIFIED);
    await act(organiser, ['C-6', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    const handedOn = await act(county, ['C-6', 'HAND_ON', '2026-03-02'], { departmentId: 'tj-nankai', reason: '不在本区' });
    expect(handedOn.body.tracks.find(({ track, party }) => track === 'HANDLING' && party === 'SAMPLED_PARTY')).toMatchObject({
      state: 'HANDED_OVER',
      departmentId: 'tj-nankai',
    });
    expect((await county.get(`${CASES}/tj-amr/C-6`)).status).toBe(404);
    expect((await stranger.get(`${CASES}/tj-amr/C-6`)).status).toBe(200);
  });
});

describe('the time to tell the parties', () => {
  const told = async (sampleNo: string, query = 'state=all'): Promise<string[]> =>
    (await deadlines(organiser, query))
      .filter(({ subject, clock: name }) => subject === `tj-amr:${sampleNo}` && name === 'SERVICE')
      .map(({ party, dueOn, state, handler }) => `${party} ${dueOn} ${state} ${handler}`);
  const said = (): Promise<unknown[]> =>
    place.sql(`SELECT sample_no, party FROM sampling_case_clocks WHERE clock = 'SERVICE' AND raised_at IS NOT NULL AND sample_no LIKE 'T-%'
      ORDER BY 1, 2`);

  it('is the organiser’s also once it was handed over, is said once when it has passed, and ends with the service', async () => {
    await opened('T-1', UNQUALIFIED);
    await act(organiser, ['T-1', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    await act(organiser, ['T-1', 'SERVE', '2026-03-02'], { mode: 'DELIVERED', sha256: HASH });
    expect(await told('T-1')).toEqual(['NOMINAL_PRODUCER 2026-03-09 RUNNING tj-amr', 'SAMPLED_PARTY 2026-03-09 MET tj-amr']);
    clock.set(new Date('2026-03-10T01:00:00.000Z'));
    const job = service.app.get(DeadlineJob);
    await Promise.all([job.raise(), job.raise()]);
    expect(await told('T-1', 'state=overdue')).toEqual(['NOMINAL_PRODUCER 2026-03-09 OVERDUE tj-amr']);
    const topic = inspectionDeadlines.topic;
    const events = await place.outside('service.stack').readUntil(topic, (all) => all.some(({ key }) => key === 'tj-amr:T-1'));
    expect(events.filter(({ key }) => key === 'tj-amr:T-1').map(({ body }) => body)).toEqual([
      expect.objectContaining({
        clock: 'SERVICE',
        party: 'NOMINAL_PRODUCER',
        departmentId: 'tj-amr',
        ruleVersion: 'RESULT_SERVICE/PRODUCT@2015-01-01',
      }),
    ]);
  });

  it('ends when the result is taken back, corrected or annulled: there is nothing to tell that it failed', async () => {
    for (const sampleNo of ['T-2', 'T-3', 'T-4']) await opened(sampleNo, { ...UNQUALIFIED, finality: 'PROVISIONAL', notice: undefined });
    clock.set(new Date('2026-03-04T01:00:00.000Z'));
    await organiser.post('/api/inspection/sampling-results/T-2/retraction', { revision: 2, reason: '误报' });
    const passed = { revision: 2, revisionReason: 'CORRECTED', regime: 'PRODUCT', verdict: 'QUALIFIED' } as const;
    const report = aReport({ sampleNo: 'T-3', ...passed, finality: 'PROVISIONAL', notice: undefined, failingItems: undefined });
    expect((await organiser.post('/api/inspection/sampling-results', report)).body).toMatchObject({ outcome: 'accepted' });
    await act(organiser, ['T-4', 'SERVE', '2026-03-03'], { mode: 'DELIVERED', sha256: HASH });
    await act(organiser, ['T-4', 'FILE_OBJECTION', '2026-03-03'], { ground: 'AUTHENTICITY', sha256: HASH });
    await act(organiser, ['T-4', 'DECIDE_OBJECTION', '2026-03-04'], { upheld: true, reason: '抽样不合法', sha256: HASH });
    for (const sampleNo of ['T-2', 'T-3', 'T-4'])
      expect(await told(sampleNo)).toEqual(['NOMINAL_PRODUCER 2026-03-09 MET tj-amr', 'SAMPLED_PARTY 2026-03-09 MET tj-amr']);
    clock.set(new Date('2026-03-10T01:00:00.000Z'));
    await service.app.get(DeadlineJob).raise();
    expect(await said()).toEqual([{ sample_no: 'T-1', party: 'NOMINAL_PRODUCER' }]);
  });
});

/** Of a case whose parties nobody has told. */
const ofHandling = (sampleNo: string, said: readonly { key: string | null; body: Record<string, unknown> | null }[]): unknown[] =>
  said.flatMap(({ key, body }) => (key === `tj-amr:${sampleNo}` && body?.['clock'] !== 'SERVICE' ? [body] : []));

describe('deadlines', () => {
  it('run, are overdue, are met; a right that ran out is no duty of anybody', async () => {
    await opened('D-1', UNQUALIFIED);
    await act(organiser, ['D-1', 'SERVE', '2026-03-02'], { mode: 'DELIVERED', sha256: HASH });
    await act(organiser, ['D-1', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-nankai' });
    await act(stranger, ['D-1', 'ORDER_CORRECTION', '2026-03-02'], { documentNo: '责改2号' });
    const mine = async (query = ''): Promise<string[]> =>
      (await deadlines(stranger, query))
        .filter(({ subject }) => subject === 'tj-amr:D-1')
        .map(({ clock: name, dueOn, state, kind }) => `${name} ${dueOn} ${kind} ${state}`);
    expect(await mine()).toEqual([
      'OBJECTION 2026-03-17 RIGHT RUNNING',
      'CORRECTION 2026-05-06 DUTY RUNNING',
      'FIRST_RECHECK 2026-05-18 DUTY RUNNING',
    ]);
    expect(await mine('to=2026-03-31')).toHaveLength(1);
    clock.set(new Date('2026-05-07T01:00:00.000Z'));
    expect(await mine('state=overdue')).toEqual(['CORRECTION 2026-05-06 DUTY OVERDUE']);
    expect((await mine())[0]).toBe('OBJECTION 2026-03-17 RIGHT RUN_OUT');
    await act(stranger, ['D-1', 'RECORD_RECHECK', '2026-05-07'], { passed: true, sha256: HASH });
    expect(await mine('state=overdue')).toEqual([]);
    expect(await mine('state=all')).toEqual([
      'OBJECTION 2026-03-17 RIGHT RUN_OUT',
      'CORRECTION 2026-05-06 DUTY MET_LATE',
      'FIRST_RECHECK 2026-05-18 DUTY MET',
    ]);
    expect(await mine('state=closed')).toHaveLength(2);
    expect((await deadlines(auditor)).length).toBeGreaterThan(0);
  });

  it('stand still while a case is paused: neither overdue nor said to be, with what is left; and go on', async () => {
    await opened('D-3', UNQUALIFIED);
    const clue = (name: string, on: string, facts: object = {}) =>
      act(name === 'HAND_OVER_CLUE' ? organiser : county, ['D-3', name, on], { documentNo: '案1号', reason: '理由', ...facts });
    const decision = async (query = 'state=all'): Promise<unknown[]> =>
      (await deadlines(county, query))
        .filter(({ subject, clock: name }) => subject === 'tj-amr:D-3' && name === 'CASE_DECISION')
        .map(({ dueOn, state, left, handler, pauses }) => [dueOn, state, left, handler, pauses.length]);
    await clue('HAND_OVER_CLUE', '2026-03-02', { departmentId: 'tj-heping' });
    await clue('FILE_CASE', '2026-03-02');
    expect((await clue('PAUSE_CASE', '2026-03-02', { notCounted: 'LUNCH' })).body).toMatchObject({
      status: 400,
      code: 'VALIDATION_FAILED',
    });
    clock.set(new Date('2026-03-12T01:00:00.000Z'));
    const paused = await clue('PAUSE_CASE', '2026-03-12', { notCounted: 'HEARING' });
    expect(paused.body.clocks.find(({ clock: name }) => name === 'CASE_DECISION')).toMatchObject({ state: 'PAUSED', left: 80 });
    clock.set(new Date('2026-07-01T01:00:00.000Z'));
    const job = service.app.get(DeadlineJob);
    await job.raise();
    for (const query of ['state=all', 'state=open', 'state=due'])
      expect(await decision(query)).toEqual([['2026-06-01', 'PAUSED', 80, 'tj-heping', 1]]);
    expect(await decision('state=overdue')).toEqual([]);
    await clue('RESUME_CASE', '2026-07-01');
    expect(await decision()).toEqual([['2026-09-20', 'RUNNING', null, 'tj-heping', 1]]);
    // As a process leaves it that knows no holidays of September yet.
    await place.sql(
      `UPDATE sampling_case_clocks SET due_on = '2026-09-19', provisional = TRUE WHERE sample_no = 'D-3' AND clock = 'CASE_DECISION'`,
    );
    expect(await job.computeAgain()).toBe(1);
    expect(await decision()).toEqual([['2026-09-20', 'RUNNING', null, 'tj-heping', 1]]);
    clock.set(new Date('2026-09-22T01:00:00.000Z'));
    await Promise.all([job.raise(), job.raise()]);
    const said = await place
      .outside('service.stack')
      .readUntil(inspectionDeadlines.topic, (all) => ofHandling('D-3', all).length > 0, { within: 20_000 });
    const own = ofHandling('D-3', said);
    expect(own).toEqual([expect.objectContaining({ clock: 'CASE_DECISION', dueOn: '2026-09-20', departmentId: 'tj-heping' })]);
  });

  it('are said once when they pass, whoever looks and however often', async () => {
    await opened('D-2', UNQUALIFIED);
    await act(organiser, ['D-2', 'HAND_OVER', '2026-03-02'], { departmentId: 'tj-heping' });
    await act(county, ['D-2', 'ORDER_CORRECTION', '2026-03-02'], { documentNo: '责改3号' });
    const job = service.app.get(DeadlineJob);
    clock.set(new Date('2026-05-07T01:00:00.000Z'));
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    clock.set(new Date('2026-06-01T01:00:00.000Z'));
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    const topic = inspectionDeadlines.topic;
    const said = await place.outside('service.stack').readUntil(topic, (all) => ofHandling('D-2', all).length >= 2);
    expect(ofHandling('D-2', said)).toEqual([
      {
        subject: 'tj-amr:D-2',
        revision: 1,
        clock: 'CORRECTION',
        party: 'SAMPLED_PARTY',
        departmentId: 'tj-heping',
        startedOn: '2026-03-02',
        dueOn: '2026-05-06',
        ruleVersion: 'CORRECTION/PRODUCT@2020-01-01',
        raisedAt: '2026-05-07T01:00:00.000Z',
      },
      expect.objectContaining({ clock: 'FIRST_RECHECK', raisedAt: '2026-06-01T01:00:00.000Z' }),
    ]);
  });
});
