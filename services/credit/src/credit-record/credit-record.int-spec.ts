import { type CreditStatusChanged, SamplingResultPublished, SamplingResultWithdrawn, typeOf } from '@jinqiao/contracts';
import { Received } from '@jinqiao/messaging';
import type { Page } from '@jinqiao/platform';
import {
  aSamplingResult,
  type Changes,
  eventually,
  type OutsideMessage,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import type { CreditCounts, ListedRecord } from './credit-record.service.js';
import { CreditRecords } from './credit-record.service.js';

// Drives the service through the real broker and reads back what an outsider can: its answers, its topics. The clock stands at noon of
// 2026-11-23 in China; a notice of 2026-11-01 is public until 2029-11-01. Every test has a merchant of its own.
const RESULTS = 'inspection.sampling-result.v1';
const RECORDS = 'credit.credit-record.v1';
const STATUSES = 'credit.credit-status.v1';
const NOON = new Date('2026-11-23T04:00:00Z');

describe('credit records', () => {
  const clock = new StandingClock(NOON);
  let place: Place;
  let service: TestService;

  beforeAll(async () => {
    place = await (await realServers()).place('credit');
    service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  });
  afterAll(() => service.close());
  afterEach(() => clock.set(NOON));

  const published = (sampleNo: string, changes: Changes<SamplingResultPublished> = {}): SamplingResultPublished =>
    aSamplingResult({ sampleNo, nominalProducer: undefined, notice: { no: '2026-1', publishedOn: '2026-11-01' }, ...changes });
  const soldBy = (uscc: string): Pick<SamplingResultPublished, 'sampledParty'> => ({ sampledParty: { name: '示例商店', uscc } });
  const withdrawn = (sampleNo: string, revision: number, changes: Changes<SamplingResultPublished> = {}): SamplingResultWithdrawn =>
    Object.assign(published(sampleNo, { ...changes, revision }), { reason: 'wrong sample', withdrawnAt: '2026-11-03T00:00:00Z' });

  const applied = (sampleNo: string, revision: number): Promise<void> =>
    eventually(async () => {
      const rows = await place.sql('SELECT 1 FROM followed_subjects WHERE subject = $1 AND revision >= $2', [
        `tj-amr:${sampleNo}`,
        revision,
      ]);
      expect(rows).toHaveLength(1);
    });
  const kept = (sampleNo: string): Promise<object[]> =>
    place.sql('SELECT uscc, revision, source_revision, standing FROM credit_records WHERE subject = $1 ORDER BY uscc', [
      `tj-amr:${sampleNo}`,
    ]);
  const outboxIsEmpty = (): Promise<void> => eventually(async () => expect(await place.sql('SELECT seq FROM outbox')).toEqual([]));
  const told = async (
    topic: string,
    uscc: string,
  ): Promise<{ type: string; revision: number; value: Record<string, unknown> | null }[]> => {
    await outboxIsEmpty();
    const records = await place.readAll(topic);
    return records
      .filter((record) => record.key === uscc)
      .map(({ headers, body }) => ({
        type: headers['ce_type']?.split('.').at(-1) ?? '',
        revision: Number(headers['ce_revision']),
        value: body,
      }));
  };
  const message = (result: SamplingResultPublished, id: string): OutsideMessage => ({
    key: `tj-amr:${result.sampleNo}`,
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: '/services/inspection',
      ce_type: typeOf(SamplingResultPublished),
      ce_time: '2026-11-02T00:00:00Z',
    },
    value: result,
  });

  it('makes one record and states it once when a result arrives twice', async () => {
    const uscc = testUscc(1);
    const result = published('TWICE', soldBy(uscc));
    await place.outside('service.inspection').produce(RESULTS, [message(result, 'twice-1'), message(result, 'twice-1')]);
    // The same revision once more, as an event of its own.
    await place.publish(SamplingResultPublished, result);
    await place.publish(SamplingResultPublished, published('TWICE-END', soldBy(uscc)));
    await applied('TWICE-END', 1);

    expect(await kept('TWICE')).toEqual([{ uscc, revision: 1, source_revision: 1, standing: 'PUBLIC' }]);
    const events = (await told(RECORDS, uscc)).filter((event) => JSON.stringify(event.value).includes('tj-amr:TWICE"'));
    expect(events).toMatchObject([
      {
        type: 'CreditRecordPublished',
        revision: 1,
        value: {
          uscc,
          type: 'SAMPLING_RESULT',
          source: { departmentId: 'tj-amr', subject: 'tj-amr:TWICE', sourceRevision: 1 },
          documentDate: '2026-11-01',
          publicFrom: '2026-11-01',
          publicUntil: '2029-11-01',
        },
      },
    ]);
    const answer = await place.http(await place.token('AUDITOR', 'tj-audit')).get(`/api/credit/entities/${uscc}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ uscc, lists: [], publicRecords: [{ type: 'SAMPLING_RESULT', count: 2 }] });
  });

  it('sets a poisonous event aside and handles the next one of the same merchant', async () => {
    const uscc = testUscc(2);
    // PostgreSQL keeps no NUL: the contract lets it pass, the database does not.
    await place.publish(SamplingResultPublished, published('POISON\u0000', soldBy(uscc)));
    await place.publish(SamplingResultPublished, published('AFTER', soldBy(uscc)));
    await applied('AFTER', 1);
    await eventually(async () => {
      const letters = await place.sql("SELECT topic, code FROM dead_letters WHERE key LIKE 'tj-amr:POISON%'");
      expect(letters).toHaveLength(1);
    });
    expect(await kept('AFTER')).toEqual([{ uscc, revision: 1, source_revision: 1, standing: 'PUBLIC' }]);
  });

  it('does not go back when an older revision arrives late', async () => {
    const uscc = testUscc(3);
    await place.publish(SamplingResultPublished, published('LATE', { ...soldBy(uscc), revision: 3, verdict: 'QUALIFIED' }));
    await place.publish(SamplingResultPublished, published('LATE', { ...soldBy(uscc), revision: 2 }));
    await place.publish(SamplingResultPublished, published('LATE', { ...soldBy(uscc), revision: 4, verdict: 'QUALIFIED' }));
    await applied('LATE', 4);
    expect(await kept('LATE')).toEqual([]);
    expect(await told(RECORDS, uscc)).toEqual([]);
  });

  it('leaves neither row nor event behind a transaction that is rolled back', async () => {
    const uscc = testUscc(4);
    const records = service.get(CreditRecords);
    const result = published('ROLLED-BACK', soldBy(uscc));
    const record = { topic: RESULTS, partition: 0, offset: '0', timestamp: '0', key: null, value: null, headers: {} };
    const received = new Received(record, SamplingResultPublished, result, null, []);
    const failing = service.get(DataSource).transaction(async (tx) => {
      await records.follow(tx, [received]);
      expect(await tx.query('SELECT 1 FROM outbox WHERE key = $1', [uscc])).toHaveLength(2);
      throw new Error('the transaction fails');
    });
    await expect(failing).rejects.toThrow('the transaction fails');
    for (const [table, column, key] of [
      ['credit_records', 'uscc', uscc],
      ['credit_entities', 'uscc', uscc],
      ['followed_subjects', 'subject', 'tj-amr:ROLLED-BACK'],
      ['outbox', 'key', uscc],
    ]) {
      expect(await place.sql(`SELECT 1 FROM ${table} WHERE ${column} = $1`, [key])).toEqual([]);
    }
  });

  it('counts every record of a merchant whose results come through several partitions at once', async () => {
    const uscc = testUscc(5);
    const samples = Array.from({ length: 60 }, (_, index) => `CROWD-${index}`);
    const all = samples.map((sampleNo) => message(published(sampleNo, soldBy(uscc)), sampleNo));
    await place.outside('service.inspection').produce(RESULTS, all);
    await eventually(async () => {
      const { body } = await place.http(await place.token('DEPARTMENT', 'tj-credit')).get(`/api/credit/entities/${uscc}`);
      expect(body).toMatchObject({ publicRecords: [{ type: 'SAMPLING_RESULT', count: 60 }] });
    });
    const partitions = new Set(
      (await place.readAll(RESULTS)).filter(({ key }) => key?.includes(':CROWD-')).map(({ partition }) => partition),
    );
    expect(partitions.size).toBe(3);
    const states = await told(STATUSES, uscc);
    expect(states.map((state) => state.revision)).toEqual(states.map((_, index) => index + 1));
    expect(new Set((states.at(-1)?.value as CreditStatusChanged | undefined)?.recordNos).size).toBe(60);
  });

  it('holds a producer that denies, and publishes it again when the denial is dropped', async () => {
    const uscc = testUscc(6);
    const denied = (revision: number, authorship: 'UNDISPUTED' | 'DENIED_UNVERIFIED'): SamplingResultPublished =>
      published('DENIED', { revision, nominalProducer: { name: '示例企业', uscc, authorship }, ...soldBy(testUscc(7)) });
    await place.publish(SamplingResultPublished, denied(1, 'UNDISPUTED'));
    await place.publish(SamplingResultPublished, denied(2, 'DENIED_UNVERIFIED'));
    await applied('DENIED', 2);
    await place.publish(SamplingResultPublished, denied(3, 'UNDISPUTED'));
    await applied('DENIED', 3);
    expect(await told(RECORDS, uscc)).toMatchObject([
      { type: 'CreditRecordPublished', revision: 1 },
      { type: 'CreditRecordEnded', revision: 2, value: { endedReason: 'HELD' } },
      { type: 'CreditRecordPublished', revision: 3 },
    ]);
    expect((await told(RECORDS, testUscc(7))).map((event) => event.revision)).toEqual([1]);
  });

  it('ends in silence what was never public', async () => {
    const uscc = testUscc(8);
    const undated = { ...soldBy(uscc), notice: { no: '1', publishedOn: undefined } };
    await place.publish(SamplingResultPublished, published('UNDATED', undated));
    await applied('UNDATED', 1);
    expect(await kept('UNDATED')).toMatchObject([{ revision: 0, standing: 'NO_DOCUMENT_DATE' }]);
    await place.publish(SamplingResultWithdrawn, withdrawn('UNDATED', 2, undated));
    await applied('UNDATED', 2);
    expect(await kept('UNDATED')).toMatchObject([{ revision: 0, standing: 'REVOKED' }]);
    expect(await told(RECORDS, uscc)).toEqual([]);
    expect(await told(STATUSES, uscc)).toEqual([]);
  });

  it('ends the last state by a tombstone when nothing public remains, and goes on with its series', async () => {
    const uscc = testUscc(9);
    await place.publish(SamplingResultPublished, published('GONE', soldBy(uscc)));
    await applied('GONE', 1);
    await place.publish(SamplingResultWithdrawn, withdrawn('GONE', 2, soldBy(uscc)));
    await applied('GONE', 2);
    await place.publish(SamplingResultPublished, published('GONE', { ...soldBy(uscc), revision: 3 }));
    await applied('GONE', 3);
    expect(await told(STATUSES, uscc)).toMatchObject([
      { revision: 1, value: { revision: 1, publicRecords: [{ count: 1 }] } },
      { revision: 2, value: null },
      { revision: 3, value: { revision: 3, publicRecords: [{ count: 1 }] } },
    ]);
    expect((await told(RECORDS, uscc)).map((event) => event.value?.['endedReason'])).toEqual([undefined, 'REVOKED', undefined]);
  });

  it('takes a tombstone of the result for its withdrawal', async () => {
    const uscc = testUscc(14);
    await place.publish(SamplingResultPublished, published('ERASED', soldBy(uscc)));
    await place.publishTombstone(SamplingResultWithdrawn, { key: 'tj-amr:ERASED', revision: 2 });
    await applied('ERASED', 2);
    expect(await kept('ERASED')).toMatchObject([{ revision: 2, standing: 'REVOKED' }]);
    expect((await told(STATUSES, uscc)).at(-1)).toMatchObject({ revision: 2, value: null });
  });

  it('ends a record on the day after its last one', async () => {
    const uscc = testUscc(10);
    await place.publish(SamplingResultPublished, published('OLD', { ...soldBy(uscc), notice: { no: '1', publishedOn: '2023-11-23' } }));
    await applied('OLD', 1);
    const records = service.get(CreditRecords);
    expect(await records.sweep(10)).toBe(0);
    clock.set(new Date('2026-11-23T16:00:00Z'));
    expect(await records.sweep(10)).toBe(1);
    expect(await kept('OLD')).toMatchObject([{ revision: 2, standing: 'EXPIRED' }]);
    expect((await told(RECORDS, uscc)).at(-1)).toMatchObject({ type: 'CreditRecordEnded', value: { endedReason: 'EXPIRED' } });
    expect((await told(STATUSES, uscc)).at(-1)).toMatchObject({ revision: 2, value: null });
  });

  it('answers how far it has followed a result', async () => {
    await place.publish(SamplingResultPublished, published('FOLLOWED', soldBy(testUscc(11))));
    await applied('FOLLOWED', 1);
    const http = place.http(await place.token('DEPARTMENT', 'tj-amr'));
    expect((await http.get('/api/credit/applied/tj-amr:FOLLOWED')).body).toEqual({
      revision: 1,
      appliedAt: expect.stringMatching(/Z$/) as unknown,
    });
    expect(await http.get('/api/credit/applied/tj-amr:NEVER')).toMatchObject({ status: 404, body: { code: 'SUBJECT_NEVER_APPLIED' } });
  });

  it('counts records whose finding stands, public or not, and pages through them', async () => {
    const operator = place.http(await place.token('OPERATOR', 'operator'));
    const before = (await operator.get<CreditCounts>('/api/credit/counts')).body;
    const uscc = testUscc(12);
    await place.publish(SamplingResultPublished, published('COUNT-1', soldBy(uscc)));
    await place.publish(SamplingResultPublished, published('COUNT-2', { ...soldBy(uscc), notice: { no: '1', publishedOn: '2016' } }));
    await place.publish(SamplingResultPublished, published('COUNT-3', soldBy(uscc)));
    await place.publish(SamplingResultWithdrawn, withdrawn('COUNT-3', 2, soldBy(uscc)));
    await Promise.all([applied('COUNT-1', 1), applied('COUNT-2', 1), applied('COUNT-3', 2)]);
    const after = (await operator.get<CreditCounts>('/api/credit/counts')).body;
    expect(after).toEqual({
      records: before.records + 2,
      entities: before.entities + 1,
      publicRecords: before.publicRecords + 1,
      endedRecords: before.endedRecords + 1,
    });
    const first = (await operator.get<Page<ListedRecord>>(`/api/credit/records?uscc=${uscc}&limit=2`)).body;
    const rest = (await operator.get<Page<ListedRecord>>(`/api/credit/records?uscc=${uscc}&limit=2&cursor=${first.next}`)).body;
    expect(rest.next).toBeNull();
    const standings = [...first.items, ...rest.items].map((record) => record.standing);
    expect(standings.sort()).toEqual(['PERIOD_OVER', 'PUBLIC', 'REVOKED']);
  });

  describe('who may read what', () => {
    const uscc = testUscc(13);
    beforeAll(async () => {
      await place.publish(SamplingResultPublished, published('SECRET', { ...soldBy(uscc), notice: { no: '1', publishedOn: undefined } }));
      await applied('SECRET', 1);
    });

    it('answers nobody without a token', async () => {
      const answer = await place.http().get(`/api/credit/entities/${uscc}`);
      expect(answer.status).toBe(401);
    });

    it.each([
      ['OPERATOR', 'operator', 1],
      ['DEPARTMENT', 'tj-amr', 1],
      ['DEPARTMENT', 'tj-credit', 0],
      ['AUDITOR', 'tj-audit', 0],
    ] as const)('shows a record that is not public to %s %s: %d', async (kind, id, count) => {
      const { body } = await place.http(await place.token(kind, id)).get<Page<ListedRecord>>('/api/credit/records?subject=tj-amr:SECRET');
      expect(body.items).toHaveLength(count);
      if (count > 0) expect(body.items[0]).toMatchObject({ uscc, public: false, standing: 'NO_DOCUMENT_DATE', endedReason: null });
    });

    it.each([
      ['OPERATOR', 'operator', 1],
      ['DEPARTMENT', 'tj-amr', 1],
      ['DEPARTMENT', 'tj-credit', 0],
      ['AUDITOR', 'tj-audit', 1],
    ] as const)('shows a public record to %s %s: %d', async (kind, id, count) => {
      await place.publish(SamplingResultPublished, published('OPEN', soldBy(testUscc(15))));
      await applied('OPEN', 1);
      const { body } = await place.http(await place.token(kind, id)).get<Page<ListedRecord>>('/api/credit/records?subject=tj-amr:OPEN');
      expect(body.items).toHaveLength(count);
    });

    it('does not tell an entity with a record that is not public from one nobody has recorded', async () => {
      const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
      const [known, unknown] = [
        await auditor.get(`/api/credit/entities/${uscc}`),
        await auditor.get(`/api/credit/entities/${testUscc(99)}`),
      ];
      expect({ ...known.body, uscc: null }).toEqual({ ...unknown.body, uscc: null });
    });

    it('refuses a code that cannot be one', async () => {
      const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
      expect(await auditor.get('/api/credit/entities/91110108551385082F')).toMatchObject({
        body: { status: 400, code: 'USCC_CHECK_FAILED' },
      });
      expect(await auditor.get('/api/credit/entities/123')).toMatchObject({ body: { status: 400, code: 'USCC_MALFORMED' } });
    });
  });
});
