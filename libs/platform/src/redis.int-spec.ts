import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually, realServers } from '@jinqiao/testing';
import { ServiceConfig } from './config.js';
import { RateLimit } from './rate-limit.js';
import { Redis } from './redis.js';

/*
 * Goal: a Redis that is there and says nothing (frozen, swapping, behind a dead link) holds nobody up. Method: a proxy that stops passing
 * on what the server says.
 */
describe('a Redis that has fallen silent', () => {
  let proxy: Server;
  let isSilent = false;
  const sockets = new Set<Socket>();
  let redis: Redis;
  let limit: RateLimit;

  beforeAll(async () => {
    const place = await (await realServers()).place('credit');
    const real = new URL(place.env['REDIS_URL'] ?? '');
    const port = Number(real.port);
    proxy = createServer((client) => {
      const upstream = connect(port, real.hostname);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      client.pipe(upstream);
      client.on('close', () => upstream.destroy());
      upstream.on('data', (bytes) => !isSilent && client.write(bytes));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    real.port = String((proxy.address() as AddressInfo).port);
    const config = Object.assign(new ServiceConfig(), { REDIS_URL: real.href, KAFKA_NAMESPACE: 'silent.', RATE_LIMIT_PER_MINUTE: 100 });
    redis = new Redis(config);
    limit = new RateLimit(config, redis);
    await eventually(async () => expect(await redis.answers()).toBe(true));
  });
  afterAll(() => {
    redis.onApplicationShutdown();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  it('costs a request a quarter of a second, and those that follow nothing', async () => {
    isSilent = true;
    const began = performance.now();
    await limit.take('jd');
    const first = performance.now() - began;
    expect(first).toBeGreaterThanOrEqual(200);
    for (let request = 0; request < 20; request++) await limit.take('jd');
    expect(performance.now() - began).toBeLessThan(first + 200);
    expect(await redis.answers()).toBe(false);
  });
});
