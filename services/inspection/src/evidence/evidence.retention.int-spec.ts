/*
 * Evidence whose time has passed, on a real database and a clock that is moved: to the day, sheet by sheet, never what something unfinished
 * may need, and the bytes only when no other sheet has them. That a piece was there stays, with the rule under which it went.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { aReport, type Http, type Place, realServers, StandingClock, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { InspectionConfig } from '../config.js';
import { InspectionModule } from '../inspection.module.js';
import type { SamplingSheet } from '../sampling-sheet/sampling-sheet.service.js';
import { type Evidence, pastOf } from './evidence.js';
import { EvidenceRetention } from './evidence.retention.js';
import { EvidenceStore } from './evidence.store.js';

const API = '/api/inspection';
const SAMPLED = new Date('2022-03-01T02:00:00.000Z');
const LAST_DAY = new Date('2025-03-01T15:59:00.000Z');
const NEXT_DAY = new Date('2025-03-01T16:01:00.000Z');
/** When objections have run out for so long, too. */
const LATER = new Date('2025-05-01T02:00:00.000Z');
const HASH = 'c'.repeat(64);
const PRODUCER = { name: '示例企业', uscc: testUscc(3) };
const clock = new StandingClock(SAMPLED);
let place: Place;
let service: TestService;
let organiser: Http;
let county: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock, config: InspectionConfig });
  organiser = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  county = place.http(await place.token('DEPARTMENT', 'tj-heping'));
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(SAMPLED));

async function aSheet(sampleNo: string, state = 'NOT_SAMPLED', regime = 'PRODUCT'): Promise<void> {
  await place.sql(
    `INSERT INTO sampling_sheets (organiser_id, sample_no, round_id, round_no, regime, coverage, object, drawn, state, mode, samplers,
       sampler_bodies, last_on, opened_on)
     VALUES ('tj-amr', $1, $2, 'E', $3, 'COMPLETE_ROUND', $4, '{"laboratoryId": "tj-lab", "inspectorIds": []}', $5, 'ON_SITE', '[]', '{}',
       '2022-03-01', '2022-03-01')`,
    [sampleNo, randomUUID(), regime, JSON.stringify({ id: sampleNo, name: sampleNo }), state],
  );
}
function add(sampleNo: string, bytes: Buffer) {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), 'file');
  return organiser.post<Evidence>(`${API}/sampling-sheets/tj-amr/${sampleNo}/evidence?type=PHOTO`, form);
}
/** A sheet with one piece of evidence; answers its hash. */
async function proven(
  sampleNo: string,
  { state, regime, bytes = randomBytes(100) }: { state?: string; regime?: string; bytes?: Buffer } = {},
) {
  await aSheet(sampleNo, state, regime);
  expect((await add(sampleNo, bytes)).status).toBe(201);
  return createHash('sha256').update(bytes).digest('hex');
}
async function report(sampleNo: string): Promise<void> {
  const facts = { regime: 'PRODUCT', sampledOn: '2022-03-01', nominalProducer: PRODUCER, notice: { no: '1', publishedOn: '2022-03-01' } };
  const answer = await organiser.post(`${API}/sampling-results`, aReport({ sampleNo, ...facts } as Parameters<typeof aReport>[0]));
  expect(answer.status).toBe(200);
}
async function inCase(as: Http, sampleNo: string, act: string, facts: object = {}): Promise<void> {
  const answer = await as.post<{ code?: string }>(`${API}/sampling-cases/tj-amr/${sampleNo}/acts`, {
    act,
    party: 'SAMPLED_PARTY',
    on: '2022-03-01',
    ...facts,
  });
  expect(`${act} ${answer.status} ${answer.body.code ?? ''}`).toBe(`${act} 200 `);
}
async function eraseOn(now: Date): Promise<number> {
  clock.set(now);
  return service.get(EvidenceRetention).erase(1_000);
}
const read = (sampleNo: string, sha256: string) => organiser.get(`${API}/sampling-sheets/tj-amr/${sampleNo}/evidence/${sha256}`);
const pieces = async (sampleNo: string) => (await organiser.get<SamplingSheet>(`${API}/sampling-sheets/tj-amr/${sampleNo}`)).body.evidence;
const blobs = (sha256: string) => place.sql('SELECT upload_id FROM evidence_blobs WHERE sha256 = $1', [sha256]);

describe('evidence whose time has passed', () => {
  it('goes on the day after, and what it was stays, with the rule under which it went', async () => {
    const bytes = randomBytes(1_200_000);
    const sha256 = await proven('T-1', { bytes });
    const [blob] = await blobs(sha256);
    expect(await eraseOn(LAST_DAY)).toBe(0);
    expect((await read('T-1', sha256)).status).toBe(200);
    expect(await eraseOn(NEXT_DAY)).toBe(1);
    expect(await eraseOn(NEXT_DAY)).toBe(0);

    const gone = { sha256, erasedAt: NEXT_DAY.toISOString() };
    expect(await pieces('T-1')).toMatchObject([{ ...gone, type: 'PHOTO', bytes: bytes.length, addedBy: 'tj-amr' }]);
    expect((await read('T-1', sha256)).body).toMatchObject({ status: 410, code: 'EVIDENCE_ERASED', ...gone });
    expect((await add('T-1', bytes)).body).toMatchObject({ status: 410, code: 'EVIDENCE_ERASED' });
    expect(await place.sql(`SELECT erased_under FROM evidence WHERE sha256 = $1`, [sha256])).toEqual([
      { erased_under: 'CREDIT_PUBLICATION_SAMPLING_RESULT@2015-01-01' },
    ]);
    expect(await blobs(sha256)).toEqual([]);

    await place.sql(`UPDATE evidence_uploads SET started_at = now() - interval '1 hour'`);
    await service.get(EvidenceStore).sweep();
    expect(await place.sql('SELECT FROM evidence_chunks WHERE upload_id = $1', [blob?.['upload_id']])).toEqual([]);
  });

  it('goes by the rule of its regime', async () => {
    const sha256 = await proven('T-2', { regime: 'FOOD' });
    expect(await eraseOn(NEXT_DAY)).toBe(0);
    expect(await eraseOn(new Date('2032-03-01T15:59:00.000Z'))).toBe(0);
    expect(await eraseOn(new Date('2032-03-01T16:01:00.000Z'))).toBe(1);
    expect(await blobs(sha256)).toEqual([]);
  });

  it('keeps bytes that another sheet still has', async () => {
    const bytes = randomBytes(100);
    const sha256 = await proven('T-3', { bytes });
    clock.set(new Date('2024-01-01T02:00:00.000Z'));
    await proven('T-4', { bytes });
    expect(await eraseOn(NEXT_DAY)).toBe(1);
    expect((await pieces('T-3')).map(({ erasedAt }) => erasedAt)).toEqual([NEXT_DAY.toISOString()]);
    expect((await read('T-4', sha256)).status).toBe(200);
    expect(await eraseOn(new Date('2027-01-02T02:00:00.000Z'))).toBe(1);
    expect(await blobs(sha256)).toEqual([]);
  });

  it('waits for whoever ties the same bytes to another sheet at that moment', async () => {
    const bytes = randomBytes(100);
    const sha256 = await proven('T-5', { bytes });
    await aSheet('T-6');
    clock.set(NEXT_DAY);
    const [erased, added] = await Promise.all([service.get(EvidenceRetention).erase(1_000), add('T-6', bytes)]);
    expect({ erased, added: added.status }).toEqual({ erased: 1, added: 201 });
    expect((await read('T-6', sha256)).status).toBe(200);
  });
});

describe('evidence stays past its time', () => {
  type Unfinished = readonly [why: string, begin: (sampleNo: string) => Promise<void>, end: (sampleNo: string) => Promise<void>];
  const sql =
    (...statements: readonly string[]) =>
    async (sampleNo: string): Promise<void> => {
      for (const statement of statements) await place.sql(statement, [sampleNo]);
    };
  const sheetClock = (clockName: string, dueOn: string): string =>
    `INSERT INTO sampling_sheet_clocks (organiser_id, sample_no, clock, started_on, due_on, provisional, rule_version)
     VALUES ('tj-amr', $1, '${clockName}', '2022-03-01', '${dueOn}', false, 'x')`;
  const endClock = sql(`UPDATE sampling_sheet_clocks SET stopped_on = due_on WHERE sample_no = $1`);

  const opened = async (sampleNo: string): Promise<void> => {
    await report(sampleNo);
    expect((await organiser.post(`${API}/sampling-cases`, { sampleNo })).status).toBe(201);
  };
  const tell = async (sampleNo: string): Promise<void> => {
    for (const party of ['SAMPLED_PARTY', 'NOMINAL_PRODUCER'])
      await inCase(organiser, sampleNo, 'SERVE', { party, mode: 'DELIVERED', sha256: HASH });
  };
  const served = async (sampleNo: string): Promise<void> => {
    await opened(sampleNo);
    await tell(sampleNo);
  };
  const handedOver = async (sampleNo: string): Promise<void> => {
    await served(sampleNo);
    await inCase(organiser, sampleNo, 'HAND_OVER', { departmentId: 'tj-heping' });
  };
  const recalled = async (sampleNo: string): Promise<void> => {
    await report(sampleNo);
    const content = { product: { name: '移动电源' }, producer: PRODUCER };
    expect(
      (await county.post(`${API}/recalls`, { recallNo: `R-${sampleNo}`, ...content, on: '2022-03-01', clue: '抽检发现' })).status,
    ).toBe(201);
  };

  it.each<Unfinished>([
    [
      'a sheet that is not at its end',
      sql(`UPDATE sampling_sheets SET state = 'TESTING' WHERE sample_no = $1`),
      sql(`UPDATE sampling_sheets SET state = 'CONFIRMED' WHERE sample_no = $1`),
    ],
    ['a duty that was never done', sql(sheetClock('TEST_REPORT', '2022-03-29')), endClock],
    ['a right that has not run out for so long', sql(sheetClock('RAPID_TEST_OBJECTION', '2025-03-01')), endClock],
    ['a case in which nobody was told', opened, tell],
    [
      'a case that is handled',
      async (sampleNo) => {
        await handedOver(sampleNo);
        await inCase(county, sampleNo, 'ORDER_CORRECTION', { documentNo: '责改1号' });
      },
      (sampleNo) => inCase(county, sampleNo, 'RECORD_RECHECK', { passed: true, sha256: HASH }),
    ],
    [
      'an objection that is not decided on',
      async (sampleNo) => {
        await served(sampleNo);
        await inCase(organiser, sampleNo, 'FILE_OBJECTION', { ground: 'AUTHENTICITY', sha256: HASH });
      },
      (sampleNo) => inCase(organiser, sampleNo, 'DECIDE_OBJECTION', { upheld: false, reason: '不成立', sha256: HASH }),
    ],
    [
      'a report that waits for a ruling',
      async (sampleNo) => {
        await report(sampleNo);
        await place.sql(
          `INSERT INTO waiting_reports (reporter_id, sample_no, reported_revision, submission, undoes, since)
           VALUES ('tj-amr', $1, 2, '{}', '[]', '2022-03-01')`,
          [sampleNo],
        );
      },
      sql(`UPDATE waiting_reports SET ruled_at = '2022-03-02', admitted = false WHERE sample_no = $1`),
    ],
    [
      'a pair that is not ruled on',
      async (sampleNo) => {
        await report(sampleNo);
        await place.sql(
          `INSERT INTO probable_duplicates (pair_key, reporter_id, sample_no, earlier_reporter_id, earlier_sample_no, agrees, not_stated, since)
           VALUES ($1, 'tj-heping', 'other', 'tj-amr', $1, '[]', '[]', '2022-03-01')`,
          [sampleNo],
        );
      },
      sql(`UPDATE probable_duplicates SET status = 'DIFFERENT' WHERE pair_key = $1`),
    ],
    ['a recall of its producer', recalled, sql(`UPDATE recalls SET state = 'CLOSED' WHERE recall_no = 'R-' || $1`)],
  ])('for %s', async (why, begin, end) => {
    const sampleNo = `U-${createHash('sha256').update(why).digest('hex').slice(0, 8)}`;
    const sha256 = await proven(sampleNo);
    await begin(sampleNo);
    expect(await eraseOn(LATER)).toBe(0);
    expect((await read(sampleNo, sha256)).status).toBe(200);
    clock.set(SAMPLED);
    await end(sampleNo);
    expect(await eraseOn(LATER)).toBe(1);
    expect((await read(sampleNo, sha256)).body).toMatchObject({ code: 'EVIDENCE_ERASED' });
  });

  it('for what has happened to its result or in its case since', async () => {
    await proven('L-1');
    clock.set(new Date('2023-06-01T02:00:00.000Z'));
    await report('L-1');
    expect(await eraseOn(new Date('2026-06-01T15:59:00.000Z'))).toBe(0);
    clock.set(new Date('2023-09-01T02:00:00.000Z'));
    await organiser.post(`${API}/sampling-cases`, { sampleNo: 'L-1' });
    await inCase(organiser, 'L-1', 'SERVE', { mode: 'DELIVERED', sha256: HASH, on: '2023-09-01' });
    await place.sql(`UPDATE sampling_case_clocks SET stopped_on = due_on WHERE sample_no = 'L-1'`);
    expect(await eraseOn(new Date('2026-09-01T15:59:00.000Z'))).toBe(0);
    expect(await eraseOn(new Date('2026-09-01T16:01:00.000Z'))).toBe(1);
  });

  it('whatever a clock that runs ahead makes of it: the database knows its own', async () => {
    clock.set(new Date());
    const sha256 = await proven('A-1');
    await eraseOn(new Date('2040-01-01T00:00:00.000Z'));
    expect((await read('A-1', sha256)).status).toBe(200);
    await expect(place.sql(`UPDATE evidence SET erased_at = now(), erased_under = 'x' WHERE sha256 = $1`, [sha256])).rejects.toThrow(
      'kept as it came until two years have passed',
    );
    await expect(place.sql('DELETE FROM evidence_blobs WHERE sha256 = $1', [sha256])).rejects.toThrow('these bytes are evidence');
  });
});

describe('the rule', () => {
  it('is the longer one of what files and what credit records want', () => {
    const now = new Date('2026-11-23T01:00:00Z');
    expect(pastOf('PRODUCT', now)?.ruleVersion).toBe('CREDIT_PUBLICATION_SAMPLING_RESULT@2015-01-01');
    expect(pastOf('DRUG', now)).toEqual({
      regime: 'DRUG',
      before: new Date('2016-11-22T16:00:00Z'),
      ruleVersion: 'SAMPLING_FILES_KEPT@2015-01-01',
    });
    expect(pastOf('PRODUCT', new Date('2014-01-01T00:00:00Z'))).toBeNull();
  });
});
