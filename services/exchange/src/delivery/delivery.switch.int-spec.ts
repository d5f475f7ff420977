/**
 * A platform that changes its channel again and again while it is told things without a pause, on real servers: by every way from one
 * channel to another, with webhooks under way at the moment it leaves them. It reads as docs/integrating.md says, and what it took by all
 * channels together is held against what it was told, byte for byte. Whatever it took twice was on its way by webhook when it left.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamplingResultPublished } from '@jinqiao/contracts';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

type ChannelName = 'KAFKA' | 'WEBHOOK' | 'PULL';
interface Taken {
  readonly by: ChannelName;
  readonly position: number;
  readonly id: string;
  readonly said: string;
}
interface Switched {
  readonly since: number;
  readonly moved: number;
  readonly cursor: string;
}
interface Item {
  readonly feedbackId: string;
  readonly revision: number;
  readonly position: number;
  readonly said: string;
}

/** From each channel to each other one. */
const JOURNEY: readonly ChannelName[] = ['WEBHOOK', 'PULL', 'KAFKA', 'PULL', 'WEBHOOK', 'KAFKA'];
/** Told in every period, before the platform changes its channel. */
const PERIOD = 25;
const CHANNEL = '/api/exchange/channel';
const DELIVERIES = '/api/exchange/deliveries';
const taken: Taken[] = [];
const held: ServerResponse[] = [];
let holds = false;
const receiver = createServer((request, response) => {
  void text(request).then((said) => {
    taken.push({ by: 'WEBHOOK', position: Number(request.headers['ce-sequence']), id: String(request.headers['webhook-id']), said });
    if (holds) held.push(response);
    else response.writeHead(204).end();
  });
});
let place: Place;
let service: TestService;
let jd: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '平台jd' });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  expect((await jd.post('/api/exchange/webhook-endpoints', { url, contact: '平台合规岗' })).status).toBe(201);
}, 60_000);
afterAll(async () => {
  await service.close();
  receiver.closeAllConnections();
  receiver.close();
});

/** Publishes results on and on, of one in three a second revision besides, until it is stopped; gives back the last ones. */
async function tellOn(stop: AbortSignal): Promise<Map<string, number>> {
  const published = new Map<string, number>();
  for (let n = 0; !stop.aborted; n += 3) {
    const results = [n, n + 1, n + 2, n - 3].filter((of) => of >= 0).map((of) => [`C-${of}`, of < n ? 2 : 1] as const);
    await place.publishAll(
      SamplingResultPublished,
      results.map(([sampleNo, revision]) => {
        const product = { name: `第${revision}版` };
        return aSamplingResult({ sampleNo, revision, product, online: { platformName: '平台jd' } });
      }),
    );
    for (const [sampleNo, revision] of results) published.set(`tj-amr:${sampleNo}`, revision);
    await sleep(20);
  }
  return published;
}
const lastPosition = async (): Promise<number> => (await jd.get<{ lastPosition: number }>(CHANNEL)).body.lastPosition;
const toldBeyond = (position: number): Promise<unknown> =>
  eventually(async () => expect(await lastPosition()).toBeGreaterThanOrEqual(position + PERIOD), { within: 60_000 });

/** Goes on behind a cursor and acknowledges what it took, until it is told to stop; it ends behind an acknowledgement. */
async function pullFrom(cursor: string, stop: AbortSignal): Promise<void> {
  for (let after = cursor; !stop.aborted;) {
    const { body } = await jd.get<{ items: Item[]; cursor: string }>(
      `${DELIVERIES}?limit=20&undelivered=true&after=${encodeURIComponent(after)}`,
    );
    for (const { feedbackId, revision, position, said } of body.items)
      taken.push({ by: 'PULL', position, id: `${feedbackId}_${revision}`, said });
    if (body.items.length === 0) await sleep(20);
    else await jd.post(`${DELIVERIES}/acknowledgements`, { cursor: body.cursor });
    after = body.cursor;
  }
}

/** The position behind which a cursor goes on: that of the first item there, less one. */
async function placeOf(cursor: string, since: number): Promise<number> {
  const { body } = await jd.get<{ items: Item[] }>(`${DELIVERIES}?limit=1&after=${encodeURIComponent(cursor)}`);
  return Math.min(since, (body.items[0]?.position ?? since + 1) - 1);
}

/** Positions after the first, up to the second. */
type Stretch = readonly [number, number];
const isIn = (position: number, stretches: readonly Stretch[]): boolean =>
  stretches.some(([from, to]) => position > from && position <= to);

it('loses nothing, and repeats nothing but what was on its way by webhook when it left', async () => {
  const byTopic: Stretch[] = [];
  const leftWebhook: Stretch[] = [];
  const telling = new AbortController();
  const published = tellOn(telling.signal);
  let channel: ChannelName = 'KAFKA';
  let from = 0;
  let pulling: { stop: AbortController; ended: Promise<void> } | null = null;
  await toldBeyond(0);
  for (const next of JOURNEY) {
    if (channel === 'WEBHOOK') {
      holds = true;
      await eventually(() => expect(held.length).toBeGreaterThan(0));
    }
    pulling?.stop.abort();
    await pulling?.ended;
    pulling = null;
    const { status, body } = await jd.put<Switched & Record<string, unknown>>(CHANNEL, { channel: next });
    expect(status).toBe(200);
    const place = await placeOf(body.cursor, body.since);
    if (channel === 'KAFKA') byTopic.push([from, body.since]);
    if (channel === 'WEBHOOK') leftWebhook.push([place, body.since]);
    expect(body.moved > 0 ? place < body.since : place === body.since).toBe(true);
    if (next === 'PULL') {
      const stop = new AbortController();
      pulling = { stop, ended: pullFrom(body.cursor, stop.signal) };
    }
    [channel, from] = [next, place];
    holds = false;
    for (const response of held.splice(0)) response.writeHead(204).end();
    await toldBeyond(body.since);
  }
  telling.abort();
  const all = await published;
  await eventually(
    async () => {
      const applied = await place.sql<{ subject: string; revision: number }>('SELECT subject, revision FROM subjects');
      expect(new Map(applied.map(({ subject, revision }) => [subject, revision]))).toEqual(all);
    },
    { within: 60_000 },
  );
  const count = await lastPosition();
  byTopic.push([from, count]);
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]), { within: 30_000 });
  for (const { headers, value } of await place.outside('jd').readAll('platform.jd.feedback.v1')) {
    const { feedbackId, revision } = JSON.parse(value ?? '') as Item;
    const position = Number(headers['ce_sequence']);
    if (isIn(position, byTopic)) taken.push({ by: 'KAFKA', position, id: `${feedbackId}_${revision}`, said: value ?? '' });
  }

  const told = await place.sql<Omit<Taken, 'by'> & { by: string | null }>(
    `SELECT d.position, d.feedback_id || '_' || d.revision AS id, r.said::text AS said, d.delivered_by AS by
     FROM deliveries d JOIN feedback_revisions r USING (feedback_id, revision) ORDER BY d.position`,
  );
  const acknowledged = Math.max(...taken.filter(({ by }) => by === 'PULL').map(({ position }) => position));
  const times = Map.groupBy(taken, ({ position }) => position);
  expect(told.map(({ position }) => position)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  for (const { position, id, said, by } of told) {
    const its = times.get(position) ?? [];
    const ways = its.map((one) => one.by);
    expect(its.map((one) => [one.id, one.said])).toEqual(ways.map(() => [id, said]));
    // Once; or by webhook and once by what came after it.
    expect([1, isIn(position, leftWebhook) && ways.includes('WEBHOOK') ? 2 : 1]).toContain(new Set(ways).size);
    expect(ways).toHaveLength(new Set(ways).size);
    // What the exchange says became of it is what did; a cursor acknowledges all before it, also what was read from the topic.
    const isAcknowledgedUnpulled = by === 'PULL' && position < acknowledged && !ways.includes('PULL');
    if (by === null || isAcknowledgedUnpulled) expect(ways).toEqual(['KAFKA']);
    else expect(ways).toContain(by);
  }
  expect(new Set(taken.map(({ by }) => by)).size).toBe(3);

  // Each was told and stands on the topic once, and there is an entry for each webhook that was taken and each acknowledgement.
  const entries = () =>
    place.sql<{ kind: string; id: string }>(
      `SELECT entry::json ->> 'kind' AS kind, feedback_id || '_' || (entry::json ->> 'feedbackRevision') AS id FROM ledger_entries
       WHERE feedback_id IS NOT NULL`,
    );
  const idsBy = (way: ChannelName): string[] =>
    taken
      .filter(({ by }) => by === way)
      .map(({ id }) => id)
      .sort();
  await eventually(
    async () => {
      const byKind = Map.groupBy(await entries(), ({ kind }) => kind);
      const ids = (kind: string): string[] => (byKind.get(kind) ?? []).map(({ id }) => id).sort();
      const each = told.map(({ id }) => id).sort();
      expect({ TOLD: ids('TOLD'), PUBLISHED: ids('PUBLISHED') }).toEqual({ TOLD: each, PUBLISHED: each });
      expect(ids('ATTEMPTED')).toEqual(idsBy('WEBHOOK'));
      expect(ids('ACKNOWLEDGED')).toEqual(
        told
          .filter(({ by }) => by === 'PULL')
          .map(({ id }) => id)
          .sort(),
      );
    },
    { within: 30_000 },
  );
}, 240_000);
