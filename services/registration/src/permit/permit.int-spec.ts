import { PermitChanged, PermitGranted, permits, PermitWithdrawn, typeOf } from '@jinqiao/contracts';
import type { BatchAnswer } from '@jinqiao/platform';
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
import type { Answer } from '../answer.js';
import { RegistrationModule } from '../registration.module.js';
import type { Permit } from './permit.js';

const PATH = '/api/registration/permits';

let place: Place;
let service: TestService;
let amr: Http;
let heping: Http;

beforeAll(async () => {
  place = await (await realServers()).place('registration');
  const clock = new StandingClock(new Date('2026-11-23T08:00:00.000Z'));
  service = await startTestService(RegistrationModule, place, { clock });
  amr = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  heping = place.http(await place.token('DEPARTMENT', 'tj-heping-amr'));
}, 120_000);

afterAll(() => service.close());

const aPermit = (permitNo: string, changes: object = {}) => ({
  permitNo,
  uscc: testUscc(1),
  kind: '食品经营许可证',
  scope: '预包装食品销售',
  authority: '天津市和平区市场监督管理局',
  issuedOn: '2024-01-10',
  validFrom: '2024-01-10',
  validUntil: '2029-01-09',
  legalBasis: { instrument: '中华人民共和国食品安全法', article: '第三十五条' },
  ...changes,
});
const announced = async (key: string, count: number) =>
  eventually(async () => {
    const found = (await place.readAll(permits.topic)).filter((record) => record.key === key);
    expect(found.length).toBeGreaterThanOrEqual(count);
    return found.map(({ headers, body }) => ({ event: `${headers['ce_type']} ${headers['ce_revision']}`, body }));
  });
const list = async (query: string) => (await amr.get<{ items: Permit[]; next: string | null }>(`${PATH}?${query}`)).body;

describe('the permits of a department', () => {
  it('are announced when they are stated, change, are taken back and come again, and not when a statement is repeated', async () => {
    expect(await amr.post(PATH, aPermit('A'))).toMatchObject({ status: 200, body: { id: 'A', outcome: 'accepted', revision: 1 } });
    expect((await amr.post(PATH, aPermit('A'))).body).toMatchObject({ outcome: 'duplicate', revision: 1 });
    expect((await amr.post(PATH, aPermit('A', { status: 'REVOKED' }))).body).toMatchObject({ outcome: 'accepted', revision: 2 });
    const takenBack = await amr.post(`${PATH}/A/retraction`, { reason: '录入错误' });
    expect(takenBack).toMatchObject({ status: 200, body: { id: 'A', outcome: 'accepted', revision: 3 } });
    expect((await amr.post(`${PATH}/A/retraction`, { reason: '录入错误' })).body).toMatchObject({ outcome: 'duplicate', revision: 3 });
    expect((await amr.post(PATH, aPermit('A', { status: 'VALID' }))).body).toMatchObject({ outcome: 'accepted', revision: 4 });
    const events = await announced('tj-amr:A', 4);
    expect(events.map(({ event }) => event)).toEqual([
      `${typeOf(PermitGranted)} 1`,
      `${typeOf(PermitChanged)} 2`,
      `${typeOf(PermitWithdrawn)} 3`,
      `${typeOf(PermitGranted)} 4`,
    ]);
    expect(events[2]?.body).toMatchObject({ uscc: testUscc(1), status: 'REVOKED', withdrawnBecause: '录入错误' });
    expect(events[3]?.body).toEqual({ ...aPermit('A'), departmentId: 'tj-amr', status: 'VALID', revision: 4 });
    expect((await list('permitNo=A')).items).toEqual([events[3]?.body]);
  });

  it('are answered each for itself in a batch, also when one number comes twice', async () => {
    const items = [
      aPermit('B1'),
      aPermit('B2', { uscc: '91120199MA9XXX0112' }),
      aPermit('B1', { scope: '散装食品销售' }),
      aPermit('B3', { departmentId: 'tj-heping-amr' }),
      aPermit('B4', { kind: 'a\u0000b' }),
      'no object',
    ];
    const { body } = await amr.post<BatchAnswer<Answer>>(PATH, items);
    expect(body.items.map(({ id, outcome, revision, errors }) => [id, outcome, revision, errors[0]?.code])).toEqual([
      ['B1', 'accepted', 1, undefined],
      ['B2', 'rejected', null, 'USCC_CHECK_FAILED'],
      ['B1', 'accepted', 2, undefined],
      ['B3', 'rejected', null, 'NOT_ITS_PERMIT'],
      ['B4', 'rejected', null, 'WRONG_FORMAT'],
      [null, 'rejected', null, 'WRONG_TYPE'],
    ]);
    expect(await place.sql("SELECT permit_no, revision FROM permits WHERE permit_no LIKE 'B%'")).toEqual([
      { permit_no: 'B1', revision: 2 },
    ]);
    expect((await announced('tj-amr:B1', 2)).map(({ event }) => event.split(' ')[1])).toEqual(['1', '2']);
  });

  it('are a department’s own: the same number elsewhere is another permit', async () => {
    await amr.post(PATH, aPermit('C'));
    expect((await heping.post(PATH, aPermit('C', { uscc: testUscc(3) }))).body).toMatchObject({ outcome: 'accepted', revision: 1 });
    expect(await heping.post(`${PATH}/A/retraction`, { reason: '不是自己的' })).toMatchObject({
      status: 404,
      body: { code: 'PERMIT_UNKNOWN' },
    });
    expect((await heping.post(`${PATH}/%00/retraction`, { reason: '无此编号' })).status).toBe(404);
    expect((await list('departmentId=tj-amr&permitNo=C')).items).toMatchObject([{ departmentId: 'tj-amr', uscc: testUscc(1) }]);
    expect((await list(`uscc=${testUscc(3)}`)).items).toMatchObject([{ departmentId: 'tj-heping-amr', permitNo: 'C' }]);
  });

  it('are taken a thousand at a time, and listed page by page', async () => {
    const items = Array.from({ length: 1_000 }, (_, n) => aPermit(`M${n}`, { uscc: testUscc(2) }));
    expect((await amr.post<BatchAnswer<Answer>>(PATH, items)).body.accepted).toBe(1_000);
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: { items: Permit[]; next: string | null } = await list(
        `uscc=${testUscc(2)}&limit=400${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`,
      );
      seen.push(...page.items.map(({ permitNo }) => permitNo));
      next = page.next;
    }
    expect(seen.sort()).toEqual(items.map(({ permitNo }) => permitNo).sort());
    expect(await amr.post(PATH, [...items, aPermit('M')])).toMatchObject({ status: 413, body: { code: 'TOO_MANY_ITEMS' } });
  });

  it('leave neither row nor event when one alone is refused, or cannot be announced', async () => {
    const refused = await amr.post(PATH, aPermit('F', { validUntil: '2023-01-01' }));
    expect(refused).toMatchObject({ status: 422, body: { code: 'ENDS_BEFORE_IT_BEGINS', errors: [{ pointer: '/validUntil' }] } });
    await place.sql("ALTER TABLE outbox ADD CONSTRAINT full_disk CHECK (key <> 'tj-amr:F')");
    expect((await amr.post(PATH, aPermit('F'))).status).toBe(500);
    expect(await place.sql("SELECT 1 FROM permits WHERE permit_no = 'F'")).toEqual([]);
    await place.sql('ALTER TABLE outbox DROP CONSTRAINT full_disk');
    expect((await amr.post(PATH, aPermit('F'))).body).toMatchObject({ outcome: 'accepted', revision: 1 });
    expect(await announced('tj-amr:F', 1)).toHaveLength(1);
  });

  it('get one revision for each of many changes that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => amr.post(PATH, aPermit('D', { scope: `项目${at}` }))));
    expect(answers.map(({ body }) => body['revision']).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await announced('tj-amr:D', 8)).map(({ event }) => event.split(' ')[1])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });
});

describe('who may state and read permits', () => {
  it('lets departments alone write, auditors and operators read', async () => {
    for (const [kind, id, read] of [
      ['PLATFORM', 'jd', 403],
      ['STATISTICS', 'tj-stats', 403],
      ['AUDITOR', 'tj-audit', 200],
      ['OPERATOR', 'operator', 200],
    ] as const) {
      const caller = place.http(await place.token(kind, id));
      const statuses = [(await caller.post(PATH, aPermit('X'))).status, (await caller.get(PATH)).status];
      expect({ kind, statuses }).toEqual({ kind, statuses: [403, read] });
    }
    expect((await place.http().post(PATH, aPermit('X'))).status).toBe(401);
  });
});
