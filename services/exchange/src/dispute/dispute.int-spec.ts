/** What platforms contest, on real servers: from the answer into the publisher's queue, and from the ruling back to the platform. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FeedbackAnswered, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
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
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import type { DisputeEntry } from './dispute.service.js';

const TOOL = join(__dirname, '../../../../tools/verify-evidence.mjs');
const HOUR = 3_600_000;
const NOW = new Date('2026-11-23T01:00:00.000Z');
const UPHELD = { outcome: 'UPHELD', reason: '经复核，店铺与商品链接均属贵平台' } as const;
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let jd: Http;
let publisher: Http;

async function start(): Promise<void> {
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
}
beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  await start();
  jd = place.http(await place.token('PLATFORM', 'jd'));
  publisher = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

async function last(sampleNo: string, revision: number): Promise<FeedbackIssued> {
  return eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (said?.revision !== revision) throw new Error(`${sampleNo} is not told yet`);
    return said;
  });
}
async function told(sampleNo: string, revision = 1, productName = '冰糖'): Promise<FeedbackIssued> {
  const result = aSamplingResult({ sampleNo, revision, online: { platformName: '京东' }, product: { name: productName } });
  await place.publish(SamplingResultPublished, result);
  return last(sampleNo, revision);
}
const answer = (said: FeedbackIssued, revision: number, changes: Partial<FeedbackAnswered>) =>
  jd.post('/api/exchange/receipts', {
    feedbackId: said.feedbackId,
    feedbackRevision: said.revision,
    feedbackHash: said.contentHash,
    revision,
    answeredAt: NOW.toISOString(),
    ...changes,
  });
const contest = (said: FeedbackIssued, revision = 1, reasonCode = 'NOT_OUR_GOODS') =>
  answer(said, revision, { status: 'CONTESTED', reasonCode });
const list = async (as: Http, query = ''): Promise<DisputeEntry[]> =>
  (await as.get<{ items: DisputeEntry[] }>(`/api/exchange/disputes?limit=500&${query}`)).body.items;
const about = async (said: FeedbackIssued): Promise<DisputeEntry[]> =>
  (await list(publisher)).filter(({ feedbackId }) => feedbackId === said.feedbackId);
const rule = (said: FeedbackIssued, ruling: object, as = publisher) =>
  as.post(`/api/exchange/disputes/${said.feedbackId}/${said.revision}/ruling`, ruling);

describe('what a platform contests', () => {
  it('stands in its publisher’s queue, by age, and in nobody else’s', async () => {
    const older = await told('P-older');
    const newer = await told('P-newer');
    await contest(older);
    clock.advance(3 * HOUR);
    await contest(newer);
    clock.advance(HOUR);
    const queue = await list(publisher, 'status=OPEN');
    expect(queue).toMatchObject([
      {
        feedbackId: older.feedbackId,
        recipientId: 'jd',
        subject: 'tj-amr:P-older',
        status: 'OPEN',
        reasonCode: 'NOT_OUR_GOODS',
        openHours: 4,
      },
      { feedbackId: newer.feedbackId, openHours: 1, presentRevision: 1 },
    ]);
    expect(await list(jd, 'status=OPEN')).toEqual(queue);
    const first = await publisher.get<{ items: object[]; next: string }>('/api/exchange/disputes?status=OPEN&limit=1');
    const rest = await publisher.get<{ items: object[]; next: null }>(
      `/api/exchange/disputes?status=OPEN&limit=1&cursor=${first.body.next}`,
    );
    expect([...first.body.items, ...rest.body.items]).toEqual(queue);
    expect(await list(place.http(await place.token('DEPARTMENT', 'tj-credit')))).toEqual([]);
    expect(await list(place.http(await place.token('PLATFORM', 'tmall')))).toEqual([]);
    expect(await list(place.http(await place.token('AUDITOR', 'tj-audit')), 'status=OPEN&platform=jd')).toEqual(queue);
  });

  it('keeps its age while it is contested again, and is dropped by acting; not by saying "received"', async () => {
    const said = await told('P-refined');
    await contest(said);
    clock.advance(2 * HOUR);
    await contest(said, 2, 'ALREADY_REMOVED');
    await answer(said, 3, { status: 'RECEIVED' });
    expect(await about(said)).toMatchObject([{ status: 'OPEN', reasonCode: 'ALREADY_REMOVED', openedAt: NOW.toISOString() }]);
    await answer(said, 4, { status: 'NOTHING_FOUND', searched: '全站' });
    expect(await about(said)).toMatchObject([{ status: 'DROPPED', openHours: 2 }]);
    expect((await rule(said, UPHELD)).body).toMatchObject({ status: 409, code: 'DISPUTE_DROPPED' });
    clock.advance(HOUR);
    await contest(said, 5);
    expect(await about(said)).toMatchObject([{ status: 'OPEN', openHours: 0, droppedAt: null }]);
  });

  it('is evidence only, where a newer revision stands', async () => {
    const first = await told('P-superseded');
    await told('P-superseded', 2, '黄冰糖');
    expect((await contest(first)).body).toMatchObject({ status: 'superseded' });
    expect(await about(first)).toEqual([]);
  });
});

describe('a ruling', () => {
  it('reaches the platform as the next revision, and moves no deadline', async () => {
    const said = await told('P-upheld');
    await contest(said);
    clock.advance(HOUR);
    const { status, body } = await rule(said, UPHELD);
    const ruling = { ...UPHELD, feedbackRevision: 1, by: 'tj-amr', ruledAt: clock.now().toISOString() };
    expect({ status, body }).toEqual({ status: 200, body: { feedbackId: said.feedbackId, feedbackRevision: 1, revision: 2, ruling } });
    const next = await last('P-upheld', 2);
    expect(next).toMatchObject({ ruling, dueAt: said.dueAt, actionsRequired: said.actionsRequired, content: said.content, answer: null });
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    const records = await place.outside('jd').readAll('platform.jd.feedback.v1');
    expect(records.filter(({ key }) => key === 'tj-amr:P-upheld').map(({ body: read }) => read?.['ruling'])).toEqual([undefined, ruling]);
    expect(await about(said)).toMatchObject([{ status: 'RULED', ruling, openHours: 1, presentRevision: 2 }]);
    expect((await answer(next, 1, { status: 'ACTED' })).body).toMatchObject({ status: 'accepted' });
  });

  it('is part of the evidence', async () => {
    const said = await told('P-proven');
    await contest(said);
    await rule(said, UPHELD);
    const answered = await fetch(`${service.url}/api/exchange/feedback/${said.feedbackId}/evidence`, {
      headers: { authorization: `Bearer ${await place.token('DEPARTMENT', 'tj-amr')}` },
    });
    const folder = mkdtempSync(join(tmpdir(), 'jinqiao-dispute-'));
    writeFileSync(join(folder, 'evidence.json'), await answered.text());
    const { stdout } = spawnSync(process.execPath, [TOOL, join(folder, 'evidence.json')], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(stdout).toContain('The evidence is whole.');
    expect(stdout).toContain('answered: CONTESTED to revision 1');
    expect(stdout).toContain(`ruled: UPHELD by tj-amr at ${NOW.toISOString()} on what was contested of revision 1: ${UPHELD.reason}`);
  });

  it('stays with the feedback, and what follows is contested anew', async () => {
    const said = await told('P-again');
    await contest(said);
    await rule(said, { outcome: 'CORRECTED', reason: '品名有误，另行更正' });
    await place.publish(
      SamplingResultPublished,
      aSamplingResult({ sampleNo: 'P-again', revision: 2, online: { platformName: '京东' }, product: { name: '黄冰糖' } }),
    );
    const corrected = await last('P-again', 3);
    expect(corrected).toMatchObject({ ruling: { feedbackRevision: 1, outcome: 'CORRECTED' }, content: { product: { name: '黄冰糖' } } });
    await contest(corrected);
    await rule(corrected, UPHELD);
    expect(await last('P-again', 4)).toMatchObject({ ruling: { feedbackRevision: 3, outcome: 'UPHELD' } });
    expect(await about(said)).toHaveLength(2);
  });

  it('given by several at once is told once; the same again is answered alike, another one refused', async () => {
    const said = await told('P-once');
    await contest(said);
    const answers = await Promise.all([rule(said, UPHELD), rule(said, UPHELD), rule(said, UPHELD)]);
    expect(answers.map(({ status, body }) => ({ status, revision: body['revision'] }))).toEqual(
      Array.from({ length: 3 }, () => ({ status: 200, revision: 2 })),
    );
    expect((await rule(said, { ...UPHELD, outcome: 'WITHDRAWN' })).body).toMatchObject({ status: 409, code: 'DISPUTE_RULED' });
    await last('P-once', 2);
  });

  it('is refused for whoever may not give it, and for what is not contested', async () => {
    const said = await told('P-refused');
    await contest(said);
    const operator = place.http(await place.token('OPERATOR', 'operator'));
    expect((await rule(said, UPHELD, operator)).body).toMatchObject({ status: 403, code: 'RULING_NOT_YOURS' });
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    const foreign = await rule(said, UPHELD, other);
    expect(foreign.body).toMatchObject({ status: 404, code: 'DISPUTE_UNKNOWN' });
    expect((await rule({ ...said, revision: 9 }, UPHELD)).body).toMatchObject({ code: 'DISPUTE_UNKNOWN' });
    expect((await rule({ ...said, feedbackId: 'x' }, UPHELD)).body).toMatchObject({ code: 'DISPUTE_UNKNOWN' });
    expect((await rule(said, UPHELD, jd)).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    const malformed = await rule(said, { outcome: 'MAYBE' });
    expect(malformed.body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((malformed.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer).sort()).toEqual(['/outcome', '/reason']);
    expect(await about(said)).toMatchObject([{ status: 'OPEN' }]);
    await last('P-refused', 1);
  });
});

describe('a database that is set back', () => {
  it('knows again what was contested and what was ruled', async () => {
    const ruled = await told('P-back-ruled');
    const open = await told('P-back-open');
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    await service.close();
    const setBack = await place.backUp();
    await start();
    await contest(ruled);
    await contest(open);
    await rule(ruled, UPHELD);
    const before = await Promise.all([about(ruled), about(open)]);
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    await service.close();
    await setBack();
    await start();
    expect(await Promise.all([about(ruled), about(open)])).toEqual([
      [expect.objectContaining({ status: 'RULED', ruling: before[0][0]?.ruling, openedAt: before[0][0]?.openedAt })],
      [expect.objectContaining({ status: 'OPEN', reasonCode: 'NOT_OUR_GOODS' })],
    ]);
  }, 60_000);
});
