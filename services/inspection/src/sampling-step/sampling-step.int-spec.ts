/*
 * Departments that keep a system of their own report the steps of samples and cases on their topics: each is judged as over HTTP, taken
 * once, and answered. Every test ends with a step that is answered, and waits for that one: records of one topic are handled in order.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  SamplingCaseOpened,
  SamplingCaseStepTaken,
  SamplingSheetOpened,
  SamplingSheetStepTaken,
  type SamplingStepAnswered,
  samplingStepAnswers,
  samplingStepIntake,
  topicOf,
  typeOf,
} from '@jinqiao/contracts';
import {
  aReport,
  type Http,
  type OutsideMessage,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { SamplingCase } from '../sampling-case/sampling-case.service.js';
import { seedHashOf } from '../sampling-round/draw.js';
import type { Assignment, SamplingRound } from '../sampling-round/sampling-round.js';
import type { SamplingSheet } from '../sampling-sheet/sampling-sheet.service.js';
import type { RejectedStep } from './sampling-step.service.js';

const API = '/api/inspection';
const HASH = 'c'.repeat(64);
const SEED = 'an organiser’s seed that nobody guesses';
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let round: { readonly roundId: string; readonly assignments: readonly Assignment[] };

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  round = await aRound();
}, 60_000);
afterAll(() => service.close());

async function aRound(): Promise<typeof round> {
  const plan = { roundNo: 'K-1', title: '日用品', level: 'COUNTY', year: 2026, regime: 'PRODUCT', category: '日用品' };
  const quotas = [{ divisionCode: '120101', riskClass: 'C', number: 4 }];
  const { roundId } = (await organiser.post<SamplingRound>(`${API}/sampling-rounds`, { ...plan, coverage: 'COMPLETE_ROUND', quotas })).body;
  const at = `${API}/sampling-rounds/${roundId}`;
  const methods = [{ item: '铅', method: 'GB 31604.34' }];
  await organiser.put(`${at}/rules`, { title: '细则', url: 'https://scjg.tj.gov.cn/1', sha256: HASH, methods });
  await organiser.post(`${at}/draw`, {
    objects: [1, 2, 3, 4].map((n) => ({ id: `firm-${n}`, name: `第${n}号商店`, divisionCode: '120101', riskClass: 'C' })),
    inspectors: [1, 2, 3].map((n) => ({ id: `i-${n}`, employerId: 'tj-credit' })),
    laboratories: [{ id: 'tj-lab', employerId: 'institute-1' }],
    seedHash: seedHashOf(SEED),
    publicValue: { source: '双色球2026023期', at: '2026-03-02T13:15:00Z' },
  });
  clock.set(new Date('2026-03-03T02:00:00.000Z'));
  await organiser.post(`${at}/draw/revelation`, { seed: SEED, publicValue: '03 11 + 07' });
  return { roundId, assignments: (await organiser.get<Assignment[]>(`${at}/draw/assignments`)).body };
}

type StepType = typeof SamplingSheetOpened | typeof SamplingSheetStepTaken | typeof SamplingCaseOpened | typeof SamplingCaseStepTaken;
const step = (
  type: StepType,
  value: { sampleNo: string; stepId: string } & Readonly<Record<string, unknown>>,
  as = 'tj-amr',
  ce_id: string = randomUUID(),
): OutsideMessage => ({
  key: value.sampleNo,
  headers: {
    ce_specversion: '1.0',
    ce_id,
    ce_source: `/departments/${as}/sampling-system`,
    ce_type: typeOf(type),
    ce_time: '2026-03-03T02:00:00Z',
    'content-type': 'application/json',
  },
  value,
});
const send = (messages: OutsideMessage[], as = 'tj-amr') => place.outside(as).produce(topicOf(samplingStepIntake, as), messages);

/** The answers to the steps of these ids, in their order, once there are so many. */
async function answers(stepIds: readonly string[], { as = 'tj-amr', count = stepIds.length } = {}): Promise<SamplingStepAnswered[]> {
  const own = (all: readonly { body: unknown }[]) =>
    all.map(({ body }) => body as SamplingStepAnswered).filter(({ stepId }) => stepIds.includes(stepId));
  const read = await place.outside(as).readUntil(topicOf(samplingStepAnswers, as), (all) => own(all).length >= count, { within: 30_000 });
  return own(read);
}

const sheetOf = async (sampleNo: string): Promise<SamplingSheet> =>
  (await organiser.get<SamplingSheet>(`${API}/sampling-sheets/tj-amr/${sampleNo}`)).body;
const caseOf = async (sampleNo: string): Promise<SamplingCase> =>
  (await organiser.get<SamplingCase>(`${API}/sampling-cases/tj-amr/${sampleNo}`)).body;
async function prove(sampleNo: string, ...types: string[]): Promise<void> {
  for (const type of types) {
    const form = new FormData();
    form.append('file', new Blob([randomBytes(64)]), 'file');
    expect((await organiser.post(`${API}/sampling-sheets/tj-amr/${sampleNo}/evidence?type=${type}`, form)).status).toBe(201);
  }
}

const opening = (sampleNo: string, nth: number) => ({
  stepId: `${sampleNo}/open`,
  sampleNo,
  roundId: round.roundId,
  objectId: round.assignments[nth]?.id ?? '',
});
const beginning = (sampleNo: string, nth: number) => ({
  stepId: `${sampleNo}/begin`,
  sampleNo,
  act: 'BEGIN_SAMPLING',
  on: '2026-03-03',
  mode: 'ON_SITE',
  documentNo: '通知1号',
  samplers: (round.assignments[nth]?.inspectorIds ?? []).map((inspectorId) => ({ inspectorId })),
});
const sealing = (sampleNo: string) => ({
  stepId: `${sampleNo}/seal`,
  sampleNo,
  act: 'SEAL_SAMPLE',
  on: '2026-03-03',
  sample: {
    product: { name: '儿童水杯', brand: '示例牌' },
    fromForSale: true,
    stock: 20,
    testQuantity: 3,
    backupQuantity: 2,
    unit: '个',
    testSeal: 'F-001',
    backupSeal: 'F-002',
    testPriceFen: 5_970,
    testPaidFen: 5_970,
  },
});
const deadLetters = (key: string) =>
  place.sql<{ code: string; pointer: string }>('SELECT code, pointer FROM dead_letters WHERE key = $1 ORDER BY id', [key]);

describe('the steps of a sample', () => {
  it('are taken in their order, and each is answered with how the sheet stands and what may be done', async () => {
    const finding = { stepId: 'S-1/ill', sampleNo: 'S-1', act: 'RECORD_NOT_SAMPLED', on: '2026-03-03', ground: 'CLOSED', reason: '停业' };
    await send([
      step(SamplingSheetOpened, opening('S-1', 0)),
      step(SamplingSheetStepTaken, beginning('S-1', 0)),
      step(SamplingSheetStepTaken, { ...finding, colour: 'red' }),
    ]);
    const [open, begin, closed] = await answers(['S-1/open', 'S-1/begin', 'S-1/ill']);
    expect(open).toMatchObject({ matter: 'SHEET', subject: 'tj-amr:S-1', outcome: 'accepted', state: 'DRAWN', revision: 1 });
    expect(open?.allowed).toContainEqual({ act: 'BEGIN_SAMPLING', by: ['ORGANISER'] });
    expect(begin).toMatchObject({ outcome: 'accepted', state: 'SAMPLING' });
    expect(closed).toMatchObject({ outcome: 'accepted', state: 'NOT_SAMPLED', allowed: [], unknownFields: ['/colour'] });
    expect((await sheetOf('S-1')).history.map(({ act, actorId }) => `${act} ${actorId}`)).toEqual([
      'OPEN tj-amr',
      'BEGIN_SAMPLING tj-amr',
      'RECORD_NOT_SAMPLED tj-amr',
    ]);
    expect(await deadLetters('S-1')).toEqual([]);
  });

  it('that are refused change nothing, say why, how it stands and what is allowed to whom; what follows is taken', async () => {
    await send([
      step(SamplingSheetOpened, opening('S-2', 1)),
      step(SamplingSheetStepTaken, sealing('S-2')),
      step(SamplingSheetStepTaken, beginning('S-2', 1)),
    ]);
    const [, early, begin] = await answers(['S-2/open', 'S-2/seal', 'S-2/begin']);
    expect(early).toMatchObject({ outcome: 'rejected', code: 'ACT_NOT_ALLOWED', state: 'DRAWN' });
    expect(early?.allowed).toEqual([
      { act: 'BEGIN_SAMPLING', by: ['ORGANISER'] },
      { act: 'RECORD_NOT_SAMPLED', by: ['ORGANISER', 'SAMPLER'] },
    ]);
    expect(begin).toMatchObject({ outcome: 'accepted', state: 'SAMPLING' });

    await send([step(SamplingSheetStepTaken, { ...sealing('S-2'), revision: 2 })]);
    const unproven = (await answers(['S-2/seal'], { count: 2 }))[1];
    expect(unproven).toMatchObject({ outcome: 'rejected', code: 'EVIDENCE_MISSING', state: 'SAMPLING', revision: 2 });
    expect(unproven?.errors?.map(({ code }) => code)).toEqual(['EVIDENCE_MISSING', 'EVIDENCE_MISSING']);

    // The same step again, once it can be proven: what was refused was not taken.
    await prove('S-2', 'SHEET_SCAN', 'PHOTO');
    await send([step(SamplingSheetStepTaken, { ...sealing('S-2'), revision: 3 })]);
    expect((await answers(['S-2/seal'], { count: 3 }))[2]).toMatchObject({ outcome: 'accepted', state: 'SAMPLE_SEALED', revision: 3 });
    expect((await deadLetters('S-2')).map(({ code }) => code)).toEqual(['ACT_NOT_ALLOWED', 'EVIDENCE_MISSING']);
    const { body } = await organiser.get<RejectedStep[]>(`${API}/sampling-steps/S-2/rejections`);
    expect(body.map(({ code }) => code)).toEqual(['EVIDENCE_MISSING', 'ACT_NOT_ALLOWED']);
  });

  it('have one effect when they come twice, and an id has one step', async () => {
    const again = step(SamplingSheetStepTaken, beginning('S-3', 2));
    await send([
      step(SamplingSheetOpened, opening('S-3', 2)),
      again,
      again,
      step(SamplingSheetStepTaken, beginning('S-3', 2)),
      step(SamplingSheetStepTaken, { ...beginning('S-3', 2), documentNo: '通知2号' }),
      step(SamplingSheetOpened, opening('S-3', 2)),
    ]);
    await answers(['S-3/open'], { count: 2 });
    const all = await answers(['S-3/open', 'S-3/begin'], { count: 5 });
    expect(all.map(({ stepId, outcome, code }) => `${stepId} ${outcome} ${code ?? ''}`.trim())).toEqual([
      'S-3/open accepted',
      'S-3/begin accepted',
      'S-3/begin duplicate',
      'S-3/begin rejected STEP_ID_REUSED',
      'S-3/open duplicate',
    ]);
    expect((await sheetOf('S-3')).history.map(({ act }) => act)).toEqual(['OPEN', 'BEGIN_SAMPLING']);
  });

  it('are the same whether they come by topic or over HTTP', async () => {
    const { stepId: _stepId, sampleNo, ...begin } = beginning('S-4', 3);
    await organiser.post(`${API}/sampling-sheets`, { sampleNo, roundId: round.roundId, objectId: opening('S-4', 3).objectId });
    await organiser.post(`${API}/sampling-sheets/tj-amr/S-4/acts`, begin);
    await send([step(SamplingSheetStepTaken, beginning('S-4', 3))]);
    expect((await answers(['S-4/begin']))[0]).toMatchObject({ outcome: 'duplicate', state: 'SAMPLING' });
    expect((await sheetOf('S-4')).history).toHaveLength(2);
  });
});

describe('a record that breaks the contract', () => {
  it.each([
    ['has an act that there is none of', { act: 'PAINT' }, 'NOT_IN_CODE_LIST', '/act'],
    ['lacks its id', { stepId: undefined }, 'FIELD_MISSING', '/stepId'],
  ])('because it %s is a dead letter that its sender can ask for; the next is taken', async (name, broken, code, pointer) => {
    const sampleNo = `B-${name.length}`;
    await send([
      step(SamplingSheetStepTaken, { ...beginning(sampleNo, 0), ...broken } as ReturnType<typeof beginning>),
      step(SamplingSheetStepTaken, { ...beginning(sampleNo, 0), stepId: `${sampleNo}/next` }),
    ]);
    expect((await answers([`${sampleNo}/next`]))[0]).toMatchObject({ outcome: 'rejected', code: 'SHEET_UNKNOWN' });
    expect(await deadLetters(sampleNo)).toEqual([
      { code, pointer },
      { code: 'SHEET_UNKNOWN', pointer: '' },
    ]);
    const { body } = await organiser.get<RejectedStep[]>(`${API}/sampling-steps/${sampleNo}/rejections`);
    expect(body).toContainEqual(expect.objectContaining({ code, pointer }));
  });

  it('leaves the process alive', () => {
    expect(service.ends).toEqual([]);
  });
});

describe('the steps of a case', () => {
  const act = (sampleNo: string, name: string, facts: object = {}) => ({
    stepId: `${sampleNo}/${name}`,
    sampleNo,
    act: name,
    party: 'SAMPLED_PARTY',
    on: '2026-03-03',
    ...facts,
  });

  it('are taken of whoever is competent, each on its own topic', async () => {
    const facts = { regime: 'PRODUCT', verdict: 'UNQUALIFIED', failingItems: [{ item: '铅' }], sampledParty: { name: '示例商店' } };
    await organiser.post(`${API}/sampling-results`, aReport({ sampleNo: 'C-1', ...facts } as Parameters<typeof aReport>[0]));
    await send([
      step(SamplingCaseOpened, { stepId: 'C-1/open', sampleNo: 'C-1' }),
      step(SamplingCaseStepTaken, act('C-1', 'SERVE', { mode: 'DELIVERED', sha256: HASH })),
      step(SamplingCaseStepTaken, act('C-1', 'HAND_OVER', { departmentId: 'tj-credit' })),
      step(SamplingCaseStepTaken, act('C-1', 'ORDER_CORRECTION', { documentNo: '责改1号' })),
    ]);
    const [open, serve, handOver, order] = await answers(['C-1/open', 'C-1/SERVE', 'C-1/HAND_OVER', 'C-1/ORDER_CORRECTION']);
    expect(open).toMatchObject({ matter: 'CASE', subject: 'tj-amr:C-1', outcome: 'accepted' });
    expect(serve).toMatchObject({ outcome: 'accepted', party: 'SAMPLED_PARTY', track: 'SERVICE', state: 'SERVED' });
    expect(handOver).toMatchObject({ outcome: 'accepted', track: 'HANDLING', state: 'HANDED_OVER' });
    expect(order).toMatchObject({ outcome: 'rejected', code: 'NOT_COMPETENT', by: ['RECEIVER'], state: 'HANDED_OVER' });

    const ordered = { ...act('C-1', 'ORDER_CORRECTION', { documentNo: '责改1号' }), reporterId: 'tj-amr' };
    const sent = [step(SamplingCaseStepTaken, ordered, 'tj-credit'), step(SamplingCaseStepTaken, ordered, 'tj-credit')];
    await send(sent, 'tj-credit');
    const taken = await answers(['C-1/ORDER_CORRECTION'], { as: 'tj-credit', count: 2 });
    expect(taken.map(({ outcome, state }) => `${outcome} ${state ?? ''}`)).toEqual([
      'accepted CORRECTION_ORDERED',
      'duplicate CORRECTION_ORDERED',
    ]);
    const { history, clocks } = await caseOf('C-1');
    expect(history.map(({ act: done, actorId }) => `${done} ${actorId}`)).toEqual([
      'SERVE tj-amr',
      'HAND_OVER tj-amr',
      'ORDER_CORRECTION tj-credit',
    ]);
    expect(clocks.map(({ clock: name }) => name).sort()).toEqual(['CORRECTION', 'FIRST_RECHECK', 'OBJECTION', 'SERVICE', 'SERVICE']);
  });

  it('do not tell a stranger that there is a case', async () => {
    await organiser.post(`${API}/sampling-results`, aReport({ sampleNo: 'C-2' }));
    await organiser.post(`${API}/sampling-cases`, { sampleNo: 'C-2' });
    const serve = { ...act('C-2', 'SERVE', { mode: 'DELIVERED', sha256: HASH }), reporterId: 'tj-amr' };
    await send([step(SamplingCaseStepTaken, serve, 'tj-credit')], 'tj-credit');
    const [answer] = await answers(['C-2/SERVE'], { as: 'tj-credit' });
    expect(answer).toMatchObject({ outcome: 'rejected', code: 'CASE_UNKNOWN' });
    expect(answer).not.toHaveProperty('state');
  });
});

describe('the topics', () => {
  it('are written by their owner alone, and answers read by their owner alone', async () => {
    const other = place.outside('tj-credit');
    const message = step(SamplingSheetOpened, opening('X-1', 0));
    await expect(other.produce(topicOf(samplingStepIntake, 'tj-amr'), [message])).rejects.toThrow(/not authorized/i);
    await expect(other.readAll(topicOf(samplingStepAnswers, 'tj-amr'))).rejects.toThrow(/not authorized/i);
    await expect(other.produce(topicOf(samplingStepAnswers, 'tj-credit'), [message])).rejects.toThrow(/not authorized/i);
  });
});
