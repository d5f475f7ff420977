import { MarketEntityChanged, MarketEntityRegistered, MarketEntityStatusChanged, marketEntities, typeOf } from '@jinqiao/contracts';
import { routesThatNameNobody } from '@jinqiao/platform';
import { eventually, type Http, type Place, realServers, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import type { BatchAnswer } from '@jinqiao/platform';
import type { Answer } from '../answer.js';
import { RegistrationModule } from '../registration.module.js';

const PATH = '/api/registration/market-entities';

let place: Place;
let service: TestService;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('registration');
  service = await startTestService(RegistrationModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 120_000);

afterAll(() => service.close());

const anEntity = (n: number, changes: object = {}) => ({ uscc: testUscc(n), name: `示例企业${n}`, divisionCode: '120104', ...changes });
const announced = async (uscc: string, count: number): Promise<string[]> => {
  const records = await eventually(async () => {
    const found = (await place.readAll(marketEntities.topic)).filter(({ key }) => key === uscc);
    expect(found.length).toBeGreaterThanOrEqual(count);
    return found;
  });
  return records.map(({ headers }) => `${headers['ce_type']} ${headers['ce_revision']}`);
};

describe('registering market entities', () => {
  it('announces the first statement, nothing for its repeat, and each change with the next revision', async () => {
    const uscc = testUscc(1);
    expect(await department.post(PATH, anEntity(1))).toMatchObject({ status: 200, body: { id: uscc, outcome: 'accepted', revision: 1 } });
    expect(await department.post(PATH, anEntity(1))).toMatchObject({ status: 200, body: { outcome: 'duplicate', revision: 1 } });
    expect(await department.put(`${PATH}/${uscc}`, { name: '新名', zone: '东疆' })).toMatchObject({ status: 200, body: { revision: 2 } });
    expect(await department.put(`${PATH}/${uscc}/status`, { status: 'DEREGISTERED' })).toMatchObject({
      status: 200,
      body: { revision: 3, unknownFields: [] },
    });
    expect((await department.get(`${PATH}/${uscc}`)).body).toEqual({
      ...{ uscc, name: '新名', zone: '东疆', status: 'DEREGISTERED', departmentId: 'tj-amr', revision: 3, usccCheck: 'VALID' },
    });
    expect(await announced(uscc, 3)).toEqual([
      `${typeOf(MarketEntityRegistered)} 1`,
      `${typeOf(MarketEntityChanged)} 2`,
      `${typeOf(MarketEntityStatusChanged)} 3`,
    ]);
  });

  it('answers each item of a batch for itself, also when one code comes twice', async () => {
    const items = [
      anEntity(10),
      anEntity(11, { uscc: '91120199MA9XXX0112' }),
      anEntity(10),
      anEntity(10, { name: '改名' }),
      'no object',
      anEntity(12),
    ];
    const { status, body } = await department.post<BatchAnswer<Answer>>(PATH, items);
    expect(status).toBe(200);
    expect(body.items.map(({ outcome, revision, errors }) => [outcome, revision, errors[0]?.code])).toEqual([
      ['accepted', 1, undefined],
      ['rejected', null, 'USCC_CHECK_FAILED'],
      ['duplicate', 1, undefined],
      ['accepted', 2, undefined],
      ['rejected', null, 'WRONG_TYPE'],
      ['accepted', 1, undefined],
    ]);
    expect(body).toMatchObject({ accepted: 3, duplicate: 1, rejected: 2 });
    expect((await announced(testUscc(10), 2)).map((event) => event.split(' ')[1])).toEqual(['1', '2']);
  });

  it('takes a thousand in one request and pages through them', async () => {
    const items = Array.from({ length: 1_000 }, (_, at) => anEntity(1_000 + at, { status: 'DORMANT' }));
    expect((await department.post<BatchAnswer<Answer>>(PATH, items)).body.accepted).toBe(1_000);
    const seen: unknown[] = [];
    for (let next: string | null = ''; next !== null;) {
      const query: string = `status=DORMANT&limit=400${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`;
      const { body } = await department.get<{ items: { uscc: string }[]; next: string | null }>(`${PATH}?${query}`);
      seen.push(...body.items.map(({ uscc }) => uscc));
      next = body.next;
    }
    expect(seen).toEqual([...items.map(({ uscc }) => uscc)].sort());
    expect(await department.post(PATH, [...items, anEntity(1)])).toMatchObject({ status: 413, body: { code: 'TOO_MANY_ITEMS' } });
  });

  it('keeps a pilot code and marks it', async () => {
    const uscc = '91350203M0001QAY9B';
    expect((await department.post(PATH, anEntity(0, { uscc }))).body).toMatchObject({
      outcome: 'accepted',
      warnings: [{ code: 'USCC_LEGACY_CANDIDATE' }],
    });
    expect((await department.get(`${PATH}/${uscc}`)).body).toMatchObject({ usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE' });
  });

  it('refuses a single wrong one with a problem and leaves nothing behind', async () => {
    const refused = await department.post(PATH, { uscc: '91120199MA9XXX0112', divisionCode: '999999' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'FIELD_MISSING', errors: [{ code: 'FIELD_MISSING', pointer: '/name' }] } });
    const alsoRefused = await department.post(PATH, anEntity(20, { divisionCode: '999999' }));
    expect(alsoRefused).toMatchObject({ status: 422, body: { code: 'DIVISION_UNKNOWN', errors: [{ pointer: '/divisionCode' }] } });
    expect(await place.sql('SELECT 1 FROM market_entities WHERE uscc = $1', [testUscc(20)])).toEqual([]);
    expect(await department.get(`${PATH}/${testUscc(20)}`)).toMatchObject({ status: 404, body: { code: 'MARKET_ENTITY_UNKNOWN' } });
    expect((await department.put(`${PATH}/${testUscc(20)}`, { name: '某' })).status).toBe(404);
  });

  it('leaves neither row nor event when the announcement cannot be kept', async () => {
    const uscc = testUscc(30);
    await place.sql(`ALTER TABLE outbox ADD CONSTRAINT full_disk CHECK (key <> '${uscc}')`);
    expect((await department.post(PATH, anEntity(30))).status).toBe(500);
    expect(await place.sql('SELECT 1 FROM market_entities WHERE uscc = $1', [uscc])).toEqual([]);
    await place.sql('ALTER TABLE outbox DROP CONSTRAINT full_disk');
    expect((await department.post(PATH, anEntity(30))).body).toMatchObject({ outcome: 'accepted', revision: 1 });
    expect(await announced(uscc, 1)).toHaveLength(1);
  });

  it('gives one revision to each of many changes that come at once', async () => {
    await department.post(PATH, anEntity(40));
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => department.post(PATH, anEntity(40, { name: `名${at}` }))));
    expect(answers.map(({ body }) => body['revision']).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await announced(testUscc(40), 9)).map((event) => event.split(' ')[1])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('registers a new code once when many send it at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => department.post(PATH, anEntity(41))));
    expect(answers.map(({ body }) => body['outcome']).sort()).toEqual(['accepted', ...Array.from({ length: 7 }, () => 'duplicate')]);
    expect(await announced(testUscc(41), 1)).toHaveLength(1);
  });
});

describe('who may register and read', () => {
  it('lets departments alone write', async () => {
    for (const [kind, id] of [
      ['PLATFORM', 'jd'],
      ['STATISTICS', 'tj-stats'],
      ['OPERATOR', 'operator'],
    ] as const) {
      const caller = place.http(await place.token(kind, id));
      expect({ kind, status: (await caller.post(PATH, anEntity(50))).status }).toEqual({ kind, status: 403 });
    }
    expect((await place.http().post(PATH, anEntity(50))).status).toBe(401);
  });

  it('lets a department state only what it keeps, and hand it over to another one, or the operator', async () => {
    const uscc = testUscc(60);
    const other = place.http(await place.token('DEPARTMENT', 'tj-heping-amr'));
    const operator = place.http(await place.token('OPERATOR', 'operator'));
    await department.post(PATH, anEntity(60));
    const refused = { status: 422, body: { code: 'NOT_ITS_ENTITY' } };
    expect(await other.post(PATH, anEntity(60, { name: '别人的名' }))).toMatchObject(refused);
    expect(await other.put(`${PATH}/${uscc}`, { name: '别人的名' })).toMatchObject(refused);
    expect(await other.put(`${PATH}/${uscc}/status`, { status: 'REVOKED' })).toMatchObject(refused);
    expect(await other.put(`${PATH}/${uscc}/keeper`, { departmentId: 'tj-heping-amr' })).toMatchObject(refused);
    const { body } = await other.post<BatchAnswer<Answer>>(PATH, [anEntity(60), anEntity(61)]);
    expect(body.items.map(({ outcome, errors }) => [outcome, errors[0]?.code])).toEqual([
      ['rejected', 'NOT_ITS_ENTITY'],
      ['accepted', undefined],
    ]);
    expect((await department.get(`${PATH}/${uscc}`)).body).toMatchObject({ revision: 1, name: '示例企业60', departmentId: 'tj-amr' });

    expect((await department.put(`${PATH}/${uscc}/keeper`, { departmentId: 'tj-heping-amr' })).body).toMatchObject({ revision: 2 });
    expect(await department.put(`${PATH}/${uscc}/status`, { status: 'REVOKED' })).toMatchObject(refused);
    expect((await other.put(`${PATH}/${uscc}`, { name: '迁入后的名' })).body).toMatchObject({ outcome: 'accepted', revision: 3 });
    expect((await operator.put(`${PATH}/${uscc}/keeper`, { departmentId: 'tj-amr' })).body).toMatchObject({ revision: 4 });
    expect((await department.put(`${PATH}/${uscc}/status`, { status: 'REVOKED' })).body).toMatchObject({ revision: 5 });
    expect((await announced(uscc, 5)).map((event) => event.split(' ')[1])).toEqual(['1', '2', '3', '4', '5']);
  });

  it('lets statistics, auditors and operators read, and no platform', async () => {
    for (const [kind, id] of [
      ['STATISTICS', 'tj-stats'],
      ['AUDITOR', 'tj-audit'],
      ['OPERATOR', 'operator'],
    ] as const) {
      expect((await place.http(await place.token(kind, id)).get(PATH)).status).toBe(200);
    }
    expect((await place.http(await place.token('PLATFORM', 'jd')).get(PATH)).status).toBe(403);
  });

  it('has no route that names nobody', () => {
    expect(routesThatNameNobody(service.app)).toEqual([]);
  });
});
