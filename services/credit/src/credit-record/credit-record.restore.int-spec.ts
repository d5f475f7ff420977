import { creditRecords, creditStatuses, RepairDecisionKept, SamplingResultPublished, samplingResults } from '@jinqiao/contracts';
import { addDays, dayInChina } from '@jinqiao/law';
import {
  aSamplingResult,
  type Changes,
  eventually,
  type Place,
  realServers,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { introducedCreditOffice } from '../credit-office.harness.js';
import { CreditStatuses } from '../credit-status/credit-status.service.js';
import { Repairs } from '../repair/repair.service.js';

/*
 * A database of credit that is set back (ADR-0009): records and statuses go on above what was published, and the sources that are read
 * again from the stored offsets say nothing a second time.
 */
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig });
}, 60_000);
afterAll(() => service.close());

const [shop, maker] = [testUscc(1), testUscc(2)];
const result = (sampleNo: string, revision: number, changes: Changes<SamplingResultPublished> = {}): SamplingResultPublished =>
  aSamplingResult({
    sampleNo,
    revision,
    nominalProducer: undefined,
    sampledParty: { name: '示例商店', uscc: shop },
    notice: { no: '2026-1', publishedOn: addDays(dayInChina(new Date()), -26) },
    ...changes,
  });
const publish = (...results: readonly Parameters<typeof result>[]) => eachInTurn(results.map((one) => result(...one)));
async function eachInTurn(results: readonly SamplingResultPublished[]): Promise<void> {
  for (const one of results) await place.publish(SamplingResultPublished, one);
}

const standing = async () => ({
  records: await place.sql('SELECT subject, uscc, revision, source_revision, standing FROM credit_records ORDER BY subject, uscc'),
  entities: await place.sql('SELECT uscc, revision, record_nos, records FROM credit_entities ORDER BY uscc'),
});
/** Everything is read, and everything that followed is sent. */
const isCaughtUp = (results: number) =>
  eventually(async () => {
    const [row] = await place.sql<{ read: number }>('SELECT sum(next_offset)::integer AS read FROM consumer_offsets WHERE topic = $1', [
      samplingResults.topic,
    ]);
    expect(row).toEqual({ read: results });
    expect(await place.sql('SELECT FROM outbox')).toEqual([]);
  });
const said = async (topic: string): Promise<string[]> =>
  (await place.readAll(topic)).map(({ key, headers, body }) => {
    const { recordNo = '' } = (body ?? {}) as { recordNo?: string };
    return `${key} ${recordNo} ${String(headers['ce_revision'])}`;
  });

it('a database of credit that is set back says nothing a second time and goes on above what was said', async () => {
  const denied = { sampledParty: undefined, nominalProducer: { name: '示例厂', uscc: maker } };
  await publish(['C-1', 1], ['C-2', 1]);
  await isCaughtUp(2);
  await service.close();
  const setBack = await place.backUp();
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  await publish(
    ['C-1', 2, { verdict: 'QUALIFIED', failingItems: undefined }],
    ['C-1', 3],
    ['C-2', 2, denied],
    ['C-3', 1],
    ['C-3', 2, denied],
  );
  await isCaughtUp(7);
  const before = await standing();
  const saidBefore = { records: await said(creditRecords.topic), statuses: await said(creditStatuses.topic) };
  await service.close();

  await setBack();
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  await isCaughtUp(7);
  expect(await standing()).toEqual(before);
  expect({ records: await said(creditRecords.topic), statuses: await said(creditStatuses.topic) }).toEqual(saidBefore);

  await publish(['C-3', 3]);
  await isCaughtUp(8);
  const all = await said(creditRecords.topic);
  expect(new Set(all).size).toBe(all.length);
  expect(all.slice(saidBefore.records.length).map((one) => one.split(' ').at(-1))).toEqual(['2', '3']);
}, 120_000);

it('who was told of before it was said how records stand is told again, once, by the clock', async () => {
  const uscc = testUscc(4);
  const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  await department.post('/api/credit/records', {
    recordNo: 'C-1',
    uscc,
    type: 'COMMITMENT',
    documentDate: addDays(dayInChina(new Date()), -26),
    digest: { documentNo: 'C-1', matter: '信用承诺', authority: '天津市市场监督管理委员会' },
  });
  await place.sql(
    `UPDATE credit_entities SET records = NULL, commitments = NULL, public_records = '[{"type": "COMMITMENT", "count": 1}]' WHERE uscc = $1`,
    [uscc],
  );
  const statuses = service.get(CreditStatuses);
  expect((await statuses.find(uscc)).commitments).toBeUndefined();
  expect(await statuses.restateOlder(10)).toBe(1);
  expect(await statuses.restateOlder(10)).toBe(0);
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const told = (await place.readAll(creditStatuses.topic)).filter(({ key }) => key === uscc);
  expect(told.map(({ body }) => [body?.['revision'], body?.['commitments'], body?.['records']])).toEqual([
    [1, { open: 1, broken: 0 }, [{ recordNo: expect.any(String) as string, revision: 1 }]],
    [2, { open: 1, broken: 0 }, [{ recordNo: expect.any(String) as string, revision: 1 }]],
  ]);
});

it('what departments reported before the set-back is known, and goes on above what was said', async () => {
  await service.close();
  const setBack = await place.backUp();
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  const uscc = testUscc(3);
  const penalty = (revision: number, named: { contested?: boolean; annotations?: string[] } = {}) => ({
    recordNo: 'P-1',
    revision,
    uscc,
    type: 'PENALTY',
    class: 'SERIOUS',
    // It is published as soon as it comes, by the real day.
    documentDate: addDays(dayInChina(new Date()), -5),
    digest: { documentNo: 'P-1', matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
    ...named,
  });
  await department.post('/api/credit/records', penalty(1));
  await department.post('/api/credit/records', penalty(2, { contested: true }));
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const before = await place.sql("SELECT * FROM credit_records WHERE type = 'PENALTY'");
  await service.close();

  await setBack();
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  const changed = { changed_at: expect.any(Date) as Date };
  expect(await place.sql("SELECT * FROM credit_records WHERE type = 'PENALTY'")).toEqual(before.map((row) => ({ ...row, ...changed })));
  expect((await department.post('/api/credit/records', penalty(1))).body).toMatchObject({ outcome: 'duplicate', standing: 'PUBLIC' });
  expect((await department.post('/api/credit/records', penalty(3, { annotations: ['已缴纳罚款'] }))).body).toMatchObject({
    outcome: 'accepted',
    warnings: [],
  });
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const own = (await said(creditRecords.topic)).filter((one) => one.startsWith(uscc));
  expect(own.map((one) => one.split(' ').at(-1))).toEqual(['1', '2', '3']);
}, 120_000);

describe('decisions on repairs', () => {
  const PATH = '/api/credit/repair-decisions';
  const uscc = testUscc(5);
  const penalty = (recordNo: string) => ({
    recordNo,
    uscc,
    type: 'PENALTY',
    class: 'SERIOUS',
    documentDate: addDays(dayInChina(new Date()), -5),
    digest: { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
  });
  const decisionOn = (documentNo: string) => ({
    decisionNo: `信修〔2026〕${documentNo}`,
    uscc,
    documentNo,
    decidedOn: dayInChina(new Date()),
    decidedBy: '信用中国',
  });
  const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const kept = () => place.sql<Record<string, unknown>>('SELECT * FROM repair_decisions ORDER BY decision_no');
  const standingOf = async (documentNo: string) =>
    (
      await place.sql<{ standing: string }>(`SELECT standing FROM credit_records WHERE uscc = $1 AND digest ->> 'documentNo' = $2`, [
        uscc,
        documentNo,
      ])
    ).map(({ standing: stood }) => stood);

  it('that were passed on before the set-back are known, those that wait as well', async () => {
    const office = await introducedCreditOffice(place);
    const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    await department.post('/api/credit/records', penalty('R-1'));
    await office.post(PATH, decisionOn('R-2'));
    await isSent();
    await service.close();
    const setBack = await place.backUp();
    service = await startTestService(CreditModule, place, { config: CreditConfig });
    await office.post(PATH, [decisionOn('R-1'), decisionOn('R-3')]);
    // It had waited since before the backup.
    await department.post('/api/credit/records', penalty('R-2'));
    await isSent();
    const before = await kept();
    expect(before.map(({ record_nos: records, kept_revision: revision }) => [(records as string[]).length, revision])).toEqual([
      [1, 1],
      [1, 2],
      [0, 1],
    ]);
    await service.close();

    await setBack();
    service = await startTestService(CreditModule, place, { config: CreditConfig });
    expect(await kept()).toEqual(before);
    expect((await office.post(PATH, decisionOn('R-1'))).body).toMatchObject({ outcome: 'duplicate' });
    expect((await department.post('/api/credit/records', penalty('R-3'))).body).toMatchObject({ standing: 'REPAIRED' });
    await isSent();
    expect((await said(creditRecords.topic)).filter((one) => one.startsWith(uscc))).toHaveLength(2);
  }, 120_000);

  it('that were said, while the end of their record was not, end it', async () => {
    const department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    await department.post('/api/credit/records', penalty('R-4'));
    await isSent();
    const [one] = await kept();
    await service.close();
    const row = { ...one, decision_no: '信修〔2026〕R-4', document_no: 'R-4', kept_revision: 1 };
    await place.publish(RepairDecisionKept, { subject: row.decision_no, revision: 1, rows: { repair_decisions: [row] } });
    service = await startTestService(CreditModule, place, { config: CreditConfig });
    await service.get(Repairs).applyWaiting(500);
    expect(await standingOf('R-4')).toEqual(['REPAIRED']);
    expect((await kept()).filter(({ applied_at: at }) => at === null)).toEqual([]);
  }, 120_000);
});
