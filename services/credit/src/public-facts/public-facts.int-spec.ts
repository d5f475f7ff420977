import { CREDIT_CLASSES, CREDIT_RECORD_TYPES } from '@jinqiao/contracts';
import { type Http, type Place, realServers, StandingClock, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { CreditRecordSweep } from '../credit-record/credit-record.sweep.js';

/*
 * Nothing that is not public now shows in any answer, nor in its absence: records are generated in every standing and period, everything is
 * asked about their entities, then what is not public is taken away and everything is asked again. The answers are the same to the byte,
 * and no text of a hidden record is in them.
 */
const NOON = new Date('2026-11-23T04:00:00.000Z');
const TODAY = '2026-11-23';
const ENTITIES = 12;
const STANDINGS = [
  'PUBLIC',
  'NO_DOCUMENT_DATE',
  'NOT_YET',
  'PERIOD_OVER',
  'NO_RULE',
  'NOT_PUBLIC',
  'REVOKED',
  'REPAIRED',
  'EXPIRED',
  'CORRECTED',
  'HELD',
] as const;
const NO_LAST_DAY = null;
const DAYS = ['2026-05-23', '2026-11-01', '2026-11-22', '2026-11-23', '2026-11-24', '2027-01-01'] as const;

const record = fc.record({
  recordNo: fc.uuid(),
  entity: fc.integer({ min: 0, max: ENTITIES - 1 }),
  type: fc.constantFrom(...CREDIT_RECORD_TYPES),
  class: fc.constantFrom(...CREDIT_CLASSES, null),
  standing: fc.oneof(fc.constant('PUBLIC' as const), fc.constantFrom(...STANDINGS)),
  documentDate: fc.constantFrom('2024', '2026-05', '2026', ...DAYS),
  publicFrom: fc.constantFrom(...DAYS),
  publicUntil: fc.constantFrom(NO_LAST_DAY, ...DAYS),
});
type Generated = (typeof record extends fc.Arbitrary<infer T> ? T : never) & { uscc: string };

const isPublicNow = ({ standing, publicFrom, publicUntil }: Generated): boolean =>
  standing === 'PUBLIC' && publicFrom <= TODAY && (publicUntil === NO_LAST_DAY || TODAY <= publicUntil);
const markOf = ({ recordNo }: Generated): string => `MARK-${recordNo}`;

let place: Place;
let service: TestService;
let jd: Http;
let usccs: string[] = [];

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock: new StandingClock(NOON) });
  // What is due stays as it was generated: answers may not depend on the clock having acted.
  await service.get(CreditRecordSweep).onModuleDestroy();
  jd = place.http(await place.token('PLATFORM', 'jd'));
}, 60_000);
afterAll(() => service.close());

async function keep(records: readonly Generated[], registered: readonly boolean[]): Promise<void> {
  await place.sql(
    `INSERT INTO credit_records (record_no, revision, uscc, type, class, department_id, subject, source_revision, legal_basis, document_date,
       public_from, public_until, standing, digest, ended_because)
     SELECT "recordNo", 1, uscc, type, class, 'tj-amr', mark, 1, jsonb_build_array(jsonb_build_object('instrument', mark, 'ruleVersion', mark)),
       "documentDate", "publicFrom", "publicUntil", standing, jsonb_build_object('documentNo', mark, 'matter', mark, 'authority', mark), mark
     FROM jsonb_to_recordset($1::jsonb) AS x ("recordNo" uuid, uscc text, type text, class text, "documentDate" text, "publicFrom" date,
       "publicUntil" date, standing text, mark text)`,
    [JSON.stringify(records.map((one) => ({ ...one, mark: markOf(one) })))],
  );
  await place.sql(
    `INSERT INTO registered_entities (uscc, revision, name, status) SELECT uscc, 1, 'NAME-' || uscc, 'ACTIVE' FROM unnest($1::text[]) AS uscc`,
    [usccs.filter((_, n) => registered[n])],
  );
}

/** Everything that can be asked about the entities. */
async function askEverything(): Promise<string> {
  const purpose = { purpose: 'ONBOARDING', applicationId: 'RZ-1' };
  const predicates = [
    { predicate: 'NOT_ON_SERIOUS_LIST' },
    { predicate: 'COMMITMENT_KEPT' },
    { predicate: 'NO_PUBLISHED_UNQUALIFIED_SAMPLING', months: 6 },
    { predicate: 'NO_PUBLISHED_UNQUALIFIED_SAMPLING', months: 36, regime: 'FOOD' },
  ];
  const verified = await jd.post('/api/credit/verifications', { ...purpose, items: usccs.map((uscc) => ({ uscc })) });
  const answered = await jd.post('/api/credit/predicates', {
    ...purpose,
    items: usccs.flatMap((uscc) => predicates.map((predicate) => ({ uscc, ...predicate }))),
  });
  expect([verified.body, answered.body]).toMatchObject([{ refused: 0 }, { refused: 0 }]);
  const certified: object[] = [];
  for (const uscc of usccs.slice(0, 3)) {
    const { body } = await jd.post<{ certificate: string }>('/api/credit/certificates', { ...purpose, uscc });
    certified.push({ ...decodeJwt(body.certificate), jti: '' });
  }
  return JSON.stringify([verified.body, answered.body, certified]);
}

let runs = 0;

it('no answer says or hints at anything that is not public now', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(record, { selector: ({ recordNo }) => recordNo, minLength: 1, maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: ENTITIES, maxLength: ENTITIES }),
      async (generated, registered) => {
        runs += 1;
        usccs = Array.from({ length: ENTITIES }, (_, n) => testUscc(runs * ENTITIES + n));
        const records = generated.map((one): Generated => ({ ...one, uscc: usccs[one.entity] ?? '' }));
        await place.sql('DELETE FROM credit_records');
        await place.sql('DELETE FROM registered_entities');
        await keep(records, registered);
        const [shown, hidden] = [records.filter(isPublicNow), records.filter((one) => !isPublicNow(one))];
        const told = await askEverything();
        for (const one of hidden) expect(told).not.toContain(one.recordNo);
        for (const one of shown) expect(told).toContain(markOf(one));
        await place.sql('DELETE FROM credit_records WHERE record_no = ANY ($1)', [hidden.map(({ recordNo }) => recordNo)]);
        expect(await askEverything()).toBe(told);
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);
