/**
 * Daily snapshots on a real database, and the property they are for: whoever begins with a snapshot, or from the start, whenever it likes, and
 * follows the changes ends with exactly what is public. The clock stands; the specs build snapshots and end records, a job numbers changes.
 */
import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { COMMITMENT_OUTCOMES, type CommitmentOutcome, type CreditStatusChanged } from '@jinqiao/contracts';
import { addDays, dayInChina } from '@jinqiao/law';
import type { Page } from '@jinqiao/platform';
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
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { type Changes, CreditChanges } from '../credit-change/credit-change.service.js';
import { CreditRecords } from '../credit-record/credit-record.service.js';
import { CreditRecordSweep } from '../credit-record/credit-record.sweep.js';
import type { SignedManifest } from './credit-snapshot.js';
import { CreditSnapshotJob } from './credit-snapshot.job.js';
import { CreditSnapshots } from './credit-snapshot.service.js';

const clock = new StandingClock(new Date('2026-11-27T04:00:00Z'));
let place: Place;
let service: TestService;
let department: Http;
let auditor: Http;

async function start(): Promise<TestService> {
  const started = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  await started.get(CreditSnapshotJob).onModuleDestroy();
  await started.get(CreditRecordSweep).onModuleDestroy();
  return started;
}
beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await start();
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
}, 60_000);
afterAll(() => service.close());

const today = (): string => dayInChina(clock.now());
const days = (count: number): void => clock.advance(count * 86_400_000);
const build = () => service.get(CreditSnapshots).build();
const isNumbered = () => eventually(async () => expect(await place.sql('SELECT FROM changed_entities')).toEqual([]));

const report = (recordNo: string, uscc: string, revision = 1) =>
  department.post('/api/credit/records', {
    recordNo,
    uscc,
    revision,
    type: 'PENALTY',
    class: 'GENERAL',
    documentDate: today(),
    publicUntil: addDays(today(), 100),
    digest: { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
  });
/** What an entity promised, and as what a department found it. */
const promise = (recordNo: string, uscc: string, { revision, outcome }: { revision: number; outcome: CommitmentOutcome | null }) =>
  department.post('/api/credit/records', {
    recordNo,
    uscc,
    revision,
    type: 'COMMITMENT',
    documentDate: '2026-11-01',
    commitment: { kind: 'CREDIT_REPAIR', madeTo: '天津市市场监督管理委员会', ...(outcome && { outcome, checkedOn: today() }) },
    digest: { documentNo: recordNo, matter: '信用承诺', authority: '天津市市场监督管理委员会' },
  });
const takeBack = (recordNo: string, revision: number) =>
  department.post(`/api/credit/records/${recordNo}/retraction`, { revision, ground: 'REVOKED', reason: '法院撤销' });

async function download(date: string): Promise<{ answer: Response; bytes: Buffer }> {
  const token = await place.token('AUDITOR', 'tj-audit');
  const answer = await fetch(`${place.origin}/api/credit/snapshots/${date}/content`, { headers: { authorization: `Bearer ${token}` } });
  return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
}
const linesOf = (bytes: Buffer): CreditStatusChanged[] =>
  gunzipSync(bytes)
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as CreditStatusChanged);
const manifests = async () => (await auditor.get<Page<SignedManifest>>('/api/credit/snapshots')).body.items;
const keys = async () => (await place.http().get<{ keys: (JsonWebKey & { kid: string })[] }>('/api/credit/snapshots/keys')).body.keys;

/** With node:crypto alone: RFC 8785 of a flat object of texts and whole numbers is its fields in order, without spaces. */
async function isSigned({ signature, ...manifest }: SignedManifest): Promise<boolean> {
  const [header = '', , end = ''] = signature.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const jwk = (await keys()).find((key) => key.kid === kid);
  const payload = Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)))));
  const signed = Buffer.from(`${header}.${payload.toString('base64url')}`);
  return jwk !== undefined && verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(end, 'base64url'));
}

/** What a reader knows, and how it learns it: from the newest snapshot or from the start, then page by page. */
class Reader {
  readonly known = new Map<string, CreditStatusChanged>();
  private cursor: string | null = null;
  private isReading = false;

  constructor(private readonly withSnapshot: boolean) {}

  /** Gives back whether there is more. One page at a time. */
  async read(limit: number): Promise<boolean> {
    if (this.isReading) return true;
    this.isReading = true;
    try {
      return await this.readPage(limit);
    } finally {
      this.isReading = false;
    }
  }

  async readToTheEnd(): Promise<CreditStatusChanged[]> {
    await isNumbered();
    for (let pages = 0; await this.read(3); pages += 1) expect(pages).toBeLessThan(100);
    return [...this.known.values()].sort((one, other) => one.uscc.localeCompare(other.uscc));
  }

  private async readPage(limit: number): Promise<boolean> {
    if (this.cursor === null && this.withSnapshot) await this.begin();
    const after = this.cursor === null ? '' : `&after=${this.cursor}`;
    const { status, body } = await auditor.get<Changes>(`/api/credit/changes?limit=${limit}${after}`);
    if (status === 410) {
      this.known.clear();
      this.cursor = null;
      return true;
    }
    expect(status).toBe(200);
    for (const change of body.items) {
      if ('removed' in change) this.known.delete(change.uscc);
      else this.known.set(change.uscc, change);
    }
    this.cursor = body.cursor;
    return body.more;
  }

  private async begin(): Promise<void> {
    const [newest] = await manifests();
    if (!newest) return;
    const { answer, bytes } = await download(newest.date);
    // Its time may have passed between the two requests.
    if (answer.status !== 200) return;
    for (const status of linesOf(bytes)) this.known.set(status.uscc, status);
    this.cursor = newest.after;
  }
}

async function whatIsPublic(): Promise<CreditStatusChanged[]> {
  const rows = await place.sql<{ uscc: string }>("SELECT uscc FROM credit_entities WHERE public_records <> '[]' ORDER BY uscc");
  return Promise.all(rows.map(async ({ uscc }) => (await auditor.get<CreditStatusChanged>(`/api/credit/entities/${uscc}`)).body));
}

describe('a snapshot', () => {
  it('is a gzip file even when nothing is public', async () => {
    expect(await build()).toMatchObject({ date: '2026-11-27', entities: 0, position: 0 });
    expect(linesOf((await download('2026-11-27')).bytes)).toEqual([]);
  });

  it('holds what is public of every entity and nothing else, with its sum and signature', async () => {
    days(1);
    for (const n of [1, 2, 3]) await report(`S-${n}`, testUscc(n));
    await takeBack('S-2', 2);
    await isNumbered();
    const manifest = await build();
    expect(await manifests()).toEqual([manifest, expect.objectContaining({ date: '2026-11-27' })]);
    expect((await auditor.get(`/api/credit/snapshots/${today()}`)).body).toEqual(manifest);

    const { answer, bytes } = await download(today());
    expect(linesOf(bytes)).toEqual(await whatIsPublic());
    expect(linesOf(bytes).map(({ uscc }) => uscc)).toEqual([testUscc(1), testUscc(3)].sort());
    const sha256 = createHash('sha256').update(bytes).digest();
    expect(manifest).toMatchObject({
      entities: 2,
      bytes: bytes.length,
      sha256: sha256.toString('hex'),
      takenAt: clock.now().toISOString(),
    });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/gzip',
      'content-length': String(bytes.length),
      etag: `"${sha256.toString('hex')}"`,
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
    });
    expect(manifest && (await isSigned(manifest))).toBe(true);
  });

  it('shows every changed byte, of its file and of its manifest', async () => {
    const [manifest] = await manifests();
    const { bytes } = await download(today());
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    expect(createHash('sha256').update(bytes).digest('hex')).not.toBe(manifest?.sha256);
    expect(manifest && (await isSigned({ ...manifest, entities: manifest.entities + 1 }))).toBe(false);
    expect(manifest && (await isSigned({ ...manifest, sha256: createHash('sha256').update(bytes).digest('hex') }))).toBe(false);
  });

  it('is in as many parts as it needs, and one file all the same', async () => {
    await place.sql(
      `INSERT INTO credit_entities (uscc, revision, public_records, record_nos)
       SELECT 'LARGE' || lpad(n::text, 13, '0'), 1, '[{"type": "RECALL", "count": 1}]', '["r"]' FROM generate_series(1, 2500) AS n`,
    );
    days(1);
    expect(await build()).toMatchObject({ entities: 2_502 });
    expect(await place.sql('SELECT chunks FROM credit_snapshots WHERE date = $1', [today()])).toEqual([{ chunks: 3 }]);
    const lines = linesOf((await download(today())).bytes);
    expect(new Set(lines.map(({ uscc }) => uscc)).size).toBe(2_502);
    await place.sql("DELETE FROM credit_entities WHERE uscc LIKE 'LARGE%'");
  });
});

describe('a day', () => {
  it('has one snapshot, whatever number of processes builds it', async () => {
    const other = await start();
    days(1);
    const all = [service, other, service, other].map((process) => process.get(CreditSnapshots).build());
    expect((await Promise.all(all)).filter((built) => built !== null)).toHaveLength(1);
    expect(await other.get(CreditSnapshots).build()).toBeNull();
    await other.close();
    place.origin = service.url;
    expect(await place.sql('SELECT FROM credit_snapshots WHERE date = $1', [today()])).toHaveLength(1);
  }, 60_000);

  it('that nobody was there for has none; the next is built as soon as somebody is', async () => {
    const before = today();
    days(2);
    expect(await build()).toMatchObject({ date: addDays(before, 2) });
    expect((await manifests()).map(({ date }) => date)).toEqual([addDays(before, 2), before]);
  });

  it('has its snapshot when the clock has ended what was to end', async () => {
    await report('C-1', testUscc(61));
    days(101);
    expect(await build()).toBeNull();
    await service.get(CreditRecords).sweep(500);
    expect(await build()).toMatchObject({ date: today() });
    expect(linesOf((await download(today())).bytes).map(({ uscc }) => uscc)).not.toContain(testUscc(61));
  });
});

describe('an old snapshot', () => {
  it('is given out for an hour beside the next one, and then erased with what has ended since', async () => {
    days(1);
    await report('O-1', testUscc(71));
    await isNumbered();
    const before = await build();
    await takeBack('O-1', 2);
    await isNumbered();
    days(1);
    await build();
    expect((await manifests()).map(({ date }) => date)).toEqual([today(), before?.date]);
    await service.get(CreditSnapshots).eraseOld();
    clock.advance(3_599_999);
    expect(await service.get(CreditSnapshots).eraseOld()).toBe(0);
    const { answer, bytes } = await download(before?.date ?? '');
    expect(answer.status).toBe(200);
    expect(linesOf(bytes).map(({ uscc }) => uscc)).toContain(testUscc(71));
    clock.advance(1);
    expect((await manifests()).map(({ date }) => date)).toEqual([today()]);
    expect((await auditor.get(`/api/credit/snapshots/${before?.date}`)).body).toMatchObject({ status: 404, code: 'SNAPSHOT_UNKNOWN' });
    expect((await download(before?.date ?? '')).answer.status).toBe(404);
    expect(await service.get(CreditSnapshots).eraseOld()).toBe(1);
    expect(await place.sql('SELECT date::text FROM credit_snapshots')).toEqual([{ date: today() }]);
    expect(await place.sql('SELECT FROM snapshot_chunks WHERE snapshot_id NOT IN (SELECT snapshot_id FROM credit_snapshots)')).toEqual([]);
    expect(linesOf((await download(today())).bytes).map(({ uscc }) => uscc)).not.toContain(testUscc(71));
  });

  it('does not outlive the period of withdrawal when nothing newer is built', async () => {
    days(14);
    expect(await manifests()).toEqual([]);
    expect(await service.get(CreditSnapshots).eraseOld()).toBe(1);
    expect(await place.sql('SELECT FROM snapshot_chunks')).toEqual([]);
  });
});

/*
 * Histories of a few entities: records are published, taken back, brought back and expire, several at the same time; snapshots are built and
 * tombstones erased at any moment; readers begin when they first read. What one reader has told it keeps over the runs.
 */
const entity = fc.integer({ min: 0, max: 3 });
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('report' as const), entity, record: fc.integer({ min: 0, max: 1 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('takeBack' as const), entity, record: fc.integer({ min: 0, max: 1 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('promise' as const), entity, outcome: fc.constantFrom(null, ...COMMITMENT_OUTCOMES) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('build' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('erase' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('read' as const),
      reader: fc.integer({ min: 0, max: 3 }),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

describe('a snapshot and the changes since', () => {
  let run = 0;

  async function play(acts: readonly (readonly Act[])[]): Promise<void> {
    run += 1;
    const readers = [new Reader(true), new Reader(true), new Reader(false), new Reader(false)];
    const revisions = new Map<string, number>();
    const next = (recordNo: string): number => {
      const revision = (revisions.get(recordNo) ?? 0) + 1;
      revisions.set(recordNo, revision);
      return revision;
    };
    const doing = async (one: Act): Promise<unknown> => {
      switch (one.does) {
        case 'report': {
          const recordNo = `R-${run}-${one.entity}-${one.record}`;
          return report(recordNo, testUscc(200 + one.entity), next(recordNo));
        }
        case 'promise': {
          const recordNo = `C-${run}-${one.entity}`;
          return promise(recordNo, testUscc(200 + one.entity), { revision: next(recordNo), outcome: one.outcome });
        }
        case 'takeBack': {
          const recordNo = `R-${run}-${one.entity}-${one.record}`;
          return takeBack(recordNo, next(recordNo));
        }
        case 'wait':
          days(one.days);
          return service.get(CreditRecords).sweep(500);
        case 'build':
          return build();
        case 'erase':
          return service.get(CreditChanges).eraseTombstones(2);
        case 'read':
          return readers[one.reader]?.read(one.limit);
      }
    };
    for (const together of acts) await Promise.all(together.map(doing));
    await service.get(CreditRecords).sweep(500);
    const expected = await whatIsPublic();
    expect(commitmentsIn(expected)).toEqual(await commitmentsKept());
    for (const reader of [...readers, new Reader(true), new Reader(false)]) expect(await reader.readToTheEnd()).toEqual(expected);
    await service.get(CreditSnapshots).eraseOld();
    const kept = await manifests();
    for (const { date } of kept.filter((manifest) => manifest.date === today())) {
      for (const { recordNos } of linesOf((await download(date)).bytes)) await assertNotEndedBefore(recordNos, date);
    }
  }

  const commitmentsIn = (told: readonly CreditStatusChanged[]) =>
    told.flatMap(({ uscc, commitments }) => (commitments && commitments.open + commitments.broken > 0 ? [{ uscc, ...commitments }] : []));

  /** Counted once more, from the records themselves. */
  const commitmentsKept = () =>
    place.sql(
      `SELECT uscc, sum((type = 'COMMITMENT' AND NOT coalesce(commitment ? 'outcome', FALSE))::integer)::integer AS open,
              sum((type = 'COMMITMENT_BROKEN')::integer)::integer AS broken
       FROM credit_records WHERE standing = 'PUBLIC' GROUP BY uscc
       HAVING bool_or(type = 'COMMITMENT_BROKEN' OR (type = 'COMMITMENT' AND NOT coalesce(commitment ? 'outcome', FALSE))) ORDER BY uscc`,
    );

  /** No record of a snapshot had passed its last day when it was built. */
  async function assertNotEndedBefore(recordNos: readonly string[], date: string): Promise<void> {
    expect(
      await place.sql('SELECT FROM credit_records WHERE record_no = ANY ($1::uuid[]) AND public_until < $2', [recordNos, date]),
    ).toEqual([]);
  }

  it('are exactly what is public, for whoever begins wherever', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 15 }), play), {
      numRuns: 25,
      endOnFailure: true,
    });
  }, 180_000);
});

describe('who may take snapshots', () => {
  it('are departments, auditors and operators; the keys are anybody’s', async () => {
    for (const path of ['', `/${today()}`, `/${today()}/content`]) {
      const url = `/api/credit/snapshots${path}`;
      expect((await place.http(await place.token('PLATFORM', 'jd')).get(url)).status).toBe(403);
      expect((await place.http(await place.token('STATISTICS', 'tj-stats')).get(url)).status).toBe(403);
      expect((await place.http().get(url)).status).toBe(401);
      expect([200, 404]).toContain((await department.get(url)).status);
      expect([200, 404]).toContain((await place.http(await place.token('OPERATOR', 'operator')).get(url)).status);
    }
    expect(await keys()).toHaveLength(1);
    expect(Object.keys((await keys())[0] ?? {})).not.toContain('d');
  });
});

describe('a database that is set back', () => {
  it('begins another epoch: old cursors are refused, and the day gets another snapshot', async () => {
    days(1);
    await report('B-1', testUscc(301));
    await isNumbered();
    const before = await build();
    await service.close();
    const setBack = await place.backUp();
    service = await start();
    await report('B-2', testUscc(302));
    await isNumbered();
    const reader = new Reader(false);
    expect(await reader.readToTheEnd()).toEqual(await whatIsPublic());
    await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
    await service.close();

    await setBack();
    service = await start();
    const old = await auditor.get(`/api/credit/changes?after=${before?.after}`);
    expect(old.body).toMatchObject({ status: 410, code: 'CURSOR_TOO_OLD' });
    expect(await manifests()).toEqual([]);
    expect(await build()).toMatchObject({ date: before?.date });
    for (const any of [reader, new Reader(true), new Reader(false)]) {
      await isNumbered();
      expect(await any.readToTheEnd()).toEqual(await whatIsPublic());
    }
    // What was published and not in the backup is public again.
    expect((await whatIsPublic()).map(({ uscc }) => uscc)).toContain(testUscc(302));
  }, 120_000);
});
