import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { isTransient } from '@jinqiao/messaging';
import { realServers } from '@jinqiao/testing';
import type { DataSource } from 'typeorm';
import { ServiceConfig } from './config.js';
import { connectDatabase } from './database.js';

/*
 * Goal: no answer of the database is waited for without end. Method: a proxy puts bytes into the middle of an answer that announce a
 * message of two thousand million bytes; node-postgres waits for the rest, which never comes.
 */
describe('a connection whose answer was spoilt', () => {
  let proxy: Server;
  let spoil = false;
  const sockets = new Set<Socket>();
  let db: DataSource;

  beforeAll(async () => {
    const place = await (await realServers()).place('credit');
    const real = new URL(place.env['DATABASE_URL'] ?? '');
    const port = Number(real.port);
    proxy = createServer((client) => {
      const upstream = connect(port, real.hostname);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      client.pipe(upstream);
      client.on('close', () => upstream.destroy());
      upstream.on('data', (bytes) => client.write(spoil ? Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff]) : bytes));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    real.port = String((proxy.address() as AddressInfo).port);
    const config = Object.assign(new ServiceConfig(), { DATABASE_URL: real.href, DATABASE_POOL: 1 });
    db = await connectDatabase('credit', config, []);
  });
  afterAll(async () => {
    await db.destroy();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  it('is given up within half a minute as an error that passes, and the next one serves', async () => {
    spoil = true;
    const began = Date.now();
    const problem: unknown = await db.query('SELECT 1').catch((error: unknown) => error);
    expect(isTransient(problem)).toBe(true);
    expect(Date.now() - began).toBeLessThan(30_000);
    spoil = false;
    expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  }, 45_000);
});
