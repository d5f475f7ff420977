import {
  MarketEntityRegistered,
  MerchantOnboarded,
  PermitChanged,
  PermitGranted,
  PermitWithdrawn,
  SamplingResultPublished,
} from '@jinqiao/contracts';
import {
  aMarketEntity,
  aMerchant,
  aPermit,
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { decodeJwt } from 'jose';
import type { Answered } from '../enquiry/enquiry.js';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import type { Verification } from './verification.js';

/*
 * A platform verifies its merchants through the real service: what registration, inspection and departments have said of them comes back,
 * each fact with where it comes from. The clock stands at noon of 2026-11-23 in China.
 */
const NOON = new Date('2026-11-23T04:00:00.000Z');
const URL = '/api/credit/verifications';
const clock = new StandingClock(NOON);
let place: Place;
let service: TestService;
let jd: Http;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOON));

const merchant = (n: number): Promise<string> => place.publish(MerchantOnboarded, aMerchant({ shopId: `jd-${n}`, uscc: testUscc(n) }));
const isFollowed = (entities: number, shops: number) =>
  eventually(async () => {
    expect(await place.sql('SELECT uscc FROM registered_entities')).toHaveLength(entities);
    expect(await place.sql('SELECT uscc FROM platform_shops')).toHaveLength(shops);
  });
const report = async (record: object): Promise<void> => {
  const digest = { documentNo: '津市监罚〔2026〕1号', matter: '销售不合格产品', authority: '天津市市场监督管理委员会' };
  expect(await department.post('/api/credit/records', { digest, ...record })).toMatchObject({ status: 200 });
};
const verifyMany = async (items: object[]): Promise<Answered<Verification>[]> => {
  const { status, body } = await jd.post<{ items: Answered<Verification>[] }>(URL, { purpose: 'CONTRACTED', items });
  expect(status).toBe(200);
  return body.items;
};

it('tells everything that is public about a merchant, each fact with where it comes from', async () => {
  const uscc = testUscc(1);
  await merchant(1);
  await place.publish(MarketEntityRegistered, aMarketEntity({ uscc, name: '天津示例商贸有限公司', industryCode: 'F52' }));
  await place.publish(
    SamplingResultPublished,
    aSamplingResult({
      sampleNo: 'V-1',
      nominalProducer: undefined,
      sampledParty: { name: '示例', uscc },
      notice: { no: '2026-1', publishedOn: '2026-11-01' },
    }),
  );
  await report({ recordNo: 'P-1', uscc, type: 'PENALTY', class: 'GENERAL', documentDate: '2026-11-20' });
  await report({ recordNo: 'W-1', uscc, type: 'PENALTY', class: 'MINOR', documentDate: '2026-11-20' });
  await report({ recordNo: 'L-1', uscc, type: 'ABNORMAL_OPERATION', documentDate: '2026-11-20' });
  await report({ recordNo: 'C-1', uscc, type: 'COMMITMENT', documentDate: '2026-11-20' });
  await isFollowed(1, 1);
  await eventually(async () => expect(await place.sql("SELECT 1 FROM credit_records WHERE standing = 'PUBLIC'")).toHaveLength(4));

  const [answer] = await verifyMany([{ uscc, name: ' 天津示例商贸有限公司' }]);
  expect(answer).toMatchObject({
    outcome: 'answered',
    uscc,
    match: 'EXACT',
    registration: { status: 'ACTIVE', industryCode: 'F52', source: { stream: 'registration.market-entity', revision: 1 } },
    lists: ['ABNORMAL_OPERATION'],
    publicRecords: [
      { type: 'ABNORMAL_OPERATION', count: 1 },
      { type: 'COMMITMENT', count: 1 },
      { type: 'PENALTY', count: 1 },
      { type: 'SAMPLING_RESULT', count: 1 },
    ],
    commitments: { open: 1, broken: 0 },
    asOf: NOON.toISOString(),
    validUntil: '2026-11-24T04:00:00.000Z',
    reverifyBy: '2027-05-23',
  });
  // The status counts the same, by the same count.
  const { body: status } = await department.get(`/api/credit/entities/${uscc}`);
  expect(status).toMatchObject({
    commitments: (answer as Verification).commitments,
    publicRecords: (answer as Verification).publicRecords,
  });
  const records = (answer as Verification).records;
  expect(records.find(({ type }) => type === 'PENALTY')).toMatchObject({
    class: 'GENERAL',
    digest: { documentNo: '津市监罚〔2026〕1号', matter: '销售不合格产品' },
    documentDate: '2026-11-20',
    publicFrom: '2026-11-23',
    publicUntil: '2027-11-20',
    source: { departmentId: 'tj-amr', subject: 'tj-amr:P-1' },
    legalBasis: [{ ruleVersion: 'DISHONESTY_PUBLIC_GENERAL_MOST@2026-04-01' }],
  });
  expect(records.find(({ type }) => type === 'SAMPLING_RESULT')).toMatchObject({
    source: { departmentId: 'tj-amr', subject: 'tj-amr:V-1' },
  });
  // A minor penalty is not public unless its department names a last day.
  expect(JSON.stringify(answer)).not.toContain('W-1');

  const { outcome: _outcome, ...facts } = answer ?? {};
  const { body } = await jd.get(`${URL}/${uscc}?purpose=CONTRACTED`);
  expect(body).toEqual({ ...facts, match: 'USCC_ONLY', note: expect.anything() as unknown });
});

it('shows no record after its last day, although the clock has not ended it yet', async () => {
  const uscc = testUscc(2);
  await merchant(2);
  await report({ recordNo: 'P-2', uscc, type: 'PENALTY', class: 'GENERAL', documentDate: '2026-11-20' });
  await isFollowed(1, 2);
  const last = async (at: string) => {
    clock.set(new Date(at));
    return verifyMany([{ uscc }]);
  };
  expect(await last('2027-11-20T04:00:00Z')).toMatchObject([{ records: [{ type: 'PENALTY' }], validUntil: '2027-11-20T16:00:00.000Z' }]);
  await place.sql("UPDATE credit_records SET standing = 'PUBLIC' WHERE uscc = $1", [uscc]);
  expect(await last('2027-11-20T16:00:00Z')).toMatchObject([{ records: [], publicRecords: [] }]);
});

it('shows the newest of many records and counts them all', async () => {
  const uscc = testUscc(3);
  await merchant(3);
  const results = Array.from({ length: 120 }, (_, n) => ({
    recordNo: `S-${n}`,
    uscc,
    type: 'SPOT_CHECK',
    documentDate: n < 20 ? '2026-10-01' : '2026-11-01',
    digest: { documentNo: `${n}`, matter: '双随机抽查', authority: '天津市市场监督管理委员会' },
  }));
  expect(await department.post('/api/credit/records', results)).toMatchObject({ body: { accepted: 120 } });
  await isFollowed(1, 3);
  const [answer] = (await verifyMany([{ uscc }])) as unknown as Verification[];
  expect(answer?.publicRecords).toEqual([{ type: 'SPOT_CHECK', count: 120 }]);
  expect(answer?.records.map(({ documentDate }) => documentDate)).toEqual(Array.from({ length: 100 }, () => '2026-11-01'));
});

it('answers a thousand merchants in one call, in the order in which they were asked', async () => {
  const numbers = Array.from({ length: 1_000 }, (_, n) => 10_000 + n);
  // Straight into the copy of the register: its way there has a spec of its own.
  await place.sql(
    `INSERT INTO platform_shops (platform_id, shop_id, revision, uscc, onboarded_at)
     SELECT 'jd', uscc, 1, uscc, now() FROM unnest($1::text[]) AS uscc`,
    [numbers.map(testUscc)],
  );
  const shuffled = numbers.toSorted((a, b) => (a % 7) - (b % 7));
  const answers = await verifyMany(shuffled.map((n) => ({ uscc: testUscc(n) })));
  expect(answers.map(({ uscc }) => uscc)).toEqual(shuffled.map(testUscc));
  expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['answered']));
});

it('tells the permits of a merchant as they stand on the day, and never beyond the end of one', async () => {
  const uscc = testUscc(4);
  const source = { departmentId: 'tj-amr', subject: 'tj-amr:JY-1' };
  await merchant(4);
  const publish = (permitNo: string, changes: Parameters<typeof aPermit>[0] = {}) =>
    place.publish(PermitGranted, aPermit({ permitNo, uscc, ...changes }));
  await publish('JY-1', { validUntil: '2026-11-24' });
  await publish('JY-2', { validUntil: undefined, status: 'SUSPENDED' });
  await publish('JY-3', { validUntil: undefined, status: 'REVOKED' });
  await publish('JY-4', { validUntil: '2026-11-22' });
  await publish('JY-5', { validFrom: '2026-11-25' });
  await publish('JY-6', { uscc: testUscc(5) });
  await publish('JY-7');
  await place.publish(PermitWithdrawn, aPermit({ permitNo: 'JY-7', uscc, revision: 2, withdrawnBecause: '录入错误' }));
  const areFollowed = (revisions: number) =>
    eventually(async () =>
      expect(await place.sql('SELECT sum(revision)::integer AS sum FROM registered_permits')).toEqual([{ sum: revisions }]),
    );
  await areFollowed(8);
  await eventually(async () => expect(await place.sql('SELECT 1 FROM platform_shops WHERE uscc = $1', [uscc])).toHaveLength(1));
  const told = async (at: Date | string) => {
    clock.set(new Date(at));
    const [answer] = (await verifyMany([{ uscc }])) as unknown as Verification[];
    return [answer?.validUntil, ...(answer?.permits ?? []).map(({ permitNo, status }) => `${permitNo} ${status}`)];
  };

  const [answer] = await verifyMany([{ uscc }]);
  const {
    departmentId: _departmentId,
    revision: _revision,
    uscc: _uscc,
    ...stated
  } = aPermit({ permitNo: 'JY-1', validUntil: '2026-11-24' });
  expect((answer as unknown as Verification).permits).toContainEqual({ ...stated, source });
  expect(await told(NOON)).toEqual(['2026-11-24T04:00:00.000Z', 'JY-2 SUSPENDED', 'JY-1 VALID', 'JY-4 EXPIRED', 'JY-3 REVOKED']);
  expect(await told('2026-11-24T04:00:00Z')).toEqual([
    '2026-11-24T16:00:00.000Z',
    ...['JY-2 SUSPENDED', 'JY-1 VALID', 'JY-4 EXPIRED', 'JY-3 REVOKED'],
  ]);
  expect(await told('2026-11-24T16:00:00Z')).toEqual([
    '2026-11-25T16:00:00.000Z',
    ...['JY-2 SUSPENDED', 'JY-5 VALID', 'JY-1 EXPIRED', 'JY-4 EXPIRED', 'JY-3 REVOKED'],
  ]);
  // The change of a permit shows with the next question, whatever Redis holds.
  clock.set(NOON);
  await place.publish(PermitChanged, aPermit({ permitNo: 'JY-1', uscc, revision: 2, validUntil: '2026-11-24', status: 'CANCELLED' }));
  await areFollowed(9);
  expect(await told(NOON)).toContain('JY-1 CANCELLED');
  const { body } = await jd.post<{ certificate: string }>('/api/credit/certificates', { purpose: 'CONTRACTED', uscc });
  expect(decodeJwt(body.certificate)['status']).toMatchObject({ permits: [{ permitNo: 'JY-2', status: 'SUSPENDED' }, {}, {}, {}] });
});

it('shows a hundred permits of a merchant at most, first those that last longest', async () => {
  const uscc = testUscc(6);
  await merchant(6);
  await place.sql(
    `INSERT INTO registered_permits SELECT 'tj-amr', 'N-' || n, 1, $1::text, '特种设备使用登记证', '叉车', '示例局', '2020-01-01', '2020-01-01',
       date '2026-11-01' + n, 'VALID', '{}', FALSE FROM generate_series(1, 150) AS n`,
    [uscc],
  );
  await eventually(async () => expect(await place.sql('SELECT 1 FROM platform_shops WHERE uscc = $1', [uscc])).toHaveLength(1));
  const [answer] = (await verifyMany([{ uscc }])) as unknown as Verification[];
  expect(answer?.permits.map(({ permitNo }) => permitNo)).toEqual(Array.from({ length: 100 }, (_, n) => `N-${150 - n}`));
});
