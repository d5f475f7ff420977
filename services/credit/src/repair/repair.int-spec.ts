import { randomUUID } from 'node:crypto';
import {
  creditRecords,
  type CreditRecordReported,
  creditStatuses,
  repairDecisionIntake,
  RepairDecisionReported,
  SamplingResultPublished,
  topicOf,
  typeOf,
} from '@jinqiao/contracts';
import type { BatchAnswer, Page } from '@jinqiao/platform';
import {
  aSamplingResult,
  eventually,
  type Http,
  type OutsideMessage,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { introducedCreditOffice } from '../credit-office.harness.js';
import type { RecordVersion } from '../credit-history/credit-history.service.js';
import type { RecordAnswer, ReportedRecord } from '../reported-record/reported-record.service.js';
import type { KeptDecision } from './repair.claims.js';
import { type PassedDecision, type Repairability, type RepairAnswer, type RepairRowAnswer, Repairs } from './repair.service.js';

/* Decisions of the national site as the credit office passes them on, and what a department sees before it decides, on a real database. */
const PATH = '/api/credit/repair-decisions';

let place: Place;
let service: TestService;
let office: Http;
let department: Http;
let last = 0;
const clock = new StandingClock(new Date('2026-11-26T04:00:00Z'));

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, {
    config: CreditConfig,
    clock,
  });
  office = await introducedCreditOffice(place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterAll(() => service.close());

/** A penalty and an entity no other test uses, and the decision that repairs it. */
function aPenalty(): { penalty: CreditRecordReported; decision: Record<string, string> } {
  last += 1;
  const documentNo = `津市监罚〔2026〕${last}号`;
  const uscc = testUscc(2_000 + last);
  const digest = { documentNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' };
  return {
    penalty: { recordNo: `P-${last}`, uscc, type: 'PENALTY', class: 'GENERAL', documentDate: '2026-08-01', digest },
    decision: { decisionNo: `信修〔2026〕${last}号`, uscc, documentNo, decidedOn: '2026-11-25', decidedBy: '信用中国' },
  };
}
const report = async (input: object) => expect((await department.post('/api/credit/records', input)).status).toBe(200);
const standing = async ({ uscc }: CreditRecordReported) =>
  (await place.sql<{ standing: string }>('SELECT standing FROM credit_records WHERE uscc = $1', [uscc])).map((row) => row.standing);

async function told(topic: string, uscc: string) {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  return (await place.readAll(topic)).filter(({ key }) => key === uscc);
}

it('ends the record for everybody, with the decision as the reason, and is a duplicate when it comes again', async () => {
  const { penalty, decision } = aPenalty();
  await report(penalty);
  const { body } = await office.post<RepairAnswer>(PATH, decision);
  expect(body).toMatchObject({ outcome: 'accepted', decisionNo: decision['decisionNo'] });
  expect(body.recordNos).toHaveLength(1);
  expect((await told(creditRecords.topic, penalty.uscc)).map((one) => one.body)).toMatchObject([
    { revision: 1 },
    { revision: 2, endedReason: 'REPAIRED', endedBecause: `信用中国 2026-11-25 ${decision['decisionNo'] ?? ''}` },
  ]);
  expect((await told(creditStatuses.topic, penalty.uscc)).at(-1)?.body).toBeNull();
  expect((await office.post<RepairAnswer>(PATH, decision)).body).toMatchObject({ outcome: 'duplicate', recordNos: body.recordNos });
  expect(await office.post(PATH, { ...decision, decidedOn: '2026-11-24' })).toMatchObject({
    status: 409,
    body: { code: 'DECISION_CONFLICT' },
  });
});

it('that comes before its record leaves nothing of it to be public', async () => {
  const { penalty, decision } = aPenalty();
  expect((await office.post<RepairAnswer>(PATH, decision)).body).toMatchObject({ outcome: 'accepted', recordNos: [] });
  const { body } = await department.post<RecordAnswer>('/api/credit/records', penalty);
  expect(body).toMatchObject({ outcome: 'accepted', standing: 'REPAIRED' });
  expect(await told(creditRecords.topic, penalty.uscc)).toEqual([]);
  expect(await told(creditStatuses.topic, penalty.uscc)).toEqual([]);
  expect((await office.post<RepairAnswer>(PATH, decision)).body.recordNos).toHaveLength(1);
});

it('leaves its record valid until it was decided, and not at all where it came first', async () => {
  const [known, early] = [aPenalty(), aPenalty()];
  await report({ ...known.penalty, publishFrom: '2026-08-10' });
  await office.post(PATH, [known.decision, early.decision]);
  await report({ ...early.penalty, publishFrom: '2026-08-10' });
  const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const validity = async ({ uscc }: CreditRecordReported) => {
    const { body } = await auditor.get<Page<RecordVersion>>(`/api/credit/history?uscc=${uscc}`);
    return body.items.map(({ standing: stood, validFrom, validUntil }) => [stood, validFrom, validUntil]);
  };
  expect(await validity(known.penalty)).toEqual([
    ['PUBLIC', '2026-08-10', '2027-08-01'],
    ['REPAIRED', '2026-08-10', '2026-11-25'],
  ]);
  expect(await validity(early.penalty)).toEqual([['REPAIRED', null, null]]);
  expect((await told(creditRecords.topic, known.penalty.uscc)).at(-1)?.body).toMatchObject({ repairedOn: '2026-11-25' });
});

it('holds for a record that was revoked when it comes back', async () => {
  const { penalty, decision } = aPenalty();
  await report(penalty);
  await department.post(`/api/credit/records/${penalty.recordNo}/retraction`, { revision: 2, ground: 'REVOKED', reason: '复议撤销' });
  expect((await office.post<RepairAnswer>(PATH, decision)).body).toMatchObject({ outcome: 'accepted', recordNos: [] });
  expect(await standing(penalty)).toEqual(['REVOKED']);
  await report({ ...penalty, revision: 3 });
  expect(await standing(penalty)).toEqual(['REPAIRED']);
  expect((await told(creditRecords.topic, penalty.uscc)).map((one) => one.body)).toMatchObject([
    { revision: 1 },
    { endedReason: 'REVOKED' },
  ]);
});

it('holds for what is reported of its document later, under another number', async () => {
  const { penalty, decision } = aPenalty();
  await report(penalty);
  const first = (await office.post<RepairAnswer>(PATH, decision)).body;
  await report({ ...penalty, recordNo: `${penalty.recordNo}-again` });
  expect(await standing(penalty)).toEqual(['REPAIRED', 'REPAIRED']);
  const { body } = await office.post<RepairAnswer>(PATH, decision);
  expect(body).toMatchObject({ outcome: 'duplicate', recordNos: expect.arrayContaining([...first.recordNos]) as string[] });
  expect(body.recordNos).toHaveLength(2);
  expect((await told(creditRecords.topic, penalty.uscc)).map((one) => one.body)).toMatchObject([
    { revision: 1 },
    { revision: 2, endedReason: 'REPAIRED' },
  ]);
});

describe('of the notice of a sampling', () => {
  /** A result of a merchant that no other test uses, and the decision on its notice. */
  function aResult() {
    const { decision } = aPenalty();
    const [sampleNo, no] = [`S-${last}`, `2026年第${last}号`];
    const result = (revision = 1): SamplingResultPublished =>
      aSamplingResult({
        sampleNo,
        revision,
        product: { name: '单晶冰糖' },
        failingItems: [{ item: '蔗糖分' }, { item: '色值' }],
        organiser: { name: '天津市市场监督管理委员会' },
        sampledParty: { name: '示例商店', uscc: decision['uscc'] },
        nominalProducer: undefined,
        notice: { no, publishedOn: '2026-11-01' },
      });
    const uscc = decision['uscc'] ?? '';
    const publish = async (revision = 1): Promise<void> => {
      await place.publish(SamplingResultPublished, result(revision));
      await eventually(async () =>
        expect(
          await place.sql('SELECT FROM followed_subjects WHERE subject = $1 AND revision = $2', [`tj-amr:${sampleNo}`, revision]),
        ).toHaveLength(1),
      );
    };
    return { uscc, publish, decision: { ...decision, documentNo: no } };
  }

  it('ends its record, which says what the notice says', async () => {
    const { uscc, publish, decision } = aResult();
    await publish();
    expect((await office.post<RepairAnswer>(PATH, decision)).body.recordNos).toHaveLength(1);
    const digest = {
      documentNo: decision.documentNo,
      matter: '单晶冰糖：蔗糖分、色值',
      decision: '抽检不合格',
      authority: '天津市市场监督管理委员会',
    };
    expect((await told(creditRecords.topic, uscc)).map((one) => one.body)).toMatchObject([
      { revision: 1, digest },
      { revision: 2, digest, endedReason: 'REPAIRED' },
    ]);
  });

  it('holds for a result that comes after it, in each of its revisions', async () => {
    const { uscc, publish, decision } = aResult();
    await office.post(PATH, decision);
    await publish();
    await publish(2);
    expect(await told(creditRecords.topic, uscc)).toEqual([]);
    expect(await place.sql('SELECT standing, source_revision FROM credit_records WHERE uscc = $1', [uscc])).toEqual([
      { standing: 'REPAIRED', source_revision: 2 },
    ]);
    expect((await office.post<RepairAnswer>(PATH, decision)).body).toMatchObject({ outcome: 'duplicate', recordNos: [expect.any(String)] });
  });

  it('ends a record that was made before records said so, with the next revision of its result', async () => {
    const { uscc, publish, decision } = aResult();
    await publish();
    await place.sql('UPDATE credit_records SET digest = NULL WHERE uscc = $1', [uscc]);
    expect((await office.post<RepairAnswer>(PATH, decision)).body.recordNos).toEqual([]);
    await publish(2);
    expect((await told(creditRecords.topic, uscc)).map((one) => one.body)).toMatchObject([
      { revision: 1 },
      { revision: 2, endedReason: 'REPAIRED' },
    ]);
  });
});

it('that did not see its record, nor was seen by it, is applied once by two processes', async () => {
  const { penalty, decision } = aPenalty();
  await report(penalty);
  // As two transactions at one moment leave it.
  const { decisionNo, uscc, documentNo, decidedOn, decidedBy } = decision;
  await place.sql(
    `INSERT INTO repair_decisions (decision_no, hash, uscc, document_no, decided_on, decided_by, passed_by, received_at)
     VALUES ($1, 'hash', $2, $3, $4, $5, 'tj-dc', now())`,
    [decisionNo, uscc, documentNo, decidedOn, decidedBy],
  );
  const second = await startTestService(CreditModule, place, { config: CreditConfig, clock, isSecond: true });
  const found = await Promise.all([service, second].map((one) => one.get(Repairs).applyWaiting(500)));
  await second.close();
  expect(found.reduce((sum, one) => sum + one, 0)).toBe(1);
  const ended = (await told(creditRecords.topic, penalty.uscc)).filter(({ body }) => body?.['endedReason'] === 'REPAIRED');
  expect(ended).toHaveLength(1);
});

it('of many is answered each for itself; one bad item rejects no other', async () => {
  const [good, waiting] = [aPenalty(), aPenalty()];
  await report(good.penalty);
  const bad = { ...waiting.decision, decisionNo: 'X', uscc: '123' };
  const { body } = await office.post<BatchAnswer<RepairAnswer>>(PATH, [good.decision, bad, waiting.decision, good.decision, 7]);
  expect(body.items.map(({ outcome, recordNos, errors }) => [outcome, recordNos.length, errors[0]?.code ?? '-'])).toEqual([
    ['accepted', 1, '-'],
    ['rejected', 0, 'USCC_MALFORMED'],
    ['accepted', 0, '-'],
    ['duplicate', 1, '-'],
    ['rejected', 0, 'WRONG_TYPE'],
  ]);
  expect(
    await office.post(
      PATH,
      Array.from({ length: 1_001 }, () => bad),
    ),
  ).toMatchObject({
    status: 413,
    body: { code: 'TOO_MANY_ITEMS' },
  });
});

describe('as a table', () => {
  const HEADER = '序号,修复决定文号,统一社会信用代码,决定书文号,修复决定日期,修复决定机关,修复理由';
  const rowOf = ({ decisionNo, uscc, documentNo, decidedOn, decidedBy }: Record<string, string>) =>
    `1,${decisionNo},${uscc},${documentNo},${decidedOn},${decidedBy},`;
  function table(rows: readonly string[], header = HEADER): FormData {
    const form = new FormData();
    form.append('file', new Blob([`\uFEFF${[header, ...rows].join('\r\n')}\r\n`]), 'decisions.csv');
    return form;
  }

  it('are answered row by row, and say the same as over HTTP', async () => {
    const [known, good, bad] = [aPenalty(), aPenalty(), aPenalty()];
    await report(good.penalty);
    await office.post(PATH, known.decision);
    const rows = [known.decision, good.decision, { ...bad.decision, uscc: '123' }, { ...bad.decision, decidedBy: '' }].map(rowOf);
    const { status, body } = await office.post<BatchAnswer<RepairRowAnswer>>(`${PATH}/file`, table(rows));
    expect(status).toBe(200);
    expect(body.items.map(({ line, outcome, recordNos, errors }) => [line, outcome, recordNos.length, errors[0]?.code ?? '-'])).toEqual([
      [2, 'duplicate', 0, '-'],
      [3, 'accepted', 1, '-'],
      [4, 'rejected', 0, 'USCC_MALFORMED'],
      [5, 'rejected', 0, 'FIELD_MISSING'],
    ]);
    expect(await standing(good.penalty)).toEqual(['REPAIRED']);
    expect(await place.sql('SELECT FROM repair_decisions WHERE decision_no = $1', [bad.decision['decisionNo']])).toEqual([]);
  });

  it.each<[string, FormData, number, string]>([
    ['without a column that is required', table([], '修复决定文号,统一社会信用代码'), 400, 'LIST_UNREADABLE'],
    ['of more than 1,000 rows', table(Array.from({ length: 1_001 }, () => 'x')), 413, 'TOO_MANY_ITEMS'],
  ])('%s are refused', async (_what, form, status, code) => {
    expect(await office.post(`${PATH}/file`, form)).toMatchObject({ status, body: { code } });
  });

  it('come from the credit office alone: of another nothing is read', async () => {
    const { decision } = aPenalty();
    for (const form of [table([rowOf(decision)]), table([], 'no header of ours')]) {
      expect(await department.post(`${PATH}/file`, form)).toMatchObject({ status: 403, body: { code: 'NOT_THE_CREDIT_OFFICE' } });
    }
    expect(await place.sql('SELECT FROM repair_decisions WHERE decision_no = $1', [decision['decisionNo']])).toEqual([]);
  });
});

describe('over Kafka', () => {
  const message = (value: Record<string, string>, from = 'tj-credit'): OutsideMessage => ({
    key: value['decisionNo'] ?? '',
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: `/departments/${from}/national-site`,
      ce_type: typeOf(RepairDecisionReported),
      'content-type': 'application/json',
    },
    value,
  });
  const read = (decisionNo = '', http = office) => http.get<PassedDecision>(`${PATH}/${encodeURIComponent(decisionNo)}`);
  /** Sends the messages and a good decision behind them, and waits until that one is handled. */
  async function send(...messages: OutsideMessage[]): Promise<void> {
    const { decision } = aPenalty();
    await place.outside('tj-credit').produce(topicOf(repairDecisionIntake, 'tj-credit'), [...messages, message(decision)]);
    await eventually(async () => expect((await read(decision['decisionNo'])).status).toBe(200), { within: 20_000 });
  }
  const refusalsOf = async (decisionNo: string | undefined) =>
    (await read(decisionNo)).body.rejections.flatMap(({ errors }) => errors.map(({ code, pointer }) => `${code} ${pointer}`));

  it('ends the record once, however often and by whatever channel it comes, and names its event as the cause', async () => {
    const { penalty, decision } = aPenalty();
    await report(penalty);
    const first = message(decision);
    await send(first, first, message(decision));
    const ended = await told(creditRecords.topic, penalty.uscc);
    expect(ended.map((one) => one.body)).toMatchObject([{ revision: 1 }, { revision: 2, endedReason: 'REPAIRED' }]);
    expect(ended.at(-1)?.headers['ce_causationid']).toBe(first.headers?.['ce_id']);
    expect((await office.post<RepairAnswer>(PATH, decision)).body).toMatchObject({ outcome: 'duplicate', recordNos: [expect.any(String)] });
    expect((await read(decision['decisionNo'])).body).toMatchObject({ decision: { documentNo: decision['documentNo'] }, rejections: [] });
  });

  it('waits for a record that is not here, and says so', async () => {
    const { penalty, decision } = aPenalty();
    await send(message(decision));
    expect((await read(decision['decisionNo'])).body.decision).toMatchObject({ appliedAt: null, recordNos: [] });
    await report(penalty);
    expect(await standing(penalty)).toEqual(['REPAIRED']);
    expect((await read(decision['decisionNo'])).body.decision).toMatchObject({ recordNos: [expect.any(String)] });
  });

  it('is refused alone and with the codes of HTTP: a dead letter, of which the credit office is told', async () => {
    const [good, future, known, typeless] = [aPenalty(), aPenalty(), aPenalty(), aPenalty()].map(({ decision }) => decision);
    await office.post(PATH, known ?? {});
    const { decidedBy: _decidedBy, ...unsigned } = typeless ?? {};
    await send(
      message({ ...future, decidedOn: '2026-11-27', uscc: '123' }),
      message({ ...known, decidedOn: '2026-11-24' }),
      message(unsigned),
      message(good ?? {}),
    );
    expect((await read(good?.['decisionNo'])).status).toBe(200);
    expect(await refusalsOf(future?.['decisionNo'])).toEqual(['USCC_MALFORMED /uscc']);
    expect(await refusalsOf(known?.['decisionNo'])).toEqual(['DECISION_CONFLICT /decisionNo']);
    expect((await read(known?.['decisionNo'])).body.decision).toMatchObject({ decidedOn: '2026-11-25' });
    expect(await refusalsOf(typeless?.['decisionNo'])).toEqual(['FIELD_MISSING /decidedBy']);
    expect((await read('unheard of')).body).toMatchObject({ code: 'DECISION_UNKNOWN' });
    expect(await read(good?.['decisionNo'], department)).toMatchObject({ status: 403, body: { code: 'NOT_THE_CREDIT_OFFICE' } });
  });

  it('is taken from the credit office alone', async () => {
    const { penalty, decision } = aPenalty();
    await report(penalty);
    const topic = topicOf(repairDecisionIntake, 'tj-amr');
    await place.outside('tj-amr').produce(topic, [message(decision, 'tj-amr')]);
    await eventually(async () => expect(await refusalsOf(decision['decisionNo'])).toEqual(['NOT_THE_CREDIT_OFFICE ']));
    expect(await standing(penalty)).toEqual(['PUBLIC']);
    await expect(place.outside('tj-amr').produce(topicOf(repairDecisionIntake, 'tj-credit'), message(decision))).rejects.toThrow();
  });
});

it('shows a department what has to hold before it repairs its own record', async () => {
  const { penalty } = aPenalty();
  await report(penalty);
  const url = `/api/credit/records/${penalty.recordNo}/repair-conditions`;
  const met = async () => {
    const { body } = await department.get<Repairability[]>(url);
    return Object.fromEntries(body.flatMap(({ conditions }) => conditions.map(({ condition, outcome }) => [condition, outcome])));
  };
  expect(await met()).toMatchObject({ LEAST_PERIOD: 'MET', NO_REPEAT: 'MET', PUBLIC_COMMITMENT: 'NOT_MET' });
  const commitment = { kind: 'CREDIT_REPAIR', madeTo: '信用中国' };
  const promised = { ...penalty, recordNo: `C-${last}`, type: 'COMMITMENT', class: undefined, documentDate: '2026-11-01', commitment };
  await report(promised);
  await report({ ...penalty, recordNo: `P-${last}-2`, documentDate: '2026-11-02' });
  expect(await met()).toMatchObject({ LEAST_PERIOD: 'MET', NO_REPEAT: 'NOT_MET', PUBLIC_COMMITMENT: 'MET' });
  expect(await office.get(url)).toMatchObject({ status: 404, body: { code: 'RECORD_UNKNOWN' } });
});

it('keeps with the repair of a department on what it was decided, as it was then', async () => {
  const { penalty } = aPenalty();
  await report(penalty);
  const url = `/api/credit/records/${penalty.recordNo}`;
  const retraction = {
    revision: 2,
    ground: 'REPAIRED',
    reason: '已履行义务',
    decidedOn: '2026-11-25',
    dutiesPerformed: { documentNo: '缴款书1号', on: '2026-11-10' },
  };
  expect((await department.post(`${url}/retraction`, retraction)).body).toMatchObject({ outcome: 'accepted', standing: 'REPAIRED' });
  const derived = async () => {
    const { body } = await department.get<ReportedRecord>(url);
    return (body.repairedUnder ?? []).flatMap(({ conditions }) =>
      conditions.map(({ condition, outcome, because }) => `${condition} ${outcome} ${because}`),
    );
  };
  const then = [
    expect.stringMatching(/^LEAST_PERIOD MET may be repaired from 2026-11-01/),
    'NO_REPEAT MET no PENALTY is later than 2026-08-01',
    expect.stringMatching(/^PUBLIC_COMMITMENT NOT_MET/),
    'DUTIES_PERFORMED MET 缴款书1号 of 2026-11-10',
    expect.stringMatching(/^NOT_EXCLUDED FOR_A_PERSON/),
  ];
  expect(await derived()).toEqual(then);
  // What comes later, and the same taken back again, changes nothing of it.
  await report({ ...penalty, recordNo: `${penalty.recordNo}-2`, documentDate: '2026-11-02' });
  await department.post(`${url}/retraction`, { ...retraction, revision: 3, dutiesPerformed: undefined });
  expect(await derived()).toEqual(then);
});

describe('who may', () => {
  it('pass decisions on is the credit office alone, and nothing of another’s is kept', async () => {
    const { decision } = aPenalty();
    expect(await department.post(PATH, decision)).toMatchObject({ status: 403, body: { code: 'NOT_THE_CREDIT_OFFICE' } });
    expect(await place.sql('SELECT FROM repair_decisions WHERE decision_no = $1', [decision['decisionNo']])).toEqual([]);
    expect((await place.http(await place.token('PLATFORM', 'jd')).post(PATH, decision)).status).toBe(403);
  });

  it('read them are the credit office, auditors and the operator, page by page', async () => {
    expect(await department.get(PATH)).toMatchObject({ status: 403, body: { code: 'NOT_THE_CREDIT_OFFICE' } });
    expect((await office.get<Page<KeptDecision>>(`${PATH}?limit=2`)).body.items).toHaveLength(2);
    const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
    const first = (await auditor.get<Page<KeptDecision>>(`${PATH}?limit=2`)).body;
    const rest = (await auditor.get<Page<KeptDecision>>(`${PATH}?limit=500&cursor=${first.next ?? ''}`)).body;
    const all = [...first.items, ...rest.items];
    expect(all.map(({ decisionNo }) => decisionNo)).toEqual([...new Set(all.map(({ decisionNo }) => decisionNo))].sort());
    const { body } = await auditor.get<Page<KeptDecision>>(`${PATH}?state=WAITING`);
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.items.every(({ appliedAt }) => appliedAt === null)).toBe(true);
    expect(first.items[0]).not.toHaveProperty('hash');
  });
});
