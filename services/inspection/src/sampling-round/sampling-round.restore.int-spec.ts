/*
 * Rounds on a database that is set back to a backup (ADR-0020): a draw that was announced stands as it was published, so nothing can be
 * committed anew; it goes on from there, and its record is repeated by the verifier in a process of its own. On the topics nobody reads
 * who may be sampled.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptDraws, keptRounds } from '@jinqiao/contracts';
import { Outbox } from '@jinqiao/messaging';
import { Keyring } from '@jinqiao/platform';
import { eventually, type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { InspectionConfig } from '../config.js';
import { InspectionModule } from '../inspection.module.js';
import { seedHashOf } from './draw.js';
import { KeptDraws } from './sampling-round.restore.js';
import type { Assignment, DrawRecord, SamplingRound, TakenStep } from './sampling-round.js';

const TOOL = join(__dirname, '../../../../tools/verify-draw.mjs');
const PATH = '/api/inspection/sampling-rounds';
const BEFORE = new Date('2026-09-01T01:00:00.000Z');
const AFTER = new Date('2026-09-02T13:20:00.000Z');
const SEED = 'an organiser’s seed that nobody guesses';
const REVEALED = { seed: SEED, publicValue: '03 11 17 22 28 33 + 07' };
const ANOTHER_KEY = Buffer.alloc(32, 9).toString('base64');
const clock = new StandingClock(BEFORE);
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-draw-'));
let place: Place;
let service: TestService;
let organiser: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await start();
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
});

async function start(keys = place.env['DRAW_SECRET_KEYS'] ?? ''): Promise<void> {
  service = await startTestService(InspectionModule, place, { clock, config: InspectionConfig, env: { DRAW_SECRET_KEYS: keys } });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}

async function planned(roundNo: string): Promise<string> {
  const { body } = await organiser.post<SamplingRound>(PATH, {
    roundNo,
    title: '第三季度食品相关产品',
    level: 'COUNTY',
    year: 2026,
    regime: 'PRODUCT',
    category: '食品相关产品',
    coverage: 'COMPLETE_ROUND',
    quotas: [
      { divisionCode: '120101', riskClass: 'C', number: 2 },
      { divisionCode: '120116', riskClass: 'D', number: 3 },
    ],
  });
  const rules = {
    title: '细则',
    url: 'https://scjg.tj.gov.cn/1',
    sha256: 'b'.repeat(64),
    methods: [{ item: '铅', method: 'GB 31604.34' }],
  };
  expect((await organiser.put(`${PATH}/${body.roundId}/rules`, rules)).status).toBe(200);
  return body.roundId;
}
function aDraw(objects: number) {
  const area = (n: number) => (n % 2 === 0 ? { divisionCode: '120101', riskClass: 'C' } : { divisionCode: '120116', riskClass: 'D' });
  return {
    objects: Array.from({ length: objects }, (_, n) => ({ id: `f${n}`, name: `厂${n}`, ...area(n) })),
    inspectors: Array.from({ length: 4 }, (_, n) => ({ id: `i-${n}`, employerId: `bureau-${n % 2}` })),
    laboratories: [{ id: 'lab-1', employerId: 'institute-1' }],
    recusals: [{ inspectorId: 'i-0', objectId: 'f0', reason: '近亲属' }],
    seedHash: seedHashOf(SEED),
    publicValue: { source: '双色球2026102期', at: '2026-09-02T13:15:00Z' },
  };
}
async function announce(id: string, objects = 20): Promise<void> {
  clock.set(BEFORE);
  expect((await organiser.post(`${PATH}/${id}/draw`, aDraw(objects))).status).toBe(201);
}
async function take(id: string, step: string, body: object = {}): Promise<void> {
  clock.set(AFTER);
  expect((await organiser.post(`${PATH}/${id}/draw/${step}`, body)).status).toBe(200);
}
/** What was drawn is opened when there is a sheet of each that says what came of it. */
async function sampled(id: string): Promise<void> {
  clock.set(AFTER);
  const { body: assignments } = await organiser.get<Assignment[]>(`${PATH}/${id}/draw/assignments`);
  for (const [nth, { id: objectId }] of assignments.entries()) {
    const sampleNo = `${id}-${nth}`;
    await organiser.post('/api/inspection/sampling-sheets', { sampleNo, roundId: id, objectId });
    const closed = { act: 'RECORD_NOT_SAMPLED', on: '2026-09-02', ground: 'CLOSED', reason: '已关门' };
    expect((await organiser.post(`/api/inspection/sampling-sheets/tj-amr/${sampleNo}/acts`, closed)).status).toBe(200);
  }
}
/** Everything that anybody can see of a round. */
async function seen(id: string) {
  const record = (await place.http().get<DrawRecord>(`${PATH}/${id}/draw`)).body;
  const round = (await organiser.get<SamplingRound & { history: TakenStep[] }>(`${PATH}/${id}`)).body;
  const assignments = (await organiser.get<Assignment[]>(`${PATH}/${id}/draw/assignments`)).body;
  return { record, round, assignments };
}
function verified(record: DrawRecord, announcementHash: string): { status: number | null; stdout: string } {
  const file = join(folder, 'record.json');
  writeFileSync(file, JSON.stringify(record));
  const { status, stdout } = spawnSync(process.execPath, [TOOL, file, '--announcement', announcementHash], { encoding: 'utf8' });
  return { status, stdout };
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
  };
}

describe('a round on a database that is set back', () => {
  it('stands as it was announced, can not be announced anew, and goes on', async () => {
    const id = await planned('R-1');
    const setBack = await backedUp();
    await announce(id);
    const announced = await seen(id);
    await setBack();
    await start();

    expect(await seen(id)).toEqual(announced);
    expect((await organiser.post(`${PATH}/${id}/draw`, aDraw(20))).body).toMatchObject({ status: 409, code: 'ROUND_STEP_NOT_ALLOWED' });
    expect(await place.sql('SELECT FROM restored_draws')).toEqual([]);
    await take(id, 'revelation', REVEALED);
    await sampled(id);
    await take(id, 'opening');
    const { record, round } = await seen(id);
    expect(record.announced).toEqual(announced.record.announced);
    expect(verified(record, announced.record.announcementHash)).toMatchObject({ status: 0 });
    expect(round.history.map(({ step }) => step)).toEqual(['PLAN', 'PUBLISH_RULES', 'ANNOUNCE_DRAW', 'REVEAL_DRAW', 'OPEN_DRAW']);
  }, 120_000);

  it('stands as it was drawn, opened, or given up since', async () => {
    const [drawn, opened, givenUp] = [await planned('R-2'), await planned('R-3'), await planned('R-4')];
    for (const id of [drawn, opened, givenUp]) await announce(id);
    const setBack = await backedUp();
    for (const id of [drawn, opened]) await take(id, 'revelation', REVEALED);
    await sampled(opened);
    await take(opened, 'opening');
    await take(givenUp, 'abandonment', { reason: '名录有误' });
    await announce(givenUp);
    const before = [await seen(drawn), await seen(opened), await seen(givenUp)];
    await setBack();
    await start();

    expect([await seen(drawn), await seen(opened), await seen(givenUp)]).toEqual(before);
    const [, { record } = await seen(opened), again] = before;
    expect(verified(record, record.announcementHash)).toMatchObject({ status: 0 });
    expect(again?.record.announced).toMatchObject({ drawNo: 2, abandoned: [{ drawNo: 1, reason: '名录有误' }] });
  }, 120_000);

  it('comes back whole with a pool as large as a request may be, planned and drawn since, under a former key', async () => {
    const setBack = await backedUp();
    const id = await planned('R-5');
    const objects = 13_000;
    expect(JSON.stringify(aDraw(objects)).length).toBeGreaterThan(900_000);
    await announce(id, objects);
    await take(id, 'revelation', REVEALED);
    const before = await seen(id);
    await isSent();
    const portions = (await place.readAll(keptDraws.topic)).filter(({ key }) => key?.startsWith(before.record.announcementHash));
    expect(portions.length).toBeGreaterThan(4);
    expect(Math.max(...portions.map(({ body }) => Buffer.byteLength(JSON.stringify(body))))).toBeLessThan(900_000);
    await setBack();
    await start(`${ANOTHER_KEY},${place.env['DRAW_SECRET_KEYS'] ?? ''}`);

    expect(await seen(id)).toEqual(before);
    expect(verified(before.record, before.record.announcementHash)).toMatchObject({ status: 0 });
    expect(await place.sql('SELECT code FROM dead_letters')).toEqual([]);
  }, 180_000);
});

describe('what is kept of a draw', () => {
  it('tells nobody who may be sampled', async () => {
    const kept = [...(await place.readAll(keptDraws.topic)), ...(await place.readAll(keptRounds.topic))].map(({ body }) =>
      JSON.stringify(body),
    );
    expect(kept.length).toBeGreaterThan(10);
    const [round] = await place.sql<{ pool: { salt: string }[] }>(`SELECT pool FROM sampling_rounds WHERE round_no = 'R-1'`);
    const salts = (round?.pool ?? []).map(({ salt }) => salt);
    expect(salts).toHaveLength(20);
    for (const text of kept) expect(text).not.toMatch(new RegExp(['厂[0-9]', ...salts].join('|')));
  });

  it('names the key that is missing to open it', async () => {
    const hash = 'a'.repeat(64);
    await place.sql('INSERT INTO restored_draws VALUES ($1, 1, 1, $2)', [hash, await (await Keyring.of(ANOTHER_KEY)).seal('{}')]);
    const config = Object.assign(new InspectionConfig(), { DRAW_SECRET_KEYS: Buffer.alloc(32, 1).toString('base64') });
    const draws = new KeptDraws(service.get(Outbox), config);
    const round = { round_id: '00000000-0000-7000-8000-000000000001', announcement_hash: hash };
    const tx = service.get(DataSource).manager;
    await expect(draws.complete(tx, { sampling_rounds: [round] })).rejects.toThrow(/^DRAW_SECRET_KEYS must hold the key /);
  });

  it('leaves out a round whose draw is not there, or not all of it', async () => {
    const draws = service.get(KeptDraws);
    const tx = service.get(DataSource).manager;
    const hash = 'b'.repeat(64);
    const rows = { sampling_rounds: [{ round_id: '00000000-0000-7000-8000-000000000002', announcement_hash: hash }] };
    expect(await draws.complete(tx, rows)).toBeNull();
    await place.sql(`INSERT INTO restored_draws VALUES ($1, 2, 2, 'eyJ')`, [hash]);
    expect(await draws.complete(tx, rows)).toBeNull();
  });
});
