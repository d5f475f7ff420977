/** Real requests to a real server on the loopback: what is sent, how long an answer is waited for, and what is read of it. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Exceptions } from '../endpoint/endpoint.address.js';
import { ANSWER_MS_MAX, WebhookSender } from './webhook.sender.js';

const clock = { now: () => new Date('2026-11-23T01:00:00.000Z') };
const never = new AbortController().signal;
let answering: RequestListener;
let sender: WebhookSender;
let server: Server;
let connections: number;

beforeEach(async () => {
  connections = 0;
  sender = new WebhookSender(clock, { exceptions: new Exceptions('127.0.0.1'), resolve: () => Promise.resolve([]) });
  server = createServer((request, response) => answering(request, response)).on('connection', () => (connections += 1));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  jest.useRealTimers();
  server.closeAllConnections();
  server.close();
  await sender.onApplicationShutdown();
});

const send = (stop = never) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?a=1`;
  return sender.send({ endpointId: 'e', url, headers: { 'webhook-id': 'w' }, body: '{"said":"香辣花生"}' }, stop);
};

it('sends the bytes it was given, over connections that stay', async () => {
  const taken: string[] = [];
  answering = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      taken.push(`${request.method} ${request.url} ${String(request.headers['webhook-id'])} ${Buffer.concat(parts).toString()}`);
      response.writeHead(204).end();
    });
  };
  const delivered = { outcome: 'DELIVERED', status: 204, reason: null, retryAt: null };
  for (let turn = 0; turn < 10; turn += 1) expect(await send()).toEqual(delivered);
  expect(taken).toEqual(Array(10).fill('POST /hooks?a=1 w {"said":"香辣花生"}'));
  // The next request goes out with the status of the one before, whose connection is free a moment later.
  expect(connections).toBeLessThanOrEqual(2);
});

it('takes what is said before the answer for none, and of two times to come again the first', async () => {
  answering = (_request, response) => {
    response.writeProcessing();
    response.setHeader('retry-after', ['120', '60']).writeHead(429).end();
  };
  expect(await send()).toEqual({ outcome: 'THROTTLED', status: 429, reason: null, retryAt: new Date('2026-11-23T01:02:00.000Z') });
});

it('reads no more than a little of an answer without end', async () => {
  const closed = new Promise<void>((resolve) => {
    answering = (request, response) => {
      response.writeHead(200);
      const written = setInterval(() => response.write(Buffer.alloc(4_096)), 1);
      request.socket.once('close', () => {
        clearInterval(written);
        resolve();
      });
    };
  });
  expect((await send()).outcome).toBe('DELIVERED');
  await closed;
});

it('waits so long for an answer, and no longer', async () => {
  const asked = new Promise<void>((resolve) => (answering = () => resolve()));
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setInterval', 'queueMicrotask', 'performance', 'Date'] });
  const sent = send();
  await asked;
  jest.advanceTimersByTime(ANSWER_MS_MAX);
  expect(await sent).toEqual({ outcome: 'TIMED_OUT', status: null, reason: 'No answer within 15 s', retryAt: null });
});

it('comes to no outcome when the process ends meanwhile', async () => {
  const stop = new AbortController();
  answering = () => stop.abort();
  await expect(send(stop.signal)).rejects.toThrow('The process ends');
  await expect(send(stop.signal)).rejects.toThrow('aborted');
});
