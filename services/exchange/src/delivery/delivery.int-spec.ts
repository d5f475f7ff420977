/**
 * The series of each recipient on real servers: what is pulled is held against the topic, byte for byte and in order, while several
 * transactions tell the same platform at once; then cursors, acknowledgements and the choice of a channel, with every refusal.
 */
import { SamplingResultPublished } from '@jinqiao/contracts';
import { encodeCursor } from '@jinqiao/platform';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { addDeliveries } from './delivery.series.js';

interface Item {
  readonly position: number;
  readonly feedbackId: string;
  readonly revision: number;
  readonly said: string;
  readonly channel: string;
  readonly deliveredAt: string | null;
}
interface Pulled {
  readonly items: Item[];
  readonly cursor: string;
  readonly more: boolean;
}

const DELIVERIES = '/api/exchange/deliveries';
const CHANNEL = '/api/exchange/channel';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const DAY_MS = 86_400_000;
const clock = new StandingClock(NOW);
const platforms = new Map<string, Http>();
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
  for (const id of ['jd', 'tmall', 'pinduoduo', 'vip', 'douyin']) {
    platforms.set(id, place.http(await place.token('PLATFORM', id)));
    await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: `平台${id}` });
  }
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

const as = (id: string): Http => platforms.get(id) ?? place.http();
const pull = async (id: string, query = ''): Promise<Pulled> => (await as(id).get<Pulled>(`${DELIVERIES}?${query}`)).body;
const after = (cursor: string): string => `after=${encodeURIComponent(cursor)}`;

/** Publishes results for a platform and waits until it is told of all of them. */
async function tell(id: string, sampleNos: readonly string[], revision = 1, verdict: 'QUALIFIED' | 'UNQUALIFIED' = 'UNQUALIFIED') {
  const qualified = verdict === 'QUALIFIED' && { failingItems: undefined };
  const results = sampleNos.map((sampleNo) =>
    aSamplingResult({ sampleNo, revision, verdict, ...qualified, online: { platformName: `平台${id}` } }),
  );
  await Promise.all(results.map((result) => place.publish(SamplingResultPublished, result)));
  const subjects = sampleNos.map((sampleNo) => `tj-amr:${sampleNo}`);
  await eventually(async () => {
    const rows = await place.sql('SELECT FROM subjects WHERE subject = ANY($1) AND revision = $2', [subjects, revision]);
    expect(rows).toHaveLength(sampleNos.length);
  });
}
const onTopic = async (id: string) => {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  return place.outside(id).readAll(`platform.${id}.feedback.v1`);
};

describe('pulling', () => {
  it('gives every revision in order, with the bytes and the position that stand on the topic', async () => {
    await tell('jd', ['D-1', 'D-2', 'D-3']);
    await tell('jd', ['D-2'], 2, 'QUALIFIED');
    const { items, more } = await pull('jd');
    expect({ positions: items.map(({ position }) => position), more }).toEqual({ positions: [1, 2, 3, 4], more: false });
    const records = await onTopic('jd');
    const byPosition = new Map(records.map(({ headers, value }) => [Number(headers['ce_sequence']), value]));
    expect(items.map(({ said }) => said)).toEqual(items.map(({ position }) => byPosition.get(position)));
    expect(items[3]).toMatchObject({
      revision: 2,
      type: 'platform.feedback.FeedbackIssued',
      subject: 'tj-amr:D-2',
      entitlementId: 'STATUTORY_NOTICE:SAMPLING_RESULT:jd',
      purpose: 'SAMPLING_FEEDBACK',
      classification: 'RESTRICTED_TO_RECIPIENT',
      retentionUntil: '2029-11-23T23:59:59+08:00',
      toldAt: NOW.toISOString(),
      channel: 'KAFKA',
      deliveredAt: null,
    });
    const [{ legalBasis }] = items as unknown as [{ legalBasis: string }];
    expect(records.map(({ headers }) => headers['ce_legalbasis'])).toContain(legalBasis);
  });

  it('goes on from any cursor, also from the last one when there is news', async () => {
    const first = await pull('jd', 'limit=3');
    expect(first).toMatchObject({ more: true, items: [{ position: 1 }, { position: 2 }, { position: 3 }] });
    const second = await pull('jd', after(first.cursor));
    expect(second).toMatchObject({ more: false, items: [{ position: 4 }] });
    const empty = await pull('jd', after(second.cursor));
    expect(empty).toEqual({ items: [], cursor: second.cursor, more: false });
    await tell('jd', ['D-4']);
    expect(await pull('jd', after(empty.cursor))).toMatchObject({ items: [{ position: 5 }], more: false });
  });

  it('shows a position only when everything before it is committed', async () => {
    const { cursor } = await pull('tmall');
    await tell('tmall', ['D-gap-0']);
    const [template] = await place.sql<{ feedback_id: string }>("SELECT feedback_id FROM deliveries WHERE recipient_id = 'tmall'");
    const db = service.get(DataSource);
    const revisionOf = (revision: number) => ({
      feedbackId: template?.feedback_id ?? '',
      revision,
      recipientId: 'tmall',
      kind: 'SAMPLING_RESULT' as const,
      subject: 'tj-amr:D-gap-0',
      type: 'FeedbackIssued' as const,
      purpose: 'SAMPLING_FEEDBACK',
      classification: 'RESTRICTED_TO_RECIPIENT',
      legalBasis: null,
      retentionUntil: null,
      toldAt: NOW.toISOString(),
      acceptedAt: null,
      asksAction: false,
    });
    await place.sql(
      `INSERT INTO feedback_revisions SELECT feedback_id, n, content_hash, said FROM feedback_revisions, generate_series(2, 3) AS n
       WHERE feedback_id = $1`,
      [template?.feedback_id],
    );
    const slow = db.createQueryRunner();
    await slow.startTransaction();
    await expect(addDeliveries(slow.manager, [revisionOf(2)])).resolves.toEqual([2]);
    const quick = db.transaction((tx) => addDeliveries(tx, [revisionOf(3)]));
    await eventually(async () => {
      const waiting = await place.sql(
        `SELECT FROM pg_locks w JOIN pg_locks r USING (pid)
         WHERE NOT w.granted AND r.relation = 'recipients'::regclass AND r.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      expect(waiting).not.toEqual([]);
    });
    expect((await pull('tmall', after(cursor))).items.map(({ position }) => position)).toEqual([1]);
    await slow.commitTransaction();
    await slow.release();
    await expect(quick).resolves.toEqual([3]);
    expect((await pull('tmall', after(cursor))).items.map(({ position }) => position)).toEqual([1, 2, 3]);
  });

  it('misses nothing while many are told at once', async () => {
    const sampleNos = Array.from({ length: 60 }, (_, index) => `D-many-${index}`);
    const telling = tell('douyin', sampleNos);
    const seen: number[] = [];
    let { cursor } = await pull('douyin');
    await eventually(async () => {
      const page = await pull('douyin', `${after(cursor)}&limit=7`);
      seen.push(...page.items.map(({ position }) => position));
      cursor = page.cursor;
      expect(seen).toHaveLength(60);
    });
    await telling;
    expect(seen).toEqual(sampleNos.map((_, index) => index + 1));
  });

  it.each([
    ['tampered with', () => `${encodeCursor('deliveries', ['jd', 1]).slice(0, -1)}!`, 400, 'BAD_CURSOR'],
    ['not a cursor', () => 'abc', 400, 'BAD_CURSOR'],
    ['of another list', () => encodeCursor('organisations', ['jd', 1]), 400, 'BAD_CURSOR'],
    ['of another platform', () => encodeCursor('deliveries', ['tmall', 1]), 400, 'CURSOR_OF_ANOTHER'],
    ['beyond the end', () => encodeCursor('deliveries', ['jd', 99]), 400, 'CURSOR_AHEAD'],
  ])('refuses a cursor that is %s', async (_what, cursor, status, code) => {
    expect((await as('jd').get(`${DELIVERIES}?${after(cursor())}`)).body).toMatchObject({ status, code });
  });

  it('refuses to begin where nothing is kept any more, and begins at the oldest without a cursor', async () => {
    const old = encodeCursor('deliveries', ['jd', 1]);
    clock.advance(91 * DAY_MS);
    expect((await as('jd').get(`${DELIVERIES}?${after(old)}`)).body).toMatchObject({ status: 410, code: 'REPLAY_TOO_OLD' });
    expect(await pull('jd')).toMatchObject({ items: [], more: false });
  });

  it('is for platforms, each its own; whoever looks after all sees that it gets there, and not what it says', async () => {
    const { body } = await operator.get<{ items: object[] }>(`${DELIVERIES}?platform=jd`);
    expect(body.items[0]).toMatchObject({ recipientId: 'jd', channel: 'KAFKA', state: 'PUBLISHED' });
    expect(body.items[0]).not.toHaveProperty('said');
    const statistics = place.http(await place.token('STATISTICS', 'tj-stats'));
    expect((await statistics.get(DELIVERIES)).status).toBe(403);
    expect(await pull('vip')).toMatchObject({ items: [] });
  });
});

describe('an acknowledgement', () => {
  const acknowledge = (id: string, body: object) => as(id).post(`${DELIVERIES}/acknowledgements`, body);

  it('up to a cursor or of named revisions is kept once', async () => {
    const { items } = await pull('jd');
    const { cursor } = await pull('jd', 'limit=2');
    expect((await acknowledge('jd', { cursor })).body).toEqual({ acknowledged: 2, repeated: 0 });
    clock.advance(60_000);
    expect((await acknowledge('jd', { cursor })).body).toEqual({ acknowledged: 0, repeated: 2 });
    const named = items.slice(1, 3).map(({ feedbackId, revision }) => ({ feedbackId, revision }));
    expect(await acknowledge('jd', { deliveries: named })).toMatchObject({ status: 200, body: { acknowledged: 1, repeated: 1 } });
    const undelivered = await pull('jd', 'undelivered=true');
    expect(undelivered.items.map(({ position }) => position)).toEqual([4, 5]);
    expect((await pull('jd')).items[0]?.deliveredAt).toBe(NOW.toISOString());
  });

  it.each([
    ['of what was never told', 'DELIVERY_UNKNOWN', { revision: 9 }],
    ['of somebody else’s', 'DELIVERY_UNKNOWN', { feedbackId: 'TMALL' }],
    ['of what is no id', 'DELIVERY_UNKNOWN', { feedbackId: 'x'.repeat(36) }],
  ])('%s is refused, and nothing of it is kept', async (_what, code, changes) => {
    const { items } = await pull('jd', 'undelivered=true');
    const [{ feedbackId, revision }] = items as [Item];
    const theirs = (await pull('tmall')).items[0]?.feedbackId;
    const wrong = { feedbackId, revision, ...changes };
    const deliveries = [{ feedbackId, revision }, wrong.feedbackId === 'TMALL' ? { ...wrong, feedbackId: theirs } : wrong];
    expect((await acknowledge('jd', { deliveries })).body).toMatchObject({ status: 422, code, pointer: '/deliveries/1' });
    expect((await pull('jd', 'undelivered=true')).items).toHaveLength(items.length);
  });

  it('that says nothing, or both, or with a foreign cursor is refused', async () => {
    const cursor = encodeCursor('deliveries', ['tmall', 1]);
    expect((await acknowledge('jd', {})).body).toMatchObject({ status: 422, code: 'ACKNOWLEDGEMENT_UNCLEAR' });
    expect((await acknowledge('jd', { cursor, deliveries: [{ feedbackId: 'x'.repeat(36), revision: 1 }] })).body).toMatchObject({
      status: 422,
      code: 'ACKNOWLEDGEMENT_UNCLEAR',
    });
    expect((await acknowledge('jd', { cursor })).body).toMatchObject({ status: 400, code: 'CURSOR_OF_ANOTHER' });
  });
});

describe('the channel', () => {
  it('is Kafka until the platform chooses, and is in effect for what is told next', async () => {
    expect((await as('pinduoduo').get(CHANNEL)).body).toEqual({ channel: 'KAFKA', lastPosition: 0, undelivered: 0 });
    await tell('pinduoduo', ['C-1']);
    expect((await as('pinduoduo').put(CHANNEL, { channel: 'PULL' })).body).toMatchObject({ channel: 'PULL', since: 1, moved: 0 });
    await tell('pinduoduo', ['C-2', 'C-3']);
    expect((await pull('pinduoduo')).items.map(({ channel }) => channel)).toEqual(['KAFKA', 'PULL', 'PULL']);
    expect((await as('pinduoduo').get(CHANNEL)).body).toEqual({ channel: 'PULL', lastPosition: 3, undelivered: 2 });
  });

  it('takes along what is due and not delivered; the cursor stands before it, and the topic has it already', async () => {
    const [, second] = (await pull('pinduoduo')).items;
    await as('pinduoduo').post(`${DELIVERIES}/acknowledgements`, {
      deliveries: [{ feedbackId: second?.feedbackId, revision: second?.revision }],
    });
    const switched = await as('pinduoduo').put<{ cursor: string }>(CHANNEL, { channel: 'KAFKA' });
    expect(switched.body).toMatchObject({ channel: 'KAFKA', since: 3, moved: 1 });
    expect((await pull('pinduoduo', after(switched.body.cursor))).items).toMatchObject([{ position: 3, channel: 'KAFKA' }]);
    await tell('pinduoduo', ['C-4']);
    const records = await onTopic('pinduoduo');
    expect(records.map(({ headers }) => Number(headers['ce_sequence'])).sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });

  it('keeps what is due in pull, however old it is', async () => {
    await as('vip').put(CHANNEL, { channel: 'PULL' });
    await tell('vip', ['C-old']);
    clock.advance(200 * DAY_MS);
    expect((await pull('vip')).items).toHaveLength(1);
  });

  it('is one of three, and chosen by platforms that are registered', async () => {
    expect((await as('jd').put(CHANNEL, { channel: 'FAX' })).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await operator.put(CHANNEL, { channel: 'PULL' })).status).toBe(403);
    const stranger = place.http(await place.token('PLATFORM', 'not-registered'));
    expect((await stranger.put(CHANNEL, { channel: 'PULL' })).body).toMatchObject({ status: 404, code: 'ORGANISATION_UNKNOWN' });
  });
});
