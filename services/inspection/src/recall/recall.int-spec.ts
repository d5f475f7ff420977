/*
 * Recalls over HTTP, by file and over Kafka on a real database: the real notices come in as they are printed, who may do and see what, one
 * outcome of a race, what is said in public and what of duties, and that a database that was set back knows what was public.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OrganisationRegistered, RecallReported, recalls, inspectionDeadlines } from '@jinqiao/contracts';
import {
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
import type { ImportAnswer } from '../import-run/import-run.service.js';
import { InspectionModule } from '../inspection.module.js';
import type { RecallFile, RecallSummary } from './recall.service.js';

const RECALLS = '/api/inspection/recalls';
const HASH = 'c'.repeat(64);
const FILE = readFileSync(join(import.meta.dirname, '../../../../data/recalls.csv'));
const clock = new StandingClock(new Date('2026-03-02T01:00:00.000Z'));
let place: Place;
let service: TestService;
let keeper: Http;
let province: Http;
let stranger: Http;
let auditor: Http;

const start = async (): Promise<void> => {
  service = await startTestService(InspectionModule, place, { clock });
};
beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await place.addOrganisation('DEPARTMENT', 'tj-amr');
  await start();
  const of = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
  [keeper, province, stranger] = [await of('tj-amr'), await of('tj-province'), await of('tj-nankai')];
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const scopes = ['level:PROVINCE'];
  await place.publish(OrganisationRegistered, { organisationId: 'tj-province', kind: 'DEPARTMENT', name: '省局', scopes, revision: 1 });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(new Date('2026-03-02T01:00:00.000Z')));

/** The merchant with the code of this number, as the directory has it. */
async function producerOf(n: number): Promise<Http> {
  const merchant = { organisationId: `merchant-${n}`, kind: 'MERCHANT', name: `企业${n}`, uscc: testUscc(n), revision: 1 } as const;
  await place.publish(OrganisationRegistered, merchant);
  await eventually(async () =>
    expect(await place.sql('SELECT FROM followed_organisations WHERE uscc = $1', [merchant.uscc])).toHaveLength(1),
  );
  return place.http(await place.token('MERCHANT', merchant.organisationId));
}

const content = (recallNo: string, changes: object = {}): object => ({
  recallNo,
  product: { name: '移动电源', brand: '示例牌', models: ['A1'], gtins: ['06901234567892'] },
  producer: { name: '示例企业', uscc: testUscc(1) },
  hazard: '过热燃烧',
  measure: '退款',
  ...changes,
});
const open = (as: Http, recallNo: string, changes: object = {}) =>
  as.post<RecallFile & { code: string }>(RECALLS, { ...content(recallNo), on: '2026-03-02', clue: '抽检发现', ...changes });
const act = (as: Http, [recallNo, name, on]: readonly [string, string, string], facts: object = {}) =>
  as.post<RecallFile & { code: string }>(`${RECALLS}/${recallNo}/acts`, { act: name, on, ...facts });
const upload = (as: Http, bytes: Uint8Array<ArrayBuffer>) => {
  const form = new FormData();
  form.append('file', new Blob([bytes]), 'recalls.csv');
  return as.post<ImportAnswer>(`${RECALLS}/imports`, form);
};
const said = async (recallNo: string): Promise<string[]> => {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const records = await place.readAll(recalls.topic);
  return records
    .filter(({ key }) => key === recallNo)
    .map(({ headers, body }) => `${headers['ce_type']?.split('.').at(-1)} ${String(body?.['revision'])}`);
};

async function published(recallNo: string): Promise<void> {
  await open(keeper, recallNo);
  await act(keeper, [recallNo, 'NOTIFY_PRODUCER', '2026-03-02'], { sha256: HASH });
  await act(keeper, [recallNo, 'ADMIT_DEFECT', '2026-03-02'], { reason: '生产者确认' });
  await act(keeper, [recallNo, 'REPORT_PLAN', '2026-03-02'], { sha256: HASH });
  expect((await act(keeper, [recallNo, 'PUBLISH', '2026-03-02'])).status).toBe(200);
}

describe('the really published recalls', () => {
  it('come in as they are printed, and a second time as duplicates', async () => {
    const { status, body } = await upload(keeper, FILE);
    expect({ status, ...body }).toMatchObject({ status: 200, rows: 18, accepted: 18, duplicate: 0, rejected: 0, unknownColumns: [] });
    expect((await upload(keeper, FILE)).body).toMatchObject({ accepted: 0, duplicate: 18, rejected: 0 });
    await eventually(async () => expect(await place.readAll(recalls.topic)).toHaveLength(18), { within: 20_000 });
    const bank = (await place.readAll(recalls.topic)).find(({ key }) => key === 'R011')?.body;
    expect(bank).toMatchObject({
      recallNo: 'R011',
      keeperId: 'tj-amr',
      revision: 1,
      reportedRevision: 1,
      round: 1,
      product: { name: '移动电源', brand: '示例牌0705', models: ['A1642', 'A1647', 'A1652', 'A1680', 'A1681', 'A1689', 'A1257'] },
      producer: { name: '示例生产企业0704有限公司', uscc: '91120199MA9000NN8C' },
      quantity: 712_964,
      announcedOn: '2025-06-20',
    });
    // The quarter is no date; the row is kept as it was printed.
    const { body: quarter } = await keeper.get<RecallFile>(`${RECALLS}/R017`);
    expect(quarter).toMatchObject({
      state: 'ANNOUNCED',
      announcedOn: '2017',
      clocks: [],
      history: [{ act: 'TAKE_IN', facts: { printed: { recall_announced: '2017Q1' } } }],
    });
  }, 60_000);

  it('refuses a bad row by itself and gives it back, and belongs to whoever sent it first', async () => {
    const bad = Buffer.from('recall_id,product,brand,producer,quantity\nF-1,灯,,厂,3\nF-2,,牌,,x\n');
    const { body } = await upload(keeper, Uint8Array.from(bad));
    expect(body).toMatchObject({ accepted: 1, rejected: 1, rejections: { FIELD_MISSING: 1 } });
    const rows = await keeper.get<string>(`/api/inspection/imports/${body.importId}/rejected-rows`);
    expect(rows.body).toContain(
      '"F-2","","牌","","x","3","FIELD_MISSING; FIELD_MISSING; WRONG_TYPE","/product/name; /producer/name; /quantity"',
    );
    expect((await upload(stranger, FILE)).body).toMatchObject({ accepted: 0, rejections: { RECALL_NO_TAKEN: 18 } });
  });

  it('are answered item by item over HTTP, and come over Kafka just so', async () => {
    const items = [content('N-1'), { recallNo: 'N-2' }, content('N-1', { revision: 3, measure: '换货' }), content('N-1', { revision: 2 })];
    const { body } = await keeper.post<{ items: unknown[] }>(`${RECALLS}/notices`, items);
    expect(body).toMatchObject({
      accepted: 2,
      rejected: 2,
      items: [
        { recallNo: 'N-1', outcome: 'accepted', revision: 1 },
        {
          recallNo: 'N-2',
          errors: [
            { code: 'FIELD_MISSING', pointer: '/product' },
            { code: 'FIELD_MISSING', pointer: '/producer' },
          ],
        },
        { outcome: 'accepted', revision: 3, warnings: [{ code: 'REVISION_GAP' }] },
        { outcome: 'rejected', errors: [{ code: 'STALE_REVISION' }] },
      ],
    });
    const alone = await keeper.post(`${RECALLS}/notices`, content('N-3', { producer: { name: '厂', uscc: '1' } }));
    expect(alone.body).toMatchObject({ status: 422, code: 'USCC_CHECK_FAILED', pointer: '/producer/uscc' });
    await place.publish(RecallReported, content('K-1') as RecallReported, { owner: 'tj-amr' });
    await place.publish(
      RecallReported,
      { ...(content('K-2') as RecallReported), producer: { name: '厂', uscc: '1' } },
      { owner: 'tj-amr' },
    );
    await place.publish(RecallReported, content('K-3') as RecallReported, { owner: 'tj-amr' });
    await eventually(async () => expect(await said('K-3')).toEqual(['RecallPublished 1']), { within: 20_000 });
    expect(await said('K-1')).toEqual(['RecallPublished 1']);
    expect(await place.sql('SELECT key, code FROM dead_letters')).toEqual([{ key: 'K-2', code: 'USCC_CHECK_FAILED' }]);
  });
});

describe('a recall', () => {
  it('goes from a clue to its effect, each step with its basis, day and actor; and again', async () => {
    const { status, body: first } = await open(keeper, 'C-1', { subject: 'tj-amr:S-1' });
    expect({ status, state: first.state, standing: first.standing }).toEqual({ status: 201, state: 'CLUE', standing: null });
    expect((await open(keeper, 'C-1', { subject: 'tj-amr:S-1' })).body).toEqual(first);
    clock.set(new Date('2026-09-01T01:00:00.000Z'));
    await act(keeper, ['C-1', 'NOTIFY_PRODUCER', '2026-03-03'], { sha256: HASH });
    await act(keeper, ['C-1', 'DENY_DEFECT', '2026-03-04'], { reason: '分析', sha256: HASH });
    expect((await act(keeper, ['C-1', 'INVESTIGATE', '2026-03-05'], { reason: '再查' })).body).toMatchObject({
      status: 403,
      code: 'NOT_COMPETENT',
    });
    await act(province, ['C-1', 'INVESTIGATE', '2026-03-05'], { reason: '再查' });
    await act(province, ['C-1', 'GIVE_NOTICE', '2026-03-06'], { documentNo: '召回通知1号', sha256: HASH });
    await act(province, ['C-1', 'ORDER_RECALL', '2026-03-20'], { authority: '市场监管总局', documentNo: '责令1号' });
    await act(keeper, ['C-1', 'REPORT_PLAN', '2026-03-25'], { sha256: HASH, content: { nationalNo: 'SAMR-1', quantity: 100 } });
    expect(await said('C-1')).toEqual([]);
    await act(keeper, ['C-1', 'PUBLISH', '2026-03-27']);
    const amend = () => act(keeper, ['C-1', 'AMEND', '2026-04-01'], { reason: '扩大', content: { quantity: 200 } });
    const [amended, repeated] = [await amend(), await amend()];
    expect(repeated).toMatchObject({ status: 200, body: amended.body });
    await act(keeper, ['C-1', 'RECORD_PROGRESS', '2026-06-20'], { recalled: 90, sha256: HASH });
    await act(keeper, ['C-1', 'COMPLETE', '2026-07-01'], { recalled: 150 });
    await act(keeper, ['C-1', 'SUMMARISE', '2026-07-10'], { recalled: 150, sha256: HASH });
    const { body } = await act(keeper, ['C-1', 'CLOSE', '2026-08-01'], { reason: '效果评估通过' });
    expect(body).toMatchObject({ state: 'CLOSED', standing: 'CLOSED', revision: 3, nationalNo: 'SAMR-1', closedOn: '2026-08-01' });
    expect(body.history.map((step) => `${step.act} ${step.on} ${step.actorId} ${step.competence} ${step.revision}`)).toEqual([
      'OPEN 2026-03-02 tj-amr KEEPER 0',
      'NOTIFY_PRODUCER 2026-03-03 tj-amr KEEPER 0',
      'DENY_DEFECT 2026-03-04 tj-amr KEEPER 0',
      'INVESTIGATE 2026-03-05 tj-province PROVINCE 0',
      'GIVE_NOTICE 2026-03-06 tj-province PROVINCE 0',
      'ORDER_RECALL 2026-03-20 tj-province PROVINCE 0',
      'REPORT_PLAN 2026-03-25 tj-amr KEEPER 0',
      'PUBLISH 2026-03-27 tj-amr KEEPER 1',
      'AMEND 2026-04-01 tj-amr KEEPER 2',
      'RECORD_PROGRESS 2026-06-20 tj-amr KEEPER 2',
      'COMPLETE 2026-07-01 tj-amr KEEPER 2',
      'SUMMARISE 2026-07-10 tj-amr KEEPER 2',
      'CLOSE 2026-08-01 tj-amr KEEPER 3',
    ]);
    expect(new Set(body.history.map(({ basis }) => basis))).toEqual(new Set(['消费品召回管理暂行规定（市场监管总局令第19号）']));
    await act(province, ['C-1', 'RECALL_AGAIN', '2026-08-02'], { reason: '仍在售' });
    await act(keeper, ['C-1', 'REPORT_PLAN', '2026-08-03'], { sha256: HASH });
    expect((await act(keeper, ['C-1', 'PUBLISH', '2026-08-04'])).body).toMatchObject({
      round: 2,
      nationalNo: 'SAMR-1',
      revision: 4,
      closedOn: null,
    });
    expect(await said('C-1')).toEqual(['RecallPublished 1', 'RecallPublished 2', 'RecallClosed 3', 'RecallPublished 4']);
  });

  it('refuses what is not done now, says what is, and changes nothing', async () => {
    const { body: before } = await open(keeper, 'C-2');
    expect((await act(keeper, ['C-2', 'PUBLISH', '2026-03-02'])).body).toMatchObject({
      status: 409,
      code: 'ACT_NOT_ALLOWED',
      state: 'CLUE',
      allowed: expect.arrayContaining([{ act: 'NOTIFY_PRODUCER', by: ['KEEPER', 'PROVINCE'] }]) as unknown,
    });
    expect((await act(keeper, ['C-2', 'NOTIFY_PRODUCER', '2026-03-03'])).body).toMatchObject({
      status: 422,
      errors: [
        { code: 'FIELD_MISSING', pointer: '/sha256' },
        { code: 'IN_FUTURE', pointer: '/on' },
      ],
    });
    expect((await act(keeper, ['C-2', 'DANCE', '2026-03-02'])).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await keeper.get<RecallFile>(`${RECALLS}/C-2`)).body).toEqual(before);
    expect((await open(stranger, 'C-2')).body).toMatchObject({ status: 409, code: 'RECALL_NO_TAKEN', pointer: '/recallNo' });
    expect((await open(keeper, 'a:b')).body).toMatchObject({ status: 400, errors: [{ code: 'WRONG_FORMAT', pointer: '/recallNo' }] });
    expect((await open(keeper, 'C-2x', { on: '2026-03-03' })).body).toMatchObject({
      status: 422,
      errors: [{ code: 'IN_FUTURE', pointer: '/on' }],
    });
  });

  it('has one outcome of a race, also for a number and for a national number', async () => {
    await published('C-3');
    const ends = await Promise.all([0, 1, 2, 3].map((n) => act(keeper, ['C-3', 'WITHDRAW', '2026-03-02'], { reason: `误报${n}` })));
    expect(ends.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const opened = await Promise.all([keeper, stranger, keeper, stranger].map((as) => open(as, 'C-4')));
    expect(opened.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
    await Promise.all(['C-5', 'C-6'].map((recallNo) => open(keeper, recallNo)));
    const numbered = await Promise.all(
      ['C-5', 'C-6'].map((recallNo) =>
        act(keeper, [recallNo, 'NOTIFY_PRODUCER', '2026-03-02'], { sha256: HASH, content: { nationalNo: 'SAMR-2' } }),
      ),
    );
    expect(numbered.map(({ body, status }) => (status === 200 ? status : body.code)).sort()).toEqual([200, 'NATIONAL_NO_TAKEN']);
    expect(await said('C-3')).toEqual(['RecallPublished 1', 'RecallWithdrawn 2']);
  });

  it('is seen by whoever keeps it, the province and the auditor', async () => {
    await open(keeper, 'C-7');
    for (const [who, status] of [
      [keeper, 200],
      [province, 200],
      [auditor, 200],
      [stranger, 404],
    ] as const)
      expect((await who.get(`${RECALLS}/C-7`)).status).toBe(status);
    expect((await act(stranger, ['C-7', 'NOTIFY_PRODUCER', '2026-03-02'], { sha256: HASH })).body).toMatchObject({
      code: 'RECALL_UNKNOWN',
    });
    const listed = async (as: Http, query: string): Promise<string[]> =>
      (await as.get<{ items: RecallSummary[] }>(`${RECALLS}?limit=500&${query}`)).body.items.map(({ recallNo }) => recallNo);
    expect(await listed(keeper, 'state=CLUE')).toContain('C-7');
    expect(await listed(stranger, '')).not.toContain('C-7');
    clock.set(new Date('2026-03-20T01:00:00.000Z'));
    expect(await listed(keeper, 'overdue=true')).toContain('C-7');
  });

  it('is seen by its producer once it has been told, without the clue and what authorities write to each other', async () => {
    const [told, other] = [await producerOf(1), await producerOf(2)];
    const [mine, another] = [1, 2].map((n) => ({ name: `企业${n}`, uscc: testUscc(n) }));
    const seen = async (): Promise<number[]> => Promise.all([told, other].map(async (who) => (await who.get(`${RECALLS}/C-9`)).status));
    await open(keeper, 'C-9', { producer: mine, nationalNo: 'SAMR-9' });
    await act(keeper, ['C-9', 'FORWARD', '2026-03-02'], { authority: '外省局', sha256: HASH });
    await act(province, ['C-9', 'INVESTIGATE', '2026-03-02'], { reason: '再查' });
    expect(await seen()).toEqual([404, 404]);
    await act(province, ['C-9', 'GIVE_NOTICE', '2026-03-02'], { documentNo: '召回通知9号', sha256: HASH, reason: '内部' });
    expect(await seen()).toEqual([200, 404]);
    const { body } = await told.get<RecallFile>(`${RECALLS}/C-9`);
    expect(body).toMatchObject({ recallNo: 'C-9', state: 'NOTICE_GIVEN', standing: null, producer: mine, hazard: '过热燃烧' });
    expect(body.clocks.map(({ clock: name }) => name).sort()).toEqual(['OBJECTION', 'PLAN_REPORT']);
    expect(body.history.map(({ act: name, facts }) => [name, facts])).toEqual([
      ['INVESTIGATE', {}],
      ['GIVE_NOTICE', { documentNo: '召回通知9号', sha256: HASH }],
    ]);
    expect(body).not.toHaveProperty('allowed');
    const { body: list } = await told.get<{ items: RecallSummary[] }>(`${RECALLS}?limit=500`);
    expect(list.items.map(({ recallNo }) => recallNo)).toContain('C-9');

    // Another producer is named, and nobody has told it; what is public everybody may know.
    await act(keeper, ['C-9', 'FILE_OBJECTION', '2026-03-02'], { reason: '非我司产品', sha256: HASH, content: { producer: another } });
    expect(await seen()).toEqual([404, 404]);
    await act(province, ['C-9', 'ORDER_RECALL', '2026-03-02'], { authority: '总局', documentNo: '责令9号' });
    expect(await seen()).toEqual([404, 200]);
    await keeper.post(`${RECALLS}/notices`, content('C-10', { producer: mine }));
    expect((await told.get<RecallFile>(`${RECALLS}/C-10`)).body).toMatchObject({ standing: 'PUBLISHED', revision: 1 });
    expect((await other.get(`${RECALLS}/C-10`)).body).toMatchObject({ status: 404, code: 'RECALL_UNKNOWN' });
    expect((await told.post(`${RECALLS}/C-10/acts`, { act: 'CLOSE', on: '2026-03-02', reason: '完成' })).status).toBe(403);
  });

  it('has its duties said once when they pass', async () => {
    await open(keeper, 'C-8');
    await act(keeper, ['C-8', 'NOTIFY_PRODUCER', '2026-03-02'], { sha256: HASH });
    await act(keeper, ['C-8', 'ADMIT_DEFECT', '2026-03-02'], { reason: '确认' });
    const job = service.app.get(DeadlineJob);
    clock.set(new Date('2026-03-17T01:00:00.000Z'));
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    const all = await place.outside('service.stack').readUntil(inspectionDeadlines.topic, (some) => some.some(({ key }) => key === 'C-8'));
    expect(all.filter(({ key }) => key === 'C-8').map(({ body }) => body)).toEqual([
      {
        subject: 'C-8',
        revision: 1,
        clock: 'PLAN_REPORT',
        party: 'PRODUCER',
        departmentId: 'tj-amr',
        startedOn: '2026-03-02',
        dueOn: '2026-03-16',
        ruleVersion: 'RECALL_PLAN_REPORT/PRODUCT@2020-01-01',
        raisedAt: '2026-03-17T01:00:00.000Z',
      },
    ]);
  });
});

it('is known again when the database was set back, and its numbers go on', async () => {
  await published('B-1');
  await said('B-1');
  await service.close();
  const setBack = await place.backUp();
  await start();
  await act(keeper, ['B-1', 'AMEND', '2026-03-02'], { reason: '更正', content: { measure: '换货' } });
  await keeper.post(`${RECALLS}/notices`, content('B-2'));
  expect(await said('B-1')).toEqual(['RecallPublished 1', 'RecallPublished 2']);
  await said('B-2');
  await service.close();
  await setBack();
  await start();
  expect((await keeper.get<RecallFile>(`${RECALLS}/B-1`)).body).toMatchObject({ state: 'IN_PROGRESS', revision: 2, measure: '换货' });
  expect((await keeper.get<RecallFile>(`${RECALLS}/B-2`)).body).toMatchObject({ state: 'ANNOUNCED', revision: 1, keeperId: 'tj-amr' });
  expect((await keeper.post(`${RECALLS}/notices`, content('B-2'))).body).toMatchObject({ outcome: 'duplicate' });
  await act(keeper, ['B-1', 'WITHDRAW', '2026-03-02'], { reason: '误报' });
  expect(await said('B-1')).toEqual(['RecallPublished 1', 'RecallPublished 2', 'RecallWithdrawn 3']);
}, 120_000);
