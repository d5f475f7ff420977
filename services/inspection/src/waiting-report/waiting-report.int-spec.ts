/*
 * What is decided in a case becomes a revision of its result; a report that would undo it waits for a person. On a real database and broker.
 */
import { OrganisationRegistered, samplingNotices, type SamplingResultReported, samplingResults } from '@jinqiao/contracts';
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
import type { WaitingReport } from './waiting-report.service.js';

const RESULTS = '/api/inspection/sampling-results';
const CASES = '/api/inspection/sampling-cases';
const WAITING = '/api/inspection/waiting-reports';
const HASH = 'c'.repeat(64);
const clock = new StandingClock(new Date('2026-11-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let county: Http;
let province: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  const of = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
  [organiser, county, province] = [await of('tj-amr'), await of('tj-heping'), await of('tj-province')];
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const directory = {
    organisationId: 'tj-province',
    kind: 'DEPARTMENT',
    name: '省局',
    scopes: ['level:PROVINCE'],
    revision: 1,
  } as const;
  await place.publish(OrganisationRegistered, { ...directory, scopes: [...directory.scopes] });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());

const UNQUALIFIED = {
  regime: 'PRODUCT',
  finality: 'PROVISIONAL',
  verdict: 'UNQUALIFIED',
  failingItems: [{ item: '铅' }],
  notice: undefined,
} satisfies Changes<SamplingResultReported>;
const report = (sampleNo: string, revision = 1, changes: object = {}) =>
  organiser.post<{ warnings: { code: string }[]; status: string; outcome: string }>(
    RESULTS,
    aReport({ sampleNo, revision, ...(revision > 1 && { revisionReason: 'CORRECTED' as const }), ...UNQUALIFIED, ...changes }),
  );
async function act(as: Http, sampleNo: string, name: string, facts: object = {}): Promise<void> {
  const step = { act: name, party: 'SAMPLED_PARTY', on: '2026-11-02', sha256: HASH, reason: '理由', ...facts };
  const { status, body } = await as.post(`${CASES}/tj-amr/${sampleNo}/acts`, step);
  expect({ status, body: status === 200 ? '' : body }).toEqual({ status: 200, body: '' });
}
async function reversed(sampleNo: string, by = organiser): Promise<void> {
  await report(sampleNo);
  await organiser.post(CASES, { sampleNo });
  await act(organiser, sampleNo, 'SERVE', { mode: 'DELIVERED' });
  await act(by, sampleNo, 'FILE_OBJECTION', { ground: 'CONCLUSION' });
  await act(by, sampleNo, 'ADMIT_REINSPECTION');
  await act(by, sampleNo, 'COMPLETE_FORMALITIES');
  await act(by, sampleNo, 'CHOOSE_LABORATORY', { laboratory: { name: '国家质检中心' } });
  await act(by, sampleNo, 'RECORD_REINSPECTION', { verdict: 'QUALIFIED' });
}
const rule = (as: Http, sampleNo: string, admitted: boolean, reportedRevision = 2) =>
  as.post<{ code: string }>(`${WAITING}/tj-amr/${sampleNo}/ruling`, { reportedRevision, admitted, reason: '核对后' });
const waits = async (as: Http): Promise<string[]> =>
  (await as.get<{ items: WaitingReport[] }>(WAITING)).body.items.map(({ sampleNo, reportedRevision }) => `${sampleNo} ${reportedRevision}`);
async function said(sampleNo: string, least: number): Promise<string[]> {
  let all: { type: string; body: { revision: number; verdict: string } }[] = [];
  await eventually(async () => {
    const read = [...(await place.readAll(samplingNotices.topic)), ...(await place.readAll(samplingResults.topic))];
    all = read
      .filter(({ key }) => key === `tj-amr:${sampleNo}`)
      .map(({ headers, body }) => ({ type: headers['ce_type'] ?? '', body: body as { revision: number; verdict: string } }));
    expect(all.length).toBeGreaterThanOrEqual(least);
  });
  return all.map(({ type, body }) => `${body.revision} ${type.split('.').at(-1) ?? ''} ${body.verdict}`).sort();
}

describe('what is decided in a case', () => {
  it('is the next revision of its result: a re-inspection turns the verdict', async () => {
    await reversed('W-1');
    expect(await said('W-1', 2)).toEqual(['1 SamplingResultNotified UNQUALIFIED', '2 SamplingResultNotified QUALIFIED']);
    const { body } = await organiser.get<{ result: { state: object } }>(`${RESULTS}/W-1`);
    expect(body.result.state).toMatchObject({
      finality: 'FINAL',
      decisions: [{ kind: 'REINSPECTION', party: 'SAMPLED_PARTY', by: 'ORGANISER' }],
    });
    const handed = { act: 'HAND_OVER', party: 'SAMPLED_PARTY', on: '2026-11-02', departmentId: 'tj-heping' };
    expect((await organiser.post(`${CASES}/tj-amr/W-1/acts`, handed)).body).toMatchObject({ status: 422, code: 'NOTHING_TO_HANDLE' });
  });

  it('that the sampling was not as it should be takes the result back', async () => {
    await report('W-2');
    await organiser.post(CASES, { sampleNo: 'W-2' });
    await act(organiser, 'W-2', 'SERVE', { mode: 'DELIVERED' });
    await act(organiser, 'W-2', 'FILE_OBJECTION', { ground: 'AUTHENTICITY' });
    await act(organiser, 'W-2', 'DECIDE_OBJECTION', { upheld: true });
    expect(await said('W-2', 2)).toEqual(['1 SamplingResultNotified UNQUALIFIED', '2 SamplingNoticeWithdrawn UNQUALIFIED']);
    expect((await report('W-2', 2)).body).toMatchObject({
      outcome: 'accepted',
      status: 'WITHDRAWN',
      warnings: [{ code: 'WAITS_FOR_RULING' }],
    });
  });

  it('is decided once: of many at the same time one becomes a revision', async () => {
    await report('W-3');
    await organiser.post(CASES, { sampleNo: 'W-3' });
    await act(organiser, 'W-3', 'HAND_OVER', { departmentId: 'tj-heping' });
    await act(county, 'W-3', 'ORDER_CORRECTION', { documentNo: '责改1号' });
    const passed = { act: 'RECORD_RECHECK', party: 'SAMPLED_PARTY', on: '2026-11-02', passed: true };
    const papers = ['a', 'b', 'c', 'd', 'e'].map((digit) => ({ sha256: digit.repeat(64) }));
    const answers = await Promise.all(papers.map((paper) => county.post(`${CASES}/tj-amr/W-3/acts`, { ...passed, ...paper })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(await said('W-3', 2)).toEqual(['1 SamplingResultNotified UNQUALIFIED', '2 SamplingResultNotified UNQUALIFIED']);
  });
});

describe('a report that would undo it', () => {
  it('waits for a person, whoever reads the result sees no difference', async () => {
    await reversed('W-4');
    expect((await report('W-4', 2)).body).toMatchObject({
      outcome: 'accepted',
      warnings: [{ code: 'WAITS_FOR_RULING', pointer: '/revision' }],
    });
    expect((await report('W-4', 2)).body).toMatchObject({ outcome: 'duplicate' });
    expect(await waits(organiser)).toContain('W-4 2');
    expect(await waits(auditor)).toContain('W-4 2');
    expect(await waits(province)).toContain('W-4 2');
    expect(await waits(county)).toEqual([]);
    expect((await rule(county, 'W-4', true)).body).toMatchObject({ status: 409, code: 'NOTHING_WAITS' });
    expect((await rule(organiser, 'W-4', false)).status).toBe(204);
    expect((await rule(organiser, 'W-4', true)).body).toMatchObject({ status: 409, code: 'NOTHING_WAITS' });
    expect(await waits(organiser)).not.toContain('W-4 2');
    expect(await said('W-4', 2)).toHaveLength(2);
    expect(await place.sql(`SELECT admitted, actor_id, reason FROM waiting_reports WHERE sample_no = 'W-4'`)).toEqual([
      { admitted: false, actor_id: 'tj-amr', reason: '核对后' },
    ]);
  });

  it('holds once it is admitted, and then the next one does as well', async () => {
    await reversed('W-5');
    await report('W-5', 2);
    expect((await rule(organiser, 'W-5', true)).status).toBe(204);
    await report('W-5', 3, { product: { name: '玩具车' } });
    expect(await said('W-5', 4)).toEqual([
      '1 SamplingResultNotified UNQUALIFIED',
      '2 SamplingResultNotified QUALIFIED',
      '3 SamplingResultNotified UNQUALIFIED',
      '4 SamplingResultNotified UNQUALIFIED',
    ]);
  });

  it('is followed by the next one, which is ruled on for itself', async () => {
    await reversed('W-6');
    await report('W-6', 2);
    await report('W-6', 3, { product: { name: '玩具车' } });
    expect((await waits(organiser)).filter((one) => one.startsWith('W-6'))).toEqual(['W-6 3']);
    expect((await rule(organiser, 'W-6', true, 2)).body).toMatchObject({ status: 409, code: 'NOTHING_WAITS' });
    await report('W-6', 4, { verdict: 'QUALIFIED', failingItems: undefined });
    expect((await waits(organiser)).filter((one) => one.startsWith('W-6'))).toEqual([]);
    expect(await said('W-6', 3)).toEqual([
      '1 SamplingResultNotified UNQUALIFIED',
      '2 SamplingResultNotified QUALIFIED',
      '3 SamplingResultNotified QUALIFIED',
    ]);
  });

  it('against what the province decided is admitted by the province alone', async () => {
    await reversed('W-7', province);
    await report('W-7', 2);
    expect((await rule(organiser, 'W-7', true)).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT', by: ['PROVINCE'] });
    const answers = await Promise.all([rule(province, 'W-7', true), rule(province, 'W-7', false), rule(province, 'W-7', true)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409, 409]);
  });
});
