/**
 * Followers over HTTP, against a real database: departments report, end records, follow and confirm. What counts is that a confirmation
 * never covers an end that the follower was not told. Each spec has followers of its own; the clock stands.
 */
import { encodeCursor, type Page } from '@jinqiao/platform';
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
import { CreditConfig } from '../config.js';
import { introducedCreditOffice } from '../credit-office.harness.js';
import { CreditModule } from '../credit.module.js';
import type { Changes } from '../credit-change/credit-change.service.js';
import { CreditRecords } from '../credit-record/credit-record.service.js';
import { CreditRecordSweep } from '../credit-record/credit-record.sweep.js';
import type { SignedManifest } from '../credit-snapshot/credit-snapshot.js';
import { CreditSnapshotJob } from '../credit-snapshot/credit-snapshot.job.js';
import { CreditSnapshots } from '../credit-snapshot/credit-snapshot.service.js';
import type { Confirmation, Unconfirmed } from './credit-follower.service.js';

const NOW = new Date('2026-11-27T04:00:00Z');
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
let deciding: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
  await service.get(CreditRecordSweep).onModuleDestroy();
  await service.get(CreditSnapshotJob).onModuleDestroy();
  await place.sql('DELETE FROM credit_snapshots');
  deciding = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
}, 60_000);
afterAll(() => service.close());
beforeEach(async () => {
  await isNumbered();
  await place.sql('DELETE FROM credit_followers');
});
afterEach(() => clock.set(NOW));

const follower = async (id: string): Promise<Http> => place.http(await place.token('DEPARTMENT', id));
const isNumbered = () => eventually(async () => expect(await place.sql('SELECT FROM changed_entities')).toEqual([]));
const report = async (
  recordNo: string,
  uscc: string,
  { by = deciding, revision = 1, ...named }: { by?: Http; revision?: number } & Record<string, unknown> = {},
) => {
  const record = { recordNo, uscc, revision, type: 'PENALTY', class: 'SERIOUS', documentDate: '2026-11-20', ...named };
  const digest = { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' };
  expect((await by.post('/api/credit/records', { ...record, digest })).body).toMatchObject({ outcome: 'accepted' });
  await isNumbered();
};
const end = async (recordNo: string, ground = 'REVOKED', by = deciding) => {
  const retraction = { revision: 2, ground, reason: '法院撤销', decidedOn: '2026-11-27' };
  const documents = { dutiesPerformed: { documentNo: 'D-1', on: '2026-11-26' }, notExcluded: { documentNo: 'D-2', on: '2026-11-26' } };
  const said = ground === 'REPAIRED' ? { ...retraction, ...documents } : retraction;
  expect((await by.post(`/api/credit/records/${recordNo}/retraction`, said)).status).toBe(200);
  await isNumbered();
};
const page = async (by: Http, after?: string, limit = 500): Promise<Changes> => {
  const answer = await by.get<Changes>(`/api/credit/changes?limit=${limit}${after === undefined ? '' : `&after=${after}`}`);
  expect(answer.status).toBe(200);
  return answer.body;
};
const confirm = (by: Http, cursor: string) => by.post<Confirmation>('/api/credit/changes/confirmations', { cursor });
const download = async (id: string, date: string | undefined): Promise<void> => {
  const headers = { authorization: `Bearer ${await place.token('DEPARTMENT', id)}` };
  const content = await fetch(`${place.origin}/api/credit/snapshots/${date}/content`, { headers });
  expect(content.status).toBe(200);
  await content.arrayBuffer();
};
const unconfirmed = async (by = auditor, query = ''): Promise<Unconfirmed[]> =>
  (await by.get<Page<Unconfirmed>>(`/api/credit/changes/unconfirmed${query}`)).body.items;

describe('a follower', () => {
  it('is whoever was given the feed or a snapshot, from then on; not who only looks after them', async () => {
    await report('A-1', testUscc(1));
    await report('A-2', testUscc(1));
    await end('A-1');
    const [feed, file, other] = [await follower('a-feed'), await follower('a-file'), await follower('a-other')];
    await page(feed);
    await page(auditor);
    await page(place.http(await place.token('OPERATOR', 'operator')));
    const date = (await service.get(CreditSnapshots).build())?.date;
    await file.get('/api/credit/snapshots');
    expect((await file.get<SignedManifest>(`/api/credit/snapshots/${date}`)).status).toBe(200);
    expect(await place.sql('SELECT department_id FROM credit_followers')).toEqual([{ department_id: 'a-feed' }]);
    await download('a-file', date);
    // What had ended before either was given anything is in nothing that it holds.
    expect(await unconfirmed()).toEqual([]);
    await end('A-2');
    const entry = { entities: 1, oldestToldAt: NOW.toISOString(), askedAt: NOW.toISOString(), confirmedAt: null };
    expect(await unconfirmed()).toMatchObject([
      { followerId: 'a-feed', ...entry },
      { followerId: 'a-file', ...entry },
    ]);
    expect((await confirm(other, (await page(auditor)).cursor)).body).toMatchObject({ status: 404, code: 'NOT_A_FOLLOWER' });
  });

  it('of a snapshot is asked about what has ended since it was taken', async () => {
    await report('B-1', testUscc(2));
    clock.set(new Date('2026-11-28T04:00:00Z'));
    const manifest = await service.get(CreditSnapshots).build();
    await end('B-1');
    const late = await follower('b-late');
    await download('b-late', manifest?.date);
    expect(await unconfirmed()).toMatchObject([{ followerId: 'b-late', entities: 1 }]);
    expect((await confirm(late, manifest?.after ?? '')).status).toBe(200);
    expect(await unconfirmed()).toHaveLength(1);
    await confirm(late, (await page(late, manifest?.after)).cursor);
    expect(await unconfirmed()).toEqual([]);
  });

  it('that has erased its copy is asked nothing, until it asks again', async () => {
    const gone = await follower('c-gone');
    await report('C-1', testUscc(3));
    await page(gone);
    await end('C-1');
    expect(await unconfirmed()).toHaveLength(1);
    expect((await gone.delete('/api/credit/changes/confirmations')).status).toBe(204);
    expect(await unconfirmed()).toEqual([]);
    await page(gone);
    expect(await unconfirmed()).toEqual([]);
  });
});

describe('a confirmation', () => {
  it('may be repeated and never goes back', async () => {
    const one = await follower('d-one');
    await report('D-1', testUscc(4));
    const before = await page(one);
    await end('D-1');
    const after = await page(one, before.cursor);
    const first = await confirm(one, after.cursor);
    expect(first).toMatchObject({ status: 200, body: { confirmedAt: NOW.toISOString() } });
    clock.set(new Date('2026-11-28T04:00:00Z'));
    expect((await confirm(one, after.cursor)).body).toEqual(first.body);
    expect((await confirm(one, before.cursor)).body).toEqual(first.body);
    expect(await unconfirmed()).toEqual([]);
  });

  it('of a cursor that was changed, or leads to nowhere, is refused as the feed refuses it', async () => {
    const one = await follower('e-one');
    const { cursor } = await page(one);
    expect((await confirm(one, `${cursor}x`)).body).toMatchObject({ status: 400, code: 'BAD_CURSOR', errors: [{ pointer: '/cursor' }] });
    const elsewhere = encodeCursor('credit-changes', ['another epoch', 1, 0, 1]);
    expect((await confirm(one, elsewhere)).body).toMatchObject({ status: 410, code: 'CURSOR_TOO_OLD', errors: [{ pointer: '/cursor' }] });
    expect((await one.post('/api/credit/changes/confirmations', {})).body).toMatchObject({ status: 400, errors: [{ pointer: '/cursor' }] });
  });

  // E moves on ahead of the reader and takes its end along: the reader passes the place where the end stood and is told nothing of it.
  it('does not cover an end that moved on ahead of its reader', async () => {
    const one = await follower('f-one');
    await report('F-1', testUscc(5));
    const start = await page(one);
    await end('F-1');
    await report('F-2', testUscc(6));
    await report('F-3', testUscc(7));
    // It would stand at the first place; it moves to the last.
    await report('F-4', testUscc(5));
    const passed = await page(one, start.cursor, 1);
    expect(passed).toMatchObject({ items: [{ uscc: testUscc(6) }], more: true });
    await confirm(one, passed.cursor);
    expect(await unconfirmed()).toMatchObject([{ followerId: 'f-one', entities: 1 }]);
    const rest = await page(one, passed.cursor);
    expect(rest.items.map(({ uscc }) => uscc)).toContain(testUscc(5));
    await confirm(one, rest.cursor);
    expect(await unconfirmed()).toEqual([]);
  });

  it('of a cursor from before cursors said what is cleared confirms nothing', async () => {
    const one = await follower('g-one');
    await report('G-1', testUscc(8));
    const { cursor } = await page(one);
    const [encoded = ''] = cursor.split('.');
    const [epoch, position, floor] = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as [string, number, number];
    await end('G-1');
    const [series] = await place.sql<{ last: string }>('SELECT last_position AS last FROM change_series');
    const older = encodeCursor('credit-changes', [epoch, Math.max(position, Number(series?.last)), floor]);
    expect((await confirm(one, older)).status).toBe(200);
    expect(await unconfirmed()).toMatchObject([{ followerId: 'g-one' }]);
    await confirm(one, (await page(one, older)).cursor);
    expect(await unconfirmed()).toEqual([]);
  });
});

describe('a number in the feed', () => {
  const face = async (by: Http, recordNo: string) => (await by.get(`/api/credit/public-records/${recordNo}`)).body;

  it('says to every department whose record it is, and when it has ended only that and why', async () => {
    const one = await follower('m-one');
    const { cursor } = await page(one);
    await report('M-1', testUscc(17));
    const [told] = (await page(one, cursor)).items;
    const [recordNo = ''] = told && 'recordNos' in told ? told.recordNos : [];
    expect(await face(one, recordNo)).toEqual({
      recordNo,
      revision: 1,
      uscc: testUscc(17),
      type: 'PENALTY',
      class: 'SERIOUS',
      departmentId: 'tj-amr',
      publicFrom: '2026-11-27',
      publicUntil: '2029-11-20',
      standing: 'PUBLIC',
      contested: false,
    });
    await end('M-1', 'REPAIRED');
    expect(await face(one, recordNo)).toEqual({ recordNo, revision: 2, standing: 'ENDED', endedReason: 'REPAIRED' });
  });

  it('that was never public looks like one that is not there', async () => {
    await report('M-2', testUscc(18), { class: 'MINOR' });
    const [kept] = await place.sql<{ no: string; revision: number }>(
      "SELECT record_no AS no, revision FROM credit_records WHERE subject = 'tj-amr:M-2'",
    );
    expect(kept).toMatchObject({ revision: 0 });
    for (const recordNo of [kept?.no ?? '', '6fa459ea-ee8a-5ca4-894e-000000000000', 'M-2']) {
      expect(await face(deciding, recordNo)).toMatchObject({ status: 404, code: 'RECORD_UNKNOWN' });
    }
  });
});

describe('who has not confirmed', () => {
  it.each(['REPAIRED', 'REVOKED', 'CORRECTED'])('is listed of what ended %s', async (ground) => {
    const one = await follower(`h-${ground.toLowerCase()}`);
    await report(`H-${ground}`, testUscc(9));
    await page(one);
    await end(`H-${ground}`, ground);
    expect(await unconfirmed()).toMatchObject([{ followerId: `h-${ground.toLowerCase()}`, entities: 1 }]);
  });

  it('is listed of what a decision of the credit office has repaired, and of what the clock has ended', async () => {
    const [one, office] = [await follower('i-one'), await introducedCreditOffice(place)];
    await report('I-1', testUscc(10));
    await report('I-2', testUscc(11), { class: 'GENERAL', documentDate: '2026-08-20', publicUntil: '2026-11-27' });
    await page(one);
    const decision = { decisionNo: 'R-1', uscc: testUscc(10), documentNo: 'I-1', decidedOn: '2026-11-27', decidedBy: '信用中国' };
    expect((await office.post('/api/credit/repair-decisions', decision)).status).toBe(200);
    await isNumbered();
    expect(await unconfirmed()).toMatchObject([{ followerId: 'i-one', entities: 1 }]);
    clock.set(new Date('2026-11-28T04:00:00Z'));
    await service.get(CreditRecords).sweep(500);
    await isNumbered();
    expect(await unconfirmed()).toMatchObject([{ followerId: 'i-one', entities: 2, oldestToldAt: NOW.toISOString() }]);
  });

  it('is not listed of what is public again', async () => {
    const one = await follower('j-one');
    await report('J-1', testUscc(12));
    await page(one);
    await end('J-1');
    await report('J-1', testUscc(12), { revision: 3 });
    expect(await unconfirmed()).toEqual([]);
  });

  it('stands there by the age of the oldest, page by page, with its clock', async () => {
    const [slow, quick] = [await follower('k-slow'), await follower('k-quick')];
    await report('K-1', testUscc(13));
    await page(slow);
    await end('K-1');
    await report('K-2', testUscc(14));
    await page(quick);
    clock.set(new Date('2026-11-30T04:00:00Z'));
    await end('K-2');
    clock.set(new Date('2026-12-03T04:00:00Z'));
    const first = (await auditor.get<Page<Unconfirmed>>('/api/credit/changes/unconfirmed?limit=1')).body;
    const ruleVersion = 'PENALTY_WITHDRAWAL@2021-07-15';
    expect(first.items).toMatchObject([{ followerId: 'k-slow', entities: 2, dueOn: '2026-12-02', ruleVersion, overdue: true }]);
    expect(await unconfirmed(auditor, `?limit=1&cursor=${first.next}`)).toMatchObject([
      { followerId: 'k-quick', entities: 1, dueOn: '2026-12-03', overdue: false },
    ]);
    expect((await unconfirmed(auditor, '?hoursLeast=73')).map(({ followerId }) => followerId)).toEqual(['k-slow']);
  });

  it('is shown to a department by its own records alone, and not when the other asks and confirms', async () => {
    const [one, other] = [await follower('l-one'), await follower('l-other')];
    await report('L-1', testUscc(15));
    await report('L-2', testUscc(16), { by: other });
    await page(one);
    await end('L-1');
    const listed = { followerId: 'l-one', entities: 1, oldestToldAt: NOW.toISOString(), dueOn: '2026-12-02', overdue: false };
    expect(await unconfirmed(deciding)).toEqual([{ ...listed, ruleVersion: 'PENALTY_WITHDRAWAL@2021-07-15' }]);
    expect(await unconfirmed(other)).toEqual([]);
    await end('L-2', 'REVOKED', other);
    expect(await unconfirmed(other)).toMatchObject([listed]);
    expect(await unconfirmed(deciding)).toMatchObject([listed]);
    expect(await unconfirmed()).toMatchObject([{ followerId: 'l-one', entities: 2 }]);
  });
});
