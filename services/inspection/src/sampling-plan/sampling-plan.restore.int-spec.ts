/*
 * Annual plans on a database that is set back to a backup (ADR-0020): they stand as they stood, with everything that they were, rounds find
 * them, and the next step goes on from there.
 */
import { keptPlans, keptPlanSteps } from '@jinqiao/contracts';
import { eventually, type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { SamplingPlan, TakenPlanStep } from './sampling-plan.js';

const PLANS = '/api/inspection/plans';
const ROUNDS = '/api/inspection/sampling-rounds';
/** As many as a plan may have. */
const QUOTAS_MAX = 5_000;
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await start();
}, 60_000);
afterAll(() => service.close());

async function start(): Promise<void> {
  service = await startTestService(InspectionModule, place, { clock });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}
const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]), { within: 30_000 });
async function backedUp(): Promise<() => Promise<void>> {
  await isSent();
  await service.close();
  const restore = await place.backUp();
  await start();
  return async () => {
    await isSent();
    await service.close();
    await restore();
    await start();
  };
}

type Answered = SamplingPlan & { readonly history: TakenPlanStep[]; readonly code: string };
const quotas = (number: number, of = 1) =>
  Array.from({ length: of }, (_, n) => ({ category: `食品相关产品${n}`, divisionCode: '120101', riskClass: 'C', number }));
const aPlan = (planNo: string, its = quotas(4)) => ({ planNo, year: 2026, title: '年度监督抽查计划', quotas: its });
async function made(planNo: string, its = quotas(4)): Promise<string> {
  const { status, body } = await organiser.post<Answered>(PLANS, aPlan(planNo, its));
  expect(status).toBe(201);
  return body.planId;
}
async function amend(planId: string, revision: number, its: object[]): Promise<void> {
  const body = { revision, title: `第${revision}次调整`, quotas: its, reason: '市局调整' };
  expect((await organiser.put(`${PLANS}/${planId}`, body)).status).toBe(200);
}
const publish = async (planId: string): Promise<void> => expect((await organiser.post(`${PLANS}/${planId}/publication`)).status).toBe(200);
const seen = async (planId: string): Promise<Answered> => (await organiser.get<Answered>(`${PLANS}/${planId}`)).body;
const stepsOf = ({ history }: Answered): string[] => history.map(({ step, revision }) => `${step} ${revision}`);
const aRound = (planNo: string, roundNo: string, number: number) =>
  organiser.post<{ code: string }>(ROUNDS, {
    ...{ roundNo, title: roundNo, level: 'COUNTY', year: 2026, planNo, regime: 'PRODUCT', category: '食品相关产品0' },
    ...{ coverage: 'COMPLETE_ROUND', quotas: [{ divisionCode: '120101', riskClass: 'C', number }] },
  });

describe('a plan on a database that is set back', () => {
  it('stands as it was made, amended and published since, and goes on from there', async () => {
    const known = await made('1号');
    const setBack = await backedUp();
    await amend(known, 1, quotas(6));
    await publish(known);
    const since = await made('2号');
    await publish(since);
    expect((await aRound('2号', 'R-1', 3)).status).toBe(201);
    const before = [await seen(known), await seen(since)];
    await setBack();

    expect([await seen(known), await seen(since)]).toEqual(before);
    expect(stepsOf(await seen(known))).toEqual(['CREATE 1', 'AMEND 2', 'PUBLISH 2']);
    expect((await organiser.post<Answered>(PLANS, aPlan('2号'))).body).toMatchObject({ planId: since, state: 'PUBLISHED' });
    expect((await aRound('2号', 'R-2', 2)).body).toMatchObject({ status: 422, code: 'PLAN_QUOTA_EXCEEDED' });
    expect((await aRound('1号', 'R-3', 6)).status).toBe(201);
    await amend(known, 2, quotas(7));
    expect(stepsOf(await seen(known))).toEqual(['CREATE 1', 'AMEND 2', 'PUBLISH 2', 'AMEND 3']);
  }, 120_000);

  it('comes back with everything that it was, also where that is larger than a record', async () => {
    const setBack = await backedUp();
    const planId = await made('3号', quotas(1, QUOTAS_MAX));
    for (const revision of [1, 2, 3]) await amend(planId, revision, quotas(revision + 1, QUOTAS_MAX));
    const before = await seen(planId);
    expect(JSON.stringify(before.history).length).toBeGreaterThan(900_000);
    await setBack();

    expect(await seen(planId)).toEqual(before);
  }, 120_000);

  it('says with its next step those that were taken before they were kept', async () => {
    const planId = await made('4号');
    await isSent();
    await place.sql('UPDATE sampling_plan_steps SET kept_revision = 0 WHERE plan_id = $1', [planId]);
    await place.sql('UPDATE sampling_plans SET kept_revision = 0 WHERE plan_id = $1', [planId]);
    await publish(planId);
    await isSent();

    const said = async (topic: string): Promise<string[]> =>
      (await place.readAll(topic)).flatMap(({ key }) => (key?.startsWith(planId) ? [key] : [])).sort();
    expect(await said(keptPlans.topic)).toEqual([planId, planId]);
    expect(await said(keptPlanSteps.topic)).toEqual([`${planId}:1`, `${planId}:1`, `${planId}:2`]);
  }, 60_000);
});
