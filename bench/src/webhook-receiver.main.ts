import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// Platforms' endpoints, in a process of their own: /dead takes a request and never answers, /slow takes it after a while, every other path
// takes what is signed with BENCH_SECRET and counts it. Told `reset` it forgets, told `counts` it says how many different webhooks it has taken and how many were signed rightly.
const key = Buffer.from((process.env['BENCH_SECRET'] ?? '').slice('whsec_'.length), 'base64');
const taken = new Set<string>();
let signed = 0;
/** A third of what the exchange waits for. */
const SLOW_MS = 5_000;

const server = createServer((request, response) => {
  if (request.url === '/dead') return;
  if (request.url === '/slow') {
    request.resume();
    setTimeout(() => response.writeHead(204).end(), SLOW_MS);
    return;
  }
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const id = String(request.headers['webhook-id']);
    if (!taken.has(id)) {
      taken.add(id);
      const mac = createHmac('sha256', key).update(`${id}.${String(request.headers['webhook-timestamp'])}.`);
      for (const part of parts) mac.update(part);
      signed += Number(request.headers['webhook-signature'] === `v1,${mac.digest('base64')}`);
    }
    response.writeHead(204).end();
  });
});

process.on('message', (asked) => {
  if (asked === 'reset') {
    taken.clear();
    signed = 0;
  }
  process.send?.({ taken: taken.size, signed });
});
process.once('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
