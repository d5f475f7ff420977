/**
 * The directory on real servers: a registration makes the organisation's topics and access rules before anyone learns of it, a name
 * belongs to one organisation also when two claim it at once, and only the operator may change anything.
 */
import { OrganisationChanged, OrganisationRegistered } from '@jinqiao/contracts';
import { routesThatNameNobody } from '@jinqiao/platform';
import { type Http, type Place, realServers, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

let place: Place;
let service: TestService;
let operator: Http;

const ORGANISATIONS = '/api/exchange/organisations';
const jd = { id: 'jd', kind: 'PLATFORM', name: '京东', aliases: ['京东商城'] };

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(() => service.close());

describe('registration', () => {
  it('makes the topics, admits the organisation and announces it', async () => {
    const { status, body } = await operator.post(ORGANISATIONS, jd);
    expect({ status, body }).toEqual({
      status: 201,
      body: { ...jd, sectors: [], scopes: [], uscc: null, status: 'PRODUCTION', statusReason: null, revision: 1 },
    });
    await expect(place.outside('jd').readAll('platform.jd.feedback.v1')).resolves.toEqual([]);
    const [announced] = await place.outside('service.stack').readUntil('exchange.organisation.v1', (records) => records.length > 0);
    expect(announced).toMatchObject({
      key: 'jd',
      headers: { ce_type: `exchange.organisation.${OrganisationRegistered.name}`, ce_revision: '1' },
      body: { organisationId: 'jd', kind: 'PLATFORM', name: '京东', aliases: ['京东商城'], revision: 1 },
    });
  });

  it('answers a repetition the same and announces nothing', async () => {
    const { status, body } = await operator.post(ORGANISATIONS, jd);
    expect({ status, body }).toEqual({
      status: 201,
      body: { ...jd, sectors: [], scopes: [], uscc: null, status: 'PRODUCTION', statusReason: null, revision: 1 },
    });
    await operator.post(ORGANISATIONS, { id: 'marker-one', kind: 'AUDITOR', name: '标记一' });
    const records = await place
      .outside('service.stack')
      .readUntil('exchange.organisation.v1', (all) => all.some(({ key }) => key === 'marker-one'));
    expect(records.filter(({ key }) => key === 'jd')).toHaveLength(1);
  });

  it('refuses other content under a registered id', async () => {
    const { status, body } = await operator.post(ORGANISATIONS, { ...jd, name: '京东集团' });
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'ORGANISATION_EXISTS' });
  });

  it('refuses a name of another organisation, pointing at it, and leaves no topic', async () => {
    const { status, body } = await operator.post(ORGANISATIONS, {
      id: 'other',
      kind: 'PLATFORM',
      name: '另一家',
      aliases: ['别名', '京东 商城'],
    });
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'NAME_TAKEN' });
    expect(body['errors']).toEqual([expect.objectContaining({ code: 'NAME_TAKEN', pointer: '/aliases/1' })]);
    await place.token('PLATFORM', 'other');
    await expect(place.outside('other').readAll('platform.other.feedback.v1')).rejects.toThrow();
  });

  it('takes the code of a merchant, announces it, and gives it to nobody else', async () => {
    const merchant = { id: 'shop', kind: 'MERCHANT', name: '示例商店', uscc: testUscc(1).toLowerCase() };
    expect((await operator.post(ORGANISATIONS, { ...merchant, uscc: `${testUscc(1).slice(0, 17)}I` })).body).toMatchObject({
      status: 422,
      code: 'USCC_CHECK_FAILED',
      pointer: '/uscc',
    });
    expect(await operator.post(ORGANISATIONS, merchant)).toMatchObject({ status: 201, body: { uscc: testUscc(1) } });
    expect((await operator.post(ORGANISATIONS, { ...merchant, id: 'shop-2', name: '另一家' })).body).toMatchObject({
      status: 409,
      code: 'NAME_TAKEN',
      errors: [{ pointer: '/uscc' }],
    });
    expect((await operator.post(ORGANISATIONS, { ...jd, id: 'jd-2', name: '京东二', aliases: [], uscc: testUscc(2) })).body).toMatchObject({
      status: 422,
      code: 'USCC_FOR_MERCHANTS',
    });
    const records = await place
      .outside('service.stack')
      .readUntil('exchange.organisation.v1', (all) => all.some(({ key }) => key === 'shop'));
    expect(records.filter(({ key }) => key === 'shop').map(({ body }) => body?.['uscc'])).toEqual([testUscc(1)]);
  });

  it('gives a name that two claim at once to one of them', async () => {
    const claims = ['first', 'second', 'third'].map((id) =>
      operator.post(ORGANISATIONS, { id, kind: 'PLATFORM', name: `平台 ${id}`, aliases: ['抢注名'] }),
    );
    const statuses = (await Promise.all(claims)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409]);
    expect(await place.sql("SELECT 1 FROM organisation_names WHERE name_key = '抢注名'")).toHaveLength(1);
  });

  it('says with a pointer what is wrong with a body', async () => {
    const { status, body } = await operator.post(ORGANISATIONS, { id: 'JD!', kind: 'BANK' });
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    const errors = body['errors'] as { pointer: string }[];
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(['/id', '/kind', '/name']);
  });
});

describe('a change', () => {
  it('moves a name once its holder has let it go, and is announced', async () => {
    await operator.post(ORGANISATIONS, { id: 'mover', kind: 'PLATFORM', name: '甲', aliases: ['流动名'] });
    await operator.post(ORGANISATIONS, { id: 'taker', kind: 'PLATFORM', name: '乙' });
    expect((await operator.put(`${ORGANISATIONS}/taker`, { name: '乙', aliases: ['流动名'] })).body).toMatchObject({ code: 'NAME_TAKEN' });
    expect((await operator.put(`${ORGANISATIONS}/mover`, { name: '甲' })).body).toMatchObject({ aliases: [], revision: 2 });
    expect((await operator.put(`${ORGANISATIONS}/taker`, { name: '乙', aliases: ['流动名'] })).body).toMatchObject({ revision: 2 });
    const records = await place
      .outside('service.stack')
      .readUntil('exchange.organisation.v1', (all) => all.some(({ key, body }) => key === 'taker' && body?.['revision'] === 2));
    expect(records.filter(({ headers }) => headers['ce_type']?.endsWith(OrganisationChanged.name)).map(({ key }) => key)).toEqual(
      expect.arrayContaining(['mover', 'taker']),
    );
  });

  it('of what is not registered is refused', async () => {
    expect((await operator.put(`${ORGANISATIONS}/nobody`, { name: '无' })).body).toMatchObject({
      code: 'ORGANISATION_UNKNOWN',
      status: 404,
    });
  });
});

describe('the list', () => {
  it('pages by cursor through every organisation of a kind', async () => {
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const cursor: string = next === '' ? '' : `&cursor=${encodeURIComponent(next)}`;
      const page: { items: { id: string }[]; next: string | null } = (
        await operator.get<{ items: { id: string }[]; next: string | null }>(`${ORGANISATIONS}?kind=PLATFORM&limit=2${cursor}`)
      ).body;
      seen.push(...page.items.map(({ id }) => id));
      next = page.next;
    }
    const rows = await place.sql<{ id: string }>('SELECT id FROM organisations WHERE kind = \'PLATFORM\' ORDER BY id COLLATE "C"');
    expect([...seen].sort()).toEqual(rows.map(({ id }) => id).sort());
    expect(new Set(seen).size).toBe(seen.length);
    expect((await operator.get(`${ORGANISATIONS}?cursor=abc`)).body).toMatchObject({ code: 'BAD_CURSOR' });
  });
});

describe('who may call', () => {
  it('is named on every route', () => expect(routesThatNameNobody(service.app)).toEqual([]));

  it.each([
    ['PLATFORM', 'jd'],
    ['DEPARTMENT', 'tj-amr'],
    ['AUDITOR', 'tj-audit'],
    ['STATISTICS', 'tj-stats'],
  ] as const)('not a %s for registering, changing or suspending', async (kind, id) => {
    const caller = place.http(await place.token(kind, id));
    expect((await caller.post(ORGANISATIONS, { id: 'x', kind: 'PLATFORM', name: 'x' })).status).toBe(403);
    expect((await caller.put(`${ORGANISATIONS}/jd`, { name: 'x' })).status).toBe(403);
    expect((await caller.post(`${ORGANISATIONS}/jd/changes`, { act: 'EXIT', reason: 'x' })).status).toBe(403);
  });

  it('not a platform for reading the directory, and nobody without a valid token', async () => {
    expect((await place.http(await place.token('PLATFORM', 'jd')).get(ORGANISATIONS)).status).toBe(403);
    expect((await place.http().get(ORGANISATIONS)).status).toBe(401);
    expect((await place.http(await place.token('OPERATOR', 'operator', { expired: true })).get(ORGANISATIONS)).status).toBe(401);
    expect((await place.http(await place.token('OPERATOR', 'operator', { audience: 'others' })).get(ORGANISATIONS)).status).toBe(401);
  });
});
