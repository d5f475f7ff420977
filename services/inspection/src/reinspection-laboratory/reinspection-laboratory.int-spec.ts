/*
 * The list of re-inspection laboratories over HTTP on a real database, who states and reads it, the draw from it in a case of food, and both
 * on a database that is set back to a backup (ADR-0020).
 */
import { randomUUID } from 'node:crypto';
import { OrganisationRegistered, SamplingCaseStepTaken, samplingStepIntake, topicOf, typeOf } from '@jinqiao/contracts';
import type { Page } from '@jinqiao/platform';
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
import type { SamplingCase } from '../sampling-case/sampling-case.service.js';
import { drawKeyOf, drawn, eligible, type StatedList } from './reinspection-laboratory.js';

const LISTS = '/api/inspection/reinspection-laboratories';
const CASES = '/api/inspection/sampling-cases';
const HASH = 'c'.repeat(64);
const FIRST = { name: '第1复检机构', uscc: testUscc(11) };
const clock = new StandingClock(new Date('2026-03-20T01:00:00.000Z'));
let place: Place;
let service: TestService;
let organiser: Http;
let province: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await start();
  await place.publish(OrganisationRegistered, {
    organisationId: 'tj-province',
    kind: 'DEPARTMENT',
    name: '省局',
    scopes: ['level:PROVINCE'],
    revision: 1,
  });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());

async function start(): Promise<void> {
  service = await startTestService(InspectionModule, place, { clock });
  const of = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
  [organiser, province] = [await of('tj-amr'), await of('tj-province')];
}

const laboratories = (...numbers: number[]) => numbers.map((n) => ({ name: `第${n}复检机构`, uscc: testUscc(n + 10), from: '2026-01-01' }));
const aList = (publishedOn: string, its: object[]) => ({ documentNo: `${publishedOn}公告`, publishedOn, laboratories: its });
const listed = async (as: Http, query = ''): Promise<StatedList[]> => (await as.get<Page<StatedList>>(`${LISTS}${query}`)).body.items;
const act = (sampleNo: string, name: string, on: string, facts: object = {}) =>
  organiser.post<SamplingCase & { code: string }>(`${CASES}/tj-amr/${sampleNo}/acts`, { act: name, party: 'SAMPLED_PARTY', on, ...facts });
async function ready(sampleNo: string): Promise<void> {
  const reported = aReport({ sampleNo, laboratory: FIRST });
  expect((await organiser.post('/api/inspection/sampling-results', reported)).status).toBe(200);
  expect((await organiser.post(CASES, { sampleNo })).status).toBe(201);
  await act(sampleNo, 'SERVE', '2026-03-02', { mode: 'DELIVERED', sha256: HASH });
  await act(sampleNo, 'FILE_OBJECTION', '2026-03-03', { ground: 'CONCLUSION', sha256: HASH });
  await act(sampleNo, 'ADMIT_REINSPECTION', '2026-03-04', { sha256: HASH });
  expect((await act(sampleNo, 'COMPLETE_FORMALITIES', '2026-03-05', { sha256: HASH })).status).toBe(200);
}
const chosenIn = ({ history }: SamplingCase) => history.find((step) => step.act === 'CHOOSE_LABORATORY')?.facts;
const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]), { within: 30_000 });

describe('the list of re-inspection laboratories', () => {
  it('has to be there before anybody chooses', async () => {
    await ready('L-0');
    expect((await act('L-0', 'CHOOSE_LABORATORY', '2026-03-06')).body).toMatchObject({ status: 422, code: 'LABORATORY_LIST_MISSING' });
  });

  it('is stated by a province alone, once, and the one before stays for its days', async () => {
    const old = aList('2026-01-05', laboratories(1, 2));
    expect((await organiser.put(LISTS, old)).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT' });
    const { status, body } = await province.put<StatedList>(LISTS, old);
    expect(status).toBe(200);
    expect(body).toMatchObject({ listNo: 1, statedBy: 'tj-province', statedAt: '2026-03-20T01:00:00.000Z' });
    expect((await province.put<StatedList>(LISTS, old)).body).toEqual(body);
    const next = (await province.put<StatedList>(LISTS, aList('2026-03-01', laboratories(1, 2, 3, 4)))).body;

    expect(await listed(organiser)).toEqual([next, body]);
    expect(await listed(organiser, '?on=2026-02-28')).toEqual([body]);
    expect(await listed(organiser, '?on=2026-03-01')).toEqual([next]);
    expect(await listed(organiser, '?on=2026-01-04')).toEqual([]);
    const { next: cursor } = (await organiser.get<Page<StatedList>>(`${LISTS}?limit=1`)).body;
    expect(await listed(organiser, `?cursor=${encodeURIComponent(cursor ?? '')}`)).toEqual([body]);
  });

  it('is read by laboratories, auditors and the operator, and refused with a pointer where it is wrong', async () => {
    for (const kind of ['LABORATORY', 'AUDITOR', 'OPERATOR'] as const)
      expect(await listed(place.http(await place.token(kind, `reads-${kind.toLowerCase()}`)))).toHaveLength(2);
    const platform = place.http(await place.token('PLATFORM', 'jd'));
    expect((await platform.get(LISTS)).status).toBe(403);
    const twice = aList('2026-03-10', [...laboratories(5), ...laboratories(5)]);
    expect((await province.put(LISTS, twice)).body).toMatchObject({
      status: 422,
      code: 'LABORATORY_TWICE',
      errors: [{ code: 'LABORATORY_TWICE', pointer: '/laboratories/1/uscc' }],
    });
    expect((await province.put(LISTS, aList('2026-03-10', []))).status).toBeGreaterThanOrEqual(400);
    expect(await listed(organiser)).toHaveLength(2);
  });

  it('is drawn from, without the laboratory that tested first, so that anybody repeats it from what is shown', async () => {
    await ready('L-1');
    const { status, body } = await act('L-1', 'CHOOSE_LABORATORY', '2026-03-06');
    expect(status).toBe(200);
    const facts = chosenIn(body);
    const formalities = JSON.parse(JSON.stringify(body.history.find((step) => step.act === 'COMPLETE_FORMALITIES'))) as {
      on: string;
      takenAt: string;
    };
    const key = drawKeyOf({
      reporterId: 'tj-amr',
      sampleNo: 'L-1',
      party: 'SAMPLED_PARTY',
      on: formalities.on,
      takenAt: formalities.takenAt,
    });
    const list = (await listed(organiser)).find(({ hash }) => hash === facts?.laboratoryList);
    expect(list).toMatchObject({ listNo: 2 });
    const { name, uscc } = drawn(list ? eligible(list, '2026-03-06', FIRST) : [], key) ?? FIRST;
    expect(facts).toMatchObject({ laboratory: { name, uscc }, drawKey: key });
    expect(facts?.laboratory).not.toEqual(FIRST);
  });

  it('has whom a department has drawn with a system of its own', async () => {
    await ready('L-2');
    const by = { documentNo: '抽签1号' };
    const choose = (facts: object) => act('L-2', 'CHOOSE_LABORATORY', '2026-03-06', facts);
    const other = { laboratory: { name: '名录外机构' } };
    expect((await choose({ ...by, ...other })).body).toMatchObject({ status: 422, code: 'LABORATORY_NOT_LISTED' });
    expect((await choose({ ...by, laboratory: FIRST })).body).toMatchObject({ status: 422, code: 'LABORATORY_TESTED_FIRST' });
    expect((await choose({ laboratory: { name: '第3复检机构' } })).body).toMatchObject({ status: 422, code: 'DRAW_MISSING' });
    const facts = chosenIn((await choose({ ...by, laboratory: { name: '第3复检机构' } })).body);
    expect(facts).toMatchObject({ ...by, laboratory: { name: '第3复检机构', uscc: testUscc(13) } });
    expect(facts).toHaveProperty('laboratoryList');
    expect(facts).not.toHaveProperty('drawKey');
  });

  it('is drawn from over Kafka as well', async () => {
    await ready('L-3');
    const step = {
      stepId: 'lab-3',
      reporterId: 'tj-amr',
      sampleNo: 'L-3',
      act: 'CHOOSE_LABORATORY',
      party: 'SAMPLED_PARTY',
      on: '2026-03-06',
    };
    const headers = { ce_specversion: '1.0', ce_id: randomUUID(), ce_source: '/departments/tj-amr/sampling-system' };
    const told = {
      ...headers,
      ce_type: typeOf(SamplingCaseStepTaken),
      ce_time: '2026-03-20T01:00:00Z',
      'content-type': 'application/json',
    };
    await place.outside('tj-amr').produce(topicOf(samplingStepIntake, 'tj-amr'), [{ key: 'L-3', headers: told, value: step }]);
    await eventually(async () => {
      const { body } = await organiser.get<SamplingCase>(`${CASES}/tj-amr/L-3`);
      expect(chosenIn(body)).toHaveProperty('drawKey');
    });
  });

  it('and what was drawn from it are there again on a database that is set back', async () => {
    await ready('L-4');
    await isSent();
    await service.close();
    const restore = await place.backUp();
    await start();
    await province.put(LISTS, aList('2026-03-04', laboratories(2, 5)));
    await act('L-4', 'CHOOSE_LABORATORY', '2026-03-06');
    const before = [await listed(organiser), (await organiser.get<SamplingCase>(`${CASES}/tj-amr/L-4`)).body];
    await isSent();
    await service.close();
    await restore();
    await start();

    expect([await listed(organiser), (await organiser.get<SamplingCase>(`${CASES}/tj-amr/L-4`)).body]).toEqual(before);
    expect((await province.put<StatedList>(LISTS, aList('2026-03-12', laboratories(6)))).body).toMatchObject({ listNo: 4 });
  }, 120_000);
});
