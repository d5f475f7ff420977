/*
 * Sampling sheets over HTTP on a real database: a sample of food taken on site and a product bought online from their draw to a published
 * result, who may do and see what, one outcome of a race, what was not sampled, and what is not done in time.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectionDeadlines, OrganisationRegistered, samplingNotices, samplingResults } from '@jinqiao/contracts';
import { FOOD_SAMPLING } from '@jinqiao/law';
import {
  aReport,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { DeadlineJob } from '../deadline/deadline.job.js';
import type { Evidence, EvidenceType } from '../evidence/evidence.js';
import { InspectionModule } from '../inspection.module.js';
import { seedHashOf } from '../sampling-round/draw.js';
import type { Assignment, DrawRecord, SamplingRound } from '../sampling-round/sampling-round.js';
import type { RoundProgress, SamplingSheet, SheetSummary } from './sampling-sheet.service.js';

const TOOL = join(__dirname, '../../../../tools/verify-draw.mjs');
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-replaced-'));
const ROUNDS = '/api/inspection/sampling-rounds';
const SHEETS = '/api/inspection/sampling-sheets';
const SEED = 'an organiser’s seed that nobody guesses';
const START = new Date('2026-03-02T01:00:00.000Z');
const DRAWN = new Date('2026-03-03T02:00:00.000Z');
const clock = new StandingClock(START);
let place: Place;
let service: TestService;
let organiser: Http;
let body: Http;
let county: Http;
let laboratory: Http;
let otherLaboratory: Http;
let auditor: Http;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  const of = async (kind: 'DEPARTMENT' | 'LABORATORY' | 'AUDITOR' | 'OPERATOR', id: string): Promise<Http> =>
    place.http(await place.token(kind, id));
  [organiser, body, county] = [await of('DEPARTMENT', 'tj-amr'), await of('DEPARTMENT', 'tj-heping'), await of('DEPARTMENT', 'tj-nankai')];
  [laboratory, otherLaboratory] = [await of('LABORATORY', 'tj-lab'), await of('LABORATORY', 'tj-lab-2')];
  [auditor, operator] = [await of('AUDITOR', 'tj-audit'), await of('OPERATOR', 'operator')];
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
});

interface DrawnRound {
  readonly roundId: string;
  readonly assignments: readonly Assignment[];
}

interface Pool {
  readonly pool?: number;
  /** Of the last of the pool. */
  readonly product?: object;
}

/** A round with its draw of three objects, of a pool of so many; it is the day after. */
async function aRound(roundNo: string, changes: object = {}, { pool = 3, product }: Pool = {}): Promise<DrawnRound> {
  clock.set(START);
  const number = 3;
  const quotas = [{ divisionCode: '120101', riskClass: 'C', number }];
  const plan = {
    roundNo,
    title: roundNo,
    level: 'COUNTY',
    year: 2026,
    regime: 'PRODUCT',
    category: '日用品',
    coverage: 'COMPLETE_ROUND',
    quotas,
  };
  const { roundId } = (await organiser.post<SamplingRound>(ROUNDS, { ...plan, ...changes })).body;
  const rules = {
    title: '细则',
    url: 'https://scjg.tj.gov.cn/1',
    sha256: 'b'.repeat(64),
    methods: [{ item: '铅', method: 'GB 31604.34' }],
  };
  await organiser.put(`${ROUNDS}/${roundId}/rules`, rules);
  const objects = Array.from({ length: pool }, (_, n) => ({
    id: `firm-${n + 1}`,
    name: `第${n + 1}号商店`,
    divisionCode: '120101',
    riskClass: 'C',
    ...(n === pool - 1 && { product }),
  }));
  await organiser.post(`${ROUNDS}/${roundId}/draw`, {
    objects,
    inspectors: [1, 2, 3].map((n) => ({ id: `i-${n}`, employerId: 'tj-heping' })),
    laboratories: [{ id: 'tj-lab', employerId: 'institute-1' }],
    seedHash: seedHashOf(SEED),
    publicValue: { source: '双色球2026023期', at: '2026-03-02T13:15:00Z' },
  });
  clock.set(DRAWN);
  expect((await organiser.post(`${ROUNDS}/${roundId}/draw/revelation`, { seed: SEED, publicValue: '03 11 + 07' })).status).toBe(200);
  return { roundId, assignments: (await organiser.get<Assignment[]>(`${ROUNDS}/${roundId}/draw/assignments`)).body };
}

type Answered = SamplingSheet & { code: string; missingEvidence: unknown };
const open = (sampleNo: string, { roundId, assignments }: DrawnRound, nth = 0, as = organiser) =>
  as.post<Answered>(SHEETS, { sampleNo, roundId, objectId: assignments[nth]?.id });
const act = (as: Http, sampleNo: string, name: string, facts: object = {}) =>
  as.post<Answered>(`${SHEETS}/tj-amr/${sampleNo}/acts`, { act: name, on: clock.now().toISOString().slice(0, 10), ...facts });
const sheetOf = (as: Http, sampleNo: string) => as.get<SamplingSheet>(`${SHEETS}/tj-amr/${sampleNo}`);
async function prove(as: Http, sampleNo: string, ...types: EvidenceType[]): Promise<string> {
  let sha256 = '';
  for (const type of types) {
    const form = new FormData();
    form.append('file', new Blob([randomBytes(64)]), 'file');
    const answer = await as.post<Evidence>(`${SHEETS}/tj-amr/${sampleNo}/evidence?type=${type}`, form);
    expect(answer.status).toBe(201);
    sha256 = answer.body.sha256;
  }
  return sha256;
}

const SAMPLE = {
  product: { name: '儿童水杯', brand: '示例牌' },
  nominalProducer: { name: '示例企业', divisionCode: '330100' },
  fromForSale: true,
  stock: 20,
  testQuantity: 3,
  backupQuantity: 2,
  unit: '个',
  testSeal: 'F-001',
  backupSeal: 'F-002',
  testPriceFen: 5_970,
  testPaidFen: 5_970,
};
const SEALS = { testSeal: 'F-001', backupSeal: 'F-002', sealsIntact: true };
const REPORT = {
  reportNo: 'J-1',
  issuedOn: '2026-03-03',
  laboratory: { name: '市质检院' },
  verdict: 'UNQUALIFIED',
  items: [
    { item: '铅', measured: '0.9', limit: '0.5', unit: 'mg/kg', passed: false },
    { item: '镉', passed: true },
  ],
};
const samplersOf = ({ assignments }: DrawnRound, nth = 0) => (assignments[nth]?.inspectorIds ?? []).map((inspectorId) => ({ inspectorId }));

async function begun(sampleNo: string, round: DrawnRound, { nth = 0, mode = 'ON_SITE' } = {}): Promise<void> {
  expect((await open(sampleNo, round, nth)).status).toBe(201);
  const begin = { mode, samplers: samplersOf(round, nth), documentNo: '通知1号' };
  expect((await act(organiser, sampleNo, 'BEGIN_SAMPLING', begin)).status).toBe(200);
}
async function sealed(sampleNo: string, round: DrawnRound, nth = 0): Promise<void> {
  await begun(sampleNo, round, { nth });
  await prove(body, sampleNo, 'SHEET_SCAN', 'PHOTO');
  expect((await act(body, sampleNo, 'SEAL_SAMPLE', { sample: SAMPLE })).status).toBe(200);
}
async function testing(sampleNo: string, round: DrawnRound, nth = 0): Promise<string> {
  await sealed(sampleNo, round, nth);
  expect((await act(laboratory, sampleNo, 'RECEIVE_SAMPLE', SEALS)).status).toBe(200);
  expect((await act(laboratory, sampleNo, 'BEGIN_TESTING', { licence: 'NOT_REQUIRED' })).status).toBe(200);
  return prove(laboratory, sampleNo, 'REPORT');
}
const said = async (topic: string, sampleNo: string): Promise<Record<string, unknown>[]> => {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  return (await place.readAll(topic)).filter(({ key }) => key === `tj-amr:${sampleNo}`).map(({ body: said }) => said ?? {});
};

describe('a sample of food taken on site', () => {
  it('goes from its draw over seals and laboratory to a result, each step with its actor and basis', async () => {
    const round = await aRound('F-1', { regime: 'FOOD' });
    expect((await open('F-1', round, 0, county)).body).toMatchObject({ status: 403, code: 'ROUND_NOT_YOURS' });
    await begun('F-1', round);
    const sample = { ...SAMPLE, product: { name: '单晶冰糖', category: '食糖' } };
    expect((await act(body, 'F-1', 'SEAL_SAMPLE', { sample })).body).toMatchObject({
      status: 422,
      code: 'EVIDENCE_MISSING',
      missingEvidence: [['SHEET_SCAN'], ['PHOTO', 'VIDEO']],
    });
    await prove(body, 'F-1', 'SHEET_SCAN', 'VIDEO');
    expect((await sheetOf(laboratory, 'F-1')).status).toBe(404);
    expect((await act(body, 'F-1', 'SEAL_SAMPLE', { sample })).body.state).toBe('SAMPLE_SEALED');
    expect((await act(laboratory, 'F-1', 'RECEIVE_SAMPLE', SEALS)).body.state).toBe('LAB_RECEIVED');
    await act(laboratory, 'F-1', 'BEGIN_TESTING', { licence: 'VALID' });
    const sha256 = await prove(laboratory, 'F-1', 'REPORT');
    expect((await act(laboratory, 'F-1', 'REPORT', { report: REPORT, sha256 })).body.state).toBe('REPORTED');
    expect(await said(samplingNotices.topic, 'F-1')).toEqual([]);

    const { body: sheet } = await act(organiser, 'F-1', 'CONFIRM');
    expect(sheet).toMatchObject({ state: 'CONFIRMED', resultRevision: 1, allowed: [] });
    expect(sheet.history.map((step) => `${step.act} ${step.from} ${step.to} ${step.actorId} ${step.competence}`)).toEqual([
      'OPEN null DRAWN tj-amr ORGANISER',
      'BEGIN_SAMPLING DRAWN SAMPLING tj-amr ORGANISER',
      'SEAL_SAMPLE SAMPLING SAMPLE_SEALED tj-heping SAMPLER',
      'RECEIVE_SAMPLE SAMPLE_SEALED LAB_RECEIVED tj-lab LABORATORY',
      'BEGIN_TESTING LAB_RECEIVED TESTING tj-lab LABORATORY',
      'REPORT TESTING REPORTED tj-lab LABORATORY',
      'CONFIRM REPORTED CONFIRMED tj-amr ORGANISER',
    ]);
    expect(sheet.history[2]).toMatchObject({ basis: expect.stringContaining('食品安全抽样检验管理办法') as string, on: '2026-03-03' });
    expect(sheet.clocks.map(({ clock: name, dueOn, state }) => `${name} ${dueOn} ${state}`)).toEqual([
      'SAMPLE_DELIVERY 2026-03-10 MET',
      'TEST_REPORT 2026-03-31 MET',
    ]);
  });

  it('has a result like every reported one: told, with a case, and public with its notice', async () => {
    const result = { sampleNo: 'F-1', regime: 'FOOD', finality: 'PROVISIONAL', verdict: 'UNQUALIFIED', sampledOn: '2026-03-03' } as const;
    expect(await said(samplingNotices.topic, 'F-1')).toEqual([
      expect.objectContaining({
        ...result,
        reporterId: 'tj-amr',
        revision: 1,
        failingItems: [{ item: '铅', measured: '0.9', limit: '0.5', unit: 'mg/kg' }],
      }),
    ]);
    expect((await organiser.post('/api/inspection/sampling-cases', { sampleNo: 'F-1' })).status).toBe(201);
    const published = aReport({ ...result, revision: 2, revisionReason: 'FINALISED', finality: 'FINAL', notice: { no: '2026年第9号' } });
    expect((await organiser.post('/api/inspection/sampling-results', published)).body).toMatchObject({
      outcome: 'accepted',
      status: 'PUBLISHED',
    });
    expect(await said(samplingResults.topic, 'F-1')).toEqual([
      expect.objectContaining({ revision: 2, verdict: 'UNQUALIFIED', finality: 'FINAL' }),
    ]);
  });

  it('may be tested on the spot; whoever objects within four hours has a laboratory test it again, and that is final', async () => {
    const round = await aRound('F-2', { regime: 'FOOD' });
    await begun('F-2', round);
    await prove(body, 'F-2', 'SHEET_SCAN', 'PHOTO');
    const { testSeal: _test, backupSeal: _backup, ...sealed } = SAMPLE;
    const sample = { ...sealed, product: { ...SAMPLE.product, category: '食用农产品' } };
    const facts = { sample, report: { ...REPORT, laboratory: undefined }, toldAt: '2026-03-03T01:30:00Z' };
    const { body: sheet } = await act(body, 'F-2', 'TEST_ON_SITE', facts);
    expect(sheet).toMatchObject({ state: 'TESTED_ON_SITE', clocks: [{ dueAt: '2026-03-03T05:30:00.000Z', state: 'RUNNING' }] });
    expect((await act(organiser, 'F-2', 'CONFIRM')).body).toMatchObject({ status: 422, code: 'OBJECTION_OPEN' });
    expect((await act(body, 'F-2', 'FILE_OBJECTION', { filedAt: '2026-03-03T01:45:00Z' })).body.state).toBe('REINSPECTION_DUE');
    await act(body, 'F-2', 'SEAL_SAMPLE', { sample: SAMPLE });
    await act(laboratory, 'F-2', 'RECEIVE_SAMPLE', SEALS);
    await act(laboratory, 'F-2', 'BEGIN_TESTING', { licence: 'NOT_REQUIRED' });
    const sha256 = await prove(laboratory, 'F-2', 'REPORT');
    await act(laboratory, 'F-2', 'REPORT', { report: REPORT, sha256 });
    expect((await act(organiser, 'F-2', 'CONFIRM')).body).toMatchObject({ state: 'CONFIRMED', allowed: [] });
    expect(await said(samplingNotices.topic, 'F-2')).toMatchObject([{ verdict: 'UNQUALIFIED', finality: 'FINAL' }]);

    const cases = '/api/inspection/sampling-cases';
    await organiser.post(cases, { sampleNo: 'F-2' });
    const of = { party: 'SAMPLED_PARTY', on: '2026-03-03', sha256, mode: 'DELIVERED', ground: 'CONCLUSION' };
    const inCase = (name: string) => organiser.post<{ code: string }>(`${cases}/tj-amr/F-2/acts`, { ...of, act: name });
    expect([(await inCase('SERVE')).status, (await inCase('FILE_OBJECTION')).body.code]).toEqual([200, 'OBJECTION_LATE']);
  });
});

describe('a product bought online', () => {
  const PURCHASE = {
    platformName: '京东',
    shopName: '第1号商店',
    listings: [{ url: 'https://item.example.cn/1' }],
    orderNo: 'D-77',
    buyerAccount: 'buyer-7',
    paymentAccount: 'P-3',
    orderedOn: '2026-03-03',
    receivedOn: '2026-03-03',
  };

  it('is proven from the screenshot to the film, tested and told without order and account', async () => {
    const round = await aRound('P-1');
    const nth = round.assignments.findIndex(({ name }) => name === PURCHASE.shopName);
    await begun('P-1', round, { nth, mode: 'ONLINE' });
    const facts = { sample: { ...SAMPLE, backupPaidFen: 3_980 }, purchase: PURCHASE };
    const screenshot = await prove(organiser, 'P-1', 'SHEET_SCAN', 'SCREENSHOT');
    const payment = await prove(organiser, 'P-1', 'ORDER', 'PAYMENT');
    expect((await act(body, 'P-1', 'SEAL_SAMPLE', facts)).body).toMatchObject({
      code: 'EVIDENCE_MISSING',
      missingEvidence: [['UNPACKING_FILM']],
    });
    await prove(body, 'P-1', 'UNPACKING_FILM');
    expect((await act(body, 'P-1', 'SEAL_SAMPLE', { ...facts, sample: SAMPLE })).body.code).toBe('NOT_BOUGHT');
    expect((await act(body, 'P-1', 'SEAL_SAMPLE', facts)).body).toMatchObject({ state: 'SAMPLE_SEALED', purchase: PURCHASE, clocks: [] });

    for (const [who, sees] of [
      [organiser, true],
      [body, true],
      [auditor, true],
      [laboratory, false],
      [operator, false],
    ] as const)
      expect(JSON.stringify((await sheetOf(who, 'P-1')).body).includes('buyer-7')).toBe(sees);
    const readsOf = async (who: Http): Promise<number[]> =>
      Promise.all([screenshot, payment].map(async (sha256) => (await who.get(`${SHEETS}/tj-amr/P-1/evidence/${sha256}`)).status));
    // A screenshot shows the shop.
    expect([await readsOf(body), await readsOf(laboratory)]).toEqual([
      [200, 200],
      [404, 404],
    ]);

    await act(laboratory, 'P-1', 'RECEIVE_SAMPLE', SEALS);
    await act(laboratory, 'P-1', 'BEGIN_TESTING', { licence: 'NOT_REQUIRED' });
    const sha256 = await prove(laboratory, 'P-1', 'REPORT');
    await act(laboratory, 'P-1', 'REPORT', { report: REPORT, sha256 });
    expect((await act(organiser, 'P-1', 'RETURN_REPORT', { reason: '检验项目遗漏' })).body).toMatchObject({
      state: 'TESTING',
      report: null,
    });
    const items = [{ item: '铅', passed: true }];
    await act(laboratory, 'P-1', 'REPORT', { report: { ...REPORT, verdict: 'QUALIFIED', items }, sha256 });
    expect((await act(organiser, 'P-1', 'CONFIRM')).body.state).toBe('CONFIRMED');
    const [told, ...more] = await said(samplingNotices.topic, 'P-1');
    expect(more).toEqual([]);
    expect(told).toMatchObject({
      verdict: 'QUALIFIED',
      online: { platformName: '京东', shopName: '第1号商店', listings: PURCHASE.listings },
    });
    expect(JSON.stringify(told)).not.toMatch(/D-77|buyer-7|P-3/);
  });
});

describe('a sheet', () => {
  it('is one for each object that was drawn, and is opened once', async () => {
    const round = await aRound('O-1');
    const { body: first } = await open('O-1', round);
    expect(first).toMatchObject({ state: 'DRAWN', laboratoryId: 'tj-lab', object: { id: round.assignments[0]?.id } });
    expect(JSON.stringify(first)).not.toContain('riskClass');
    expect((await open('O-1', round)).body).toEqual(first);
    expect((await open('O-1', round, 1)).body).toMatchObject({ status: 409, code: 'SHEET_CONFLICT' });
    expect((await open('O-1b', round)).body).toMatchObject({ status: 409, code: 'OBJECT_HAS_SHEET' });
    const unknown = { sampleNo: 'O-2', roundId: round.roundId, objectId: 'firm-9' };
    expect((await organiser.post(SHEETS, unknown)).body).toMatchObject({ status: 422, code: 'OBJECT_NOT_DRAWN' });
    const answers = await Promise.all(['O-3', 'O-4', 'O-5'].map((sampleNo) => open(sampleNo, round, 2)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  it('refuses what is not done now, says what is and by whom, and changes nothing', async () => {
    const round = await aRound('O-6');
    await sealed('O-6', round);
    const before = (await sheetOf(organiser, 'O-6')).body;
    expect((await act(laboratory, 'O-6', 'REPORT', { report: REPORT, sha256: 'a'.repeat(64) })).body).toMatchObject({
      status: 409,
      code: 'ACT_NOT_ALLOWED',
      state: 'SAMPLE_SEALED',
      allowed: [
        { act: 'RECEIVE_SAMPLE', by: ['LABORATORY'] },
        { act: 'REJECT_SAMPLE', by: ['LABORATORY'] },
      ],
    });
    expect((await act(organiser, 'O-6', 'RECEIVE_SAMPLE', SEALS)).body).toMatchObject({
      status: 403,
      code: 'NOT_COMPETENT',
      by: ['LABORATORY'],
    });
    expect((await act(laboratory, 'O-6', 'RECEIVE_SAMPLE', { ...SEALS, testSeal: 'X' })).body).toMatchObject({
      status: 422,
      code: 'SEAL_MISMATCH',
    });
    expect((await act(laboratory, 'O-6', 'DANCE')).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await sheetOf(organiser, 'O-6')).body).toEqual(before);
  });

  it('is seen by those who have a part in it, and evidence is no business of the operator', async () => {
    const round = await aRound('O-7');
    await begun('O-7', round);
    const seenBy = async (): Promise<number[]> =>
      Promise.all(
        [organiser, body, laboratory, otherLaboratory, county, auditor, operator].map(async (who) => (await sheetOf(who, 'O-7')).status),
      );
    const listed = async (as: Http): Promise<boolean> =>
      (await as.get<{ items: SheetSummary[] }>(`${SHEETS}?limit=500`)).body.items.some(({ sampleNo }) => sampleNo === 'O-7');
    expect(await seenBy()).toEqual([200, 200, 404, 404, 404, 200, 200]);
    expect(await Promise.all([organiser, body, laboratory, county, auditor].map(listed))).toEqual([true, true, false, false, true]);
    const sha256 = await prove(body, 'O-7', 'PHOTO', 'SHEET_SCAN');
    await act(body, 'O-7', 'SEAL_SAMPLE', { sample: SAMPLE });
    expect(await seenBy()).toEqual([200, 200, 200, 404, 404, 200, 200]);
    const readBy = async (...all: Http[]): Promise<number[]> =>
      Promise.all(all.map(async (who) => (await who.get(`${SHEETS}/tj-amr/O-7/evidence/${sha256}`)).status));
    expect(await readBy(organiser, body, laboratory, otherLaboratory, county, auditor, operator)).toEqual([
      200, 200, 200, 404, 404, 200, 403,
    ]);
    await act(laboratory, 'O-7', 'RECEIVE_SAMPLE', SEALS);
    expect((await act(body, 'O-7', 'FIND_ILLEGAL', { departmentId: 'tj-nankai', reason: '无生产许可' })).body.state).toBe('ILLEGAL_FOUND');
    expect(await readBy(county)).toEqual([200]);
    expect(await listed(county)).toBe(true);
    expect((await act(county, 'O-7', 'CONFIRM')).body.code).toBe('NOT_COMPETENT');
  });

  it('that a laboratory rejects ends as a result that was not tested', async () => {
    const round = await aRound('O-8');
    await sealed('O-8', round);
    const reason = '封条破损';
    expect((await act(laboratory, 'O-8', 'REJECT_SAMPLE', { reason, sha256: 'a'.repeat(64) })).body.code).toBe('EVIDENCE_NOT_HERE');
    const sha256 = await prove(laboratory, 'O-8', 'LAB_REJECTION');
    expect((await act(laboratory, 'O-8', 'REJECT_SAMPLE', { reason, sha256 })).body.state).toBe('LAB_REJECTED');
    await act(organiser, 'O-8', 'CONFIRM');
    expect(await said(samplingNotices.topic, 'O-8')).toEqual([
      expect.objectContaining({ verdict: 'NOT_TESTED', notTestedReason: 'LAB_REJECTED' }),
    ]);
  });

  it('does not take back a result that is public already', async () => {
    const round = await aRound('O-9');
    const sha256 = await testing('O-9', round);
    await act(laboratory, 'O-9', 'REPORT', { report: REPORT, sha256 });
    await organiser.post('/api/inspection/sampling-results', aReport({ sampleNo: 'O-9' }));
    expect((await act(organiser, 'O-9', 'CONFIRM')).body).toMatchObject({ status: 409, code: 'RESULT_IS_PUBLIC' });
    expect((await sheetOf(organiser, 'O-9')).body).toMatchObject({ state: 'REPORTED', resultRevision: null });
    expect(await said(samplingNotices.topic, 'O-9')).toEqual([]);
  });

  it('after an earlier result under embargo is the next revision of it', async () => {
    const round = await aRound('O-10');
    const sha256 = await testing('O-10', round);
    await act(laboratory, 'O-10', 'REPORT', { report: REPORT, sha256 });
    const early = aReport({ sampleNo: 'O-10', finality: 'PROVISIONAL', notice: undefined });
    expect((await organiser.post('/api/inspection/sampling-results', early)).body).toMatchObject({ status: 'NOTIFIED' });
    expect((await act(organiser, 'O-10', 'CONFIRM')).body.resultRevision).toBe(2);
    expect((await said(samplingNotices.topic, 'O-10')).map(({ revision, reportedRevision }) => [revision, reportedRevision])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });
});

describe('a race', () => {
  it('of receiving and rejecting, also by another laboratory, has one outcome', async () => {
    const round = await aRound('C-1');
    await sealed('C-1', round);
    const sha256 = await prove(laboratory, 'C-1', 'LAB_REJECTION');
    const answers = await Promise.all([
      act(laboratory, 'C-1', 'RECEIVE_SAMPLE', SEALS),
      act(laboratory, 'C-1', 'REJECT_SAMPLE', { reason: '量不足', sha256 }),
      act(otherLaboratory, 'C-1', 'RECEIVE_SAMPLE', SEALS),
    ]);
    const [received, rejected, foreign] = answers.map(({ status }) => status);
    expect([received, rejected].sort()).toEqual([200, 409]);
    expect(foreign).toBe(404);
    expect((await sheetOf(organiser, 'C-1')).body.history.filter(({ actorId }) => actorId === 'tj-lab')).toHaveLength(1);
  });

  it('of two reports has one outcome, and the same report twice is one', async () => {
    const round = await aRound('C-2');
    const sha256 = await testing('C-2', round);
    const reported = (reportNo: string) => act(laboratory, 'C-2', 'REPORT', { report: { ...REPORT, reportNo }, sha256 });
    const answers = await Promise.all(['J-1', 'J-2', 'J-1', 'J-2', 'J-1', 'J-2'].map(reported));
    const kept = (await sheetOf(organiser, 'C-2')).body;
    expect(kept.history.filter((step) => step.act === 'REPORT')).toHaveLength(1);
    const expected = ['J-1', 'J-2', 'J-1', 'J-2', 'J-1', 'J-2'].map((reportNo) => (reportNo === kept.report?.reportNo ? 200 : 409));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    await act(organiser, 'C-2', 'CONFIRM');
    // An answer that was lost is asked for again, also when others have gone on.
    expect((await act(laboratory, 'C-2', 'REPORT', { report: kept.report, sha256 })).body.state).toBe('CONFIRMED');
  });

  it('of confirmations makes one result', async () => {
    const round = await aRound('C-3');
    const sha256 = await testing('C-3', round);
    await act(laboratory, 'C-3', 'REPORT', { report: REPORT, sha256 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => act(organiser, 'C-3', 'CONFIRM')));
    expect(answers.map(({ status, body: sheet }) => `${status} ${sheet.resultRevision}`)).toEqual(Array(4).fill('200 1'));
    expect(await said(samplingNotices.topic, 'C-3')).toHaveLength(1);
  });
});

describe('a round', () => {
  it('counts what was not sampled as drawn, with its reason, for its organiser', async () => {
    const round = await aRound('N-1');
    const { roundId } = round;
    await begun('N-1', round);
    expect((await act(body, 'N-1', 'RECORD_NOT_SAMPLED', { ground: 'EXPORT_ONLY', reason: '仅供出口' })).body.code).toBe(
      'EVIDENCE_MISSING',
    );
    await prove(body, 'N-1', 'DOCUMENT');
    expect((await act(body, 'N-1', 'RECORD_NOT_SAMPLED', { ground: 'EXPORT_ONLY', reason: '仅供出口' })).body.state).toBe('NOT_SAMPLED');
    await open('N-2', round, 1);
    const progress = async (as: Http) => as.get<RoundProgress>(`${ROUNDS}/${roundId}/sampling`);
    expect((await progress(organiser)).body).toMatchObject({
      drawn: 3,
      withoutSheet: 1,
      states: { DRAWN: 1, NOT_SAMPLED: 1, CONFIRMED: 0 },
      notSampled: { EXPORT_ONLY: 1 },
    });
    expect([(await progress(auditor)).status, (await progress(county)).status, (await progress(laboratory)).status]).toEqual([
      200, 403, 403,
    ]);
    const own = await organiser.get<{ items: SheetSummary[] }>(`${SHEETS}?roundId=${roundId}&state=NOT_SAMPLED`);
    expect(own.body.items.map(({ sampleNo }) => sampleNo)).toEqual(['N-1']);
  });

  it('replaces what could not be sampled by the next of its stratum, with the reason on record, until it is opened', async () => {
    const round = await aRound('E-1', {}, { pool: 4 });
    const { roundId, assignments } = round;
    const [first, second, third] = assignments.map(({ id }) => id);
    const replace = (objectId: string | undefined, as = organiser) =>
      as.post<Assignment & { code: string }>(`${ROUNDS}/${roundId}/draw/replacements`, { objectId });
    const record = async (): Promise<DrawRecord> => (await place.http().get<DrawRecord>(`${ROUNDS}/${roundId}/draw`)).body;
    const before = await record();
    await open('E-1', round);
    expect((await replace(first)).body).toMatchObject({ status: 422, code: 'REPLACEMENT_WITHOUT_REASON', state: 'DRAWN' });
    expect((await replace('firm-9')).body).toMatchObject({ status: 422, code: 'OBJECT_NOT_DRAWN' });
    await open('E-2', round, 1);
    await prove(organiser, 'E-2', 'PHOTO');
    await act(organiser, 'E-2', 'RECORD_NOT_SAMPLED', { ground: 'REFUSED', reason: '拒绝' });
    expect((await replace(second)).body).toMatchObject({ status: 422, code: 'REFUSAL_NOT_REPLACED' });
    expect(await record()).toEqual(before);

    await act(organiser, 'E-1', 'RECORD_NOT_SAMPLED', { ground: 'CLOSED', reason: '已关门' });
    expect((await replace(first, county)).body).toMatchObject({ status: 403, code: 'ROUND_NOT_YOURS' });
    const race = await Promise.all([replace(first), replace(first), replace(first)]);
    expect(race.map(({ status, body: { replaces } }) => `${status} ${replaces}`)).toEqual(Array(3).fill(`200 ${first}`));
    const next = race[0].body;
    expect(assignments.map(({ id }) => id)).not.toContain(next.id);
    const { replacements } = await record();
    expect(replacements).toMatchObject([{ ground: 'CLOSED', stratum: 1, previousHash: before.announcementHash }]);
    expect(JSON.stringify(replacements)).not.toMatch(/firm-|商店|已关门/);
    expect((await organiser.get<RoundProgress>(`${ROUNDS}/${roundId}/sampling`)).body).toMatchObject({ drawn: 4, replaced: 1 });

    expect((await organiser.post<Answered>(SHEETS, { sampleNo: 'E-4', roundId, objectId: next.id })).status).toBe(201);
    await act(organiser, 'E-4', 'RECORD_NOT_SAMPLED', { ground: 'NOT_OFFERED', reason: '无此产品' });
    expect((await replace(next.id)).body).toMatchObject({ status: 409, code: 'STRATUM_EXHAUSTED', stratum: 1, objects: 4 });
    const opened = () => organiser.post(`${ROUNDS}/${roundId}/draw/opening`);
    expect(await opened()).toMatchObject({ status: 409, body: { code: 'DRAW_NOT_SAMPLED', objectIds: [third] } });
    await open('E-3', round, 2);
    await act(organiser, 'E-3', 'RECORD_NOT_SAMPLED', { ground: 'CLOSED', reason: '已关门' });
    expect((await opened()).status).toBe(200);
    expect((await replace(third)).body).toMatchObject({ status: 409, code: 'ROUND_STEP_NOT_ALLOWED', state: 'OPENED' });

    const file = join(folder, 'record.json');
    writeFileSync(file, JSON.stringify(await record()));
    const { status, stdout } = spawnSync(process.execPath, [TOOL, file, '--announcement', before.announcementHash], { encoding: 'utf8' });
    expect({ status, firms: stdout.match(/^drawn: /gm)?.length }).toEqual({ status: 0, firms: 4 });
    expect(stdout).toContain('CLOSED');
  });

  it('lists its sheets page by page', async () => {
    const all = (await organiser.get<{ items: SheetSummary[] }>(`${SHEETS}?limit=500`)).body.items;
    const paged: SheetSummary[] = [];
    for (let cursor = ''; ;) {
      const { body: page } = await organiser.get<{ items: SheetSummary[]; next: string | null }>(`${SHEETS}?limit=3${cursor}`);
      paged.push(...page.items);
      if (page.next === null) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    expect(paged).toEqual(all);
  });
});

it('is not sealed of a product that was sampled within six months, unless its round is exempt', async () => {
  const product = { ...SAMPLE.product, standard: 'GB 4806.9', spec: '400 mL' };
  const sample = { ...SAMPLE, product, nominalProducer: { ...SAMPLE.nominalProducer, uscc: testUscc(77) } };
  const sealed = async (sampleNo: string, changes: object) => {
    await begun(sampleNo, await aRound(sampleNo, changes));
    await prove(body, sampleNo, 'SHEET_SCAN', 'PHOTO');
    return act(body, sampleNo, 'SEAL_SAMPLE', { sample });
  };
  expect(await sealed('Z-1', {})).toMatchObject({ status: 200 });
  expect(await sealed('Z-2', {})).toMatchObject({
    status: 422,
    body: { errors: [{ code: 'SAMPLED_BEFORE', pointer: '/sample/product' }] },
  });
  expect((await act(body, 'Z-2', 'SEAL_SAMPLE', { sample: { ...sample, product: { ...product, spec: '500 mL' } } })).status).toBe(200);
  expect(await sealed('Z-3', { exemption: 'EMERGENCY' })).toMatchObject({ status: 200 });
});

describe('a merchant', () => {
  const merchant = async (n: number): Promise<Http> => {
    const [id, uscc] = [`merchant-${n}`, testUscc(n)];
    await place.publish(OrganisationRegistered, { organisationId: id, kind: 'MERCHANT', name: id, uscc, revision: 1 });
    await eventually(async () => expect(await place.sql('SELECT FROM followed_organisations WHERE uscc = $1', [uscc])).toHaveLength(1));
    return place.http(await place.token('MERCHANT', id));
  };
  const listed = async (as: Http): Promise<object[]> => (await as.get<{ items: SheetSummary[] }>(`${SHEETS}?limit=500`)).body.items;

  it('sees its sample from the seal on, and what was found once the notice was served', async () => {
    const [seller, producer] = [await merchant(1), await merchant(2)];
    const round = await aRound('W-1');
    const sampledParty = { name: round.assignments[0]?.name, uscc: testUscc(1) };
    const sample = { ...SAMPLE, sampledParty, nominalProducer: { name: '示例企业', uscc: testUscc(2) } };
    await begun('W-1', round);
    expect((await sheetOf(seller, 'W-1')).body).toMatchObject({ status: 404, code: 'SHEET_UNKNOWN' });
    await prove(body, 'W-1', 'SHEET_SCAN', 'PHOTO');
    await act(body, 'W-1', 'SEAL_SAMPLE', { sample });
    const { nominalProducer: _producer, ...signed } = { ...sample, takenOn: '2026-03-03' };
    const atFirst = (await sheetOf(seller, 'W-1')).body;
    expect(atFirst).toMatchObject({ sampleNo: 'W-1', mode: 'ON_SITE', clocks: [] });
    expect(atFirst.sample).toEqual(signed);
    expect(atFirst.history.map(({ act: name, facts }) => [name, Object.keys(facts)])).toEqual([
      ['BEGIN_SAMPLING', ['mode', 'documentNo']],
      ['SEAL_SAMPLE', ['sample']],
    ]);
    await act(laboratory, 'W-1', 'RECEIVE_SAMPLE', SEALS);
    await act(laboratory, 'W-1', 'BEGIN_TESTING', { licence: 'NOT_REQUIRED' });
    await act(laboratory, 'W-1', 'REPORT', { report: REPORT, sha256: await prove(laboratory, 'W-1', 'REPORT') });
    expect((await act(organiser, 'W-1', 'CONFIRM')).body.state).toBe('CONFIRMED');
    const cases = '/api/inspection/sampling-cases';
    await organiser.post(cases, { sampleNo: 'W-1' });
    expect((await sheetOf(seller, 'W-1')).body).toEqual(atFirst);
    expect(await listed(seller)).toEqual([{ organiserId: 'tj-amr', sampleNo: 'W-1', roundId: round.roundId }]);
    expect((await sheetOf(producer, 'W-1')).status).toBe(404);

    const serve = { act: 'SERVE', on: '2026-03-03', mode: 'DELIVERED', sha256: 'c'.repeat(64) };
    expect((await organiser.post(`${cases}/tj-amr/W-1/acts`, { ...serve, party: 'SAMPLED_PARTY' })).status).toBe(200);
    expect((await sheetOf(seller, 'W-1')).body).toEqual({ ...atFirst, state: 'CONFIRMED', report: REPORT });
    expect((await sheetOf(producer, 'W-1')).status).toBe(404);
    await organiser.post(`${cases}/tj-amr/W-1/acts`, { ...serve, party: 'NOMINAL_PRODUCER' });
    expect((await sheetOf(producer, 'W-1')).body).toEqual({
      organiserId: 'tj-amr',
      sampleNo: 'W-1',
      regime: 'PRODUCT',
      mode: 'ON_SITE',
      state: 'CONFIRMED',
      report: REPORT,
      sample: { product: SAMPLE.product, nominalProducer: sample.nominalProducer, takenOn: '2026-03-03' },
    });
    expect(await listed(producer)).toEqual([{ organiserId: 'tj-amr', sampleNo: 'W-1', state: 'CONFIRMED' }]);
    expect((await act(seller, 'W-1', 'CONFIRM')).status).toBe(403);
  });

  it('of whom a sample was tested on the spot sees what was found there and then, and its four hours', async () => {
    const seller = await merchant(3);
    const round = await aRound('W-2', { regime: 'FOOD' });
    await begun('W-2', round);
    await prove(body, 'W-2', 'SHEET_SCAN', 'PHOTO');
    const { testSeal: _test, backupSeal: _backup, ...sealed } = SAMPLE;
    const sample = { ...sealed, product: { ...SAMPLE.product, category: '食用农产品' } };
    const sampledParty = { name: round.assignments[0]?.name, uscc: testUscc(3) };
    const facts = { sample: { ...sample, sampledParty }, report: { ...REPORT, laboratory: undefined }, toldAt: '2026-03-03T01:30:00Z' };
    await act(body, 'W-2', 'TEST_ON_SITE', facts);
    const { body: seen } = await sheetOf(seller, 'W-2');
    expect(seen.history.at(-1)).toMatchObject({ act: 'TEST_ON_SITE', facts: { report: { verdict: 'UNQUALIFIED' } } });
    expect(seen.clocks).toMatchObject([{ clock: 'RAPID_TEST_OBJECTION', dueAt: '2026-03-03T05:30:00.000Z' }]);
    // How it goes on it is told by notice.
    clock.set(new Date('2026-03-03T05:30:01.000Z'));
    const { body: over } = await sheetOf(seller, 'W-2');
    expect(over.clocks).toMatchObject([{ state: 'RUN_OUT' }]);
    expect((await act(organiser, 'W-2', 'CONFIRM')).status).toBe(200);
    expect((await sheetOf(seller, 'W-2')).body).toEqual(over);
  });
});

describe('a product', () => {
  it('that was sampled is left out of the next draw also while it is at the laboratory', async () => {
    const [producerUscc, brand] = [testUscc(4), '津杯'];
    const round = await aRound('D-1');
    clock.set(START);
    await begun('D-1', round);
    await prove(body, 'D-1', 'SHEET_SCAN', 'PHOTO');
    const taken = { ...SAMPLE, product: { name: '杯', brand }, nominalProducer: { name: '厂', uscc: producerUscc } };
    expect((await act(body, 'D-1', 'SEAL_SAMPLE', { sample: taken })).status).toBe(200);
    const next = await aRound('D-2', {}, { pool: 4, product: { producerUscc, brand } });
    const { body: record } = await organiser.get<{ announced: { exclusions: object[] } }>(`${ROUNDS}/${next.roundId}/draw`);
    expect(record.announced.exclusions).toMatchObject([{ reason: 'SAMPLED_BEFORE', exempt: false }]);
    expect(next.assignments.map(({ id }) => id)).not.toContain('firm-4');
  });
});

describe('what is not done in time', () => {
  it('is said once, with who has to do it', async () => {
    const round = await aRound('L-1', { regime: 'FOOD' });
    await sealed('L-1', round);
    const job = service.app.get(DeadlineJob);
    clock.set(new Date('2026-03-11T01:00:00.000Z'));
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    expect((await sheetOf(organiser, 'L-1')).body.clocks).toMatchObject([{ clock: 'SAMPLE_DELIVERY', state: 'OVERDUE' }]);
    expect(await said(inspectionDeadlines.topic, 'L-1')).toEqual([
      {
        subject: 'tj-amr:L-1',
        revision: 1,
        clock: 'SAMPLE_DELIVERY',
        party: 'ORGANISER',
        departmentId: 'tj-amr',
        startedOn: '2026-03-03',
        dueOn: '2026-03-10',
        ruleVersion: 'SAMPLE_DELIVERY/FOOD@2019-10-01',
        raisedAt: '2026-03-11T01:00:00.000Z',
      },
    ]);
    expect((await act(laboratory, 'L-1', 'RECEIVE_SAMPLE', SEALS)).body.clocks).toMatchObject([
      { clock: 'SAMPLE_DELIVERY', state: 'MET_LATE' },
      { clock: 'TEST_REPORT', dueOn: '2026-04-09', state: 'RUNNING' },
    ]);
    const { body: sheet } = await sheetOf(organiser, 'L-1');
    expect(sheet.history.at(-1)?.facts).toMatchObject({
      ruleVersions: ['SAMPLE_DELIVERY/FOOD@2019-10-01', 'TEST_REPORT/FOOD@2019-10-01'],
    });
    expect(sheet.history[0]?.basis).toBe(FOOD_SAMPLING);
    const listed = async (by: Http) => {
      const { body: page } = await by.get<{ items: object[] }>('/api/inspection/deadlines?state=all&handler=tj-lab&limit=500');
      return page.items;
    };
    const own = { subject: 'tj-amr:L-1', clock: 'TEST_REPORT', department: 'tj-amr', handler: 'tj-lab' };
    expect(await listed(laboratory)).toContainEqual(expect.objectContaining(own));
    expect(await listed(laboratory)).toEqual(await listed(organiser));
    expect(await listed(otherLaboratory)).toEqual([]);
  });
});
