import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { type Channel, type ChannelParts, feedbackTypeIn } from './channel.js';
import type { Arrived } from './platform.js';

export interface Listening {
  /** 0: any. */
  readonly port: number;
  /** Where the exchange reaches this server; absent: on this machine. */
  readonly url?: string;
}

interface Endpoint {
  readonly endpointId: string;
  readonly url: string;
  readonly status: string;
  readonly secret: string;
}

/** An HTTP server with an endpoint at the exchange; takes what is signed with the endpoint's secret (Standard Webhooks 1.0). */
export class WebhookChannel implements Channel {
  private readonly parts: ChannelParts;
  private readonly listening: Listening;
  private server: Server | null = null;
  private port: number;
  private webhook: Webhook | null = null;

  constructor(parts: ChannelParts, listening: Listening) {
    this.parts = parts;
    this.listening = listening;
    this.port = listening.port;
  }

  /** Again on the same port, and with the same secret. What was not delivered is asked for at once, whenever it would have come. */
  async open(): Promise<void> {
    await this.listen();
    if (!this.webhook) this.webhook = new Webhook((await this.register()).secret);
    else if (!this.parts.behaviour().dead) await this.parts.exchange.post('deliveries/drains', {});
  }

  async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  private async listen(): Promise<void> {
    const server = createServer((request, response) => void this.take(request, response));
    this.server = server;
    server.listen(this.port, this.listening.url ? '0.0.0.0' : '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  /** A platform has one endpoint, and its secret is told once: one of an earlier life is given up. What was due there is due here. */
  private async register(): Promise<Endpoint> {
    const { exchange, say } = this.parts;
    const url = this.listening.url ?? `http://127.0.0.1:${this.port}/`;
    const { items } = await exchange.get<{ items: Endpoint[] }>('webhook-endpoints');
    for (const { endpointId, url: earlier } of items.filter(({ status }) => status !== 'ENDED')) {
      await exchange.delete(`webhook-endpoints/${endpointId}`);
      say(`took the place of its endpoint at ${earlier}`);
    }
    const endpoint = await exchange.post<Endpoint>('webhook-endpoints', { url, contact: '平台合规岗（模拟）' });
    say(`takes webhooks at ${url}`);
    return endpoint;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { behaviour, receive, say } = this.parts;
    if (behaviour().dead) return;
    const answer = (status: number): void => void response.writeHead(status).end();
    try {
      const body = await text(request);
      const headers = textHeaders(request);
      if (behaviour().wrong) {
        say(`answered webhook ${headers['webhook-id'] ?? ''} with 500`);
        return answer(500);
      }
      // Between the first request and the answer that tells the secret.
      if (!this.webhook) return answer(503);
      const told = this.webhook.verify(body, headers) as Arrived['told'];
      if (headers['ce-purpose'] === 'ENDPOINT_TEST') {
        say('took a test message');
        return answer(204);
      }
      await receive({
        id: headers['webhook-id'] ?? '',
        type: feedbackTypeIn(headers['ce-type'] ?? ''),
        position: Number(headers['ce-sequence']),
        told,
      });
      answer(204);
    } catch (problem) {
      say(`refused a webhook: ${problem instanceof Error ? problem.message : String(problem)}`);
      answer(problem instanceof WebhookVerificationError ? 400 : 503);
    }
  }
}

const textHeaders = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
