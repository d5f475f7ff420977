/*
 * A result on its way to the public on real servers: by acts of its case and by reports, in one series over both topics and in one history,
 * whoever comes first, and after its database was set back.
 */
import {
  SamplingCaseStepTaken,
  samplingNotices,
  type SamplingResultPublished,
  type SamplingResultReported,
  samplingResults,
  samplingStepAnswers,
  type SamplingStepAnswered,
  topicOf,
} from '@jinqiao/contracts';
import {
  aReport,
  type Changes,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { SamplingCase } from './sampling-case.service.js';

const CASES = '/api/inspection/sampling-cases';
const RESULTS = '/api/inspection/sampling-results';
const HASH = 'c'.repeat(64);
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let county: Http;

async function start(): Promise<void> {
  service = await startTestService(InspectionModule, place, { clock });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  county = place.http(await place.token('DEPARTMENT', 'tj-heping'));
}
beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await place.addOrganisation('DEPARTMENT', 'tj-amr');
  await start();
}, 60_000);
afterAll(() => service.close());

const PROVISIONAL = { finality: 'PROVISIONAL', notice: undefined } as const;
const NOTICE = { no: '2026年第3号', publishedOn: '2026-03-01' };
const report = (sampleNo: string, revision: number, changes: Changes<SamplingResultReported> = {}) =>
  organiser.post<{ outcome: string; status: string; code: string; warnings: { code: string }[] }>(
    RESULTS,
    aReport({ sampleNo, revision, regime: 'PRODUCT', ...(revision > 1 && { revisionReason: 'CORRECTED' }), ...changes }),
  );
const act = (sampleNo: string, name: string, facts: object = {}, as = organiser) =>
  as.post<SamplingCase & { code: string; state: string; allowed: object[] }>(`${CASES}/tj-amr/${sampleNo}/acts`, {
    act: name,
    party: 'RESULT',
    on: '2026-03-02',
    documentNo: '2026年第7号',
    reason: '理由',
    ...facts,
  });
async function opened(sampleNo: string, changes: Changes<SamplingResultReported> = PROVISIONAL): Promise<void> {
  expect((await report(sampleNo, 1, changes)).status).toBe(200);
  expect((await organiser.post(CASES, { sampleNo })).status).toBe(201);
}
const found = async (sampleNo: string): Promise<SamplingCase> => (await organiser.get<SamplingCase>(`${CASES}/tj-amr/${sampleNo}`)).body;
const state = ({ tracks }: SamplingCase): string | undefined => tracks.find(({ track }) => track === 'PUBLICATION')?.state;
const history = async (sampleNo: string): Promise<string[]> =>
  (await found(sampleNo)).history
    .filter(({ track }) => track === 'PUBLICATION')
    .map((one) => `${one.act} ${one.from} ${one.to} ${one.actorId} ${one.competence} ${one.facts.reportedRevision ?? 'by act'}`);

/** Everything said of a result, over both topics, in its series. */
async function said(sampleNo: string, revision: number): Promise<string[]> {
  let all: string[] = [];
  await eventually(async () => {
    const read = [...(await place.readAll(samplingNotices.topic)), ...(await place.readAll(samplingResults.topic))];
    const own = read.filter(({ key }) => key === `tj-amr:${sampleNo}`);
    const states = own.map(({ headers, body }) => ({ type: headers['ce_type'] ?? '', body: body as unknown as SamplingResultPublished }));
    all = states
      .sort((one, other) => one.body.revision - other.body.revision)
      .map(({ type, body }) => `${body.revision} ${type.split('.').at(-1) ?? ''} ${body.finality} ${body.notice?.no ?? '-'}`);
    expect(states.at(-1)?.body.revision).toBe(revision);
  });
  return all;
}

describe('a result is made final and public by acts of its case', () => {
  it('goes public, back under embargo and public again, in one series of revisions over both topics', async () => {
    await opened('P-1');
    expect((await act('P-1', 'PUBLISH')).body).toMatchObject({
      status: 409,
      code: 'ACT_NOT_ALLOWED',
      state: 'PROVISIONAL',
      allowed: [{ act: 'FINALISE', by: ['ORGANISER'] }],
    });
    expect((await act('P-1', 'FINALISE')).status).toBe(200);
    const published = await act('P-1', 'PUBLISH');
    expect(published.body.tracks.find(({ track }) => track === 'PUBLICATION')).toMatchObject({
      party: 'RESULT',
      state: 'PUBLISHED',
      allowed: [{ act: 'EMBARGO', by: ['ORGANISER'] }],
    });
    await act('P-1', 'EMBARGO', { documentNo: '内函1号' });
    await act('P-1', 'PUBLISH', { documentNo: '2026年第8号' });
    expect(await said('P-1', 6)).toEqual([
      '1 SamplingResultNotified PROVISIONAL -',
      '2 SamplingResultNotified FINAL -',
      '3 SamplingResultPublished FINAL 2026年第7号',
      '4 SamplingResultWithdrawn FINAL 2026年第7号',
      '5 SamplingResultNotified FINAL -',
      '6 SamplingResultPublished FINAL 2026年第8号',
    ]);
    expect(await history('P-1')).toEqual([
      'FINALISE PROVISIONAL FINAL tj-amr ORGANISER by act',
      'PUBLISH FINAL PUBLISHED tj-amr ORGANISER by act',
      'EMBARGO PUBLISHED FINAL tj-amr ORGANISER by act',
      'PUBLISH FINAL PUBLISHED tj-amr ORGANISER by act',
    ]);
    expect((await found('P-1')).history.at(-1)).toMatchObject({
      on: '2026-03-02',
      basis: expect.stringContaining('第十条') as string,
      facts: { documentNo: '2026年第8号' },
    });
    // Where it stands is not stored a second time.
    expect(await place.sql("SELECT FROM sampling_case_tracks WHERE track = 'PUBLICATION'")).toEqual([]);
  });

  it('once: of many at the same time one is taken, over HTTP and beside a report', async () => {
    await opened('P-2');
    await act('P-2', 'FINALISE');
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => act('P-2', 'PUBLISH', { documentNo: `2026年第${n}号` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(await said('P-2', 3)).toHaveLength(3);
    await Promise.all([2, 3, 4, 5].flatMap((revision) => [report('P-2', revision, PROVISIONAL), act('P-2', 'EMBARGO')]));
    const steps = (await found('P-2')).history;
    expect(steps.map(({ act: name }) => name)).toEqual(['FINALISE', 'PUBLISH', 'EMBARGO', ...steps.slice(3).map(({ act: name }) => name)]);
    for (const [place_, step] of steps.entries()) if (place_ > 0) expect(step.from).toBe(steps[place_ - 1]?.to);
    expect(steps.at(-1)?.to).toBe(state(await found('P-2')));
  });

  it('by nobody but its organiser, and not while whoever was served may object', async () => {
    await opened('P-3');
    await act('P-3', 'HAND_OVER', { party: 'SAMPLED_PARTY', departmentId: 'tj-heping' });
    expect((await act('P-3', 'FINALISE', {}, county)).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT' });
    expect((await act('P-3', 'FINALISE', { party: 'SAMPLED_PARTY' })).body).toMatchObject({ status: 422, code: 'PARTY_NOT_CONCERNED' });
    await act('P-3', 'SERVE', { party: 'SAMPLED_PARTY', mode: 'DELIVERED', sha256: HASH });
    expect((await act('P-3', 'FINALISE')).body).toMatchObject({ status: 422, code: 'OBJECTION_OPEN' });
    clock.set(new Date('2026-03-18T01:00:00.000Z'));
    expect((await act('P-3', 'FINALISE')).status).toBe(200);
    clock.set(new Date('2026-03-02T01:00:00.000Z'));
  });

  it('over Kafka as well, once', async () => {
    await opened('P-4');
    const step = { sampleNo: 'P-4', act: 'FINALISE', party: 'RESULT', on: '2026-03-02' } as const;
    for (const stepId of ['s-1', 's-1', 's-2']) await place.publish(SamplingCaseStepTaken, { ...step, stepId }, { owner: 'tj-amr' });
    const answered = await place
      .outside('tj-amr')
      .readUntil(topicOf(samplingStepAnswers, 'tj-amr'), (all) => all.filter(({ key }) => key === 'P-4').length >= 3 || all.length >= 3);
    expect(answered.map(({ body }) => body as unknown as SamplingStepAnswered)).toMatchObject([
      { outcome: 'accepted', party: 'RESULT', track: 'PUBLICATION', state: 'FINAL', allowed: [{ act: 'PUBLISH', by: ['ORGANISER'] }] },
      { outcome: 'duplicate' },
      { outcome: 'rejected', code: 'ACT_NOT_ALLOWED', state: 'FINAL' },
    ]);
    expect(await history('P-4')).toEqual(['FINALISE PROVISIONAL FINAL tj-amr ORGANISER by act']);
  });
});

describe('a later report', () => {
  it('without a notice leaves public what an act made public; a retraction takes it back, and it begins anew', async () => {
    await opened('P-5');
    await act('P-5', 'FINALISE');
    await act('P-5', 'PUBLISH');
    expect((await report('P-5', 2, { ...PROVISIONAL, sampledOn: '2026-02-01' })).body).toMatchObject({ status: 'PUBLISHED' });
    await organiser.post(`${RESULTS}/P-5/retraction`, { revision: 3, reason: '误报' });
    expect((await act('P-5', 'FINALISE')).body).toMatchObject({ status: 409, state: 'WITHDRAWN', allowed: [] });
    await report('P-5', 4, PROVISIONAL);
    expect(await said('P-5', 6)).toEqual([
      '1 SamplingResultNotified PROVISIONAL -',
      '2 SamplingResultNotified FINAL -',
      '3 SamplingResultPublished FINAL 2026年第7号',
      '4 SamplingResultPublished FINAL 2026年第7号',
      '5 SamplingResultWithdrawn FINAL 2026年第7号',
      '6 SamplingResultNotified PROVISIONAL -',
    ]);
    expect((await history('P-5')).slice(2)).toEqual([
      'WITHDRAW PUBLISHED WITHDRAWN tj-amr ORGANISER 3',
      'REPORT WITHDRAWN PROVISIONAL tj-amr ORGANISER 4',
    ]);
  });

  it('that makes it final, public, or takes it back is a step of its case, in one batch as well', async () => {
    await opened('P-6');
    const batch = [
      aReport({ sampleNo: 'P-6', revision: 2, revisionReason: 'FINALISED', regime: 'PRODUCT', notice: undefined }),
      aReport({ sampleNo: 'P-6', revision: 3, revisionReason: 'CORRECTED', regime: 'PRODUCT', notice: NOTICE }),
    ];
    await organiser.post(RESULTS, batch);
    await report('P-6', 4, { notice: undefined });
    expect(await history('P-6')).toEqual([
      'FINALISE PROVISIONAL FINAL tj-amr ORGANISER 2',
      'PUBLISH FINAL PUBLISHED tj-amr ORGANISER 3',
      'EMBARGO PUBLISHED FINAL tj-amr ORGANISER 4',
    ]);
    expect((await found('P-6')).history[1]).toMatchObject({
      on: '2026-03-02',
      facts: { documentNo: NOTICE.no },
      basis: expect.stringContaining('第十条') as string,
      takenAt: '2026-03-02T01:00:00.000Z',
    });
    // The day that is printed may be before the day of the report.
    expect((await act('P-6', 'PUBLISH', { on: '2026-03-01' })).status).toBe(200);
  });

  it('that still carries the notice of an embargo waits for a ruling', async () => {
    await opened('P-7', { finality: 'FINAL', notice: NOTICE });
    expect((await act('P-7', 'EMBARGO')).status).toBe(200);
    expect((await report('P-7', 2, { notice: NOTICE })).body).toMatchObject({
      status: 'NOTIFIED',
      warnings: [{ code: 'WAITS_FOR_RULING' }],
    });
    const ruling = { reportedRevision: 2, admitted: true, reason: '核对后' };
    expect((await organiser.post(`/api/inspection/waiting-reports/tj-amr/P-7/ruling`, ruling)).status).toBeLessThan(300);
    expect(await history('P-7')).toEqual(['EMBARGO PUBLISHED FINAL tj-amr ORGANISER by act', 'PUBLISH FINAL PUBLISHED tj-amr ORGANISER 2']);
    expect(await said('P-7', 4)).toHaveLength(4);
  });

  it('a re-inspection makes it final, and an annulment takes it back, as steps of the same track', async () => {
    await opened('P-8');
    const seller = { party: 'SAMPLED_PARTY', sha256: HASH };
    for (const [name, facts] of [
      ['SERVE', { mode: 'DELIVERED' }],
      ['FILE_OBJECTION', { ground: 'CONCLUSION' }],
      ['ADMIT_REINSPECTION', {}],
      ['COMPLETE_FORMALITIES', {}],
      ['CHOOSE_LABORATORY', { laboratory: { name: '国家质检中心' } }],
      ['RECORD_REINSPECTION', { verdict: 'UNQUALIFIED' }],
    ] as const)
      expect((await act('P-8', name, { ...seller, ...facts })).status).toBe(200);
    expect((await found('P-8')).history.at(-1)).toMatchObject({
      act: 'FINALISE',
      track: 'PUBLICATION',
      to: 'FINAL',
      basis: expect.stringContaining('第四十二条') as string,
    });
    await opened('P-9');
    await act('P-9', 'SERVE', { ...seller, mode: 'DELIVERED' });
    await act('P-9', 'FILE_OBJECTION', { ...seller, ground: 'AUTHENTICITY' });
    await act('P-9', 'DECIDE_OBJECTION', { ...seller, upheld: true });
    expect(await history('P-9')).toEqual(['WITHDRAW PROVISIONAL WITHDRAWN tj-amr ORGANISER by act']);
  });
});

it('a database that is set back knows again what was made public, by whom, and that a report leaves it so', async () => {
  const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  await opened('P-10');
  await isSent();
  await service.close();
  const setBack = await place.backUp();
  await start();
  await act('P-10', 'FINALISE');
  await act('P-10', 'PUBLISH');
  await report('P-10', 2, PROVISIONAL);
  await isSent();
  const before = await found('P-10');
  expect(state(before)).toBe('PUBLISHED');
  await service.close();
  await setBack();
  await start();
  expect(await found('P-10')).toEqual(before);
  expect((await report('P-10', 3, PROVISIONAL)).body).toMatchObject({ status: 'PUBLISHED' });
  expect((await act('P-10', 'EMBARGO')).status).toBe(200);
  expect((await history('P-10')).at(-1)).toBe('EMBARGO PUBLISHED FINAL tj-amr ORGANISER by act');
}, 120_000);
