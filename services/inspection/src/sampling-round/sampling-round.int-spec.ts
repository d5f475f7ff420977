import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrganisationRegistered } from '@jinqiao/contracts';
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
import { InspectionModule } from '../inspection.module.js';
import { seedHashOf } from './draw.js';
import type { Assignment, DrawRecord, SamplingRound, TakenStep } from './sampling-round.js';

/*
 * A round over HTTP from its plan to its opening: who may do and see what, what is refused and changes nothing, one outcome of a race, and
 * a record that the verifier repeats in a process of its own.
 */
const TOOL = join(__dirname, '../../../../tools/verify-draw.mjs');
const PATH = '/api/inspection/sampling-rounds';
const START = new Date('2026-09-01T01:00:00.000Z');
const SEED = 'an organiser’s seed that nobody guesses';
const clock = new StandingClock(START);
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-draw-'));
let place: Place;
let service: TestService;
let organiser: Http;
let other: Http;
let third: Http;
let auditor: Http;
let nobody: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  other = place.http(await place.token('DEPARTMENT', 'tj-heping'));
  third = place.http(await place.token('DEPARTMENT', 'tj-nankai'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  nobody = place.http();
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
});
beforeEach(() => clock.set(START));

const aPlan = (roundNo: string, changes: object = {}) => ({
  roundNo,
  title: '2026年第三季度食品相关产品',
  level: 'COUNTY',
  year: 2026,
  regime: 'PRODUCT',
  category: '食品相关产品',
  coverage: 'COMPLETE_ROUND',
  quotas: [
    { divisionCode: '120101', riskClass: 'C', number: 2 },
    { divisionCode: '120116', riskClass: 'D', number: 3 },
  ],
  ...changes,
});
const RULES = {
  title: '实施细则',
  url: 'https://scjg.tj.gov.cn/rules',
  sha256: 'b'.repeat(64),
  methods: [{ item: '铅', method: 'GB 31604.34' }],
};
const object = (n: number) => {
  const [divisionCode, riskClass] = n % 2 === 0 ? ['120101', 'C'] : ['120116', 'D'];
  return { id: `firm-${n}`, name: `第${n}号企业`, divisionCode, riskClass };
};
const aDraw = (changes: object = {}) => ({
  objects: Array.from({ length: 20 }, (_, n) => object(n)),
  inspectors: Array.from({ length: 5 }, (_, n) => ({ id: `i-${n}`, employerId: `bureau-${n % 2}` })),
  laboratories: [
    { id: 'lab-1', employerId: 'institute-1' },
    { id: 'lab-2', employerId: 'institute-2' },
  ],
  recusals: [{ inspectorId: 'i-0', objectId: 'firm-0', reason: '近亲属' }],
  seedHash: seedHashOf(SEED),
  publicValue: { source: '中国福利彩票双色球2026102期', at: '2026-09-02T13:15:00Z' },
  ...changes,
});
const REVEALED = { seed: SEED, publicValue: '03 11 17 22 28 33 + 07' };

async function planned(roundNo: string, changes: object = {}): Promise<string> {
  const { status, body } = await organiser.post<SamplingRound>(PATH, aPlan(roundNo, changes));
  expect(status).toBe(201);
  return body.roundId;
}
async function announced(roundNo: string, draw: object = aDraw(), changes: object = {}): Promise<string> {
  const id = await planned(roundNo, changes);
  expect((await organiser.put(`${PATH}/${id}/rules`, RULES)).status).toBe(200);
  expect((await organiser.post(`${PATH}/${id}/draw`, draw)).status).toBe(201);
  return id;
}
const stateOf = async (id: string): Promise<string> => (await auditor.get<SamplingRound>(`${PATH}/${id}`)).body.state;
const recordOf = async (id: string) => nobody.get<DrawRecord>(`${PATH}/${id}/draw`);
function verified(record: DrawRecord, ...options: string[]): { status: number | null; stdout: string } {
  const file = join(folder, 'record.json');
  writeFileSync(file, JSON.stringify(record));
  const { status, stdout } = spawnSync(process.execPath, [TOOL, file, ...options], { encoding: 'utf8' });
  return { status, stdout };
}

describe('a round', () => {
  it('is drawn so that anybody can repeat it, and nobody is warned before it is opened', async () => {
    const id = await announced('R-1');
    const before = (await recordOf(id)).body;
    expect(before).not.toHaveProperty('drawn');
    expect(JSON.stringify(before)).not.toMatch(/firm-|第\d+号企业|近亲属|120101|120116/);

    clock.set(new Date('2026-09-02T13:20:00Z'));
    expect((await organiser.post(`${PATH}/${id}/draw/revelation`, REVEALED)).status).toBe(200);
    const drawn = (await recordOf(id)).body;
    expect(JSON.stringify(drawn)).not.toMatch(/firm-|第\d+号企业|近亲属|120101|120116/);
    expect(drawn.announced).toEqual(before.announced);
    expect(verified(drawn, '--announcement', before.announcementHash)).toMatchObject({ status: 0 });

    const assignments = (await organiser.get<Assignment[]>(`${PATH}/${id}/draw/assignments`)).body;
    expect(assignments.map(({ divisionCode }) => divisionCode)).toEqual(['120101', '120101', '120116', '120116', '120116']);
    expect((await other.get(`${PATH}/${id}/draw/assignments`)).body).toMatchObject({ code: 'ROUND_NOT_YOURS' });

    const sheet = (nth: number, facts: object) =>
      organiser.post(`/api/inspection/sampling-sheets${nth < 0 ? '' : `/tj-amr/S-${nth}/acts`}`, facts);
    const open = () => organiser.post(`${PATH}/${id}/draw/opening`);
    const ids = assignments.map((one) => one.id);
    expect(await open()).toMatchObject({ status: 409, body: { code: 'DRAW_NOT_SAMPLED', objectIds: [...ids].sort() } });
    for (const [nth, objectId] of ids.entries())
      expect((await sheet(-1, { sampleNo: `S-${nth}`, roundId: id, objectId })).status).toBe(201);
    const closed = { act: 'RECORD_NOT_SAMPLED', on: '2026-09-02', ground: 'CLOSED', reason: '已关门' };
    for (const nth of ids.slice(1).keys()) expect((await sheet(nth + 1, closed)).status).toBe(200);
    expect(await open()).toMatchObject({ status: 409, body: { objectIds: ids.slice(0, 1) } });
    expect(JSON.stringify((await recordOf(id)).body)).not.toContain('firm-');
    expect((await sheet(0, closed)).status).toBe(200);
    expect((await open()).status).toBe(200);
    const opened = (await recordOf(id)).body;
    expect(opened.opened?.map(({ objectId }) => objectId).sort()).toEqual(assignments.map((one) => one.id).sort());
    const { status, stdout } = verified(opened, '--announcement', before.announcementHash);
    expect({ status, firms: stdout.match(/^drawn: /gm)?.length }).toEqual({ status: 0, firms: 5 });
    const [first] = opened.opened ?? [];
    const forged = { ...opened, opened: opened.opened?.map((one) => (one === first ? { ...one, objectId: 'firm-99' } : one)) };
    expect(verified(forged)).toMatchObject({ status: 1, stdout: expect.stringContaining('does not stand for firm-99') as string });

    const { history } = (await auditor.get<{ history: TakenStep[] }>(`${PATH}/${id}`)).body;
    expect(history.map(({ step }) => step)).toEqual(['PLAN', 'PUBLISH_RULES', 'ANNOUNCE_DRAW', 'REVEAL_DRAW', 'OPEN_DRAW']);
    expect(history.every(({ actorId, basis }) => actorId === 'tj-amr' && basis !== '')).toBe(true);
  });

  it('may be planned twice in the same words, and not otherwise', async () => {
    const id = await planned('R-2');
    expect((await organiser.post<SamplingRound>(PATH, aPlan('R-2'))).body.roundId).toBe(id);
    expect(await organiser.post(PATH, aPlan('R-2', { title: 'otherwise' }))).toMatchObject({
      status: 409,
      body: { code: 'ROUND_CONFLICT' },
    });
    expect((await other.post<SamplingRound>(PATH, aPlan('R-2'))).body.roundId).not.toBe(id);
  });

  it('stands no higher than the department that organises it is registered', async () => {
    const planning = (by: Http, level: string) => by.post(PATH, aPlan(`R-12 ${level}`, { level }));
    expect(await planning(organiser, 'NATIONAL')).toMatchObject({
      status: 422,
      body: { code: 'ROUND_ABOVE_LEVEL', errors: [{ code: 'ROUND_ABOVE_LEVEL', pointer: '/level' }] },
    });
    const city: OrganisationRegistered = {
      organisationId: 'tj-city',
      kind: 'DEPARTMENT',
      name: '市局',
      scopes: ['level:CITY'],
      revision: 1,
    };
    await place.publish(OrganisationRegistered, city);
    await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-city'`)).toHaveLength(1));
    const higher = place.http(await place.token('DEPARTMENT', 'tj-city'));
    const answers = await Promise.all(['COUNTY', 'CITY', 'PROVINCE'].map((level) => planning(higher, level)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 422]);
  });

  it('of food stands on the measures for food', async () => {
    const id = await planned('R-13', { regime: 'FOOD' });
    const { history } = (await organiser.get<{ history: TakenStep[] }>(`${PATH}/${id}`)).body;
    expect(history.map(({ basis }) => basis)).toEqual([FOOD_SAMPLING]);
  });

  it('takes no step out of turn, nor from another department', async () => {
    const id = await planned('R-3');
    expect(await organiser.post(`${PATH}/${id}/draw`, aDraw())).toMatchObject({
      status: 409,
      body: { code: 'ROUND_STEP_NOT_ALLOWED', state: 'PLANNED', allowed: [{ step: 'PUBLISH_RULES' }, { step: 'CANCEL' }] },
    });
    expect(await other.put(`${PATH}/${id}/rules`, RULES)).toMatchObject({ status: 403, body: { code: 'ROUND_NOT_YOURS' } });
    expect(await organiser.get(`${PATH}/no-uuid`)).toMatchObject({ status: 404, body: { code: 'ROUND_UNKNOWN' } });
    expect((await recordOf(id)).body).toMatchObject({ code: 'DRAW_NOT_ANNOUNCED' });
    expect(await stateOf(id)).toBe('PLANNED');
  });

  it('is not drawn before the public value is there, nor with another seed, and then once only', async () => {
    const id = await announced('R-4');
    expect(await organiser.post(`${PATH}/${id}/draw/revelation`, REVEALED)).toMatchObject({
      status: 409,
      body: { code: 'DRAW_TOO_EARLY' },
    });
    clock.set(new Date('2026-09-03T01:00:00Z'));
    const wrong = { ...REVEALED, seed: `${SEED}, but another` };
    expect(await organiser.post(`${PATH}/${id}/draw/revelation`, wrong)).toMatchObject({
      status: 422,
      body: { code: 'DRAW_NOT_REVEALED', errors: [{ code: 'DRAW_SEED_WRONG', pointer: '/seed' }] },
    });
    expect(await stateOf(id)).toBe('DRAW_ANNOUNCED');
    const race = await Promise.all([
      organiser.post(`${PATH}/${id}/draw/revelation`, REVEALED),
      organiser.post(`${PATH}/${id}/draw/abandonment`, { reason: 'not to our liking' }),
      organiser.post(`${PATH}/${id}/draw/revelation`, { ...REVEALED, publicValue: 'another value' }),
    ]);
    expect(race.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const { history } = (await auditor.get<{ history: TakenStep[] }>(`${PATH}/${id}`)).body;
    expect(history).toHaveLength(4);
  });

  it('tells of a draw that was given up in every later one', async () => {
    const id = await announced('R-5');
    const { announcementHash } = (await recordOf(id)).body;
    await organiser.post(`${PATH}/${id}/draw/abandonment`, { reason: '名录有误' });
    await organiser.post(`${PATH}/${id}/draw`, aDraw());
    const { announced: again } = (await recordOf(id)).body;
    expect(again).toMatchObject({ drawNo: 2, abandoned: [{ drawNo: 1, announcementHash, reason: '名录有误' }] });
  });

  it('is drawn with the seed that its witness alone knew, which nobody else commits or reveals', async () => {
    const seed = 'a seed of another department, which it keeps';
    const witness = { departmentId: 'tj-heping' };
    const id = await planned('R-10');
    const commit = (by: Http, of: string) => by.put(`${PATH}/${id}/draw/witness`, { seedHash: seedHashOf(of) });
    const reveal = (by: Http, of: string) => by.post(`${PATH}/${id}/draw/witness/revelation`, { seed: of });
    expect(await commit(other, seed)).toMatchObject({ status: 409, body: { code: 'ROUND_STEP_NOT_ALLOWED' } });
    await organiser.put(`${PATH}/${id}/rules`, RULES);
    expect(await commit(organiser, seed)).toMatchObject({ status: 403, body: { code: 'DRAW_WITNESS_NOT_INDEPENDENT' } });
    expect((await commit(other, `${seed}, at first`)).status).toBe(200);
    expect((await commit(other, seed)).status).toBe(200);
    expect((await organiser.post(`${PATH}/${id}/draw`, aDraw({ witness }))).status).toBe(201);
    const { body: before } = await recordOf(id);
    expect(before.announced.witness).toEqual({ ...witness, seedHash: seedHashOf(seed) });

    expect(await reveal(other, seed)).toMatchObject({ status: 409, body: { code: 'DRAW_TOO_EARLY' } });
    clock.set(new Date('2026-09-02T13:20:00Z'));
    const revealed = () => organiser.post(`${PATH}/${id}/draw/revelation`, REVEALED);
    expect(await revealed()).toMatchObject({ status: 409, body: { code: 'DRAW_WITNESS_SILENT', departmentId: 'tj-heping' } });
    expect(await reveal(organiser, seed)).toMatchObject({ status: 403, body: { code: 'DRAW_WITNESS_NOT_INDEPENDENT' } });
    expect(await reveal(third, seed)).toMatchObject({ status: 403, body: { code: 'DRAW_WITNESS_UNKNOWN' } });
    expect(await reveal(other, `${seed}, at first`)).toMatchObject({ status: 422, body: { errors: [{ code: 'DRAW_SEED_WRONG' }] } });
    expect([(await reveal(other, seed)).status, (await reveal(other, seed)).status]).toEqual([200, 200]);
    expect(JSON.stringify((await organiser.get(`${PATH}/${id}`)).body) + JSON.stringify((await recordOf(id)).body)).not.toContain(seed);
    expect((await revealed()).status).toBe(200);
    const { body: record } = await recordOf(id);
    expect(record.revealed?.witnessSeed).toBe(seed);
    expect(verified(record, '--announcement', before.announcementHash)).toMatchObject({ status: 0 });
    const { history } = (await auditor.get<{ history: TakenStep[] }>(`${PATH}/${id}`)).body;
    expect(history.filter(({ actorId }) => actorId === 'tj-heping').map(({ step }) => step)).toEqual([
      'COMMIT_WITNESS',
      'COMMIT_WITNESS',
      'REVEAL_WITNESS',
    ]);
  });

  it('that is given up is not drawn again with a seed that its witness has told', async () => {
    const id = await planned('R-11');
    await organiser.put(`${PATH}/${id}/rules`, RULES);
    await other.put(`${PATH}/${id}/draw/witness`, { seedHash: seedHashOf('the witness’s seed, once only, once only') });
    const draw = aDraw({ witness: { departmentId: 'tj-heping' } });
    expect((await organiser.post(`${PATH}/${id}/draw`, draw)).status).toBe(201);
    await organiser.post(`${PATH}/${id}/draw/abandonment`, { reason: '名录有误' });
    expect(await organiser.post(`${PATH}/${id}/draw`, draw)).toMatchObject({ body: { errors: [{ code: 'DRAW_WITNESS_SILENT' }] } });
  });

  it.each<[string, object, string, string]>([
    ['an empty stratum', { objects: aDraw().objects.filter(({ riskClass }) => riskClass === 'C') }, 'DRAW_STRATUM_EMPTY', '/objects'],
    ['a stratum smaller than its quota', { objects: aDraw().objects.slice(0, 4) }, 'DRAW_STRATUM_TOO_SMALL', '/objects'],
    ['too few inspectors for an object', { inspectors: aDraw().inspectors.slice(0, 2) }, 'DRAW_INSPECTORS_TOO_FEW', '/inspectors'],
    [
      'a public value of yesterday',
      { publicValue: { source: 'a lottery', at: '2026-08-31T00:00:00Z' } },
      'DRAW_PUBLIC_VALUE_KNOWN',
      '/publicValue/at',
    ],
    ['a witness that committed to nothing', { witness: { departmentId: 'tj-nankai' } }, 'DRAW_WITNESS_SILENT', '/witness/departmentId'],
    ['a witness with the same seed', { witness: { departmentId: 'tj-heping' } }, 'DRAW_WITNESS_NOT_INDEPENDENT', '/witness/departmentId'],
    ['the organiser as its witness', { witness: { departmentId: 'tj-amr' } }, 'DRAW_WITNESS_SILENT', '/witness/departmentId'],
  ])('refuses %s', async (name, changes, code, pointer) => {
    const id = await planned(`R-6 ${name}`);
    await organiser.put(`${PATH}/${id}/rules`, RULES);
    await other.put(`${PATH}/${id}/draw/witness`, { seedHash: seedHashOf(SEED) });
    expect(await organiser.post(`${PATH}/${id}/draw`, aDraw(changes))).toMatchObject({
      status: 422,
      body: { code: 'DRAW_IMPOSSIBLE', errors: [{ code, pointer }] },
    });
    expect(await stateOf(id)).toBe('RULES_PUBLISHED');
  });

  it('leaves out what results say was sampled within six months, unless it is exempt', async () => {
    const product = { name: '不锈钢杯', standard: 'GB 4806.9', brand: '津杯', spec: '500 mL' };
    const report = {
      sampleNo: 'S-1',
      regime: 'PRODUCT',
      sampledOn: '2026-06-01',
      product,
      nominalProducer: { name: '厂', uscc: testUscc(3) },
    } as const;
    expect((await organiser.post('/api/inspection/sampling-results', aReport(report))).status).toBe(200);
    const objects = aDraw().objects.map((one) =>
      one.id === 'firm-0' ? { ...one, product: { producerUscc: testUscc(3), ...product, name: undefined } } : one,
    );
    const excluded = (await recordOf(await announced('R-7', aDraw({ objects })))).body.announced;
    expect(excluded.exclusions).toMatchObject([
      { reason: 'SAMPLED_BEFORE', exempt: false, ruleVersion: expect.stringContaining('NO_REPEAT_SAMPLING') as string },
    ]);
    const exempt = (await recordOf(await announced('R-8', aDraw({ objects }), { exemption: 'FOLLOW_UP' }))).body.announced;
    expect(exempt.exclusions).toMatchObject([{ exempt: true }]);
    clock.set(new Date('2026-12-02T01:00:00Z'));
    const later = aDraw({ objects, publicValue: { source: 'a lottery', at: '2026-12-03T00:00:00Z' } });
    expect((await recordOf(await announced('R-9', later))).body.announced.exclusions).toEqual([]);
  });

  it('is listed a page at a time', async () => {
    const page = await auditor.get<{ items: SamplingRound[]; next: string }>(`${PATH}?organiserId=tj-amr&limit=2`);
    expect(page.body.items.map(({ roundNo }) => roundNo)).toEqual(['R-1', 'R-2']);
    const next = await auditor.get<{ items: SamplingRound[] }>(`${PATH}?organiserId=tj-amr&limit=1&cursor=${page.body.next}`);
    expect(next.body.items.map(({ roundNo }) => roundNo)).toEqual(['R-13']);
    expect(await auditor.get(`${PATH}?cursor=x`)).toMatchObject({ status: 400, body: { code: 'BAD_CURSOR' } });
  });
});
