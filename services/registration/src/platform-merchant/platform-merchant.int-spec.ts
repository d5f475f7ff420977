import { MerchantChanged, MerchantExited, MerchantOnboarded, platformMerchants, typeOf } from '@jinqiao/contracts';
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
import type { BatchAnswer } from '@jinqiao/platform';
import type { Answer } from '../answer.js';
import { RegistrationModule } from '../registration.module.js';

const PATH = '/api/registration/merchants';

let place: Place;
let service: TestService;
let jd: Http;
let meituan: Http;
let department: Http;
const clock = new StandingClock(new Date('2026-11-23T08:00:00.000Z'));

beforeAll(async () => {
  place = await (await realServers()).place('registration');
  service = await startTestService(RegistrationModule, place, { clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  meituan = place.http(await place.token('PLATFORM', 'meituan'));
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 120_000);

afterAll(() => service.close());

const aShop = (shopId: string, changes: object = {}) => ({ shopId, shopName: `示例网店${shopId}`, uscc: testUscc(1), ...changes });
const announced = async (key: string, count: number) =>
  eventually(async () => {
    const found = (await place.readAll(platformMerchants.topic)).filter((record) => record.key === key);
    expect(found.length).toBeGreaterThanOrEqual(count);
    return found.map(({ headers, body }) => ({ type: headers['ce_type'], revision: headers['ce_revision'], body }));
  });

describe('the shops of a platform', () => {
  it('are announced when they come, change, leave and come back, and not when a statement is repeated', async () => {
    expect(await jd.post(PATH, aShop('A'))).toMatchObject({ status: 200, body: { id: 'A', outcome: 'accepted', revision: 1 } });
    expect((await jd.post(PATH, aShop('A'))).body).toMatchObject({ outcome: 'duplicate', revision: 1 });
    expect((await jd.put(`${PATH}/A`, { shopName: '改名', uscc: testUscc(2) })).body).toMatchObject({ outcome: 'accepted', revision: 2 });
    expect((await jd.post(`${PATH}/A/exit`, {})).body).toMatchObject({ outcome: 'accepted', revision: 3 });
    expect((await jd.post(`${PATH}/A/exit`, {})).body).toMatchObject({ outcome: 'duplicate', revision: 3 });
    expect(await jd.put(`${PATH}/A`, { shopName: '再改' })).toMatchObject({ status: 409, body: { code: 'MERCHANT_EXITED' } });
    clock.advance(60_000);
    expect((await jd.post(PATH, aShop('A'))).body).toMatchObject({ outcome: 'accepted', revision: 4 });
    expect((await jd.get(`${PATH}/A`)).body).toEqual({
      ...aShop('A'),
      platformId: 'jd',
      onboardedAt: '2026-11-23T08:01:00.000Z',
      revision: 4,
    });
    const events = await announced('jd:A', 4);
    expect(events.map(({ type, revision }) => `${type} ${revision}`)).toEqual([
      `${typeOf(MerchantOnboarded)} 1`,
      `${typeOf(MerchantChanged)} 2`,
      `${typeOf(MerchantExited)} 3`,
      `${typeOf(MerchantOnboarded)} 4`,
    ]);
    expect(events[2]?.body).toMatchObject({ uscc: testUscc(2), exitedAt: '2026-11-23T08:00:00.000Z' });
    expect(events[3]?.body).not.toHaveProperty('exitedAt');
  });

  it('are answered each for itself in a batch', async () => {
    const items = [
      aShop('B1'),
      aShop('B2', { uscc: '91120199MA9XXX0112' }),
      aShop('B3', { platformId: 'meituan' }),
      aShop('B4', { uscc: undefined }),
      {},
    ];
    const { body } = await jd.post<BatchAnswer<Answer>>(PATH, items);
    expect(body.items.map(({ id, outcome, errors }) => [id, outcome, errors[0]?.code])).toEqual([
      ['B1', 'accepted', undefined],
      ['B2', 'rejected', 'USCC_CHECK_FAILED'],
      ['B3', 'rejected', 'NOT_YOUR_PLATFORM'],
      ['B4', 'accepted', undefined],
      [null, 'rejected', 'FIELD_MISSING'],
    ]);
    expect(await place.sql("SELECT shop_id FROM platform_merchants WHERE shop_id LIKE 'B%' ORDER BY 1")).toEqual([
      { shop_id: 'B1' },
      { shop_id: 'B4' },
    ]);
  });

  it('keep a pilot code with a warning', async () => {
    expect((await jd.post(PATH, aShop('P', { uscc: '91350203M0001QAY9B' }))).body).toMatchObject({
      warnings: [{ code: 'USCC_LEGACY_CANDIDATE' }],
    });
  });

  it('are a platform’s own: the same shop id elsewhere is another shop', async () => {
    await jd.post(PATH, aShop('C'));
    expect((await meituan.post(PATH, aShop('C', { uscc: testUscc(3) }))).body).toMatchObject({ outcome: 'accepted', revision: 1 });
    expect((await meituan.get(`${PATH}/A`)).status).toBe(404);
    expect(await meituan.put(`${PATH}/B1`, { shopName: '别人的店' })).toMatchObject({ status: 404, body: { code: 'MERCHANT_UNKNOWN' } });
    expect((await meituan.post(`${PATH}/B1/exit`, {})).status).toBe(404);
    const { body } = await meituan.get<{ items: object[] }>(`${PATH}?platformId=jd`);
    expect(body.items).toEqual([expect.objectContaining({ platformId: 'meituan', shopId: 'C' })]);
  });

  it('are listed for a department by platform and by code', async () => {
    const { body } = await department.get<{ items: object[] }>(`${PATH}?platformId=meituan&uscc=${testUscc(3)}`);
    expect(body.items).toEqual([expect.objectContaining({ shopId: 'C' })]);
  });

  it('get one revision for each of many changes that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => jd.post(PATH, aShop('D', { shopName: `名${at}` }))));
    expect(answers.map(({ body }) => body['revision']).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await announced('jd:D', 8)).map(({ revision }) => revision)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });
});

describe('who may state a shop', () => {
  it('lets platforms alone write', async () => {
    expect((await department.post(PATH, aShop('X'))).status).toBe(403);
    expect((await place.http().post(PATH, aShop('X'))).status).toBe(401);
    expect((await place.http(await place.token('STATISTICS', 'tj-stats')).get(PATH)).status).toBe(403);
  });
});
