import {
  MerchantExited,
  MerchantOnboarded,
  OrganisationChanged,
  OrganisationRegistered,
  type OrganisationStatus,
  type Regime,
  SamplingResultPublished,
} from '@jinqiao/contracts';
import type { Page } from '@jinqiao/platform';
import {
  anOrganisation,
  aSamplingResult,
  aMerchant,
  type Answer,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { Enquiries, type Enquiry } from './enquiry.service.js';

/*
 * Who may ask about whom, what of it is noted, and how much on a day, against real servers. `jd` has the merchants 1 to 20 under contract,
 * `tmall` merchant 2 alone; 3 has left `jd`.
 */
class SmallBudget extends CreditConfig {
  override ENQUIRIES_PER_DAY = 40;
}

const VERIFICATIONS = '/api/credit/verifications';
const PREDICATES = '/api/credit/predicates';
const CERTIFICATES = '/api/credit/certificates';
const NOON = new Date('2026-11-23T04:00:00.000Z');
const DAY_MS = 86_400_000;
const clock = new StandingClock(NOON);
let place: Place;
let service: TestService;
let jd: Http;
let tmall: Http;
let department: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: SmallBudget, clock });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  tmall = place.http(await place.token('PLATFORM', 'tmall'));
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  for (let n = 1; n <= 20; n += 1) await place.publish(MerchantOnboarded, shopOf('jd', n));
  await place.publish(MerchantOnboarded, shopOf('tmall', 2));
  await place.publish(MerchantExited, { ...shopOf('jd', 3), revision: 2, exitedAt: '2026-11-01T00:00:00.000Z' });
  await eventually(async () => {
    const [row] = await place.sql('SELECT count(*)::integer AS shops, count(exited_at)::integer AS exited FROM platform_shops');
    expect(row).toEqual({ shops: 21, exited: 1 });
  });
}, 60_000);
afterAll(() => service.close());
// Each test has a day of its own, and so the whole budget.
beforeEach(() => clock.advance(DAY_MS));

const shopOf = (platformId: string, n: number): MerchantOnboarded =>
  aMerchant({ platformId, shopId: `${platformId}-${n}`, uscc: testUscc(n) });
const contracted = (...numbers: number[]) => ({ purpose: 'CONTRACTED', items: numbers.map((n) => ({ uscc: testUscc(n) })) });
const kept = async (): Promise<object> => ({
  enquiries: await place.sql('SELECT count(*)::integer AS n FROM enquiries'),
  budgets: await place.sql('SELECT asker_id, day::text, used FROM enquiry_budgets ORDER BY asker_id, day'),
});
const refusalsIn = ({ body }: Answer): string[] =>
  (body['items'] as { outcome: string; errors?: { code: string; pointer: string }[] }[]).map(({ outcome, errors = [] }) =>
    [outcome, ...errors.map(({ code, pointer }) => `${code} ${pointer}`)].join(' '),
  );
const logOf = async (http: Http, query = ''): Promise<Enquiry[]> =>
  (await http.get<Page<Enquiry>>(`/api/credit/enquiries${query}`)).body.items;

describe('a platform', () => {
  it('is answered about merchants it has under contract, item by item, and about nobody else', async () => {
    const legacy = { uscc: '91350203M0001QAY9B' };
    const answer = await jd.post(VERIFICATIONS, {
      purpose: 'CONTRACTED',
      items: [
        { uscc: testUscc(1) },
        { uscc: testUscc(3) },
        { uscc: testUscc(21) },
        { uscc: '123' },
        { uscc: '91110108551385082F' },
        legacy,
        7,
      ],
    });
    expect(answer.status).toBe(200);
    expect(refusalsIn(answer)).toEqual([
      'answered',
      'refused NOT_CONTRACTED /uscc',
      'refused NOT_CONTRACTED /uscc',
      'refused USCC_MALFORMED /uscc',
      'refused USCC_CHECK_FAILED /uscc',
      'refused NOT_CONTRACTED /uscc',
      'refused WRONG_TYPE ',
    ]);
    expect(answer.body).toMatchObject({ answered: 1, refused: 6, note: { en: expect.stringContaining('no endorsement') as unknown } });
  });

  it('is answered by its own contract, whoever asks about the same merchant at that moment', async () => {
    const of = (n: number): string => `${VERIFICATIONS}/${testUscc(n)}?purpose=CONTRACTED`;
    const asked = [jd.get(of(1)), tmall.get(of(1)), jd.get(of(2)), tmall.get(of(2)), tmall.get(of(1)), jd.get(of(1))];
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses).toEqual([200, 403, 200, 200, 403, 200]);
  });

  it('is answered about an applicant that it names, also where the code is one of the pilot of 2015', async () => {
    const answer = await tmall.post(VERIFICATIONS, {
      purpose: 'ONBOARDING',
      applicationId: 'RZ-2026-1',
      items: [{ uscc: testUscc(21) }, { uscc: '91350203M0001QAY9B' }],
    });
    expect(refusalsIn(answer)).toEqual(['answered', 'answered']);
    expect(answer.body['items']).toMatchObject([{ usccCheck: 'VALID' }, { usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE' }]);
    expect((await logOf(tmall)).slice(-2)).toMatchObject([
      { uscc: testUscc(21), purpose: 'ONBOARDING', applicationId: 'RZ-2026-1' },
      { uscc: '91350203M0001QAY9B' },
    ]);
  });

  it('cannot tell from a refusal whether there is such a merchant', async () => {
    const [ofAnother, ofNobody] = [testUscc(2_000), testUscc(1)].map((uscc) => `${VERIFICATIONS}/${uscc}?purpose=CONTRACTED`);
    const [one, other] = [await tmall.get(String(ofAnother)), await tmall.get(String(ofNobody))];
    expect(one).toMatchObject({ status: 403, body: { code: 'NOT_CONTRACTED', pointer: '/uscc' } });
    expect({ ...one.body, instance: '' }).toEqual({ ...other.body, instance: '' });
  });
});

it('a department is answered about anybody, under the law that it names', async () => {
  const answer = await department.get(
    `${VERIFICATIONS}/${testUscc(77)}?purpose=SUPERVISION&basis=${encodeURIComponent('电子商务法第二十五条')}`,
  );
  expect(answer).toMatchObject({ status: 200, body: { uscc: testUscc(77), match: 'NOT_REGISTERED', lists: [], records: [] } });
  expect(await logOf(department)).toMatchObject([{ askerKind: 'DEPARTMENT', purpose: 'SUPERVISION', basis: '电子商务法第二十五条' }]);
});

it('a question about samplings of one regime is answered by what their results say', async () => {
  const uscc = testUscc(78);
  const sampledParty = { name: '示例商店', uscc };
  const notice = { no: '2026-1', publishedOn: '2026-11-01' };
  await place.publish(
    SamplingResultPublished,
    aSamplingResult({ sampleNo: 'REGIME', regime: 'FOOD', sampledParty, nominalProducer: undefined, notice }),
  );
  const ask = async (regime: Regime) => {
    const items = [{ uscc, predicate: 'NO_PUBLISHED_UNQUALIFIED_SAMPLING', months: 12, regime }];
    return (await department.post(PREDICATES, { purpose: 'SUPERVISION', basis: '电子商务法第二十五条', items })).body;
  };
  await eventually(async () => expect(await ask('FOOD')).toMatchObject({ items: [{ answer: 'NO', reason: 'PUBLIC_RECORD' }] }));
  expect(await ask('PRODUCT')).toMatchObject({ items: [{ answer: 'UNKNOWN', reason: 'NOT_REGISTERED' }] });
});

describe('what is refused as a whole', () => {
  const items = [{ uscc: testUscc(1) }];
  const sampling = { uscc: testUscc(1), predicate: 'NO_PUBLISHED_UNQUALIFIED_SAMPLING' };
  const many = Array.from({ length: 1_001 }, () => ({ uscc: testUscc(1) }));
  it.each([
    ['1,001 items', 'TOO_MANY_ITEMS', { path: VERIFICATIONS, body: { purpose: 'CONTRACTED', items: many }, status: 413 }],
    ['1,001 questions', 'TOO_MANY_ITEMS', { path: PREDICATES, body: { purpose: 'CONTRACTED', items: many }, status: 413 }],
    ['no item', 'VALIDATION_FAILED', { path: VERIFICATIONS, body: { purpose: 'CONTRACTED', items: [] }, status: 400 }],
    ['no purpose', 'VALIDATION_FAILED', { path: VERIFICATIONS, body: { items }, status: 400 }],
    ['no application', 'APPLICATION_ID_MISSING', { path: VERIFICATIONS, body: { purpose: 'ONBOARDING', items }, status: 400 }],
    [
      'a department’s purpose',
      'PURPOSE_NOT_YOURS',
      { path: PREDICATES, body: { purpose: 'SUPERVISION', basis: '法', items: [sampling] }, status: 403 },
    ],
    [
      'a certificate without an application',
      'APPLICATION_ID_MISSING',
      { path: CERTIFICATES, body: { purpose: 'ONBOARDING', uscc: testUscc(1) }, status: 400 },
    ],
    ['a certificate of nobody', 'USCC_MALFORMED', { path: CERTIFICATES, body: { purpose: 'CONTRACTED', uscc: '123' }, status: 400 }],
    [
      'a certificate of another’s merchant',
      'NOT_CONTRACTED',
      { path: CERTIFICATES, body: { purpose: 'CONTRACTED', uscc: testUscc(3) }, status: 403 },
    ],
  ])('%s: %s, and it changes nothing', async (_what, code, { path, body, status }) => {
    const before = await kept();
    expect(await jd.post(path, body)).toMatchObject({ status, body: { code } });
    expect(await kept()).toEqual(before);
  });

  it('item by item changes nothing either', async () => {
    const before = await kept();
    const wrong = [
      { uscc: '123', predicate: 'COMMITMENT_KEPT' },
      { uscc: testUscc(1), predicate: 'IS_GOOD' },
      { ...sampling, months: 0 },
      { ...sampling, months: 37 },
      sampling,
      { uscc: testUscc(1), predicate: 'COMMITMENT_KEPT', months: 6 },
      { uscc: testUscc(3), predicate: 'COMMITMENT_KEPT' },
    ];
    const answer = await jd.post(PREDICATES, { purpose: 'CONTRACTED', items: wrong });
    expect(refusalsIn(answer)).toEqual([
      'refused USCC_MALFORMED /uscc',
      'refused NOT_IN_CODE_LIST /predicate',
      'refused OUT_OF_RANGE /months',
      'refused OUT_OF_RANGE /months',
      'refused FIELD_MISSING /months',
      'refused FIELD_UNEXPECTED /months',
      'refused NOT_CONTRACTED /uscc',
    ]);
    expect(await kept()).toEqual(before);
  });
});

describe('the log', () => {
  it('says of every kind of question who asked about whom, when and why, and never what was answered', async () => {
    const from = (await logOf(auditor, '?limit=500')).length;
    await jd.get(`${VERIFICATIONS}/${testUscc(4)}?purpose=CONTRACTED`);
    await jd.post(PREDICATES, { purpose: 'CONTRACTED', items: [{ uscc: testUscc(5), predicate: 'NOT_ON_SERIOUS_LIST' }] });
    await jd.post(CERTIFICATES, { purpose: 'ONBOARDING', applicationId: 'RZ-9', uscc: testUscc(2_001) });
    const usual = { askedAt: clock.now().toISOString(), askerId: 'jd', askerKind: 'PLATFORM', basis: null, applicationId: null };
    expect((await logOf(auditor, '?limit=500')).slice(from).map((line) => ({ ...line, seq: null }))).toEqual([
      { ...usual, seq: null, kind: 'VERIFICATION', uscc: testUscc(4), purpose: 'CONTRACTED' },
      { ...usual, seq: null, kind: 'PREDICATE', uscc: testUscc(5), purpose: 'CONTRACTED' },
      { ...usual, seq: null, kind: 'CERTIFICATE', uscc: testUscc(2_001), purpose: 'ONBOARDING', applicationId: 'RZ-9' },
    ]);
  });

  it('is read page by page by the auditor, and by whoever asked as far as it is its own', async () => {
    await jd.post(VERIFICATIONS, contracted(6, 7));
    await tmall.post(VERIFICATIONS, contracted(2));
    const [whole, paged] = [await logOf(auditor, '?limit=500'), [] as Enquiry[]];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<Enquiry> = (await auditor.get<Page<Enquiry>>(`/api/credit/enquiries?limit=2${cursor && `&cursor=${cursor}`}`)).body;
      paged.push(...page.items);
      cursor = page.next;
    }
    expect(paged).toEqual(whole);
    expect(new Set(whole.map(({ askerId }) => askerId))).toEqual(new Set(['jd', 'tmall', 'tj-amr']));
    expect(await logOf(tmall, '?askerId=jd')).toEqual(whole.filter(({ askerId }) => askerId === 'tmall'));
    expect(await logOf(auditor, `?uscc=${testUscc(7)}`)).toMatchObject([{ askerId: 'jd', uscc: testUscc(7) }]);
    expect(await logOf(auditor, '?askerId=tj-amr')).toEqual(whole.filter(({ askerId }) => askerId === 'tj-amr'));
  });

  it('is never changed, and nothing goes before three years have passed, whoever tries', async () => {
    for (const statement of ['DELETE FROM enquiries', "UPDATE enquiries SET purpose = 'OTHER'", 'TRUNCATE enquiries'])
      await expect(place.sql(statement)).rejects.toThrow('only ever added to');
  });
});

describe('a line whose time has passed', () => {
  const erase = (most: number) => service.get(Enquiries).erase(most);
  const askedAbout = async (n: number) => place.sql('SELECT FROM enquiries WHERE uscc = $1', [testUscc(n)]);
  const askOn = async (instant: string, n: number): Promise<void> => {
    clock.set(new Date(instant));
    const about = { purpose: 'ONBOARDING', applicationId: 'RZ-OLD', items: [{ uscc: testUscc(n) }] };
    expect(await jd.post(VERIFICATIONS, about)).toMatchObject({ body: { answered: 1 } });
  };
  // Days on which nobody has asked yet.
  afterAll(() => clock.set(new Date('2027-06-01T04:00:00Z')));

  it('goes when three years have passed, to the day, and its budget with it', async () => {
    await askOn('2022-11-20T15:59:59Z', 3_001);
    await askOn('2022-11-20T16:00:00Z', 3_002);
    clock.set(new Date('2025-11-20T15:59:59Z'));
    expect(await erase(5_000)).toBe(0);
    clock.set(new Date('2025-11-20T16:00:00Z'));
    expect(await erase(5_000)).toBe(1);
    expect([await askedAbout(3_001), await askedAbout(3_002)]).toEqual([[], [{}]]);
    expect(await place.sql("SELECT day::text FROM enquiry_budgets WHERE day < '2023-01-01'")).toEqual([{ day: '2022-11-21' }]);
    clock.set(new Date('2025-11-21T16:00:00Z'));
    expect([await erase(5_000), await erase(5_000)]).toEqual([1, 0]);
    expect(await place.sql("SELECT FROM enquiry_budgets WHERE day < '2023-01-01'")).toEqual([]);
  });

  it('stays where the clock of a process runs ahead', async () => {
    await askOn(new Date().toISOString(), 3_003);
    clock.set(new Date(Date.now() + 10 * 366 * DAY_MS));
    await erase(5_000);
    expect(await askedAbout(3_003)).toHaveLength(1);
  });

  it('stays while no rule says how long', async () => {
    await askOn('2010-01-01T00:00:00Z', 3_004);
    clock.set(new Date('2025-07-31T00:00:00Z'));
    expect(await erase(5_000)).toBe(0);
    clock.set(new Date('2025-08-01T00:00:00Z'));
    expect(await erase(5_000)).toBe(1);
  });
});

describe('a platform in the sandbox', () => {
  const trying = (revision: number, status: OrganisationStatus) =>
    anOrganisation({ organisationId: 'trying', name: '试用平台', aliases: [], revision, status });
  const isKnownAs = (status: OrganisationStatus) =>
    eventually(async () => expect(await place.sql(`SELECT status FROM followed_organisations WHERE id = 'trying'`)).toEqual([{ status }]));

  it('is answered nothing real, whatever it asks and however, until it is promoted', async () => {
    await place.publish(OrganisationRegistered, trying(1, 'SANDBOX'));
    await isKnownAs('SANDBOX');
    const http = place.http(await place.token('PLATFORM', 'trying'));
    const why = { purpose: 'ONBOARDING', applicationId: 'RZ-1' };
    const uscc = testUscc(1);
    const ask = async () => [
      await http.post(VERIFICATIONS, { ...why, items: [{ uscc }] }),
      await http.get(`${VERIFICATIONS}/${uscc}?purpose=ONBOARDING&applicationId=RZ-1`),
      await http.post(PREDICATES, { ...why, items: [{ uscc, predicate: 'COMMITMENT_KEPT' }] }),
      await http.post(CERTIFICATES, { ...why, uscc }),
    ];
    const isRefused = async () => {
      for (const { status, body } of await ask()) expect([status, body['code']]).toEqual([403, 'ORGANISATION_IN_SANDBOX']);
    };
    // What is known of organisations is a second old at most.
    await eventually(isRefused);
    const before = await kept();
    await isRefused();
    expect(await kept()).toEqual(before);

    await place.publish(OrganisationChanged, trying(2, 'PRODUCTION'));
    await isKnownAs('PRODUCTION');
    await eventually(async () => expect((await ask()).map(({ status }) => status)).toEqual([200, 200, 200, 200]));
  });
});

describe('the budget of a day', () => {
  const ask = (count: number) => jd.post(VERIFICATIONS, contracted(...Array.from({ length: count }, () => 1)));

  it('is what may be asked, to the last question, and comes back at midnight in China', async () => {
    expect((await ask(39)).status).toBe(200);
    const before = await kept();
    const refused = await ask(2);
    expect(refused).toMatchObject({ status: 429, body: { code: 'ENQUIRY_BUDGET_SPENT', budget: 40, retryAfter: 43_200 } });
    expect(refused.headers.get('retry-after')).toBe('43200');
    expect(await kept()).toEqual(before);
    expect((await ask(1)).status).toBe(200);
    expect((await ask(1)).status).toBe(429);
    clock.advance(43_200_000);
    expect((await ask(40)).status).toBe(200);
  });

  it('is never exceeded by requests that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(1)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  });

  it('is each platform’s own, and none of a department', async () => {
    await ask(40);
    expect((await tmall.post(VERIFICATIONS, contracted(2))).status).toBe(200);
    const items = Array.from({ length: 50 }, (_, n) => ({ uscc: testUscc(n) }));
    expect(await department.post(VERIFICATIONS, { purpose: 'SUPERVISION', basis: '法', items })).toMatchObject({ body: { answered: 50 } });
  });
});

describe('who may ask and read', () => {
  it.each([
    ['AUDITOR', 'tj-audit'],
    ['STATISTICS', 'tj-stats'],
    ['OPERATOR', 'operator'],
    ['LABORATORY', 'tj-lab'],
  ] as const)('refuses %s', async (kind, id) => {
    const http = place.http(await place.token(kind, id));
    const item = { purpose: 'SUPERVISION', basis: '法', items: [{ uscc: testUscc(1) }] };
    expect((await http.post(VERIFICATIONS, item)).status).toBe(403);
    expect((await http.get(`${VERIFICATIONS}/${testUscc(1)}?purpose=SUPERVISION&basis=x`)).status).toBe(403);
    expect((await http.post(PREDICATES, item)).status).toBe(403);
    expect((await http.post(CERTIFICATES, { ...item, uscc: testUscc(1) })).status).toBe(403);
    if (kind !== 'AUDITOR') expect((await http.get('/api/credit/enquiries')).status).toBe(403);
  });

  it('answers nobody without a token', async () => {
    expect((await place.http().post(VERIFICATIONS, contracted(1))).status).toBe(401);
    expect((await place.http().get('/api/credit/enquiries')).status).toBe(401);
  });
});
