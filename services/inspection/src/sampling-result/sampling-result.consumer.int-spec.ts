import { randomUUID } from 'node:crypto';
import {
  SamplingResultReported,
  SamplingResultRetracted,
  samplingResultIntake,
  samplingResults,
  topicOf,
  typeOf,
} from '@jinqiao/contracts';
import { Received } from '@jinqiao/messaging';
import {
  aReport,
  eventually,
  realServers,
  startTestService,
  type Http,
  type OutsideMessage,
  type Place,
  type TestService,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { InspectionModule } from '../inspection.module.js';
import { SamplingResultConsumer } from './sampling-result.consumer.js';
import type { ReportedResult } from './sampling-result.reading.service.js';

/*
 * A department that knows nothing of our code writes to its own topic: what it sends is accepted, or becomes a dead letter with a code
 * and a pointer that it can ask for, and whatever stands behind a bad record is still handled. Every test ends with a good record, and
 * waits for that one: records of one topic are handled in order.
 */
const TOPIC = topicOf(samplingResultIntake, 'tj-amr');

let place: Place;
let service: TestService;
let department: Http;
let last = 0;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterAll(() => service.close());

const fresh = (): string => `KAFKA-${(last += 1)}`;
const headers = (more: Record<string, string | undefined> = {}): Record<string, string> => {
  const usual: Record<string, string | undefined> = {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: '/departments/tj-amr/sampling-system',
    ce_type: typeOf(SamplingResultReported),
    ce_time: '2026-11-23T00:00:00Z',
    'content-type': 'application/json',
  };
  const given = Object.entries({ ...usual, ...more });
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined));
};
const message = <V extends { sampleNo: string }>(value: V, more: Record<string, string | undefined> = {}): OutsideMessage => ({
  key: value.sampleNo,
  headers: headers(more),
  value,
});
const numbered = (sampleNo: string, revision: number): OutsideMessage =>
  message(aReport({ sampleNo, revision, revisionReason: 'CORRECTED' }));
const retraction = (sampleNo: string, revision: number): OutsideMessage =>
  message({ sampleNo, revision, reason: '样品混淆' }, { ce_type: typeOf(SamplingResultRetracted) });
const read = (sampleNo: string) => department.get<ReportedResult>(`/api/inspection/sampling-results/${sampleNo}`);

/** Sends the messages and one good report behind them, and waits until that one is handled. */
async function send(...messages: OutsideMessage[]): Promise<void> {
  const sentinel = fresh();
  await place.outside('tj-amr').produce(TOPIC, [...messages, message(aReport({ sampleNo: sentinel }))]);
  await eventually(async () => expect((await read(sentinel)).status).toBe(200), { within: 20_000 });
}

async function announced(sampleNo: string): Promise<string[]> {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  const records = (await place.readAll(samplingResults.topic)).filter(({ key }) => key === `tj-amr:${sampleNo}`);
  return records.map(({ headers: { ce_type }, body }) => `${ce_type?.split('.').at(-1)} ${String(body?.['revision'])}`);
}

const deadLetters = (key: string | null) =>
  place.sql<{ code: string; pointer: string | null }>(
    'SELECT code, pointer FROM dead_letters WHERE key IS NOT DISTINCT FROM $1 ORDER BY failed_at',
    [key],
  );

describe('a department’s own topic', () => {
  it('takes a result in; what is published names its cause, and the owner of the topic as the reporter', async () => {
    const sampleNo = fresh();
    const sent = message({ ...aReport({ sampleNo }), reporterId: 'tj-credit', colour: 'red' });
    await send(sent);
    expect(await announced(sampleNo)).toEqual(['SamplingResultPublished 1']);
    const [event] = (await place.readAll(samplingResults.topic)).filter(({ key }) => key === `tj-amr:${sampleNo}`);
    expect(event?.headers['ce_causationid']).toBe(sent.headers?.['ce_id']);
    expect((await read(sampleNo)).body).toMatchObject({
      status: 'PUBLISHED',
      result: { channel: 'KAFKA', unknownFields: ['/reporterId', '/colour'] },
    });
  });

  it('is its own also when another department’s records come in the same transaction', async () => {
    const sampleNo = fresh();
    const arrived = (owner: string, productName: string, offset: number): Received<SamplingResultReported> => {
      const record = {
        topic: topicOf(samplingResultIntake, owner),
        partition: 0,
        offset: String(offset),
        timestamp: '0',
        key: null,
        value: null,
      };
      const data = aReport({ sampleNo, product: { name: productName } });
      return new Received({ ...record, headers: headers() }, SamplingResultReported, data, owner, []);
    };
    const together = [arrived('tj-credit', '乙', 1), arrived('tj-amr', '甲', 1)];
    await service.get(DataSource).transaction((tx) => service.get(SamplingResultConsumer).takeIn(together, tx));
    const rows = await place.sql<{ reporter_id: string; name: string }>(
      "SELECT reporter_id, state->'product'->>'name' AS name FROM sampling_results WHERE sample_no = $1 ORDER BY reporter_id",
      [sampleNo],
    );
    expect(rows).toEqual([
      { reporter_id: 'tj-amr', name: '甲' },
      { reporter_id: 'tj-credit', name: '乙' },
    ]);
    const uses = await place.sql<{ principal_id: string; subject: string }>(
      "SELECT principal_id, subject FROM access_log WHERE action = 'KAFKA intake' AND subject LIKE '%] 1-1' ORDER BY principal_id",
    );
    expect(uses.map(({ principal_id, subject }) => subject.includes(principal_id))).toEqual([true, true]);
  });

  it('has one effect of a record that comes twice, and of a report that comes twice under other ids', async () => {
    const sampleNo = fresh();
    const sent = message(aReport({ sampleNo }));
    await send(sent, sent, message(aReport({ sampleNo })));
    expect(await announced(sampleNo)).toEqual(['SamplingResultPublished 1']);
    expect(await deadLetters(sampleNo)).toEqual([]);
  });

  it('applies the revisions of one sampleNo in their order, within a batch too', async () => {
    const sampleNo = fresh();
    await send(...[1, 2, 3].map((revision) => numbered(sampleNo, revision)), retraction(sampleNo, 4), numbered(sampleNo, 5));
    expect(await announced(sampleNo)).toEqual([
      'SamplingResultPublished 1',
      'SamplingResultPublished 2',
      'SamplingResultPublished 3',
      'SamplingResultWithdrawn 4',
      'SamplingResultPublished 5',
    ]);
  });

  it('dead-letters a result that breaks rules, alone, and tells its reporter every error', async () => {
    const sampleNo = fresh();
    await send(message(aReport({ sampleNo, failingItems: [], finality: 'PROVISIONAL' })));
    expect(await deadLetters(sampleNo)).toEqual([{ code: 'FAILING_ITEM_MISSING', pointer: '/failingItems' }]);
    const { body } = await read(sampleNo);
    expect(body).toMatchObject({ status: 'REJECTED', result: null, rejections: [{ channel: 'KAFKA', revision: 1 }] });
    expect(body.rejections).toHaveLength(1);
    expect(body.rejections[0]?.errors.map(({ code }) => code)).toEqual(['FAILING_ITEM_MISSING', 'NOTICE_NOT_FINAL']);
  });

  it('keeps what was accepted when a later record conflicts or is stale', async () => {
    const sampleNo = fresh();
    await send(
      numbered(sampleNo, 2),
      message(aReport({ sampleNo, revision: 2, revisionReason: 'CORRECTED', verdict: 'QUALIFIED' })),
      numbered(sampleNo, 1),
    );
    expect((await deadLetters(sampleNo)).map(({ code }) => code)).toEqual(['REVISION_CONFLICT', 'STALE_REVISION']);
    const { body } = await read(sampleNo);
    expect(body).toMatchObject({ status: 'PUBLISHED', result: { reportedRevision: 2, state: { verdict: 'UNQUALIFIED' } } });
    expect(body.rejections.map(({ revision }) => revision).sort()).toEqual([1, 2]);
  });

  it('lets a rejected result be sent again, put right, under the same revision', async () => {
    const sampleNo = fresh();
    await send(message(aReport({ sampleNo, failingItems: [] })), message(aReport({ sampleNo })));
    expect((await read(sampleNo)).body).toMatchObject({ status: 'PUBLISHED', rejections: [{ revision: 1 }] });
  });

  it('leaves on record who sent what', async () => {
    await send(message(aReport({ sampleNo: fresh() })));
    const log = await place.sql(
      "SELECT principal_id, principal_kind, subject FROM access_log WHERE action = 'KAFKA intake' ORDER BY id DESC LIMIT 1",
    );
    expect(log).toEqual([
      {
        principal_id: 'tj-amr',
        principal_kind: 'DEPARTMENT',
        subject: expect.stringMatching(/^intake\.tj-amr\.sampling-result\.v1\[0\] \d+-\d+$/),
      },
    ]);
  });

  it('is nobody else’s to write to', async () => {
    const forged = place.outside('tj-credit').produce(TOPIC, message(aReport({ sampleNo: fresh() })));
    await expect(forged).rejects.toThrow();
  });
});

describe('a record that can not be read', () => {
  const good = (): { sampleNo: string } & object => ({ ...aReport({ sampleNo: fresh() }) });

  it.each<[string, (value: { sampleNo: string }) => OutsideMessage, string, string]>([
    ['has no ce_id', (value) => message(value, { ce_id: undefined }), 'CE_ID_MISSING', '/ce_id'],
    [
      'has an unknown ce_type',
      (value) => message(value, { ce_type: 'intake.sampling-result.SamplingResultDreamt' }),
      'EVENT_TYPE_UNKNOWN',
      '/ce_type',
    ],
    [
      'has the ce_source of another department',
      (value) => message(value, { ce_source: '/departments/tj-credit/x' }),
      'WRONG_SOURCE',
      '/ce_source',
    ],
    ['is not UTF-8', (value) => ({ ...message(value), value: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }), 'NOT_UTF8', ''],
    ['is not JSON', (value) => ({ ...message(value), value: '{"sampleNo": ' }), 'NOT_JSON', ''],
    ['is a tombstone', (value) => ({ ...message(value), value: null }), 'TOMBSTONE_UNEXPECTED', ''],
    ['is a list', (value) => ({ ...message(value), value: '[]' }), 'WRONG_TYPE', ''],
    ['lacks a required field', (value) => message({ ...value, regime: undefined }), 'FIELD_MISSING', '/regime'],
    ['has a field of the wrong type', (value) => message({ ...value, failingItems: 'none' }), 'WRONG_TYPE', '/failingItems'],
  ])('because it %s is a dead letter that its sender can ask for; what follows is handled', async (_case, broken, code, pointer) => {
    const value = good();
    await send(broken(value));
    expect(await deadLetters(value.sampleNo)).toEqual([{ code, pointer }]);
    expect((await read(value.sampleNo)).body).toMatchObject({
      status: 'REJECTED',
      rejections: [{ revision: null, channel: 'KAFKA', errors: [{ code, pointer }] }],
    });
  });

  it('because the same ce_id stood for something else is no duplicate', async () => {
    const [one, other] = [fresh(), fresh()];
    const ce_id = randomUUID();
    await send(message(aReport({ sampleNo: one }), { ce_id }), message(aReport({ sampleNo: other }), { ce_id }));
    expect((await deadLetters(other)).map(({ code }) => code)).toEqual(['EVENT_ID_REUSED']);
  });

  it('leaves the process alive', () => {
    expect(service.ends).toEqual([]);
  });
});
