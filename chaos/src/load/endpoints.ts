import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { History, WebhookEntry } from '../history.js';
import type { Speaking } from './outside.js';

/** What an endpoint does with whoever calls: take it, take no connection, never answer, answer 500, or reset the connection. */
export type Manner = 'TAKES' | 'REFUSES' | 'HANGS' | 'FAILS' | 'RESETS';

const LOOK_MS = 1_500;
const ASK_MS = 1_000;
const POLL_MS = 100;
const ENDPOINTS = '/api/exchange/webhook-endpoints';

interface Registered {
  readonly endpointId: string;
  readonly status: string;
  readonly url: string;
}

/**
 * A platform that is told by webhook: an HTTP server, and whoever looks after its endpoint. It verifies, writes down what reached it and
 * what it did before it answers, registers another endpoint when its own has ended, and asks for what waits when it is well again.
 */
export class Endpoint {
  readonly platformId: string;
  private readonly outside: Speaking;
  private readonly history: History;
  private readonly secrets = new Map<string, string>();
  /** Paths that say 410, for ever. */
  private readonly gone = new Set<string>();
  private manner: Manner = 'TAKES';
  private server: Server | null = null;
  private port = 0;
  private paths = 0;
  private registered = 0;
  private ended: ReadonlySet<string> = new Set();
  private takenAt = 0;
  private looking = true;
  private finished: Promise<void> = Promise.resolve();

  private constructor(platformId: string, outside: Speaking, history: History) {
    this.platformId = platformId;
    this.outside = outside;
    this.history = history;
  }

  /** Resolves when the platform is told by webhook. */
  static async open(platformId: string, outside: Speaking, history: History): Promise<Endpoint> {
    const endpoint = new Endpoint(platformId, outside, history);
    await endpoint.listen();
    await endpoint.look();
    await endpoint.ask('PUT', '/api/exchange/channel', { channel: 'WEBHOOK' });
    endpoint.finished = endpoint.keepLooking();
    return endpoint;
  }

  async behave(manner: Manner): Promise<void> {
    this.manner = manner;
    if (manner === 'REFUSES') await this.close();
    else if (!this.server) await this.listen();
  }

  /** Says 410 from now on, until the platform has another endpoint; gives up silently, for other faults may be under way. */
  async end(withinMs: number): Promise<void> {
    const before = this.registered;
    const giveUpAt = Date.now() + withinMs;
    for (const path of this.secrets.keys()) this.gone.add(path);
    while (this.registered === before && Date.now() < giveUpAt) await sleep(POLL_MS);
  }

  /** Asks for what waits until something is taken; ms after `since`, null when nothing was. */
  async takesAgain(since: number, withinMs: number): Promise<number | null> {
    for (let asked = 0; Date.now() < since + withinMs; await sleep(POLL_MS)) {
      if (this.takenAt >= since) return this.takenAt - since;
      if (Date.now() < asked + ASK_MS * 2) continue;
      asked = Date.now();
      void this.outside.http({ principal: this.platformId, method: 'POST', path: '/api/exchange/deliveries/drains', body: {} });
    }
    return null;
  }

  async stop(): Promise<void> {
    this.looking = false;
    await this.finished;
    await this.close();
  }

  private async keepLooking(): Promise<void> {
    while (this.looking) {
      await sleep(LOOK_MS);
      await this.look();
    }
  }

  /** Sees whether the endpoint lives; where none does, it registers another under a new path. */
  private async look(): Promise<void> {
    const { platformId } = this;
    const answer = await this.outside.http({ principal: platformId, method: 'GET', path: ENDPOINTS });
    if (answer?.status !== 200) return;
    const { items } = answer.body as { items: Registered[] };
    const ended = items.filter(({ status }) => status === 'ENDED').map(({ url }) => new URL(url).pathname);
    for (const path of ended) if (!this.ended.has(path)) this.history.write({ entry: 'endpoint', platformId, path, phase: 'ended' });
    this.ended = new Set(ended);
    if (items.some(({ status }) => status !== 'ENDED')) return;
    const path = `/${platformId}/${++this.paths}`;
    const url = `http://127.0.0.1:${this.port}${path}`;
    const { secret } = (await this.ask('POST', ENDPOINTS, { url, contact: '平台合规岗' })) as { secret?: string };
    // Refused: an earlier answer was lost, and the endpoint whose secret nobody knows is removed below.
    if (secret === undefined) return this.removeUnknown();
    this.secrets.set(path, secret);
    this.registered += 1;
    this.history.write({ entry: 'endpoint', platformId, path, phase: 'registered' });
  }

  private async removeUnknown(): Promise<void> {
    const answer = await this.outside.http({ principal: this.platformId, method: 'GET', path: ENDPOINTS });
    const { items = [] } = (answer?.body ?? {}) as { items?: Registered[] };
    for (const { endpointId, url } of items.filter((one) => one.status !== 'ENDED' && !this.secrets.has(new URL(one.url).pathname))) {
      this.gone.add(new URL(url).pathname);
      await this.outside.http({ principal: this.platformId, method: 'DELETE', path: `${ENDPOINTS}/${endpointId}` });
    }
  }

  /** Until it is answered; {} for a refusal. */
  private async ask(method: string, path: string, body: object): Promise<object> {
    while (this.looking) {
      const answer = await this.outside.http({ principal: this.platformId, method, path, body });
      if (answer && answer.status < 300) return answer.body as object;
      if (answer && answer.status < 500 && ![401, 403, 408, 425, 429].includes(answer.status)) return {};
      await sleep(ASK_MS);
    }
    return {};
  }

  private async listen(): Promise<void> {
    const server = createServer((request, response) => this.called(request, response));
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  private async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  private called(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => this.answer(request, response, Buffer.concat(parts)));
  }

  private answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const path = request.url ?? '';
    const id = String(request.headers['webhook-id']);
    const did = this.doneWith(path, request, body);
    const hash = createHash('sha256').update(body).digest('hex');
    this.history.write({ entry: 'webhook', platformId: this.platformId, path, id, hash, did });
    if (did === 'hung') return;
    if (did === 'reset') return void request.socket.resetAndDestroy();
    if (did === 'taken') this.takenAt = Date.now();
    response.writeHead({ taken: 204, failed: 500, gone: 410, unsigned: 400 }[did]).end();
  }

  private doneWith(path: string, { headers }: IncomingMessage, body: Buffer): WebhookEntry['did'] {
    if (this.gone.has(path)) return 'gone';
    if (this.manner !== 'TAKES' && this.manner !== 'REFUSES') return DID[this.manner];
    const secret = this.secrets.get(path);
    // Registered, and the answer with its secret not read yet.
    if (secret === undefined) return 'failed';
    const mac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'));
    mac.update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`).update(body);
    return headers['webhook-signature'] === `v1,${mac.digest('base64')}` ? 'taken' : 'unsigned';
  }
}

const DID = { HANGS: 'hung', FAILS: 'failed', RESETS: 'reset' } as const;
