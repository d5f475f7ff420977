/**
 * Keys after the database was set back (ADR-0009): what was registered since the backup verifies, what was revoked stays revoked, and an
 * answer that was accepted before its key was revoked is known again as signed by it.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { FeedbackAnswered, type FeedbackIssued, SamplingResultPublished } from '@jinqiao/contracts';
import { canonicalForm } from '@jinqiao/schema';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { FlattenedSign } from 'jose';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

interface Pair {
  readonly kid: string;
  readonly jwk: object;
  readonly privateKey: KeyObject;
}

const KEYS = '/api/exchange/signature-keys';
const RECEIPTS = '/api/exchange/receipts';
let place: Place;
let service: TestService;
let jd: Http;

async function start(): Promise<void> {
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
}
beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  await start();
  jd = place.http(await place.token('PLATFORM', 'jd'));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
}, 60_000);
afterAll(() => service.close());

async function register(): Promise<Pair> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = publicKey.export({ format: 'jwk' });
  const { status, body } = await jd.post<{ kid: string }>(KEYS, { jwk });
  expect(status).toBe(201);
  return { kid: body.kid, jwk, privateKey };
}
async function told(sampleNo: string): Promise<FeedbackIssued> {
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, online: { platformName: '京东' } }));
  return eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [issued] = body.items;
    if (!issued) throw new Error(`${sampleNo} is not told yet`);
    return issued;
  });
}
async function answerTo(issued: FeedbackIssued, { kid, privateKey }: Pair, revision = 1): Promise<FeedbackAnswered> {
  const answered: FeedbackAnswered = {
    feedbackId: issued.feedbackId,
    feedbackRevision: issued.revision,
    feedbackHash: issued.contentHash,
    revision,
    status: 'ACTED',
    actions: [{ action: 'DELIST', at: '2026-11-23T00:30:00Z', result: 'DONE' }],
    answeredAt: '2026-11-23T00:59:00Z',
  };
  const bytes = new TextEncoder().encode(canonicalForm(answered));
  const jws = await new FlattenedSign(bytes).setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey);
  return { ...answered, signature: `${jws.protected ?? ''}..${jws.signature}` };
}
const signers = (): Promise<object[]> =>
  place.sql(`SELECT subject, signed_by FROM answers JOIN feedbacks USING (feedback_id) ORDER BY subject`);
const said = async (): Promise<string[]> => {
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  const records = await place.readAll('exchange.signature-key.v1');
  return records.map(({ key, headers }) => `${String(key)} ${String(headers['ce_revision'])}`).sort();
};

it('verify and stay revoked after the database was set back as before', async () => {
  const revoked = await register();
  const first = await told('K-1');
  const second = await told('K-2');
  await said();
  await service.close();
  const setBack = await place.backUp();

  await start();
  const [living, spent] = [await register(), await register()];
  await jd.post(RECEIPTS, await answerTo(first, living));
  await place.publish(FeedbackAnswered, await answerTo(second, spent), { owner: 'jd' });
  const before = [
    { subject: 'tj-amr:K-1', signed_by: living.kid },
    { subject: 'tj-amr:K-2', signed_by: spent.kid },
  ];
  await eventually(async () => expect(await signers()).toEqual(before));
  for (const { kid, jwk } of [revoked, spent]) {
    const { body } = await jd.delete<{ revokedAt: string }>(`${KEYS}/${kid}`);
    expect(typeof body.revokedAt).toBe('string');
    // The same again is said no second time.
    expect((await jd.delete(`${KEYS}/${kid}`)).body).toEqual(body);
    expect((await jd.post(KEYS, { jwk })).body).toEqual(body);
  }
  const keys = (await jd.get<object[]>(KEYS)).body;
  const states = [`${living.kid} 1`, ...[revoked, spent].flatMap(({ kid }) => [`${kid} 1`, `${kid} 2`])];
  expect(await said()).toEqual(states.map((state) => `jd:${state}`).sort());
  await service.close();

  await setBack();
  await start();
  expect((await jd.get<object[]>(KEYS)).body).toEqual(keys);
  expect((await jd.post(RECEIPTS, await answerTo(first, living))).body).toMatchObject({ status: 'duplicate' });
  await eventually(async () => expect(await signers()).toEqual(before));
  expect(await place.sql('SELECT code FROM dead_letters')).toEqual([]);
  for (const key of [revoked, spent])
    expect((await jd.post(RECEIPTS, await answerTo(second, key, 2))).body).toMatchObject({ code: 'SIGNATURE_WRONG' });
  expect((await jd.post(RECEIPTS, await answerTo(second, living, 2))).body).toMatchObject({ status: 'accepted' });
  expect((await jd.post<{ revokedAt: string }>(KEYS, { jwk: revoked.jwk })).body.revokedAt).not.toBeNull();
  expect(await said()).toHaveLength(states.length);
}, 120_000);
