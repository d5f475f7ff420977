/*
 * A database that is set back to a backup (ADR-0020): the steps since of sheets and cases are there again, the history goes on, the clocks
 * are those of before, and what a department sends again was taken already.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { keptCases, keptSheets, SamplingCaseStepTaken, type SamplingStepAnswered, samplingStepAnswers, topicOf } from '@jinqiao/contracts';
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
import { DeadlineJob } from './deadline/deadline.job.js';
import { InspectionModule } from './inspection.module.js';
import type { ProbableDuplicate } from './probable-duplicate/probable-duplicate.service.js';
import type { SamplingCase } from './sampling-case/sampling-case.service.js';
import { seedHashOf } from './sampling-round/draw.js';
import type { Assignment, SamplingRound } from './sampling-round/sampling-round.js';
import type { SamplingSheet } from './sampling-sheet/sampling-sheet.service.js';

const API = '/api/inspection';
const HASH = 'c'.repeat(64);
const SEED = 'an organiser’s seed that nobody guesses';
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let county: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await start();
}, 60_000);
afterAll(() => service.close());

async function start(): Promise<void> {
  service = await startTestService(InspectionModule, place, { clock });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  county = place.http(await place.token('DEPARTMENT', 'tj-credit'));
}

async function aRound(roundNo: string): Promise<{ roundId: string; assignments: Assignment[] }> {
  clock.set(new Date('2026-03-02T01:00:00.000Z'));
  const plan = { roundNo, title: '食品', level: 'COUNTY', year: 2026, regime: 'FOOD', category: '食品', coverage: 'COMPLETE_ROUND' };
  const quotas = [{ divisionCode: '120101', riskClass: 'C', number: 2 }];
  const { roundId } = (await organiser.post<SamplingRound>(`${API}/sampling-rounds`, { ...plan, quotas })).body;
  const at = `${API}/sampling-rounds/${roundId}`;
  await organiser.put(`${at}/rules`, {
    title: '细则',
    url: 'https://scjg.tj.gov.cn/1',
    sha256: HASH,
    methods: [{ item: '铅', method: 'GB 31604.34' }],
  });
  await organiser.post(`${at}/draw`, {
    objects: [1, 2].map((n) => ({ id: `${roundNo}-${n}`, name: `第${n}号商店`, divisionCode: '120101', riskClass: 'C' })),
    inspectors: [1, 2].map((n) => ({ id: `i-${n}`, employerId: 'tj-heping' })),
    laboratories: [{ id: 'tj-lab', employerId: 'institute-1' }],
    seedHash: seedHashOf(SEED),
    publicValue: { source: '双色球2026023期', at: '2026-03-02T13:15:00Z' },
  });
  clock.set(new Date('2026-03-03T02:00:00.000Z'));
  expect((await organiser.post(`${at}/draw/revelation`, { seed: SEED, publicValue: '03 11 + 07' })).status).toBe(200);
  return { roundId, assignments: (await organiser.get<Assignment[]>(`${at}/draw/assignments`)).body };
}

const SAMPLE = {
  product: { name: '单晶冰糖' },
  fromForSale: true,
  stock: 20,
  testQuantity: 3,
  backupQuantity: 2,
  unit: '袋',
  testSeal: 'F-001',
  backupSeal: 'F-002',
  testPriceFen: 5_970,
  testPaidFen: 5_970,
};
async function begun(sampleNo: string, { roundId, assignments }: Awaited<ReturnType<typeof aRound>>, nth: number): Promise<void> {
  const samplers = (assignments[nth]?.inspectorIds ?? []).map((inspectorId) => ({ inspectorId }));
  const opening = { sampleNo, roundId, objectId: assignments[nth]?.id };
  expect((await organiser.post(`${API}/sampling-sheets`, opening)).status).toBe(201);
  await take(sampleNo, 'BEGIN_SAMPLING', { mode: 'ON_SITE', samplers, documentNo: '通知1号' });
}
async function take(sampleNo: string, act: string, facts: object = {}): Promise<void> {
  const answer = await organiser.post<{ code?: string }>(`${API}/sampling-sheets/tj-amr/${sampleNo}/acts`, {
    act,
    on: '2026-03-03',
    ...facts,
  });
  expect(`${act} ${answer.status} ${answer.body.code ?? ''}`).toBe(`${act} 200 `);
}
async function add(sampleNo: string, type: string, bytes: Buffer): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), 'file');
  const answer = await organiser.post<{ sha256: string }>(`${API}/sampling-sheets/tj-amr/${sampleNo}/evidence?type=${type}`, form);
  expect(answer.status).toBe(201);
  return answer.body.sha256;
}
async function inCase(as: Http, sampleNo: string, act: string, facts: object = {}): Promise<void> {
  const given = { act, party: 'SAMPLED_PARTY', on: '2026-03-03', ...facts };
  const answer = await as.post<{ code?: string }>(`${API}/sampling-cases/tj-amr/${sampleNo}/acts`, given);
  expect(`${act} ${answer.status} ${answer.body.code ?? ''}`).toBe(`${act} 200 `);
}
async function openCase(sampleNo: string): Promise<void> {
  const facts = { regime: 'PRODUCT', verdict: 'UNQUALIFIED', failingItems: [{ item: '铅' }], sampledParty: { name: '示例商店' } };
  await organiser.post(`${API}/sampling-results`, aReport({ sampleNo, ...facts } as Parameters<typeof aReport>[0]));
  expect((await organiser.post(`${API}/sampling-cases`, { sampleNo })).status).toBe(201);
}
const sheets = async (...sampleNos: string[]): Promise<SamplingSheet[]> =>
  Promise.all(sampleNos.map(async (sampleNo) => (await organiser.get<SamplingSheet>(`${API}/sampling-sheets/tj-amr/${sampleNo}`)).body));
const cases = async (...sampleNos: string[]): Promise<SamplingCase[]> =>
  Promise.all(sampleNos.map(async (sampleNo) => (await organiser.get<SamplingCase>(`${API}/sampling-cases/tj-amr/${sampleNo}`)).body));
const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]), { within: 20_000 });
const raised = () =>
  place.sql(
    `SELECT sample_no, clock, due_on::text, raised_at FROM sampling_case_clocks WHERE raised_at IS NOT NULL
     UNION ALL SELECT sample_no, clock, due_on::text, raised_at FROM sampling_sheet_clocks WHERE raised_at IS NOT NULL ORDER BY 1, 2`,
  );
/** The revisions that the topic holds of an object, each as often as it was said under another id. */
async function kept(topic: string, sampleNo: string): Promise<number[]> {
  const own = (await place.readAll(topic)).filter(({ key }) => key === `tj-amr:${sampleNo}`);
  const byId = new Map(own.map(({ headers, body }) => [headers['ce_id'], Number(body?.['revision'])]));
  return [...byId.values()].sort((a, b) => a - b);
}
const correction = { stepId: 'C-1/order', reporterId: 'tj-amr', sampleNo: 'C-1', party: 'SAMPLED_PARTY', on: '2026-03-03' } as const;
const ordered = { ...correction, act: 'ORDER_CORRECTION', documentNo: '责改1号' } as const;

describe('a database that is set back', () => {
  it('knows the steps since again, with their history, their clocks and what was said to be late', async () => {
    const round = await aRound('R-1');
    await begun('S-1', round, 0);
    await openCase('C-1');
    await openCase('C-2');
    await inCase(organiser, 'C-1', 'SERVE', { mode: 'DELIVERED', sha256: HASH });
    await isSent();
    await service.close();
    const setBack = await place.backUp();
    await start();

    const film = randomBytes(100);
    await add('S-1', 'SHEET_SCAN', randomBytes(100));
    const sha256 = await add('S-1', 'PHOTO', film);
    await take('S-1', 'SEAL_SAMPLE', { sample: SAMPLE });
    await begun('S-2', round, 1);
    await begun('S-3', await aRound('R-2'), 0);
    await inCase(organiser, 'C-1', 'HAND_OVER', { departmentId: 'tj-credit' });
    await place.publish(SamplingCaseStepTaken, ordered, { owner: 'tj-credit' });
    await eventually(async () => expect((await cases('C-1'))[0]?.history).toHaveLength(3), { within: 20_000 });
    // Held, so that nobody is said to be late with it.
    await inCase(organiser, 'C-2', 'HAND_OVER_CLUE', { departmentId: 'tj-credit', reason: '涉嫌违法' });
    await inCase(county, 'C-2', 'FILE_CASE', { documentNo: '案1号' });
    await inCase(county, 'C-2', 'PAUSE_CASE', { documentNo: '听证1号', notCounted: 'HEARING' });
    await openCase('C-3');
    clock.set(new Date('2026-06-20T02:00:00.000Z'));
    await service.get(DeadlineJob).raise();
    await isSent();
    const before = { sheets: await sheets('S-1', 'S-2', 'S-3'), cases: await cases('C-1', 'C-2', 'C-3'), raised: await raised() };
    expect(before.raised.map(({ clock: name }) => String(name))).toEqual([
      ...['CORRECTION', 'FIRST_RECHECK', 'SERVICE'],
      // Of C-2 and C-3 nobody was told.
      ...['SERVICE', 'SERVICE', 'SERVICE', 'SERVICE', 'SAMPLE_DELIVERY'],
    ]);
    await service.close();
    await setBack();
    await start();

    expect({ sheets: await sheets('S-1', 'S-2', 'S-3'), cases: await cases('C-1', 'C-2', 'C-3'), raised: await raised() }).toEqual(before);
    expect(await service.get(DeadlineJob).raise()).toBe(0);

    // Its bytes are gone with the database, until they are sent again.
    const piece = `${API}/sampling-sheets/tj-amr/S-1/evidence/${sha256}`;
    expect((await organiser.get(piece)).body).toMatchObject({ status: 410, code: 'EVIDENCE_LOST' });
    await add('S-1', 'PHOTO', film);
    expect(
      (await fetch(`${place.origin}${piece}`, { headers: { authorization: `Bearer ${await place.token('DEPARTMENT', 'tj-amr')}` } }))
        .status,
    ).toBe(200);
  }, 120_000);

  it('goes on above what was kept, and takes no step twice', async () => {
    await place.publish(SamplingCaseStepTaken, ordered, { owner: 'tj-credit', id: randomUUID() });
    const own = (all: readonly { body: unknown }[]) => all.map(({ body }) => body as SamplingStepAnswered);
    const answers = await place
      .outside('tj-credit')
      .readUntil(topicOf(samplingStepAnswers, 'tj-credit'), (all) => own(all).some(({ outcome }) => outcome === 'duplicate'), {
        within: 20_000,
      });
    expect(own(answers).filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    clock.set(new Date('2026-06-21T02:00:00.000Z'));
    await inCase(county, 'C-1', 'RECORD_RECHECK', { on: '2026-06-21', passed: true, sha256: HASH });
    await isSent();
    const [file] = await cases('C-1');
    expect(file?.history.map(({ act }) => act)).toEqual(['SERVE', 'HAND_OVER', 'ORDER_CORRECTION', 'RECORD_RECHECK']);
    expect(await kept(keptCases.topic, 'C-1')).toEqual([1, 2, 3, 4, 5]);
    expect(await kept(keptSheets.topic, 'S-1')).toEqual([1, 2, 3, 4, 5]);
  }, 60_000);
});

describe('what was ruled on pairs', () => {
  const published = { finality: 'FINAL', notice: { no: '2026年第30号', publishedOn: '2026-06-15' }, sampledOn: '2026-06-01' } as const;
  const report = async (as: Http, sampleNo: string, batch: string, changes: object = {}): Promise<string> => {
    const input = aReport({ sampleNo, ...published, product: { batch }, ...changes });
    const { body } = await as.post<{ status: string; warnings: { code: string }[] }>(`${API}/sampling-results`, input);
    return [body.status, ...body.warnings.map(({ code }) => code)].join(' ');
  };
  const pairs = async (): Promise<ProbableDuplicate[]> =>
    (await county.get<{ items: ProbableDuplicate[] }>(`${API}/probable-duplicates`)).body.items;
  const rule = async (sampleNo: string, ruling: string): Promise<void> => {
    const { pairId } = (await pairs()).find(({ later }) => later.sampleNo === sampleNo) ?? {};
    expect((await county.post(`${API}/probable-duplicates/${pairId}/decision`, { ruling, reason: '核对' })).status).toBe(200);
  };

  it('is known again where the results show it, and else asked again', async () => {
    await isSent();
    await service.close();
    const setBack = await place.backUp();
    await start();
    await report(organiser, 'P-1', 'B-1');
    expect(await report(county, 'P-2', 'B-1')).toBe('WAITING WAITS_FOR_RULING');
    await rule('P-2', 'DIFFERENT');
    await report(organiser, 'Q-1', 'B-2');
    expect(await report(county, 'Q-2', 'B-2')).toBe('WAITING WAITS_FOR_RULING');
    // Nobody had been told of Q-2, so nobody is told that it was given up.
    await rule('Q-2', 'SAME');
    await isSent();
    const [different] = await pairs();
    await service.close();
    await setBack();
    await start();

    expect(await pairs()).toEqual([different]);
    expect(different).toMatchObject({ status: 'DIFFERENT', rulings: [{ ruling: 'DIFFERENT', actorId: 'tj-credit' }] });
    expect(await report(county, 'P-2', 'B-1', { revision: 2, revisionReason: 'CORRECTED', verdict: 'UNQUALIFIED' })).toBe('PUBLISHED');
    expect(await report(county, 'Q-2', 'B-2')).toBe('WAITING WAITS_FOR_RULING');
    expect((await pairs()).map(({ status }) => status)).toEqual(['DIFFERENT', 'OPEN']);
    expect(await place.sql('SELECT code FROM dead_letters')).toEqual([]);
  }, 120_000);
});
