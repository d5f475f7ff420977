import { randomUUID } from 'node:crypto';
import {
  creditRecordIntake,
  CreditRecordReported,
  CreditRecordRetracted,
  creditRecords,
  type CreditStatusChanged,
  creditStatuses,
  OrganisationChanged,
  OrganisationRegistered,
  topicOf,
  typeOf,
} from '@jinqiao/contracts';
import type { BatchAnswer, Page } from '@jinqiao/platform';
import {
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
import { CreditRecords, type ListedRecord } from '../credit-record/credit-record.service.js';
import { CreditModule } from '../credit.module.js';
import type { RecordAnswer, ReportedRecord } from './reported-record.service.js';

/*
 * Records that departments report, over HTTP and on their own topic, against a real database and broker: what is answered, what is kept,
 * what the public hears, and that a refusal changes nothing. The clock stands at noon of 2026-11-26 in China until a test moves it.
 */
const PATH = '/api/credit/records';
const TOPIC = topicOf(creditRecordIntake, 'tj-amr');
const NOON = new Date('2026-11-26T04:00:00Z');

let place: Place;
let service: TestService;
let department: Http;
let last = 0;
const clock = new StandingClock(NOON);

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOON));

/** A number and an entity no other test uses. */
function aPenalty(named: Partial<CreditRecordReported> = {}): CreditRecordReported {
  last += 1;
  const recordNo = `津市监罚〔2026〕${last}号`;
  return {
    recordNo,
    uscc: testUscc(1_000 + last),
    type: 'PENALTY',
    class: 'GENERAL',
    documentDate: '2026-11-20',
    digest: { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
    ...named,
  };
}
const report = (input: object) => department.post<RecordAnswer>(PATH, input);
const read = (recordNo: string, http = department) => http.get<ReportedRecord>(`${PATH}/${encodeURIComponent(recordNo)}`);
const retract = (recordNo: string, body: object) =>
  department.post<RecordAnswer>(`${PATH}/${encodeURIComponent(recordNo)}/retraction`, body);
const kept = ({ recordNo }: CreditRecordReported) =>
  place.sql('SELECT revision, source_revision, standing FROM credit_records WHERE subject = $1 ORDER BY changed_at', [
    `tj-amr:${recordNo}`,
  ]);

async function told(topic: string, uscc: string): Promise<object[]> {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const records = (await place.readAll(topic)).filter(({ key }) => key === uscc);
  return records.map(({ headers, body }) => ({ said: headers['ce_type']?.split('.').at(-1), ...body }));
}

describe('one record over HTTP', () => {
  it('is public at once, with its digest and its last day, and the entity’s status says so', async () => {
    const sent = aPenalty();
    const { status, body } = await report({ ...sent, colour: 'red' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { outcome: 'accepted', revision: 1, standing: 'PUBLIC', publicUntil: '2027-11-20', errors: [], unknownFields: ['/colour'] },
    });
    expect(await told(creditRecords.topic, sent.uscc)).toMatchObject([
      {
        said: 'CreditRecordPublished',
        revision: 1,
        class: 'GENERAL',
        digest: sent.digest,
        publicFrom: '2026-11-26',
        publicUntil: '2027-11-20',
      },
    ]);
    expect(await told(creditStatuses.topic, sent.uscc)).toMatchObject([{ revision: 1, publicRecords: [{ type: 'PENALTY', count: 1 }] }]);
  });

  it('is a duplicate when it comes again; another content, a lower revision and bad input are refused and change nothing', async () => {
    const sent = aPenalty({ revision: 2 });
    await report(sent);
    expect((await report(sent)).body).toMatchObject({ outcome: 'duplicate', standing: 'PUBLIC' });
    expect(await report({ ...sent, class: 'SERIOUS' })).toMatchObject({ status: 409, body: { code: 'REVISION_CONFLICT' } });
    expect(await report({ ...sent, revision: 1 })).toMatchObject({ status: 409, body: { code: 'STALE_REVISION' } });
    expect(await report({ ...sent, revision: 3, publicUntil: '2027-11-21' })).toMatchObject({
      status: 422,
      body: { code: 'PERIOD_TOO_LONG', errors: [{ pointer: '/publicUntil' }] },
    });
    expect((await read(sent.recordNo)).body).toMatchObject({ revision: 2, rejections: [], warnings: [{ code: 'REVISION_GAP' }] });
    expect(await kept(sent)).toEqual([{ revision: 1, source_revision: 2, standing: 'PUBLIC' }]);
  });

  it('is taken back with its reason; nothing public remains', async () => {
    const sent = aPenalty();
    await report(sent);
    const back = { revision: 2, ground: 'REVOKED', reason: '复议撤销', decidedOn: '2026-11-25' };
    expect((await retract(sent.recordNo, back)).body).toMatchObject({ outcome: 'accepted', standing: 'REVOKED', warnings: [] });
    expect(await told(creditRecords.topic, sent.uscc)).toMatchObject([
      { said: 'CreditRecordPublished', revision: 1 },
      { said: 'CreditRecordEnded', revision: 2, endedReason: 'REVOKED', endedBecause: '复议撤销' },
    ]);
    expect((await told(creditStatuses.topic, sent.uscc)).at(-1)).not.toHaveProperty('uscc');
  });

  it('of a commitment is in its department’s list of those to be checked from the end of its term until somebody has', async () => {
    const commitment = { kind: 'APPROVAL', madeTo: '天津市市场监督管理委员会', until: '2026-11-25' } as const;
    const over = aPenalty({ type: 'COMMITMENT', class: undefined, commitment } as object);
    const running = aPenalty({ type: 'COMMITMENT', class: undefined, commitment: { ...commitment, until: '2026-11-26' } } as object);
    const penalty = aPenalty();
    for (const one of [over, running, penalty]) await report(one);
    const unchecked = async (): Promise<string[]> =>
      (await department.get<Page<ListedRecord>>(`${PATH}?unchecked=true`)).body.items.map(({ uscc }) => uscc);
    expect(await unchecked()).toContain(over.uscc);
    expect(await unchecked()).not.toEqual(expect.arrayContaining([running.uscc]));
    expect(await unchecked()).not.toEqual(expect.arrayContaining([penalty.uscc]));
    await report({ ...over, revision: 2, commitment: { ...commitment, outcome: 'KEPT', checkedOn: '2026-11-26' } });
    expect(await unchecked()).not.toContain(over.uscc);
  });

  it('is contested, noted upon and a commitment that was broken, each by an event of its own', async () => {
    const commitment = { kind: 'APPROVAL', madeTo: '天津市市场监督管理委员会', until: '2027-05-31' } as const;
    const sent = aPenalty({ type: 'COMMITMENT', class: undefined, commitment } as object);
    const broken = { ...commitment, outcome: 'BROKEN', checkedOn: '2026-11-25' } as const;
    await report(sent);
    await report({ ...sent, revision: 2, contested: true });
    await report({ ...sent, revision: 3, contested: true, annotations: ['已约谈'] });
    await report({ ...sent, revision: 4, annotations: ['已约谈'], commitment: broken });
    const [, contested, annotated, published, second] = await told(creditRecords.topic, sent.uscc);
    expect(contested).toMatchObject({ said: 'CreditRecordContested', revision: 2, contested: true, commitment });
    expect(annotated).toMatchObject({ said: 'CreditRecordAnnotated', revision: 3, contested: true, annotations: ['已约谈'] });
    expect(published).toMatchObject({ said: 'CreditRecordPublished', revision: 4, annotations: ['已约谈'], commitment: broken });
    expect(published).not.toHaveProperty('contested');
    expect(second).toMatchObject({ said: 'CreditRecordPublished', type: 'COMMITMENT_BROKEN', documentDate: '2026-11-25' });
    expect(second).not.toHaveProperty('commitment');
    const { body } = await department.get<Page<ListedRecord>>(`${PATH}?uscc=${sent.uscc}`);
    expect(body.items.find(({ type }) => type === 'COMMITMENT')).toMatchObject({
      isContested: false,
      annotations: ['已约谈'],
      commitment: broken,
    });
    // Each is a change of the entity's status too, which says how its records stand: whoever follows that alone misses nothing.
    const statuses = (await told(creditStatuses.topic, sent.uscc)) as unknown as CreditStatusChanged[];
    const made = (published as { recordNo?: string } | undefined)?.recordNo;
    const stands = statuses.map(({ records = [] }) => records.find(({ recordNo }) => recordNo === made));
    expect(stands.map((one) => [one?.revision, one?.contested])).toEqual([
      [1, undefined],
      [2, true],
      [3, true],
      [4, undefined],
    ]);
    expect(statuses.at(-1)).toMatchObject({ revision: 4, publicRecords: [{ type: 'COMMITMENT' }, { type: 'COMMITMENT_BROKEN' }] });
  });

  it('marks an individual business and lists an enterprise', async () => {
    const abnormal = { type: 'ABNORMAL_OPERATION', class: undefined } as object;
    const [enterprise, business] = [aPenalty(abnormal), aPenalty({ ...abnormal, uscc: '92120199MA9XXX02XM' })];
    await report(enterprise);
    await report(business);
    expect(await told(creditStatuses.topic, enterprise.uscc)).toMatchObject([{ lists: ['ABNORMAL_OPERATION'] }]);
    expect(await told(creditStatuses.topic, business.uscc)).toMatchObject([{ lists: [], mark: 'ABNORMAL_OPERATION' }]);
  });
});

describe('many records at once', () => {
  it('are answered each for itself; one bad item rejects no other', async () => {
    const [good, bad] = [aPenalty(), aPenalty({ uscc: '91110108551385082F', documentDate: '2026-11-27' })];
    const { body } = await department.post<BatchAnswer<RecordAnswer>>(PATH, [good, bad, good, { ...good, class: 'SERIOUS' }, 7]);
    expect(body).toMatchObject({ accepted: 1, duplicate: 1, rejected: 3 });
    expect(body.items.map(({ errors }) => errors.map(({ code, pointer }) => `${code} ${pointer}`))).toEqual([
      [],
      ['USCC_CHECK_FAILED /uscc', 'DATED_IN_FUTURE /documentDate'],
      [],
      ['REVISION_CONFLICT /revision'],
      ['WRONG_TYPE '],
    ]);
    expect((await read(bad.recordNo)).body).toMatchObject({ revision: 0, records: [], rejections: [{ revision: 1 }] });
  });

  it('are at most 1,000: 1,001 leave nothing behind', async () => {
    const one = aPenalty();
    expect(
      await department.post(
        PATH,
        Array.from({ length: 1_001 }, () => one),
      ),
    ).toMatchObject({
      status: 413,
      body: { code: 'TOO_MANY_ITEMS' },
    });
    expect((await read(one.recordNo)).status).toBe(404);
  });

  it('of one number may come over several requests at once: each revision has one effect', async () => {
    const one = aPenalty();
    const revisions = [1, 2, 3, 4].map((revision) => ({ ...one, revision, digest: { ...one.digest, matter: `${revision}` } }));
    await Promise.all([...revisions, ...revisions].map((input) => department.post(PATH, [input])));
    const said = await told(creditRecords.topic, one.uscc);
    expect(said.map((event) => (event as { revision: number }).revision)).toEqual(said.map((_, index) => index + 1));
    expect(await kept(one)).toMatchObject([{ source_revision: 4, standing: 'PUBLIC', revision: said.length }]);
  });
});

describe('a department’s own topic', () => {
  const message = (
    value: { recordNo: string },
    type: typeof CreditRecordReported | typeof CreditRecordRetracted = CreditRecordReported,
  ): OutsideMessage => ({
    key: value.recordNo,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: '/departments/tj-amr/credit-system',
      ce_type: typeOf(type),
      ce_time: '2026-11-26T00:00:00Z',
      'content-type': 'application/json',
    },
    value,
  });
  /** Sends the messages and one good report behind them, and waits until that one is handled. */
  async function send(...messages: OutsideMessage[]): Promise<void> {
    const sentinel = aPenalty();
    await place.outside('tj-amr').produce(TOPIC, [...messages, message(sentinel)]);
    await eventually(async () => expect((await read(sentinel.recordNo)).status).toBe(200), { within: 20_000 });
  }

  it('has one effect of a record that comes twice; what follows from it names its cause', async () => {
    const sent = aPenalty();
    const once = message(sent);
    await send(
      once,
      once,
      message(sent),
      message({ recordNo: sent.recordNo, revision: 2, ground: 'CORRECTED', reason: '认定有误' } as never, CreditRecordRetracted),
    );
    expect(await told(creditRecords.topic, sent.uscc)).toMatchObject([
      { said: 'CreditRecordPublished', source: { departmentId: 'tj-amr', subject: `tj-amr:${sent.recordNo}` } },
      { said: 'CreditRecordEnded', endedReason: 'CORRECTED' },
    ]);
    const [first] = (await place.readAll(creditRecords.topic)).filter(({ key }) => key === sent.uscc);
    expect(first?.headers['ce_causationid']).toBe(once.headers?.['ce_id']);
  });

  it('dead-letters what breaks a rule or the contract, alone, and tells its department every error', async () => {
    const [ruleless, typeless] = [aPenalty({ class: 'WARNING', uscc: '123' }), { ...aPenalty(), type: 'DREAM' }];
    await send(message(ruleless), message(typeless));
    const letters = await place.sql('SELECT code, pointer FROM dead_letters WHERE key = ANY($1) ORDER BY code', [
      [ruleless.recordNo, typeless.recordNo],
    ]);
    expect(letters).toEqual([
      { code: 'NOT_IN_CODE_LIST', pointer: '/type' },
      { code: 'USCC_MALFORMED', pointer: '/uscc' },
    ]);
    expect((await read(ruleless.recordNo)).body.rejections).toMatchObject([
      { revision: 1, errors: [{ code: 'USCC_MALFORMED' }, { code: 'CLASS_NOT_IN_FORCE' }] },
    ]);
    expect((await read(typeless.recordNo)).body.rejections).toMatchObject([{ revision: null, errors: [{ code: 'NOT_IN_CODE_LIST' }] }]);
  });

  it('says nothing while the department is in the sandbox', async () => {
    const follow = (revision: number, status: 'SANDBOX' | 'PRODUCTION') =>
      place.publish(revision === 1 ? OrganisationRegistered : OrganisationChanged, {
        organisationId: 'tj-amr',
        revision,
        kind: 'DEPARTMENT',
        name: '天津市场监管委',
        status,
      });
    await follow(1, 'SANDBOX');
    const sent = aPenalty();
    await eventually(async () => expect((await report(aPenalty())).body).toMatchObject({ status: 403, code: 'ORGANISATION_IN_SANDBOX' }));
    await place.outside('tj-amr').produce(TOPIC, [message(sent)]);
    await eventually(async () => {
      const letters = await place.sql('SELECT code FROM dead_letters WHERE key = $1', [sent.recordNo]);
      expect(letters).toEqual([{ code: 'ORGANISATION_IN_SANDBOX' }]);
    });
    await follow(2, 'PRODUCTION');
    await eventually(async () => expect((await report(aPenalty())).status).toBe(200));
    expect(await kept(sent)).toEqual([]);
  });

  it('is nobody else’s to write to', async () => {
    await expect(place.outside('tj-credit').produce(TOPIC, message(aPenalty()))).rejects.toThrow();
  });
});

describe('the clock', () => {
  it('begins and ends each record once, three years on and from many sweeps of two processes at once', async () => {
    const second = await startTestService(CreditModule, place, { config: CreditConfig, clock, isSecond: true });
    const sweepers = [service, second].flatMap((one) => Array.from({ length: 3 }, () => one.get(CreditRecords)));
    const batch = Array.from({ length: 12 }, () => aPenalty({ publishFrom: '2026-12-01', class: 'SERIOUS', publicUntil: '2029-11-20' }));
    await department.post(PATH, batch);
    // Until none of them finds anything due.
    const sweepOn = async (day: string): Promise<void> => {
      clock.set(new Date(`${day}T04:00:00Z`));
      const found = await Promise.all(sweepers.map((records) => records.sweep(5)));
      if (found.some((count) => count > 0)) await sweepOn(day);
    };
    await sweepOn('2026-11-30');
    expect(await place.sql("SELECT FROM credit_records WHERE standing = 'NOT_YET'")).toHaveLength(12);
    for (const day of ['2026-12-01', '2029-11-20', '2029-11-21']) await sweepOn(day);
    await second.close();
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    const all = await place.readAll(creditRecords.topic);
    const said = batch.map(({ uscc }) =>
      all.filter(({ key }) => key === uscc).map(({ body }) => [body?.['revision'], body?.['endedReason']]),
    );
    expect(said).toEqual(
      batch.map(() => [
        [1, undefined],
        [2, 'EXPIRED'],
      ]),
    );
  });

  it('publishes nothing whose period went by while nobody was there', async () => {
    const sent = aPenalty({ publishFrom: '2026-12-01' });
    await report(sent);
    clock.set(new Date('2028-01-01T00:00:00Z'));
    await service.get(CreditRecords).sweep(500);
    expect(await kept(sent)).toMatchObject([{ revision: 0, standing: 'PERIOD_OVER' }]);
    expect(await told(creditRecords.topic, sent.uscc)).toEqual([]);
  });
});

describe('who may do what', () => {
  it('lets a department read its own number only, and nobody else report', async () => {
    const sent = aPenalty();
    await report(sent);
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    expect(await read(sent.recordNo, other)).toMatchObject({ status: 404, body: { code: 'RECORD_UNKNOWN' } });
    expect((await other.post<RecordAnswer>(PATH, { ...sent, departmentId: 'tj-amr' })).body).toMatchObject({ code: 'NOT_ITS_RECORD' });
    const [jd, auditor] = [place.http(await place.token('PLATFORM', 'jd')), place.http(await place.token('AUDITOR', 'tj-audit'))];
    expect((await jd.post(PATH, sent)).status).toBe(403);
    expect((await read(sent.recordNo, jd)).status).toBe(403);
    expect(await read(sent.recordNo, auditor)).toMatchObject({ status: 400, body: { code: 'FIELD_MISSING' } });
    expect((await jd.get('/api/credit/record-types')).status).toBe(200);
    expect(await kept(sent)).toHaveLength(1);
  });
});
