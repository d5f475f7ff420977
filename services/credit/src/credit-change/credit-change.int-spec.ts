/**
 * The change feed over HTTP, against a real database: departments report and take back, an auditor follows. The service numbers changes
 * every second by itself; specs wait for the door to be empty.
 */
import { SamplingResultPublished } from '@jinqiao/contracts';
import { Received } from '@jinqiao/messaging';
import { encodeCursor } from '@jinqiao/platform';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { DataSource, type EntityManager } from 'typeorm';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { CreditRecords } from '../credit-record/credit-record.service.js';
import type { EntityChange } from './credit-change.js';
import { type Changes, CreditChanges } from './credit-change.service.js';

const NOW = new Date('2026-11-27T04:00:00Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let department: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
}, 60_000);
afterAll(() => service.close());

const report = async (recordNo: string, uscc: string, revision = 1) => {
  const record = { recordNo, uscc, revision, type: 'PENALTY', class: 'SERIOUS', documentDate: '2026-11-20' };
  const digest = { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' };
  expect((await department.post('/api/credit/records', { ...record, digest })).body).toMatchObject({ outcome: 'accepted' });
};
const takeBack = async (recordNo: string, revision = 2) => {
  const retraction = { revision, ground: 'REVOKED', reason: '法院撤销' };
  expect((await department.post(`/api/credit/records/${recordNo}/retraction`, retraction)).status).toBe(200);
};
const isNumbered = () => eventually(async () => expect(await place.sql('SELECT FROM changed_entities')).toEqual([]));
const page = async (after: string | null, limit = 500): Promise<Changes> => {
  const answer = await auditor.get<Changes>(`/api/credit/changes?limit=${limit}${after === null ? '' : `&after=${after}`}`);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
};
/** Reads to the end. */
async function follow(after: string | null, limit = 500): Promise<{ told: EntityChange[]; cursor: string }> {
  const told: EntityChange[] = [];
  for (let cursor = after; ;) {
    const read = await page(cursor, limit);
    told.push(...read.items);
    cursor = read.cursor;
    if (!read.more) return { told, cursor };
  }
}
const theEnd = async (): Promise<string> => (await follow(null)).cursor;
const names = (told: readonly EntityChange[]): string[] => told.map((one) => `${one.uscc} ${'removed' in one ? 'removed' : one.revision}`);

it('tells each entity once, at the place of its newest change', async () => {
  const [one, other] = [testUscc(1), testUscc(2)];
  const from = await theEnd();
  await report('A-1', one);
  await isNumbered();
  await report('A-2', other);
  await isNumbered();
  expect(names((await follow(from)).told)).toEqual([`${one} 1`, `${other} 1`]);
  await report('A-3', one);
  await isNumbered();
  const { told } = await follow(from);
  expect(names(told)).toEqual([`${other} 1`, `${one} 2`]);
  expect(told[1]).toEqual((await auditor.get(`/api/credit/entities/${one}`)).body);
});

it('meets an entity that moves while it reads page by page', async () => {
  const usccs = [testUscc(11), testUscc(12), testUscc(13)];
  const from = await theEnd();
  for (const [index, uscc] of usccs.entries()) {
    await report(`M-${index}`, uscc);
    await isNumbered();
  }
  const first = await page(from, 1);
  await report('M-3', testUscc(12));
  await isNumbered();
  const { told } = await follow(first.cursor, 1);
  expect(names([...first.items, ...told])).toEqual([`${usccs[0]} 1`, `${usccs[2]} 1`, `${usccs[1]} 2`]);
});

it('does not go past a change that is committed later than others', async () => {
  const [late, soon] = [testUscc(21), testUscc(22)];
  const from = await theEnd();
  const slow = service.get(DataSource).createQueryRunner();
  await slow.startTransaction();
  await publishResult(slow.manager, 'LATE', late);
  await report('L-1', soon);
  await isNumbered();
  const before = await follow(from);
  expect(names(before.told)).toEqual([`${soon} 1`]);
  await slow.commitTransaction();
  await slow.release();
  await isNumbered();
  expect(names((await follow(before.cursor)).told)).toEqual([`${late} 1`]);
});

it('tells nothing of a transaction that is rolled back', async () => {
  const from = await theEnd();
  const failing = service.get(DataSource).transaction(async (tx) => {
    await publishResult(tx, 'ROLLED-BACK', testUscc(31));
    expect(await tx.query('SELECT uscc FROM changed_entities')).toEqual([{ uscc: testUscc(31) }]);
    throw new Error('the transaction fails');
  });
  await expect(failing).rejects.toThrow('the transaction fails');
  await isNumbered();
  expect((await follow(from)).told).toEqual([]);
});

it('numbers every change once, whatever number of processes does it', async () => {
  const other = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  const from = await theEnd();
  const usccs = Array.from({ length: 30 }, (_, index) => testUscc(100 + index));
  let reporting = true;
  const numbering = [service, other].map(async (process) => {
    for (; reporting;) await process.get(CreditChanges).number(3);
  });
  await Promise.all(usccs.map((uscc, index) => report(`N-${index}`, uscc)));
  reporting = false;
  await Promise.all(numbering);
  await isNumbered();
  await other.close();
  place.origin = service.url;
  expect((await follow(from, 7)).told.map(({ uscc }) => uscc).sort()).toEqual([...usccs].sort());
  const [series] = await place.sql('SELECT last_position = (SELECT max(position) FROM credit_changes) AS "endsThere" FROM change_series');
  expect(series).toEqual({ endsThere: true });
}, 60_000);

describe('what has ended', () => {
  it('is a tombstone, at once and at the end of the feed', async () => {
    const uscc = testUscc(41);
    await report('E-1', uscc);
    await isNumbered();
    const from = await theEnd();
    await takeBack('E-1');
    const all = (await follow(null)).told.filter((told) => told.uscc === uscc);
    expect(all).toEqual([{ uscc, revision: 2, removed: true }]);
    await isNumbered();
    expect((await follow(from)).told).toEqual([{ uscc, revision: 2, removed: true }]);
    await report('E-1', uscc, 3);
    await isNumbered();
    expect(names((await follow(from)).told)).toEqual([`${uscc} 3`]);
  });

  it('goes when its tombstone has stood for 90 days; who may not have seen it begins again', async () => {
    const [ended, stands] = [testUscc(51), testUscc(52)];
    await report('T-1', ended);
    await isNumbered();
    const before = await theEnd();
    await takeBack('T-1');
    await report('T-2', stands);
    await isNumbered();
    const after = await theEnd();
    clock.set(new Date('2027-02-25T03:59:59Z'));
    expect(await service.get(CreditChanges).eraseTombstones(10)).toBe(0);
    clock.set(new Date('2027-02-25T04:00:01Z'));
    // The job that numbers may hold the series for a moment.
    await eventually(async () => expect(await service.get(CreditChanges).eraseTombstones(10)).toBeGreaterThan(0));
    clock.set(NOW);

    expect((await auditor.get(`/api/credit/changes?after=${before}`)).body).toMatchObject({
      status: 410,
      code: 'CURSOR_TOO_OLD',
      pointer: '/after',
      snapshots: '/api/credit/snapshots',
    });
    expect((await follow(after)).told).toEqual([]);
    // From the start, in many pages, although each of their cursors lies before what was erased.
    const { told } = await follow(null, 1);
    expect(told.map(({ uscc }) => uscc)).toContain(stands);
    expect(told.map(({ uscc }) => uscc)).not.toContain(ended);
  });
});

describe('a cursor', () => {
  it.each([
    ['of another list', encodeCursor('credit-records', ['x', 1, 0])],
    ['that was changed', `${encodeCursor('credit-changes', ['x', 1, 0])}x`],
  ])('%s is refused', async (_, cursor) => {
    expect((await auditor.get(`/api/credit/changes?after=${cursor}`)).body).toMatchObject({ status: 400, code: 'BAD_CURSOR' });
  });
});

describe('who may follow', () => {
  it('are departments, auditors and operators: nobody else', async () => {
    const status = async (http: Http) => (await http.get('/api/credit/changes?limit=1')).status;
    expect(await status(department)).toBe(200);
    expect(await status(place.http(await place.token('OPERATOR', 'operator')))).toBe(200);
    expect(await status(place.http(await place.token('PLATFORM', 'jd')))).toBe(403);
    expect(await status(place.http(await place.token('STATISTICS', 'tj-stats')))).toBe(403);
    expect(await status(place.http())).toBe(401);
  });
});

/** In a transaction that the caller holds open, as a batch of results from the broker. */
async function publishResult(tx: EntityManager, sampleNo: string, uscc: string): Promise<void> {
  const record = { topic: 'inspection.sampling-result.v1', partition: 0, offset: '0', timestamp: '0', key: null, value: null, headers: {} };
  const result = aSamplingResult({
    sampleNo,
    nominalProducer: undefined,
    sampledParty: { name: '示例商店', uscc },
    notice: { no: '2026-1', publishedOn: '2026-11-01' },
  });
  await service.get(CreditRecords).follow(tx, [new Received(record, SamplingResultPublished, result, null, [])]);
}
