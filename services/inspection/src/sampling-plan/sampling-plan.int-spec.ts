/*
 * Annual plans over HTTP on a real database: made, amended and published with their history, carried out by rounds that take no more than is
 * left, also at the same time, and what became of them by category and area.
 */
import { aReport, type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import { seedHashOf } from '../sampling-round/draw.js';
import type { Assignment, PlannedRound } from '../sampling-round/sampling-round.js';
import type { PlanCoverage, SamplingPlan, TakenPlanStep } from './sampling-plan.js';

const PLANS = '/api/inspection/plans';
const ROUNDS = '/api/inspection/sampling-rounds';
const SEED = 'an organiser’s seed that nobody guesses';
const START = new Date('2026-03-02T01:00:00.000Z');
const clock = new StandingClock(START);
let place: Place;
let service: TestService;
let organiser: Http;
let other: Http;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  [organiser, other] = [place.http(await place.token('DEPARTMENT', 'tj-amr')), place.http(await place.token('DEPARTMENT', 'tj-heping'))];
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(START));

const quota = (changes: object = {}) => ({ category: '日用品', divisionCode: '120101', riskClass: 'C', number: 4, ...changes });
const aPlan = (planNo: string, quotas: object[] = [quota(), quota({ divisionCode: '120116', riskClass: 'D', number: 2 })]) => ({
  planNo,
  year: 2026,
  title: '2026年度监督抽查计划',
  quotas,
});
const aRound = (roundNo: string, planNo: string | undefined, number: number, changes: object = {}) => ({
  roundNo,
  title: roundNo,
  level: 'COUNTY',
  year: 2026,
  ...(planNo !== undefined && { planNo }),
  regime: 'PRODUCT',
  category: '日用品',
  coverage: 'COMPLETE_ROUND',
  quotas: [{ divisionCode: '120101', riskClass: 'C', number }],
  ...changes,
});
type Answered = SamplingPlan & { readonly history: TakenPlanStep[]; readonly code: string };
async function published(planNo: string, quotas?: object[]): Promise<string> {
  const { status, body } = await organiser.post<Answered>(PLANS, aPlan(planNo, quotas));
  expect(status).toBe(201);
  expect((await organiser.post(`${PLANS}/${body.planId}/publication`)).status).toBe(200);
  return body.planId;
}
const plan = (body: object) => organiser.post<PlannedRound & { code: string; errors: object[] }>(ROUNDS, body);

describe('a plan', () => {
  it('is made once, amended with a reason, published, and keeps everything that it was', async () => {
    const { body: made } = await organiser.post<Answered>(PLANS, aPlan('1号'));
    expect(made).toMatchObject({ organiserId: 'tj-amr', state: 'DRAFT', revision: 1, history: [{ step: 'CREATE', reason: null }] });
    expect((await organiser.post<Answered>(PLANS, aPlan('1号'))).body).toEqual(made);
    expect((await organiser.post(PLANS, aPlan('1号', [quota()]))).body).toMatchObject({ status: 409, code: 'PLAN_CONFLICT' });

    const amended = { revision: 1, title: '调整后', quotas: [quota({ number: 6 })], reason: '增加批次' };
    const at = `${PLANS}/${made.planId}`;
    expect((await organiser.put(at, { ...amended, quotas: [quota(), quota()] })).body).toMatchObject({
      status: 422,
      code: 'PLAN_UNACCEPTABLE',
      errors: [{ code: 'QUOTA_TWICE', pointer: '/quotas/1' }],
    });
    expect((await other.put(at, amended)).body).toMatchObject({ status: 404, code: 'PLAN_UNKNOWN' });
    expect((await organiser.put<Answered>(at, amended)).body).toMatchObject({ revision: 2, title: '调整后' });
    expect((await organiser.put(at, amended)).body).toMatchObject({ status: 409, code: 'PLAN_CHANGED', revision: 2 });
    await Promise.all([1, 2, 3].map(() => organiser.post(`${at}/publication`)));
    const { history } = (await organiser.get<Answered>(at)).body;
    expect(history.map(({ step, revision, content }) => `${step} ${revision} ${content.quotas[0]?.number}`)).toEqual([
      'CREATE 1 4',
      'AMEND 2 6',
      'PUBLISH 2 6',
    ]);
    expect((await organiser.post<Answered>(PLANS, aPlan('1号'))).body).toMatchObject({ planId: made.planId, revision: 2 });
  });

  it('is seen by other departments once it is published, without the classes of risk', async () => {
    const { body: draft } = await organiser.post<Answered>(PLANS, aPlan('2号'));
    const at = `${PLANS}/${draft.planId}`;
    expect((await other.get(at)).body).toMatchObject({ status: 404, code: 'PLAN_UNKNOWN' });
    expect(JSON.stringify((await other.get(`${PLANS}?limit=500`)).body)).not.toContain(draft.planId);
    await organiser.post(`${at}/publication`);
    expect((await other.get<Answered>(at)).body.quotas[0]).toEqual({ category: '日用品', divisionCode: '120101', number: 4 });
    expect((await other.put(at, { revision: 1, title: 't', quotas: [quota()], reason: 'r' })).body).toMatchObject({
      code: 'PLAN_NOT_YOURS',
    });
    expect((await other.get(`${at}/coverage`)).status).toBe(403);
    expect(JSON.stringify((await operator.get(at)).body)).not.toContain('riskClass');
    expect((await other.get(`${PLANS}/no-uuid`)).body).toMatchObject({ status: 404, code: 'PLAN_UNKNOWN' });
  });
});

describe('a round', () => {
  it('takes what is left of its plan and leaves no trace where it would take more', async () => {
    const planId = await published('3号');
    expect((await plan(aRound('P-0', undefined, 1))).body.warnings).toMatchObject([{ code: 'PLAN_NOT_NAMED' }]);
    expect((await plan(aRound('P-1', 'none', 1))).body).toMatchObject({
      status: 422,
      code: 'PLAN_UNKNOWN',
      errors: [{ pointer: '/planNo' }],
    });
    expect((await plan(aRound('P-1', '3号', 3))).body).toMatchObject({ planNo: '3号', warnings: [] });
    expect((await plan(aRound('P-2', '3号', 2))).body).toMatchObject({
      status: 422,
      code: 'PLAN_QUOTA_EXCEEDED',
      errors: [{ pointer: '/quotas/0/number' }],
    });
    // The same again is the same, and takes nothing twice.
    expect((await plan(aRound('P-1', '3号', 3))).body.warnings).toEqual([]);
    expect((await plan(aRound('P-2', '3号', 9, { exemption: 'EMERGENCY' }))).body.warnings).toMatchObject([
      { code: 'PLAN_QUOTA_EXCEEDED' },
    ]);
    const below = { revision: 1, title: 't', quotas: [quota({ number: 2 })], reason: 'r' };
    expect((await organiser.put(`${PLANS}/${planId}`, below)).body).toMatchObject({ errors: [{ code: 'QUOTA_BELOW_ROUNDS' }] });
    const { body: last } = await plan(aRound('P-3', '3号', 1));
    await organiser.post(`${ROUNDS}/${last.roundId}/cancellation`, { reason: '取消' });
    expect((await plan(aRound('P-4', '3号', 1))).status).toBe(201);
  });

  it('takes the last of a plan once, however many are planned at the same time', async () => {
    await published('4号');
    const race = await Promise.all(Array.from({ length: 8 }, (_, n) => plan(aRound(`Q-${n}`, '4号', 1))));
    expect(race.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 422, 422, 422, 422]);
  });
});

describe('coverage', () => {
  it('tells by category and area what was planned, drawn, sampled and reported, also outside of the plan', async () => {
    const planId = await published('5号');
    const { roundId } = (await plan(aRound('V-1', '5号', 2))).body;
    const methods = [{ item: '铅', method: 'GB 31604.34' }];
    await organiser.put(`${ROUNDS}/${roundId}/rules`, { title: '细则', url: 'https://scjg.tj.gov.cn/1', sha256: 'b'.repeat(64), methods });
    await organiser.post(`${ROUNDS}/${roundId}/draw`, {
      objects: Array.from({ length: 4 }, (_, n) => ({ id: `firm-${n}`, name: `${n}`, divisionCode: '120101', riskClass: 'C' })),
      inspectors: [1, 2, 3].map((n) => ({ id: `i-${n}`, employerId: 'tj-heping' })),
      laboratories: [{ id: 'tj-lab', employerId: 'institute-1' }],
      seedHash: seedHashOf(SEED),
      publicValue: { source: '双色球2026023期', at: '2026-03-02T13:15:00Z' },
    });
    clock.set(new Date('2026-03-03T02:00:00.000Z'));
    await organiser.post(`${ROUNDS}/${roundId}/draw/revelation`, { seed: SEED, publicValue: '03 11 + 07' });
    const [first] = (await organiser.get<Assignment[]>(`${ROUNDS}/${roundId}/draw/assignments`)).body;
    await organiser.post('/api/inspection/sampling-sheets', { sampleNo: 'V-1-1', roundId, objectId: first?.id });
    const closed = { act: 'RECORD_NOT_SAMPLED', on: '2026-03-03', ground: 'CLOSED', reason: '已关门' };
    await organiser.post('/api/inspection/sampling-sheets/tj-amr/V-1-1/acts', closed);
    expect((await organiser.post(`${ROUNDS}/${roundId}/draw/replacements`, { objectId: first?.id })).status).toBe(200);
    const reported = (sampleNo: string, divisionCode: string) =>
      aReport({ sampleNo, round: { no: 'V-1' }, sampledOn: '2026-03-02', sampledParty: { name: '店', divisionCode } });
    for (const report of [reported('V-2', '120101'), reported('V-3', '120104'), aReport({ sampleNo: 'V-4', round: { no: 'V-9' } })])
      expect((await organiser.post('/api/inspection/sampling-results', report)).status).toBe(200);

    const { body } = await organiser.get<PlanCoverage>(`${PLANS}/${planId}/coverage`);
    const cell = (divisionCode: string, figures: object) => ({ category: '日用品', divisionCode, ...figures });
    expect(body.cells).toEqual([
      cell('120101', { planned: 4, inRounds: 2, drawn: 3, sampled: 1, reported: 1 }),
      cell('120104', { planned: 0, inRounds: 0, drawn: 0, sampled: 1, reported: 1 }),
      cell('120116', { planned: 2, inRounds: 0, drawn: 0, sampled: 0, reported: 0 }),
    ]);
    expect(body).toMatchObject({ rounds: [{ roundNo: 'V-1', state: 'DRAWN' }], total: { planned: 6, inRounds: 2, drawn: 3, reported: 2 } });
  });
});
