import { CREDIT_ENDED_REASONS, CREDIT_RECORD_TYPES, ENQUIRY_KINDS, ENQUIRY_PURPOSES, OrganisationRegistered } from '@jinqiao/contracts';
import type { Page } from '@jinqiao/platform';
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
import fc from 'fast-check';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';

/*
 * What a merchant sees of itself, through the real service: all of it, and nothing of another. The directory says which merchant an
 * organisation is; the property below makes records and enquiries of several merchants, with a mark in every field that can hold one.
 */
const NOON = new Date('2026-11-23T04:00:00.000Z');
const MERCHANTS = 3;
const OWN = ['records', 'enquiries', 'objections'] as const;
const clock = new StandingClock(NOON);
let place: Place;
let service: TestService;
let department: Http;
const merchants: Http[] = [];

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  for (let n = 0; n < MERCHANTS; n += 1) {
    const organisationId = `shop-${n}`;
    await place.publish(OrganisationRegistered, { organisationId, kind: 'MERCHANT', name: `商店 ${n}`, uscc: testUscc(n), revision: 1 });
    merchants.push(place.http(await place.token('MERCHANT', organisationId)));
  }
  await place.publish(OrganisationRegistered, { organisationId: 'unnamed', kind: 'MERCHANT', name: '未登记代码', revision: 1 });
  await eventually(async () => {
    const known = await place.sql('SELECT id, uscc FROM followed_organisations ORDER BY id');
    expect(known.map(({ uscc }): unknown => uscc)).toEqual([testUscc(0), testUscc(1), testUscc(2), null]);
  });
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOON));

const own = async (http: Http | undefined, what: (typeof OWN)[number], limit = 500): Promise<Record<string, unknown>[]> => {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = `limit=${limit}${cursor && `&cursor=${cursor}`}`;
    const answer = await (http ?? place.http()).get<Page<Record<string, unknown>>>(`/api/credit/own/${what}?${query}`);
    expect(answer.status).toBe(200);
    items.push(...answer.body.items);
    cursor = answer.body.next;
  }
  return items;
};
const penalty = (recordNo: string, uscc: string, named: object = {}) => ({
  recordNo,
  uscc,
  type: 'PENALTY',
  class: 'GENERAL',
  documentDate: '2026-11-20',
  digest: { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
  ...named,
});
const report = async (...record: Parameters<typeof penalty>) =>
  expect((await department.post('/api/credit/records', penalty(...record))).body).toMatchObject({ outcome: 'accepted' });

describe('a merchant', () => {
  it('sees each of its records as it stands: public, withheld, and ended with the reason', async () => {
    await report('P-1', testUscc(0));
    await report('P-2', testUscc(0), { class: 'MINOR' });
    await report('P-3', testUscc(0));
    await department.post('/api/credit/records/P-3/retraction', { revision: 2, ground: 'REVOKED', reason: '法院撤销' });
    await report('P-4', testUscc(1));
    const seen = await own(merchants[0], 'records');
    const bySubject = new Map(seen.map((record) => [record['subject'], record]));
    expect([...bySubject.keys()].sort()).toEqual(['tj-amr:P-1', 'tj-amr:P-2', 'tj-amr:P-3']);
    expect(bySubject.get('tj-amr:P-1')).toMatchObject({ standing: 'PUBLIC', public: true, publicUntil: '2027-11-20' });
    expect(bySubject.get('tj-amr:P-2')).toMatchObject({ standing: 'NOT_PUBLIC', public: false, endedReason: null });
    expect(bySubject.get('tj-amr:P-3')).toMatchObject({ standing: 'REVOKED', endedReason: 'REVOKED', endedBecause: '法院撤销' });
  });

  it('sees who asked about it, when and why', async () => {
    const why = { purpose: 'ONBOARDING', applicationId: 'RZ-1' };
    const jd = place.http(await place.token('PLATFORM', 'jd'));
    await jd.post('/api/credit/verifications', { ...why, items: [{ uscc: testUscc(0) }, { uscc: testUscc(1) }] });
    clock.advance(60_000);
    const items = [{ uscc: testUscc(0), predicate: 'COMMITMENT_KEPT' }];
    await department.post('/api/credit/predicates', { purpose: 'SUPERVISION', basis: '电子商务法第二十五条', items });
    expect(await own(merchants[0], 'enquiries')).toEqual([
      { askedAt: NOON.toISOString(), askerId: 'jd', askerKind: 'PLATFORM', kind: 'VERIFICATION', ...why, basis: null },
      {
        askedAt: '2026-11-23T04:01:00.000Z',
        askerId: 'tj-amr',
        askerKind: 'DEPARTMENT',
        kind: 'PREDICATE',
        purpose: 'SUPERVISION',
        applicationId: null,
        basis: '电子商务法第二十五条',
      },
    ]);
  });

  it('sees what of its records was contested, since when, and what became of it', async () => {
    const uscc = testUscc(2);
    const on = (day: string) => clock.set(new Date(`${day}T04:00:00.000Z`));
    await report('O-1', uscc);
    await report('O-2', uscc, { contested: true });
    await report('O-3', uscc);
    on('2026-11-24');
    await report('O-1', uscc, { revision: 2, contested: true });
    on('2026-11-25');
    await report('O-1', uscc, { revision: 3, annotations: ['2026-11-25 异议不成立'] });
    await department.post('/api/credit/records/O-2/retraction', { revision: 2, ground: 'CORRECTED', reason: '异议成立' });
    on('2026-11-26');
    await report('O-1', uscc, { revision: 4, contested: true, annotations: ['2026-11-25 异议不成立', '已提起诉讼'] });
    const seen = await own(merchants[2], 'objections');
    const bySubject = new Map(seen.map((record) => [record['subject'], record]));
    expect([...bySubject.keys()].sort()).toEqual(['tj-amr:O-1', 'tj-amr:O-2']);
    const since = (day: string) => `2026-11-${day}T04:00:00.000Z`;
    expect(bySubject.get('tj-amr:O-1')).toMatchObject({
      departmentId: 'tj-amr',
      standing: 'PUBLIC',
      annotations: ['2026-11-25 异议不成立', '已提起诉讼'],
      contests: [
        { ground: 'CONTESTED', since: since('24'), settledAt: since('25'), standing: 'PUBLIC' },
        { ground: 'CONTESTED', since: since('26'), settledAt: null, standing: null },
      ],
    });
    expect(bySubject.get('tj-amr:O-2')).toMatchObject({
      standing: 'CORRECTED',
      contests: [{ since: since('23'), settledAt: since('25'), standing: 'CORRECTED' }],
    });
  });

  it('is whom the directory names, whatever the request says', async () => {
    const asked = await merchants[1]?.get<Page<{ uscc: string }>>(`/api/credit/own/records?uscc=${testUscc(0)}`);
    expect(new Set(asked?.body.items.map(({ uscc }) => uscc))).toEqual(new Set([testUscc(1)]));
  });

  it('is nobody as long as the directory does not say who it is', async () => {
    for (const id of ['unnamed', 'unheard-of']) {
      const http = place.http(await place.token('MERCHANT', id));
      for (const what of OWN) {
        expect((await http.get(`/api/credit/own/${what}`)).body).toMatchObject({ status: 403, code: 'MERCHANT_NOT_NAMED' });
      }
    }
  });
});

const merchant = fc.integer({ min: 0, max: MERCHANTS - 1 });
const record = fc.record({
  merchant,
  type: fc.constantFrom(...CREDIT_RECORD_TYPES),
  standing: fc.constantFrom('PUBLIC', 'NOT_YET', 'NOT_PUBLIC', ...CREDIT_ENDED_REASONS),
  isContested: fc.boolean(),
});
const enquiry = fc.record({ merchant, kind: fc.constantFrom(...ENQUIRY_KINDS), purpose: fc.constantFrom(...ENQUIRY_PURPOSES) });

/** Each merchant has a code of its own in every run. What is made is marked `<merchant>-<n>-`, in every field that can hold a text. */
async function make(records: readonly object[], enquiries: readonly object[]): Promise<void> {
  await place.sql(
    `WITH made AS (
       INSERT INTO credit_records (record_no, revision, uscc, type, department_id, subject, source_revision, legal_basis, document_date,
         public_from, standing, digest, commitment, is_contested, annotations, ended_because)
       SELECT gen_random_uuid(), 1, uscc, type, mark, mark, 1, jsonb_build_array(jsonb_build_object('instrument', mark)), '2026',
         '2026-11-01', standing, jsonb_build_object('matter', mark), jsonb_build_object('madeTo', mark), "isContested",
         jsonb_build_array(mark), mark
       FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, type text, standing text, "isContested" boolean, mark text)
       RETURNING record_no, standing, is_contested
     )
     INSERT INTO credit_record_versions (record_no, version_no, known_from, valid_days, standing, state)
     SELECT record_no, 1, now(), 'empty', standing, jsonb_build_object('isContested', is_contested) FROM made`,
    [JSON.stringify(records)],
  );
  await place.sql(
    `INSERT INTO enquiries (asked_at, asker_id, asker_kind, kind, uscc, purpose, application_id, basis)
     SELECT now(), mark, 'PLATFORM', kind, uscc, purpose, mark, mark
     FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, kind text, purpose text, mark text)`,
    [JSON.stringify(enquiries)],
  );
}

type Marked = { readonly merchant: number; readonly uscc: string; readonly mark: string };

/** What it is told of these holds the marks of its own, each, and neither a mark nor the code of another. */
async function assertSeesItsOwn(n: number, made: Record<(typeof OWN)[number], readonly Marked[]>, limit: number): Promise<void> {
  for (const what of OWN) {
    const told = await own(merchants[n], what, limit);
    const text = JSON.stringify(told);
    const seen = new Set([...text.matchAll(/MARK-\w+-OF-\d+/g)].map(([mark]) => mark));
    const its = made[what].filter(({ merchant: of }) => of === n);
    expect(told).toHaveLength(its.length);
    expect([...seen].sort()).toEqual(its.map(({ mark }) => mark).sort());
    for (const { uscc } of made[what].filter(({ merchant: of }) => of !== n)) expect(text).not.toContain(uscc);
  }
}

it('sees everything of its own and no field of another, page by page', async () => {
  let runs = 0;
  const few = { minLength: 1, maxLength: 25 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, few),
      fc.array(enquiry, few),
      fc.integer({ min: 1, max: 9 }),
      async (ofRecords, ofEnquiries, limit) => {
        runs += 1;
        const usccOf = (n: number): string => testUscc(1_000 + runs * MERCHANTS + n);
        const marked = <M extends { merchant: number }>(made: readonly M[], prefix: string) =>
          made.map((one, index) => ({ ...one, uscc: usccOf(one.merchant), mark: `MARK-${prefix}${index}-OF-${one.merchant}` }));
        const [records, enquiries] = [marked(ofRecords, 'R'), marked(ofEnquiries, 'E')];
        const objections = records.filter(({ standing, isContested }) => standing === 'HELD' || isContested);
        for (let n = 0; n < MERCHANTS; n += 1)
          await place.sql('UPDATE followed_organisations SET uscc = $1 WHERE id = $2', [usccOf(n), `shop-${n}`]);
        await make(records, enquiries);
        for (let n = 0; n < MERCHANTS; n += 1) await assertSeesItsOwn(n, { records, enquiries, objections }, limit);
      },
    ),
    { numRuns: 30 },
  );
}, 120_000);
