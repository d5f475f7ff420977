/** Answers on real servers, by HTTP and by the platform's own topic, with every way in which one is refused. */
import { FeedbackAnswered, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aSamplingResult,
  eventually,
  type Http,
  type OutsideRecord,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

const RECEIPTS = '/api/exchange/receipts';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let operator: Http;
let jd: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  for (const [id, name] of [
    ['jd', '京东'],
    ['tmall', '天猫'],
  ])
    await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name });
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

/** What jd was told about a sample at a revision of the result. */
async function told(sampleNo: string, revision = 1, changes: Partial<SamplingResultPublished> = {}): Promise<FeedbackIssued> {
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, revision, online: { platformName: '京东' }, ...changes }));
  return eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (said?.subjectRevision !== revision) throw new Error(`${sampleNo} is not told yet`);
    return said;
  });
}
const answerTo = (said: FeedbackIssued, changes: Partial<FeedbackAnswered> = {}): FeedbackAnswered => ({
  feedbackId: said.feedbackId,
  feedbackRevision: said.revision,
  feedbackHash: said.contentHash,
  revision: 1,
  status: 'ACTED',
  actions: [{ action: 'DELIST', at: '2026-11-23T00:30:00Z', result: 'DONE', listing: { itemId: '42' } }],
  answeredAt: '2026-11-23T00:59:00Z',
  ...changes,
});
const outcomes = async (said: FeedbackIssued): Promise<OutsideRecord[]> => {
  await eventually(async () => expect(await place.sql('SELECT 1 FROM outbox')).toEqual([]));
  const records = await place.readAll('exchange.feedback-outcome.v1');
  return records.filter(({ body }) => body?.['feedbackId'] === said.feedbackId);
};
const answers = (said: FeedbackIssued): Promise<object[]> => place.sql('SELECT * FROM answers WHERE feedback_id = $1', [said.feedbackId]);

describe('an answer over HTTP', () => {
  it('is kept, announced, shown and stops the clock', async () => {
    const said = await told('R-1');
    const { status, body } = await jd.post(RECEIPTS, answerTo(said));
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        feedbackId: said.feedbackId,
        feedbackRevision: 1,
        revision: 1,
        status: 'accepted',
        superseded: false,
        acceptedAt: NOW.toISOString(),
      },
    });
    const [outcome] = await outcomes(said);
    expect(outcome).toMatchObject({
      key: 'tj-amr:R-1',
      headers: { ce_type: 'exchange.feedback-outcome.FeedbackAnswerAccepted' },
      body: { recipientId: 'jd', status: 'ACTED', actions: ['DELIST'], superseded: false },
    });
    clock.advance(48 * 3_600_000);
    const shown = await operator.get<{ answer: object; overdue: boolean }>(`/api/exchange/feedback/${said.feedbackId}`);
    expect(shown.body).toMatchObject({ overdue: false, answer: { status: 'ACTED' } });
    const answered = await operator.get<{ items: object[] }>('/api/exchange/feedback?status=ANSWERED&subject=tj-amr:R-1');
    expect(answered.body.items).toHaveLength(1);
  });

  it('that only says "received" stops no clock', async () => {
    const said = await told('R-received');
    await jd.post(RECEIPTS, answerTo(said, { status: 'RECEIVED', actions: undefined }));
    clock.advance(48 * 3_600_000);
    expect((await operator.get(`/api/exchange/feedback/${said.feedbackId}`)).body).toMatchObject({
      overdue: true,
      answer: { status: 'RECEIVED' },
    });
  });

  it('refines an earlier one; the same again is a duplicate', async () => {
    const said = await told('R-refine');
    await jd.post(RECEIPTS, answerTo(said, { status: 'RECEIVED' }));
    expect((await jd.post(RECEIPTS, answerTo(said, { revision: 2 }))).body).toMatchObject({ status: 'accepted' });
    clock.advance(60_000);
    expect((await jd.post(RECEIPTS, answerTo(said, { revision: 2 }))).body).toMatchObject({
      status: 'duplicate',
      acceptedAt: NOW.toISOString(),
    });
    expect(await outcomes(said)).toHaveLength(2);
  });

  it('that disputes goes to the publisher as such', async () => {
    const said = await told('R-contested');
    await jd.post(RECEIPTS, answerTo(said, { status: 'CONTESTED', reasonCode: 'NOT_OUR_GOODS', actions: undefined }));
    expect((await outcomes(said))[0]).toMatchObject({
      headers: { ce_type: 'exchange.feedback-outcome.FeedbackContested' },
      body: { reasonCode: 'NOT_OUR_GOODS' },
    });
  });

  it('to a superseded revision is evidence and stops no clock', async () => {
    const first = await told('R-superseded');
    const second = await told('R-superseded', 2, { product: { name: '杏仁' } });
    const { body } = await jd.post(RECEIPTS, answerTo(first));
    expect(body).toMatchObject({ status: 'superseded', superseded: true });
    clock.advance(48 * 3_600_000);
    expect((await operator.get(`/api/exchange/feedback/${first.feedbackId}`)).body).toMatchObject({ overdue: true, answer: null });
    await jd.post(RECEIPTS, answerTo(second));
    expect((await operator.get(`/api/exchange/feedback/${first.feedbackId}`)).body).toMatchObject({
      overdue: false,
      answer: { status: 'ACTED' },
    });
    expect(await answers(first)).toHaveLength(2);
  });
});

describe('an answer is refused', () => {
  let said: FeedbackIssued;
  beforeAll(async () => void (said = await told('R-refused')));
  afterEach(async () => expect(await answers(said)).toEqual([]));

  it('for somebody else’s feedback, in the very words for one that is not there', async () => {
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    const foreign = await tmall.post(RECEIPTS, answerTo(said));
    const missing = await tmall.post(
      RECEIPTS,
      answerTo(said, { feedbackId: said.feedbackId.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }),
    );
    expect(foreign).toMatchObject({ status: 404, body: { code: 'FEEDBACK_UNKNOWN' } });
    expect(foreign.body).toEqual(missing.body);
    expect((await tmall.post(RECEIPTS, answerTo(said, { feedbackId: 'x'.repeat(36) }))).body).toEqual(foreign.body);
  });

  it('with another hash', async () => {
    const { status, body } = await jd.post(RECEIPTS, answerTo(said, { feedbackHash: '0'.repeat(64) }));
    expect({ status, code: body['code'], errors: body['errors'] }).toMatchObject({
      status: 422,
      code: 'FEEDBACK_HASH_MISMATCH',
      errors: [{ pointer: '/feedbackHash' }],
    });
  });

  it('for a revision that never was', async () => {
    const { status, body } = await jd.post(RECEIPTS, answerTo(said, { feedbackRevision: 7 }));
    expect({ status, code: body['code'], errors: body['errors'] }).toMatchObject({
      status: 422,
      code: 'FEEDBACK_REVISION_UNKNOWN',
      errors: [{ pointer: '/feedbackRevision' }],
    });
  });

  it('when it is not as declared', async () => {
    const { body } = await jd.post(RECEIPTS, { ...answerTo(said), status: 'DONE', feedbackHash: undefined });
    expect(body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer).sort()).toEqual(['/feedbackHash', '/status']);
  });

  it('from anyone who is not a platform', async () => {
    for (const [kind, id] of [
      ['DEPARTMENT', 'tj-amr'],
      ['OPERATOR', 'operator'],
      ['AUDITOR', 'tj-audit'],
    ] as const) {
      expect((await place.http(await place.token(kind, id)).post(RECEIPTS, answerTo(said))).status).toBe(403);
    }
    expect((await place.http().post(RECEIPTS, answerTo(said))).status).toBe(401);
  });
});

describe('a stale or conflicting answer', () => {
  it('is refused', async () => {
    const said = await told('R-stale');
    await jd.post(RECEIPTS, answerTo(said, { revision: 3 }));
    expect((await jd.post(RECEIPTS, answerTo(said, { revision: 2 }))).body).toMatchObject({ status: 409, code: 'STALE_REVISION' });
    expect((await jd.post(RECEIPTS, answerTo(said, { revision: 3, status: 'NOTHING_FOUND' }))).body).toMatchObject({
      status: 409,
      code: 'REVISION_CONFLICT',
    });
    expect(await answers(said)).toHaveLength(1);
  });
});

describe('an answer over Kafka', () => {
  it('is accepted from the platform’s own topic, once', async () => {
    const said = await told('R-kafka');
    const id = await place.publish(FeedbackAnswered, answerTo(said), { owner: 'jd' });
    await place.publish(FeedbackAnswered, answerTo(said), { owner: 'jd', id });
    await eventually(async () => expect(await answers(said)).toHaveLength(1), { within: 20_000 });
    expect((await outcomes(said))[0]?.headers).toMatchObject({ ce_causationid: id });
  });

  it('that is refused becomes a dead letter with its code, and the one beside it is accepted', async () => {
    const said = await told('R-kafka-refused');
    await place.publish(FeedbackAnswered, answerTo(said, { feedbackHash: '0'.repeat(64) }), { owner: 'jd' });
    await place.publish(FeedbackAnswered, answerTo(said, { feedbackRevision: 9, revision: 2 }), { owner: 'jd' });
    await place.publish(FeedbackAnswered, answerTo(said), { owner: 'tmall' });
    await place.publish(FeedbackAnswered, answerTo(said, { revision: 3 }), { owner: 'jd' });
    await eventually(async () => expect(await answers(said)).toHaveLength(1), { within: 20_000 });
    const codes = await eventually(async () => {
      const rows = await place.sql<{ code: string; pointer: string }>(
        'SELECT code, pointer FROM dead_letters WHERE key = $1 ORDER BY code',
        [said.feedbackId],
      );
      expect(rows).toHaveLength(3);
      return rows;
    });
    expect(codes).toEqual([
      { code: 'FEEDBACK_HASH_MISMATCH', pointer: '/feedbackHash' },
      { code: 'FEEDBACK_REVISION_UNKNOWN', pointer: '/feedbackRevision' },
      { code: 'FEEDBACK_UNKNOWN', pointer: '/feedbackId' },
    ]);
  });

  it('can not be written to another platform’s topic, nor under its name', async () => {
    const said = await told('R-forged');
    await expect(place.outside('tmall').produce('platform.jd.receipt.v1', { value: answerTo(said) })).rejects.toThrow(/not authorized/i);
    await place.publish(FeedbackAnswered, answerTo(said), { owner: 'tmall', source: '/platforms/jd' });
    await eventually(
      async () => {
        const rows = await place.sql('SELECT code FROM dead_letters WHERE key = $1', [said.feedbackId]);
        expect(rows).toEqual([{ code: 'WRONG_SOURCE' }]);
      },
      { within: 20_000 },
    );
    expect(await answers(said)).toEqual([]);
  });
});
