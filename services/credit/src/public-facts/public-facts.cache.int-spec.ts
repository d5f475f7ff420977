import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fetchDownloads, freePort, redisPassword, redisProcess } from '@jinqiao/infra-local/servers';
import { Redis } from '@jinqiao/platform';
import {
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { CreditRecordSweep } from '../credit-record/credit-record.sweep.js';
import type { Verification } from '../verification/verification.js';

/*
 * Whatever becomes of Redis, nobody is told what was true before a change that its writer was told of. The service reaches a Redis of its
 * own through a proxy that cuts, delays, silences and refuses; where restarts come thick and fast, one is a cut after which everything is
 * gone. The clock stands at noon of 2026-11-23 in China, and does not end records by itself.
 */
const NOON = new Date('2026-11-23T04:00:00.000Z');
const clock = new StandingClock(NOON);
let place: Place;
let service: TestService;
let redis: ReturnType<typeof redisProcess>;
let proxy: RedisProxy;
const home = mkdtempSync(join(tmpdir(), 'jinqiao-redis-'));
let jd: Http;
let department: Http;

beforeAll(async () => {
  const servers = await realServers();
  const { seed } = servers.addresses;
  const port = await freePort();
  const report = (): void => undefined;
  redis = redisProcess({ dataDir: home, port, seed, program: () => fetchDownloads(report).redisServer, report });
  await redis.start();
  proxy = await RedisProxy.before(new URL(`redis://:${redisPassword(seed)}@127.0.0.1:${port}`));
  place = await servers.place('credit', { env: { REDIS_URL: proxy.url } });
  await start();
  jd = place.http(await place.token('PLATFORM', 'jd'));
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterEach(async () => {
  proxy.heal();
  clock.set(NOON);
  await eventually(async () => expect(await service.get(Redis).answers()).toBe(true));
});
afterAll(async () => {
  await service.close();
  proxy.close();
  await redis.stop();
  rmSync(home, { recursive: true });
});

async function start(): Promise<void> {
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  await service.get(CreditRecordSweep).onModuleDestroy();
}

/** A public record of the entity in this revision; answered when it is stored. */
async function report(n: number, revision: number, more: object = {}): Promise<void> {
  const digest = { documentNo: `${n}`, matter: `第${revision}版`, authority: '天津市市场监督管理委员会' };
  const record = { recordNo: `R-${n}`, uscc: testUscc(n), type: 'PENALTY', class: 'GENERAL', documentDate: '2026-11-20', revision, digest };
  const answer = await department.post('/api/credit/records', { ...record, ...more });
  expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
}

const takeBack = async (n: number, revision: number): Promise<void> => {
  const ground = { revision, ground: 'REVOKED', reason: '撤销' };
  expect(await department.post(`/api/credit/records/R-${n}/retraction`, ground)).toMatchObject({ status: 200 });
};

async function ask(...numbers: number[]): Promise<Verification[]> {
  const items = numbers.map((n) => ({ uscc: testUscc(n) }));
  const { status, body } = await jd.post<{ items: Verification[] }>('/api/credit/verifications', {
    purpose: 'ONBOARDING',
    applicationId: 'RZ-1',
    items,
  });
  expect(status).toBe(200);
  return body.items;
}

/** What is said of the entity, as the revision that says so; 0 = nothing. */
const told = ({ records }: Verification): number => Number(/\d+/.exec(records[0]?.digest?.matter ?? '0')?.[0]);

const keysOf = (n: number): Promise<string[]> => service.get(Redis).client.keys(`${place.namespace}facts:*${testUscc(n)}*`);
const isKept = (n: number, entries = 1) => eventually(async () => expect(await keysOf(n)).toHaveLength(entries));
/** Has Redis hold another answer than the tables, to show where one comes from. */
async function falsify(n: number, revision: number): Promise<void> {
  const { client } = service.get(Redis);
  for (const key of await keysOf(n)) await client.set(key, String(await client.get(key)).replace(/第\d+版/, `第${revision}版`));
}

describe('what Redis holds', () => {
  it('is put there by whoever reads it first, for an hour, and answers whoever comes next', async () => {
    await report(1, 1);
    expect((await ask(1)).map(told)).toEqual([1]);
    await isKept(1);
    const [key = ''] = await keysOf(1);
    const left = await service.get(Redis).client.ttl(key);
    expect(left).toBeGreaterThan(3_500);
    expect(left).toBeLessThanOrEqual(3_600);
    await falsify(1, 77);
    expect((await ask(1)).map(told)).toEqual([77]);
  });

  it('answers nobody any more once the record has changed, in whatever way', async () => {
    await report(2, 1);
    await ask(2);
    await isKept(2);
    await falsify(2, 77);
    await report(2, 2);
    expect((await ask(2)).map(told)).toEqual([2]);
    await isKept(2, 2);
    await falsify(2, 77);
    await takeBack(2, 3);
    expect((await ask(2)).map(told)).toEqual([0]);
    await report(2, 4);
    expect((await ask(2)).map(told)).toEqual([4]);
    // A person at the database, past every use case.
    await place.sql(`UPDATE credit_records SET digest = jsonb_set(digest, '{matter}', '"第5版"') WHERE uscc = $1`, [testUscc(2)]);
    expect((await ask(2)).map(told)).toEqual([5]);
    await place.sql('DELETE FROM credit_record_versions; DELETE FROM credit_records');
    expect((await ask(2)).map(told)).toEqual([0]);
  });

  it('is nothing of the register, whose changes show at once', async () => {
    await report(3, 1);
    await place.sql("INSERT INTO registered_entities (uscc, revision, name, status) VALUES ($1, 1, '示例', 'ACTIVE')", [testUscc(3)]);
    expect(await ask(3)).toMatchObject([{ registration: { status: 'ACTIVE' } }]);
    await isKept(3);
    await place.sql("UPDATE registered_entities SET status = 'REVOKED', revision = 2 WHERE uscc = $1", [testUscc(3)]);
    expect(await ask(3)).toMatchObject([{ registration: { status: 'REVOKED', source: { revision: 2 } } }]);
  });

  it('is of one day: nothing is told beyond its last, and nothing before its first', async () => {
    await report(4, 1, { publicUntil: '2027-02-20' });
    const on = async (at: string): Promise<number[]> => {
      clock.set(new Date(at));
      return (await ask(4)).map(told);
    };
    expect(await on('2027-02-20T15:59:59.999Z')).toEqual([1]);
    await isKept(4);
    // No process has ended it yet, and Redis still holds the answer of the day before.
    expect(await on('2027-02-20T16:00:00.000Z')).toEqual([0]);
    expect(await place.sql('SELECT standing FROM credit_records WHERE uscc = $1', [testUscc(4)])).toEqual([{ standing: 'PUBLIC' }]);
    // A process whose clock is behind answers for its own day.
    expect(await on('2027-02-20T15:59:59.999Z')).toEqual([1]);
    expect(await on('2026-11-22T15:59:59.999Z')).toEqual([0]);
  });

  it('is of this database: one that is set back and goes on otherwise is not told what might have been', async () => {
    const say = (revision: number) =>
      place.sql(`UPDATE credit_records SET digest = jsonb_build_object('matter', '第${revision}版') WHERE uscc = $1`, [testUscc(5)]);
    await report(5, 1);
    await service.close();
    const setBack = await place.backUp();
    await start();
    await say(2);
    expect((await ask(5)).map(told)).toEqual([2]);
    await isKept(5);
    await service.close();
    await setBack();
    await start();
    expect((await ask(5)).map(told)).toEqual([1]);
    await say(3);
    expect((await ask(5)).map(told)).toEqual([3]);
  }, 60_000);
});

describe('reading', () => {
  it('is done by one at a time for all who ask for the same, and once for a thousand merchants', async () => {
    await report(6, 1);
    const db = service.get(DataSource);
    const query = db.query.bind(db);
    let [readings, underWay, most] = [0, 0, 0];
    jest.spyOn(db, 'query').mockImplementation(async (text, ...rest) => {
      if (!text.includes('FROM credit_records')) return query(text, ...rest) as unknown;
      readings += 1;
      most = Math.max(most, (underWay += 1));
      return query(text, ...rest).finally(() => (underWay -= 1)) as unknown;
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(6)));
    expect(new Set(answers.map(([one]) => one && told(one)))).toEqual(new Set([1]));
    expect(most).toBe(1);

    const many = Array.from({ length: 1_000 }, (_, n) => 10_000 + n);
    await place.sql(
      `INSERT INTO credit_records (record_no, revision, uscc, type, department_id, subject, source_revision, legal_basis, document_date,
         public_from, standing, digest)
       SELECT gen_random_uuid(), 1, uscc, 'PENALTY', 'tj-amr', uscc, 1, '[]', '2026-11-20', '2026-11-20', 'PUBLIC', '{"matter": "第8版"}'
       FROM unnest($1::text[]) AS uscc`,
      [many.map(testUscc)],
    );
    const before = readings;
    expect(new Set((await ask(...many)).map(told))).toEqual(new Set([8]));
    expect(readings - before).toBe(1);
    jest.restoreAllMocks();
  });

  it('fails for all who wait for it, and is tried again by the next', async () => {
    await report(7, 1);
    const db = service.get(DataSource);
    const query = db.query.bind(db);
    jest
      .spyOn(db, 'query')
      .mockImplementation((text, ...rest) =>
        text.includes('FROM credit_records') ? Promise.reject(new Error('away')) : query(text, ...rest),
      );
    const url = `/api/credit/verifications/${testUscc(7)}?purpose=ONBOARDING&applicationId=RZ-1`;
    const before = await place.sql('SELECT count(*) FROM enquiries');
    const answers = await Promise.all([jd.get(url), jd.get(url), jd.get(url)]);
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 500]);
    // What was not answered is not noted.
    expect(await place.sql('SELECT count(*) FROM enquiries')).toEqual(before);
    jest.restoreAllMocks();
    expect((await ask(7)).map(told)).toEqual([1]);
  });

  it('goes on without Redis, a quarter of a second late where it has only fallen silent', async () => {
    await report(8, 1);
    for (const fault of ['cut', 'refuse', 'silence'] as const) {
      proxy[fault]();
      const began = performance.now();
      expect((await ask(8)).map(told)).toEqual([1]);
      expect(performance.now() - began).toBeLessThan(1_000);
      proxy.heal();
      await eventually(async () => expect(await service.get(Redis).answers()).toBe(true));
    }
  });
});

describe('a Redis that is killed and started again', () => {
  /** kill -9 of the server and its keeper; whoever supervises them starts it again. */
  async function kill(): Promise<void> {
    process.kill(-Number(redis.pid), 'SIGKILL');
    await eventually(async () => expect(await service.get(Redis).answers()).toBe(false));
  }
  const isBack = () => eventually(async () => expect(await service.get(Redis).answers()).toBe(true), { within: 30_000 });

  it('holds nothing any more, and what changed while it was away is told', async () => {
    await report(21, 1);
    await ask(21);
    await isKept(21);
    await kill();
    expect((await ask(21)).map(told)).toEqual([1]);
    await report(21, 2);
    expect((await ask(21)).map(told)).toEqual([2]);
    await isBack();
    expect((await ask(21)).map(told)).toEqual([2]);
    await isKept(21);
    await takeBack(21, 3);
    expect((await ask(21)).map(told)).toEqual([0]);
  }, 60_000);

  it('comes back with what somebody had saved, and nobody is told of that', async () => {
    await report(22, 1);
    await ask(22);
    await isKept(22);
    const saved = await keysOf(22);
    await service.get(Redis).client.sendCommand(['SAVE']);
    await report(22, 2);
    await ask(22);
    await isKept(22, 2);
    await kill();
    await report(22, 3);
    await isBack();
    expect(await keysOf(22)).toEqual(saved);
    expect((await ask(22)).map(told)).toEqual([3]);
    await takeBack(22, 4);
    expect((await ask(22)).map(told)).toEqual([0]);
  }, 60_000);
});

/*
 * One after the other, faults, changes and questions in any order: after a change was answered, every answer is of that change or a later
 * one. Entities are the test's own, so that what Redis holds of them is of this run.
 */
type Step = { readonly do: 'report' | 'takeBack' | 'ask'; readonly entity: number } | { readonly do: Fault };
type Fault = 'cut' | 'refuse' | 'silence' | 'slow' | 'flush' | 'restart' | 'heal';
const ENTITIES = 3;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('report', 'takeBack', 'ask'), entity: fc.nat({ max: ENTITIES - 1 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom<Fault>('cut', 'refuse', 'silence', 'slow', 'flush', 'restart', 'heal') }),
  },
);
let firstOfRun = 1_000;

it('no answer is older than a change that was acknowledged, whatever becomes of Redis meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
      const numbers = Array.from({ length: ENTITIES }, (_, n) => firstOfRun + n);
      firstOfRun += ENTITIES;
      const revisions = numbers.map(() => 0);
      const said = numbers.map(() => 0);
      for (const one of steps) {
        if (!('entity' in one)) {
          await apply(one.do);
          continue;
        }
        const n = numbers[one.entity] ?? 0;
        const next = (revisions[one.entity] ?? 0) + 1;
        if (one.do === 'report') await report(n, next);
        if (one.do === 'takeBack' && next > 1) await takeBack(n, next);
        if (one.do === 'report' || (one.do === 'takeBack' && next > 1)) {
          revisions[one.entity] = next;
          said[one.entity] = one.do === 'report' ? next : 0;
        }
        expect((await ask(n)).map(told)).toEqual([said[one.entity]]);
        expect((await ask(...numbers)).map(told)).toEqual(said);
      }
      proxy.heal();
      expect((await ask(...numbers)).map(told)).toEqual(said);
    }),
    { numRuns: 15 },
  );
}, 240_000);

it('no answer to one of many readers goes back behind a change, while Redis comes and goes', async () => {
  const n = 2_000;
  let acknowledged = 0;
  const over = new AbortController();
  const writing = (async () => {
    for (let revision = 1; revision <= 40; revision += 1) {
      await report(n, revision);
      acknowledged = revision;
    }
    over.abort();
  })();
  const breaking = (async () => {
    for (const fault of ['slow', 'cut', 'flush', 'silence', 'restart'] as const) {
      if (over.signal.aborted) return;
      await apply(fault);
      await pause(200);
    }
  })();
  const reading = Array.from({ length: 8 }, async () => {
    let answers = 0;
    while (!over.signal.aborted) {
      const atLeast = acknowledged;
      const [answer] = await ask(n);
      if (atLeast > 0) expect(answer && told(answer)).toBeGreaterThanOrEqual(atLeast);
      answers += 1;
    }
    return answers;
  });
  await Promise.all([writing, breaking]);
  expect(Math.min(...(await Promise.all(reading)))).toBeGreaterThan(3);
}, 120_000);

async function apply(fault: Fault): Promise<void> {
  if (fault === 'flush') return forget();
  if (fault === 'restart') {
    proxy.refuse();
    await forget();
    proxy.heal();
    return;
  }
  proxy[fault]();
}

/** Everything of this place is gone from Redis; what is there of others stays. */
async function forget(): Promise<void> {
  const straight = new Redis(Object.assign(new CreditConfig(), { REDIS_URL: proxy.realUrl }));
  await eventually(async () => expect(await straight.answers()).toBe(true));
  const keys = await straight.client.keys(`${place.namespace}facts:*`);
  if (keys.length > 0) await straight.client.del(keys);
  straight.onApplicationShutdown();
}

/** Stands before Redis and spoils what passes. */
class RedisProxy {
  private readonly server: Server;
  private readonly links = new Set<Socket>();
  private mode: Fault = 'heal';

  static async before(real: URL): Promise<RedisProxy> {
    const proxy = new RedisProxy(real);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(private readonly real: URL) {
    this.server = createServer((client) => {
      const upstream = connect(Number(real.port), real.hostname);
      for (const socket of [client, upstream]) {
        this.links.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => [client, upstream].forEach((one) => one.destroy()));
      }
      client.on('data', (bytes) => upstream.write(bytes));
      // In order, whatever it does meanwhile.
      let passed = Promise.resolve();
      upstream.on('data', (bytes) => {
        passed = passed.then(() => this.pass(client, bytes));
      });
      if (this.mode === 'refuse') client.resetAndDestroy();
    });
  }

  get url(): string {
    const url = new URL(this.real);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  get realUrl(): string {
    return this.real.href;
  }

  /** Every connection is reset once. */
  cut(): void {
    for (const socket of this.links) socket.resetAndDestroy();
    this.links.clear();
  }

  /** Every connection is reset, and so is each new one. */
  refuse(): void {
    this.mode = 'refuse';
    this.cut();
  }

  /** Redis is there and says nothing, until it is healed. */
  silence(): void {
    this.mode = 'silence';
  }

  /** Everything it says comes late. */
  slow(): void {
    this.mode = 'slow';
  }

  heal(): void {
    this.mode = 'heal';
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private async pass(client: Socket, bytes: Buffer): Promise<void> {
    if (this.mode === 'slow') await pause(40);
    while (this.mode === 'silence' && client.writable) await pause(5);
    if (client.writable) client.write(bytes);
  }
}
