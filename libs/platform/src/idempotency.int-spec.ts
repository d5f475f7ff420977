import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@jinqiao/infra-local/servers';
import { type Answer, eventually, Http, type Place, realServers, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { Controller, Module, Post } from '@nestjs/common';
import { Client } from 'pg';
import { Allow, KeepsOwnLog, PlatformModule, ServiceConfig } from './index.js';

/*
 * Goal: a key is not in use for longer than somebody handles its request, whatever broke meanwhile. Method: the database goes away behind
 * a proxy while a request is handled; a process of a real service is killed, or frozen, while its request waits for a lock of ours.
 */
const IN_USE = { status: 409, body: { code: 'IDEMPOTENCY_KEY_IN_USE' } };

describe('a key whose database was away', () => {
  const handled: string[] = [];
  let place: Place;
  let proxy: Proxy;
  let department: Http;
  let service: TestService;

  @Controller('api/credit/things')
  @Allow('DEPARTMENT')
  @KeepsOwnLog()
  class ThingsController {
    @Post('broken')
    broken(): void {
      handled.push('broken');
      if (handled.filter((name) => name === 'broken').length > 1) return;
      proxy.cut();
      throw new Error('broken');
    }

    @Post('done')
    done(): object {
      handled.push('done');
      proxy.cut();
      return { number: handled.length };
    }

    @Post('taken')
    taken(): void {
      handled.push('taken');
    }
  }

  @Module({
    imports: [PlatformModule.forService({ name: 'credit', config: ServiceConfig, entities: [] })],
    controllers: [ThingsController],
  })
  class CreditModule {}

  beforeAll(async () => {
    place = await (await realServers()).place('credit');
    const url = new URL(place.env['DATABASE_URL'] ?? '');
    proxy = await Proxy.before(new URL(url));
    url.port = String(proxy.port);
    service = await startTestService(CreditModule, place, { env: { DATABASE_URL: url.href } });
    department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  });
  afterAll(async () => {
    await service.close();
    proxy.close();
  });

  const post = (path: string): Promise<Answer> =>
    department.post(`/api/credit/things/${path}`, {}, { headers: { 'idempotency-key': path } });

  it('when it had just been taken is released when the database is back', async () => {
    // Before any other: a statement that was asked often is sent by its name alone.
    proxy.cutAfter('INSERT INTO idempotency_keys');
    expect((await post('taken')).status).toBe(503);
    expect(handled).not.toContain('taken');
    expect(await place.sql(`SELECT status FROM idempotency_keys WHERE key = 'taken'`)).toEqual([{ status: null }]);
    proxy.mend();
    await eventually(async () => expect(await post('taken')).toMatchObject({ status: 201 }), { within: 15_000 });
  }, 30_000);

  it('when it was to be released is released when the database is back', async () => {
    expect((await post('broken')).status).toBeGreaterThanOrEqual(500);
    proxy.mend();
    await eventually(async () => expect(await post('broken')).toMatchObject({ status: 201 }), { within: 15_000 });
    expect(handled.filter((name) => name === 'broken')).toHaveLength(2);
  }, 30_000);

  it('when the answer was to be kept keeps it when the database is back, and nothing is done twice', async () => {
    expect((await post('done')).status).toBeGreaterThanOrEqual(500);
    proxy.mend();
    const again = await eventually(
      async () => {
        const answer = await post('done');
        expect(answer).toMatchObject({ status: 201 });
        return answer;
      },
      { within: 15_000 },
    );
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(handled.filter((name) => name === 'done')).toHaveLength(1);
  }, 30_000);
});

describe('a key that another process holds', () => {
  let place: Place;
  let admin: Client;
  let owner: Client;
  let first: Running;
  let second: Running;

  beforeAll(async () => {
    place = await (await realServers()).place('registration');
    const token = await place.token('PLATFORM', 'jd');
    admin = new Client({ connectionString: place.servers.databaseAdminUrl });
    owner = new Client({ connectionString: place.env['DATABASE_MIGRATION_URL'] });
    [first, second] = await Promise.all([Running.start(place, token), Running.start(place, token), admin.connect(), owner.connect()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([first.stop(), second.stop(), admin.end(), owner.end()]);
  });

  const onboard = (process: Running, key: string): Promise<Answer> =>
    process.http.post(
      '/api/registration/merchants',
      { shopId: key, shopName: '示例网店', uscc: testUscc(1) },
      { headers: { 'idempotency-key': key } },
    );

  /** The first process handles a request until it is let go: it waits for the log of who did what. */
  async function handling(key: string): Promise<{ answer: Promise<Answer | null>; letGo: () => Promise<unknown> }> {
    await owner.query('BEGIN; LOCK TABLE access_log IN SHARE MODE');
    const answer = onboard(first, key).catch(() => null);
    const waiting = `SELECT FROM pg_locks JOIN idempotency_keys AS held ON held.key = $1
                     WHERE relation = 'access_log'::regclass AND NOT granted`;
    await eventually(async () => expect(await place.sql(waiting, [key])).toHaveLength(1));
    return { answer, letGo: () => owner.query('COMMIT') };
  }

  const sessionOfHolder = async (key: string): Promise<number | undefined> => {
    const [session] = await place.sql<{ pid: number }>(
      `SELECT pid FROM pg_locks JOIN idempotency_keys ON objid = holder::oid WHERE locktype = 'advisory' AND key = $1`,
      [key],
    );
    return session?.pid;
  };

  it('stays in use while that one is frozen', async () => {
    const { answer, letGo } = await handling('frozen');
    first.signal('SIGSTOP');
    expect(await onboard(second, 'frozen')).toMatchObject(IN_USE);
    await sleep(4_000);
    expect(await onboard(second, 'frozen')).toMatchObject(IN_USE);
    first.signal('SIGCONT');
    await letGo();
    expect(await answer).toMatchObject({ status: 200 });
    const again = await onboard(second, 'frozen');
    expect(again).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  }, 40_000);

  it('stays in use when that one has lost the connection of its lock and takes it again', async () => {
    const { answer, letGo } = await handling('lost');
    first.signal('SIGSTOP');
    const lost = await sessionOfHolder('lost');
    await admin.query('SELECT pg_terminate_backend($1, 5000)', [lost]);
    expect(await sessionOfHolder('lost')).toBeUndefined();
    const other = onboard(second, 'lost');
    await sleep(500);
    first.signal('SIGCONT');
    expect(await other).toMatchObject(IN_USE);
    expect(await sessionOfHolder('lost')).not.toBe(lost);
    await letGo();
    expect(await answer).toMatchObject({ status: 200 });
  }, 40_000);

  it('is taken over within seconds when that one was killed', async () => {
    const { answer, letGo } = await handling('killed');
    first.signal('SIGKILL');
    expect(await answer).toBeNull();
    await letGo();
    const began = Date.now();
    expect(await onboard(second, 'killed')).toMatchObject({ status: 200 });
    expect(Date.now() - began).toBeLessThan(10_000);
    expect((await onboard(second, 'killed')).headers.get('idempotency-replayed')).toBe('true');
  }, 40_000);
});

/** Stands before the database, and can be taken away. */
class Proxy {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private mark: string | null = null;

  private constructor(
    private readonly server: Server,
    database: URL,
  ) {
    server.on('connection', (client: Socket) => {
      if (this.isCut) return client.destroy();
      const upstream = connect(Number(database.port), database.hostname);
      for (const socket of [client, upstream]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => [client, upstream].forEach((one) => one.destroy()));
      }
      let isMarked = false;
      client.on('data', (bytes: Buffer) => {
        isMarked ||= this.mark !== null && bytes.includes(this.mark);
        upstream.write(bytes);
      });
      upstream.on('data', (bytes) => (isMarked ? this.cut() : client.write(bytes)));
      return client;
    });
  }

  static async before(database: URL): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server, database);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  /** The statement is carried out; its answer comes no more. */
  cutAfter(statement: string): void {
    this.mark = statement;
  }

  mend(): void {
    this.isCut = false;
    this.mark = null;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

const REGISTRATION = fileURLToPath(new URL('../../../services/registration/dist/main.js', import.meta.url));

/** A real process of registration. */
class Running {
  private constructor(
    private readonly child: ChildProcess,
    readonly http: Http,
  ) {}

  static async start(place: Place, token: string): Promise<Running> {
    const port = await freePort();
    const child = spawn(process.execPath, [REGISTRATION], {
      env: { ...process.env, ...place.env, PORT: String(port) },
      stdio: 'ignore',
    });
    const running = new Running(child, new Http(() => `http://127.0.0.1:${port}`, token));
    await eventually(async () => expect((await running.http.get('/health/ready')).status).toBe(200), { within: 60_000 });
    return running;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.signal('SIGKILL');
    await ended;
  }
}
