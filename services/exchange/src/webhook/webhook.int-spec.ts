/**
 * Webhooks on real servers, to real HTTP receivers on the loopback (let through by configuration). Bytes are held against the topic and
 * pull, signatures are checked without the code that made them, and the clock is moved by hand, so the schedule is seen and not waited for.
 */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SamplingResultPublished } from '@jinqiao/contracts';
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
import nacl from 'tweetnacl';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { WebhookDispatcher } from './webhook.dispatcher.js';
import { CONCURRENCY } from './webhook.sender.js';

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
}
/** 'HANG': takes the request and says nothing. */
type Answering = (call: Call) => Reply | 'HANG';

/** A platform's side. */
class Receiver {
  readonly calls: Call[] = [];
  answering: Answering = () => ({ status: 204 });
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const call = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() };
        this.calls.push(call);
        const reply = this.answering(call);
        if (reply !== 'HANG') response.writeHead(reply.status, reply.headers).end();
      });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks?source=jinqiao`;
  }

  get revisions(): string[] {
    return this.calls.map(({ body }) => {
      const { subject, revision } = JSON.parse(body) as { subject: string; revision: number };
      return `${subject.replace('tj-amr:', '')} ${revision}`;
    });
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface Platform {
  readonly http: Http;
  readonly receiver: Receiver;
  endpointId: string;
  secret: string;
}
interface Item {
  readonly position: number;
  readonly feedbackId: string;
  readonly revision: number;
  readonly said: string;
  readonly subject: string;
  readonly channel: string;
  readonly deliveredAt: string | null;
}
interface List {
  readonly items: object[];
  readonly next: string | null;
}
interface Attempt {
  readonly outcome: string;
  readonly status: number | null;
  readonly attempt: number;
  readonly startedAt: string;
  readonly reason: string | null;
}

const ENDPOINTS = '/api/exchange/webhook-endpoints';
const ATTEMPTS = '/api/exchange/webhook-attempts';
const DELIVERIES = '/api/exchange/deliveries';
const CHANNEL = '/api/exchange/channel';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const [SECOND, HOUR] = [1_000, 3_600_000];
const clock = new StandingClock(NOW);
const receivers: Receiver[] = [];
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(async () => {
  await service.close();
  for (const receiver of receivers) receiver.close();
});

/** A registered platform with an endpoint of its own, told by webhook. */
async function platform(id: string, algorithm = 'HMAC_SHA256'): Promise<Platform> {
  const receiver = await new Receiver().listen();
  receivers.push(receiver);
  const http = place.http(await place.token('PLATFORM', id));
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id })).status).toBe(201);
  const { status, body } = await http.post<{ endpointId: string; secret: string }>(ENDPOINTS, {
    url: receiver.url,
    algorithm,
    contact: '平台合规岗',
  });
  expect(status).toBe(201);
  expect((await http.put(CHANNEL, { channel: 'WEBHOOK' })).status).toBe(200);
  return { http, receiver, ...body };
}

async function tell(id: string, sampleNos: readonly string[], revision = 1): Promise<void> {
  const product = { name: `第${revision}版` };
  const results = sampleNos.map((sampleNo) => aSamplingResult({ sampleNo, revision, product, online: { platformName: id } }));
  await Promise.all(results.map((result) => place.publish(SamplingResultPublished, result)));
  await eventually(async () => {
    const rows = await place.sql('SELECT FROM deliveries WHERE subject = ANY($1) AND revision = $2', [
      sampleNos.map((sampleNo) => `tj-amr:${sampleNo}`),
      revision,
    ]);
    expect(rows).toHaveLength(sampleNos.length);
  });
}
const called = (receiver: Receiver, times: number): Promise<unknown> =>
  eventually(() => expect(receiver.calls).toHaveLength(times), { within: 20_000 });
const pulled = async (http: Http, query = ''): Promise<Item[]> =>
  (await http.get<{ items: Item[] }>(`${DELIVERIES}?limit=500${query}`)).body.items;
const attempts = async (http: Http, query = ''): Promise<Attempt[]> =>
  (await http.get<{ items: Attempt[] }>(`${ATTEMPTS}?limit=500${query}`)).body.items;
/** Waits until that many attempts are kept, the newest first. */
const kept = (http: Http, times: number): Promise<Attempt[]> =>
  eventually(
    async () => {
      const all = await attempts(http);
      expect(all).toHaveLength(times);
      return all;
    },
    { within: 20_000 },
  );
const header = (call: Call | undefined, name: string): string => String(call?.headers[name]);
const signedText = (call: Call | undefined): string =>
  `${header(call, 'webhook-id')}.${header(call, 'webhook-timestamp')}.${call?.body ?? ''}`;
const hmac = (secret: string, call: Call | undefined): string =>
  `v1,${createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(signedText(call))
    .digest('base64')}`;

describe('a webhook', () => {
  let jd: Platform;

  it('carries the bytes of the topic and of pull, signed with HMAC', async () => {
    jd = await platform('jd');
    await tell('jd', ['W-1']);
    await called(jd.receiver, 1);
    const [call] = jd.receiver.calls;
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    const [record] = await place.outside('jd').readAll('platform.jd.feedback.v1');
    const [item] = await pulled(jd.http);
    expect([call?.body, item?.said]).toEqual([record?.value, record?.value]);
    expect(call).toMatchObject({
      path: '/hooks?source=jinqiao',
      headers: {
        'content-type': 'application/json',
        'webhook-id': `${item?.feedbackId}_1`,
        'webhook-timestamp': '1795395600',
        'ce-type': record?.headers['ce_type'],
        'ce-sequence': record?.headers['ce_sequence'],
        'ce-entitlement': record?.headers['ce_entitlement'],
        'ce-purpose': record?.headers['ce_purpose'],
        'ce-retentionuntil': record?.headers['ce_retentionuntil'],
      },
    });
    expect(decodeURIComponent(header(call, 'ce-legalbasis'))).toBe(record?.headers['ce_legalbasis']);
    expect(header(call, 'webhook-signature')).toBe(hmac(jd.secret, call));
    await kept(jd.http, 1);
    expect((await pulled(jd.http))[0]).toMatchObject({ channel: 'WEBHOOK', deliveredAt: NOW.toISOString() });
  });

  it('is signed with Ed25519 for those who choose it', async () => {
    const tmall = await platform('tmall', 'ED25519');
    expect(tmall.secret).toMatch(/^whpk_/);
    await tell('tmall', ['W-2']);
    await called(tmall.receiver, 1);
    const [call] = tmall.receiver.calls;
    const [version, signature = ''] = header(call, 'webhook-signature').split(',');
    const key = Buffer.from(tmall.secret.replace('whpk_', ''), 'base64');
    expect(version).toBe('v1a');
    expect(nacl.sign.detached.verify(Buffer.from(signedText(call)), Buffer.from(signature, 'base64'), key)).toBe(true);
  });

  it('is signed with the old and the new secret until the overlap is over', async () => {
    const listed = await jd.http.get<List>(ENDPOINTS);
    expect(JSON.stringify(listed.body)).not.toMatch(/whs|secret/i);
    const rotations = `${ENDPOINTS}/${jd.endpointId}/rotations`;
    const rotated = await jd.http.post<{ secret: string }>(rotations, { overlapHours: 2 });
    expect(rotated.body).toMatchObject({ oldValidUntil: '2026-11-23T03:00:00.000Z' });
    expect((await jd.http.post(rotations, {})).body).toMatchObject({ status: 409, code: 'ROTATION_UNDER_WAY' });
    await tell('jd', ['W-3']);
    await called(jd.receiver, 2);
    const call = jd.receiver.calls[1];
    expect(header(call, 'webhook-signature').split(' ')).toEqual([hmac(rotated.body.secret, call), hmac(jd.secret, call)]);
    clock.advance(2 * HOUR);
    await tell('jd', ['W-4']);
    await called(jd.receiver, 3);
    expect(header(jd.receiver.calls[2], 'webhook-signature')).toBe(hmac(rotated.body.secret, jd.receiver.calls[2]));
    const leaked = await jd.http.post<{ secret: string }>(rotations, { overlapHours: 0 });
    await tell('jd', ['W-5']);
    await called(jd.receiver, 4);
    expect(header(jd.receiver.calls[3], 'webhook-signature')).toBe(hmac(leaked.body.secret, jd.receiver.calls[3]));
  });

  it('is sent again when asked, with the same id and a new time', async () => {
    const [item] = await pulled(jd.http);
    clock.advance(HOUR);
    const named = { feedbackId: item?.feedbackId, revision: 1 };
    expect((await jd.http.post(`${DELIVERIES}/resends`, named)).body).toEqual({ due: 1 });
    await called(jd.receiver, 5);
    const [first, , , , again] = jd.receiver.calls;
    expect([again?.body, header(again, 'webhook-id')]).toEqual([first?.body, header(first, 'webhook-id')]);
    expect(header(again, 'webhook-timestamp')).not.toBe(header(first, 'webhook-timestamp'));
    const since = new Date(NOW.getTime() + 2 * HOUR).toISOString();
    expect((await operator.post(`${DELIVERIES}/replays`, { since, platform: 'jd' })).body).toEqual({ due: 2 });
    await called(jd.receiver, 7);
    expect(jd.receiver.revisions.slice(5).sort()).toEqual(['W-4 1', 'W-5 1']);
  });

  it('is not sent again from a too distant past, unknown, or to those who chose another channel', async () => {
    const post = async (http: Http, path: string, body: object) => (await http.post(`${DELIVERIES}/${path}`, body)).body;
    expect(await post(jd.http, 'replays', { since: '2026-01-01T00:00:00Z' })).toMatchObject({ status: 410, code: 'REPLAY_TOO_OLD' });
    const never = { feedbackId: '00000000-0000-5000-8000-000000000000', revision: 1 };
    expect(await post(jd.http, 'resends', never)).toMatchObject({ status: 422, code: 'DELIVERY_UNKNOWN' });
    expect(await post(operator, 'drains', {})).toMatchObject({ status: 422, code: 'PLATFORM_MISSING' });
    expect(await post(operator, 'drains', { platform: 'nobody' })).toMatchObject({ status: 409, code: 'CHANNEL_NOT_WEBHOOK' });
  });

  it('is logged, for the platform and the operator to search', async () => {
    const all = await kept(jd.http, 7);
    expect(all[0]).toMatchObject({ outcome: 'DELIVERED', status: 204, attempt: 2 });
    const [item] = await pulled(jd.http);
    expect((await attempts(jd.http, `&feedbackId=${item?.feedbackId}`)).map(({ attempt }) => attempt)).toEqual([2, 1]);
    const proven = await place.sql(
      `SELECT FROM (SELECT entry FROM ledger_entries UNION ALL SELECT entry FROM ledger_intake) AS ledger
       WHERE entry::json ->> 'kind' = 'ATTEMPTED' AND entry::json ->> 'recipientId' = 'jd'
         AND entry::json ->> 'entitlementId' = 'STATUTORY_NOTICE:SAMPLING_RESULT:jd' AND entry::json ->> 'purpose' = 'SAMPLING_FEEDBACK'`,
    );
    expect(proven).toHaveLength(7);
    expect(await attempts(jd.http, `&feedbackId=${item?.feedbackId}`)).toHaveLength(2);
    expect(await attempts(operator, `&endpointId=${jd.endpointId}&outcome=DELIVERED`)).toHaveLength(7);
    expect(await attempts(jd.http, '&outcome=FAILED')).toEqual([]);
    expect(await attempts(jd.http, `&until=${NOW.toISOString()}`)).toEqual([]);
    expect(await attempts(jd.http, `&platform=tmall&since=${NOW.toISOString()}`)).toHaveLength(7);
    const { body } = await jd.http.get<{ items: object[]; next: string }>(`${ATTEMPTS}?limit=4`);
    expect((await jd.http.get<{ items: object[] }>(`${ATTEMPTS}?cursor=${encodeURIComponent(body.next)}`)).body.items).toHaveLength(3);
  });
});

describe('what an endpoint answers', () => {
  it('5xx is tried again by the schedule; of one subject nothing overtakes, others go on', async () => {
    const vip = await platform('vip');
    vip.receiver.answering = ({ body }) => ({ status: body.includes('F-1') ? 500 : 204 });
    await tell('vip', ['F-1']);
    await kept(vip.http, 1);
    await tell('vip', ['F-1'], 2);
    await tell('vip', ['F-2']);
    await kept(vip.http, 2);
    expect(vip.receiver.revisions).toEqual(['F-1 1', 'F-2 1']);
    clock.advance(7 * SECOND);
    await kept(vip.http, 3);
    vip.receiver.answering = () => ({ status: 200 });
    clock.advance(361 * SECOND);
    await kept(vip.http, 5);
    expect(vip.receiver.revisions).toEqual(['F-1 1', 'F-2 1', 'F-1 1', 'F-1 1', 'F-1 2']);
    expect((await attempts(vip.http)).map(({ outcome, attempt }) => `${outcome} ${attempt}`)).toEqual([
      'DELIVERED 1',
      'DELIVERED 3',
      'FAILED 2',
      'DELIVERED 1',
      'FAILED 1',
    ]);
    expect(await pulled(vip.http, '&undelivered=true')).toEqual([]);
  });

  it('3xx is a failure and followed nowhere', async () => {
    const douyin = await platform('douyin');
    douyin.receiver.answering = () => ({ status: 302, headers: { location: '/elsewhere' } });
    await tell('douyin', ['F-3']);
    const [first] = await kept(douyin.http, 1);
    expect(first).toMatchObject({ outcome: 'REDIRECTED', status: 302 });
    expect(douyin.receiver.calls.map(({ path }) => path)).toEqual(['/hooks?source=jinqiao']);
  });

  it('Retry-After is obeyed, for everything that goes there', async () => {
    const meituan = await platform('meituan');
    meituan.receiver.answering = () => ({ status: 429, headers: { 'retry-after': '120' } });
    await tell('meituan', ['F-4']);
    await kept(meituan.http, 1);
    await tell('meituan', ['F-5']);
    clock.advance(100 * SECOND);
    await tell('meituan', ['F-6']);
    expect(meituan.receiver.revisions).toEqual(['F-4 1']);
    meituan.receiver.answering = () => ({ status: 204 });
    clock.advance(21 * SECOND);
    await called(meituan.receiver, 4);
    expect(meituan.receiver.revisions.slice(1).sort()).toEqual(['F-4 1', 'F-5 1', 'F-6 1']);
  });

  it('an acknowledgement meanwhile: what was due is not sent again', async () => {
    const dewu = await platform('dewu');
    dewu.receiver.answering = () => ({ status: 500 });
    await tell('dewu', ['F-11']);
    await kept(dewu.http, 1);
    const [item] = await pulled(dewu.http);
    await dewu.http.post(`${DELIVERIES}/acknowledgements`, { deliveries: [{ feedbackId: item?.feedbackId, revision: 1 }] });
    clock.advance(HOUR);
    dewu.receiver.answering = () => ({ status: 204 });
    await tell('dewu', ['F-12']);
    await kept(dewu.http, 2);
    expect(dewu.receiver.revisions).toEqual(['F-11 1', 'F-12 1']);
    expect(await pulled(dewu.http, '&undelivered=true')).toEqual([]);
  });

  it('410 ends the endpoint and no feedback: it stays due, in pull, the contact is noted, and a new endpoint gets it', async () => {
    const taobao = await platform('taobao');
    taobao.receiver.answering = () => ({ status: 410 });
    await tell('taobao', ['F-7']);
    await kept(taobao.http, 1);
    await tell('taobao', ['F-8']);
    clock.advance(24 * HOUR);
    const [endpoint] = (await taobao.http.get<List>(ENDPOINTS)).body.items;
    expect(endpoint).toMatchObject({
      status: 'ENDED',
      statusReason: 'GONE',
      statusSince: new Date(+clock.now() - 24 * HOUR).toISOString(),
    });
    const secretsOf = (endpointId: string) => place.sql('SELECT FROM webhook_secrets WHERE endpoint_id = $1', [endpointId]);
    expect(await secretsOf(taobao.endpointId)).toEqual([]);
    expect((await operator.get<List>('/api/exchange/contact-notices')).body.items).toContainEqual(
      expect.objectContaining({ organisationId: 'taobao', endpointId: taobao.endpointId, reason: 'GONE', contact: '平台合规岗' }),
    );
    expect((await place.http().get<string>('/metrics')).body).toMatch(/^contact_notices_total\{reason="GONE"[^}]*\} 1$/m);
    expect((await pulled(taobao.http, '&undelivered=true')).map(({ subject }) => subject)).toEqual(['tj-amr:F-7', 'tj-amr:F-8']);
    for (const path of ['enablements', 'rotations'])
      expect((await taobao.http.post(`${ENDPOINTS}/${taobao.endpointId}/${path}`, {})).body).toMatchObject({ code: 'ENDPOINT_ENDED' });
    expect(await secretsOf(taobao.endpointId)).toEqual([]);
    expect(taobao.receiver.calls).toHaveLength(1);
    taobao.receiver.answering = () => ({ status: 204 });
    const next = await taobao.http.post<{ secret: string }>(ENDPOINTS, { url: `${taobao.receiver.url}&new`, contact: '平台合规岗' });
    expect(next.body.secret).not.toBe(taobao.secret);
    await called(taobao.receiver, 3);
    for (const call of taobao.receiver.calls.slice(1)) expect(header(call, 'webhook-signature')).toBe(hmac(next.body.secret, call));
    expect(taobao.receiver.revisions.slice(1).sort()).toEqual(['F-7 1', 'F-8 1']);
    await eventually(async () => expect(await pulled(taobao.http, '&undelivered=true')).toEqual([]));
  });

  it('5xx to the last attempt: it is given up, the contact is noted once an hour, and it stays in pull', async () => {
    const mogu = await platform('mogu');
    mogu.receiver.answering = () => ({ status: 500 });
    const began = clock.now();
    await tell('mogu', ['F-20', 'F-21']);
    await kept(mogu.http, 2);
    await place.sql(`UPDATE deliveries SET attempts = 7 WHERE recipient_id = 'mogu'`);
    clock.advance(HOUR);
    await kept(mogu.http, 4);
    expect((await operator.get<List>('/api/exchange/contact-notices?platform=mogu')).body.items).toEqual([
      expect.objectContaining({ organisationId: 'mogu', endpointId: mogu.endpointId, reason: 'GIVEN_UP', kind: 'SAMPLING_RESULT' }),
    ]);
    expect((await place.http().get<string>('/metrics')).body).toMatch(/^contact_notices_total\{reason="GIVEN_UP"[^}]*\} 1$/m);
    expect(await pulled(mogu.http, '&undelivered=true')).toHaveLength(2);

    const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
    const undelivered = async (http: Http, query = ''): Promise<object> =>
      (await http.get(`${DELIVERIES}?platform=mogu&undelivered=true${query}`)).body;
    const [publisher, stranger] = await Promise.all(
      ['tj-amr', 'tj-credit'].map(async (id) => place.http(await place.token('DEPARTMENT', id))),
    );
    for (const http of [operator, auditor, publisher as Http])
      expect(await undelivered(http)).toMatchObject({
        byPlatform: [{ platformId: 'mogu', due: 0, givenUp: 2, waiting: 0, oldestToldAt: began.toISOString() }],
        items: ['F-20', 'F-21'].map(() => ({ recipientId: 'mogu', channel: 'WEBHOOK', state: 'GIVEN_UP', attempts: 8, dueAt: null })),
        more: false,
      });
    expect(JSON.stringify(await undelivered(operator))).not.toMatch(/said|content/);
    expect(await undelivered(stranger as Http)).toEqual({ byPlatform: [], items: [], cursor: null, more: false });
    const first = (await undelivered(operator, '&limit=1')) as { items: Item[]; cursor: string; more: boolean };
    expect(first).toMatchObject({ items: [{ position: 1 }], more: true });
    expect(await undelivered(operator, `&after=${encodeURIComponent(first.cursor)}`)).toMatchObject({
      items: [{ position: 2 }],
      more: false,
    });
    const { body: metrics } = await place.http().get<string>('/metrics');
    expect(metrics).toMatch(/^deliveries_undelivered\{state="GIVEN_UP"[^}]*\} 2$/m);
    expect(metrics).toMatch(/^deliveries_oldest_undelivered_age_seconds\{state="GIVEN_UP"[^}]*\} 3600$/m);

    clock.advance(HOUR);
    mogu.receiver.answering = () => ({ status: 204 });
    expect((await mogu.http.post(`${DELIVERIES}/drains`, {})).body).toEqual({ due: 2 });
    // The schedule begins anew, and the log goes on.
    expect((await kept(mogu.http, 6)).map(({ attempt }) => attempt)).toEqual([9, 9, 8, 8, 1, 1]);
    expect(await place.sql(`SELECT DISTINCT attempts FROM deliveries WHERE recipient_id = 'mogu'`)).toEqual([{ attempts: 1 }]);
  });

  it('nothing, for three days: the endpoint is disabled until it is enabled again', async () => {
    const kuaishou = await platform('kuaishou');
    kuaishou.receiver.answering = () => ({ status: 503 });
    await tell('kuaishou', ['F-9']);
    await kept(kuaishou.http, 1);
    clock.advance(73 * HOUR);
    await kept(kuaishou.http, 2);
    const [endpoint] = (await kuaishou.http.get<List>(ENDPOINTS)).body.items;
    expect(endpoint).toMatchObject({ status: 'DISABLED', statusReason: 'FAILING', failures: 2 });
    kuaishou.receiver.answering = () => ({ status: 204 });
    expect((await kuaishou.http.post(`${ENDPOINTS}/${kuaishou.endpointId}/enablements`)).body).toMatchObject({
      status: 'ACTIVE',
      failures: 0,
    });
    await called(kuaishou.receiver, 3);
    expect(header(kuaishou.receiver.calls[2], 'webhook-signature')).toBe(hmac(kuaishou.secret, kuaishou.receiver.calls[2]));
  });

  it('a refused address is an attempt that went nowhere', async () => {
    const ele = await platform('ele');
    await place.sql('UPDATE webhook_endpoints SET url = $2 WHERE endpoint_id = $1', [ele.endpointId, 'https://169.254.169.254/latest']);
    await tell('ele', ['F-10']);
    const [attempt] = await kept(ele.http, 1);
    expect(attempt).toMatchObject({ outcome: 'ADDRESS_REFUSED', status: null });
  });
});

describe('beside a dead endpoint', () => {
  it('that hangs, refuses or resets, the others get theirs', async () => {
    const [hangs, refuses, live] = [await platform('hangs'), await platform('refuses'), await platform('live')];
    hangs.receiver.answering = () => 'HANG';
    refuses.receiver.close();
    const sampleNos = Array.from({ length: 20 }, (_, index) => String(index));
    await tell(
      'hangs',
      sampleNos.map((no) => `H-${no}`),
    );
    await tell(
      'refuses',
      sampleNos.map((no) => `R-${no}`),
    );
    const began = performance.now();
    await tell(
      'live',
      sampleNos.map((no) => `L-${no}`),
    );
    await called(live.receiver, 20);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(hangs.receiver.calls.length).toBeLessThanOrEqual(16);
    const refused = await attempts(refuses.http, '&outcome=UNREACHABLE');
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused[0]?.reason).toContain('ECONNREFUSED');
    // Out of the way of what follows.
    for (const { http } of [hangs, refuses]) await http.put(CHANNEL, { channel: 'PULL' });
  });
});

describe('a change of channel', () => {
  it('takes along what was not delivered, sends nothing that was acknowledged, and repeats nothing', async () => {
    const ctrip = await platform('ctrip');
    await tell('ctrip', ['C-1']);
    await kept(ctrip.http, 1);
    ctrip.receiver.answering = () => ({ status: 500 });
    await tell('ctrip', ['C-2', 'C-3']);
    await kept(ctrip.http, 3);
    const toPull = await ctrip.http.put<{ cursor: string }>(CHANNEL, { channel: 'PULL' });
    expect(toPull.body).toMatchObject({ since: 3, moved: 2 });
    expect((await pulled(ctrip.http, `&after=${encodeURIComponent(toPull.body.cursor)}`)).map(({ position }) => position)).toEqual([2, 3]);
    await tell('ctrip', ['C-4']);
    clock.advance(24 * HOUR);
    const [second] = await pulled(ctrip.http, '&undelivered=true');
    await ctrip.http.post(`${DELIVERIES}/acknowledgements`, {
      deliveries: [{ feedbackId: second?.feedbackId, revision: second?.revision }],
    });
    expect(await attempts(ctrip.http)).toHaveLength(3);
    ctrip.receiver.answering = () => ({ status: 204 });
    expect((await ctrip.http.put(CHANNEL, { channel: 'WEBHOOK' })).body).toMatchObject({ since: 4, moved: 2 });
    await kept(ctrip.http, 5);
    const delivered = ctrip.receiver.revisions.slice(3);
    expect(delivered).toHaveLength(2);
    expect(delivered).not.toContain(`${second?.subject.replace('tj-amr:', '')} 1`);
    expect(await pulled(ctrip.http, '&undelivered=true')).toEqual([]);
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    const positions = (await place.outside('ctrip').readAll('platform.ctrip.feedback.v1')).map(({ headers }) => headers['ce_sequence']);
    expect(positions.sort()).toEqual(['1', '2', '3', '4']);
  });

  it('to webhooks needs an endpoint', async () => {
    await operator.post('/api/exchange/organisations', { id: 'none', kind: 'PLATFORM', name: 'none' });
    const none = place.http(await place.token('PLATFORM', 'none'));
    expect((await none.put(CHANNEL, { channel: 'WEBHOOK' })).body).toMatchObject({ status: 409, code: 'ENDPOINT_MISSING' });
  });
});

describe('a reconciliation', () => {
  it('sends again by webhook what the platform says it lacks, and puts nothing on the topic a second time', async () => {
    const weidian = await platform('weidian');
    await tell('weidian', ['N-1']);
    await kept(weidian.http, 1);
    const [item] = await pulled(weidian.http);
    const claim = { asOf: clock.now().toISOString(), buckets: [{ bucket: item?.feedbackId.slice(0, 2), items: [] }] };
    expect((await weidian.http.post('/api/exchange/reconciliations', claim)).body).toMatchObject({ redelivered: 1 });
    await called(weidian.receiver, 2);
    expect(weidian.receiver.calls[1]?.body).toBe(item?.said);
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    expect(await place.outside('weidian').readAll('platform.weidian.feedback.v1')).toHaveLength(1);
  });
});

describe('several processes', () => {
  it('try a webhook once, and again what one left behind when it died', async () => {
    const suning = await platform('suning');
    const other = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
    try {
      await tell(
        'suning',
        Array.from({ length: 60 }, (_, index) => `P-${index}`),
      );
      await called(suning.receiver, 60);
      await kept(suning.http, 60);
      expect(new Set(suning.receiver.revisions).size).toBe(60);
      // A process that claimed it and was killed: its lease is all that is left.
      const [item] = await pulled(suning.http);
      await place.sql(
        `UPDATE deliveries SET due_at = $3, leased_until = clock_timestamp() + interval '3 seconds' WHERE recipient_id = $1 AND position = $2`,
        ['suning', item?.position, clock.now()],
      );
      const began = performance.now();
      await called(suning.receiver, 61);
      expect(performance.now() - began).toBeGreaterThan(2_000);
      expect(header(suning.receiver.calls[60], 'webhook-id')).toBe(`${item?.feedbackId}_1`);
    } finally {
      await other.close();
      place.origin = service.url;
    }
  }, 90_000);

  it('send nothing more, neither of them, to an endpoint that has said 410; what is undelivered stays due and in pull', async () => {
    const youzan = await platform('youzan');
    youzan.receiver.answering = () => ({ status: 410 });
    const other = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
    try {
      const sampleNos = Array.from({ length: 40 }, (_, index) => `G-${index}`);
      await tell('youzan', sampleNos);
      await eventually(async () => {
        const [endpoint] = (await youzan.http.get<List>(ENDPOINTS)).body.items;
        expect(endpoint).toMatchObject({ status: 'ENDED', statusReason: 'GONE' });
        expect(await attempts(youzan.http)).toHaveLength(youzan.receiver.calls.length);
      });
      // What both had under way when the first 410 was kept.
      const ended = youzan.receiver.calls.length;
      expect(ended).toBeLessThanOrEqual(2 * CONCURRENCY);
      youzan.receiver.answering = () => ({ status: 204 });
      // As a process that has not heard it, or was started since: it is the row that has ended.
      for (const process of [service, other]) process.get(WebhookDispatcher)['gone'].clear();
      await tell('youzan', ['G-after']);
      clock.advance(24 * HOUR);
      // Both have claimed since when all of this is delivered.
      const weimob = await platform('weimob');
      await tell(
        'weimob',
        sampleNos.map((sampleNo) => `beside-${sampleNo}`),
      );
      await kept(weimob.http, sampleNos.length);
      expect(youzan.receiver.calls).toHaveLength(ended);
      expect(new Set((await attempts(youzan.http)).map(({ outcome, status }) => `${outcome} ${status}`))).toEqual(new Set(['GONE 410']));
      const waiting = [...sampleNos, 'G-after'].map((sampleNo) => `tj-amr:${sampleNo}`).sort();
      expect((await pulled(youzan.http, '&undelivered=true')).map(({ subject }) => subject).sort()).toEqual(waiting);
      expect(await place.sql(`SELECT FROM deliveries WHERE recipient_id = 'youzan' AND due_at IS NOT NULL`)).toHaveLength(41);
    } finally {
      await other.close();
      place.origin = service.url;
    }
  }, 90_000);
});

describe('an endpoint', () => {
  it.each([
    'http://example.com/hooks',
    'https://10.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706434/',
    'https://user:secret@example.com/',
    'ftp://example.com/',
    'https://example.com:22/',
  ])('at %s is refused', async (url) => {
    const jd = place.http(await place.token('PLATFORM', 'jd'));
    const { body } = await jd.post(ENDPOINTS, { url, contact: '合规岗' });
    expect(body).toMatchObject({ status: 422, code: 'ENDPOINT_ADDRESS_REFUSED', pointer: '/url' });
  });

  it('is one for each platform, its own, and no longer there when it is removed', async () => {
    const pdd = await platform('pdd');
    expect((await pdd.http.post(ENDPOINTS, { url: pdd.receiver.url, contact: '合规岗' })).body).toMatchObject({ code: 'ENDPOINT_EXISTS' });
    const all: object[] = [];
    for (let next: string | null = ''; next !== null;) {
      const cursor: string = next && `&cursor=${encodeURIComponent(next)}`;
      const { body }: { body: List } = await operator.get<List>(`${ENDPOINTS}?limit=2${cursor}`);
      all.push(...body.items);
      next = body.next;
    }
    // How they fare changes from one request to the next: one of them still hangs.
    const ids = (items: readonly object[]): unknown[] => items.map((item) => (item as Platform).endpointId);
    expect(ids(all)).toEqual(ids((await operator.get<List>(`${ENDPOINTS}?limit=500`)).body.items));
    expect(all.length).toBeGreaterThan(5);
    const jd = place.http(await place.token('PLATFORM', 'jd'));
    for (const path of ['rotations', 'enablements'])
      expect((await jd.post(`${ENDPOINTS}/${pdd.endpointId}/${path}`, {})).body).toMatchObject({ status: 404, code: 'ENDPOINT_UNKNOWN' });
    expect((await jd.delete(`${ENDPOINTS}/not-an-id`)).body).toMatchObject({ status: 404, code: 'ENDPOINT_UNKNOWN' });
    expect((await operator.post(ENDPOINTS, { url: pdd.receiver.url, contact: '合规岗' })).status).toBe(403);
    const moved = `${pdd.receiver.url}&moved`;
    expect((await pdd.http.put(`${ENDPOINTS}/${pdd.endpointId}`, { url: moved, contact: '值班' })).body).toMatchObject({ url: moved });
    expect((await pdd.http.delete(`${ENDPOINTS}/${pdd.endpointId}`)).body).toMatchObject({ status: 'ENDED', statusReason: 'REMOVED' });
    expect(await place.sql('SELECT FROM webhook_secrets WHERE endpoint_id = $1', [pdd.endpointId])).toEqual([]);
  });

  it('takes nothing while its platform is suspended, goes on when it is resumed, and ends when the platform leaves', async () => {
    const [feiniu, dmall] = [await platform('feiniu'), await platform('dmall')];
    const change = (act: string) => operator.post('/api/exchange/organisations/feiniu/changes', { act, reason: '安全事件' });
    await tell('feiniu', ['SUSPENDED-1']);
    await called(feiniu.receiver, 1);
    await change('SUSPEND');
    await tell('feiniu', ['SUSPENDED-2']);
    await tell('dmall', ['SUSPENDED-3']);
    await called(dmall.receiver, 1);
    expect(feiniu.receiver.revisions).toEqual(['SUSPENDED-1 1']);
    await change('RESUME');
    await called(feiniu.receiver, 2);
    expect(feiniu.receiver.revisions).toEqual(['SUSPENDED-1 1', 'SUSPENDED-2 1']);
    await change('EXIT');
    expect((await operator.get<List>(`${ENDPOINTS}?platform=feiniu`)).body.items).toMatchObject([
      { status: 'ENDED', statusReason: 'REMOVED' },
    ]);
    expect(await place.sql('SELECT FROM webhook_secrets WHERE endpoint_id = $1', [feiniu.endpointId])).toEqual([]);
  }, 60_000);
});
