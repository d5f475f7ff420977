/**
 * What goes when its time has passed, and what does not, on real servers. Told in 2020, it had to be kept until 2023; the database, whose
 * own clock decides besides, refuses whatever would go earlier, to everybody.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreditStatusChanged, type FeedbackIssued, MerchantOnboarded, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aCreditStatus,
  aMerchant,
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
import { DataSource } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { firstIdOf } from './retention.js';
import { Retention, type RetentionPlan } from './retention.service.js';

const TOOL = join(__dirname, '../../../../tools/verify-evidence.mjs');
const LONG_AGO = new Date('2020-05-04T01:00:00.000Z');
const NOW = new Date('2026-11-23T01:00:00.000Z');
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-retention-'));
const clock = new StandingClock(LONG_AGO);
let place: Place;
let service: TestService;
let auditor: Http;
let publisher: Http;
const platforms = new Map<string, Http>();

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  publisher = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  for (const id of ['jd', 'vip']) {
    await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: `平台${id}` });
    platforms.set(id, place.http(await place.token('PLATFORM', id)));
  }
  await platforms.get('vip')?.put('/api/exchange/channel', { channel: 'PULL' });
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
});

const as = (id: string): Http => platforms.get(id) ?? place.http();

async function told(id: string, sampleNo: string, changes: Partial<SamplingResultPublished> = {}): Promise<FeedbackIssued> {
  const { revision = 1 } = changes;
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo, online: { platformName: `平台${id}` }, ...changes }));
  return eventually(async () => {
    const { body } = await as(id).get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (said?.subjectRevision !== revision) throw new Error('not told yet');
    return said;
  });
}
const answer = (said: FeedbackIssued, status = 'ACTED') =>
  as(said.recipientId).post('/api/exchange/receipts', {
    feedbackId: said.feedbackId,
    feedbackRevision: said.revision,
    feedbackHash: said.contentHash,
    revision: 1,
    status,
    answeredAt: clock.now().toISOString(),
  });
const qualified = { verdict: 'QUALIFIED', failingItems: undefined } as const;
const plan = async (query = ''): Promise<RetentionPlan> => (await auditor.get<RetentionPlan>(`/api/exchange/retention?${query}`)).body;
const rowsAbout = async ({ feedbackId }: FeedbackIssued): Promise<number[]> => {
  const counts = ['feedbacks', 'feedback_revisions', 'deliveries', 'answers', 'disputes', 'webhook_attempts'].map((table) =>
    place.sql<{ count: number }>(`SELECT count(*)::integer AS count FROM ${table} WHERE feedback_id = $1`, [feedbackId]),
  );
  return (await Promise.all(counts)).flat().map(({ count }) => count);
};
async function verified({ feedbackId }: FeedbackIssued): Promise<string> {
  const answered = await fetch(`${service.url}/api/exchange/feedback/${feedbackId}/evidence`, {
    headers: { authorization: `Bearer ${await place.token('AUDITOR', 'tj-audit')}` },
  });
  const file = join(folder, 'evidence.json');
  writeFileSync(file, await answered.text());
  return spawnSync(process.execPath, [TOOL, file], { encoding: 'utf8' }).stdout;
}

let done: FeedbackIssued;
let open: FeedbackIssued;
let undelivered: FeedbackIssued;
let disputed: FeedbackIssued;
let asksNothing: FeedbackIssued;
let recent: FeedbackIssued;

beforeAll(async () => {
  done = await told('jd', 'E-done');
  await answer(done);
  done = await told('jd', 'E-done', { revision: 2, product: { name: '黄冰糖' } });
  asksNothing = await told('jd', 'E-nothing', qualified);
  open = await told('jd', 'E-open');
  undelivered = await told('vip', 'E-undelivered', qualified);
  // What it contests asks for nothing: it is closed, but for the dispute.
  disputed = await told('jd', 'E-disputed', qualified);
  await answer(disputed, 'CONTESTED');
  await place.publish(MerchantOnboarded, aMerchant({ platformId: 'jd', shopId: 's-1', uscc: testUscc(9) }));
  await place.publish(CreditStatusChanged, aCreditStatus({ uscc: testUscc(9) }));
  await eventually(async () => expect(await place.sql(`SELECT FROM feedbacks WHERE kind = 'CREDIT_STATUS'`)).toHaveLength(1));
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  clock.set(NOW);
  recent = await told('jd', 'E-recent');
  await answer(recent);
}, 60_000);

describe('the database', () => {
  const refused = (sql: string, given: unknown[] = []) => ({
    sql,
    byOwner: () => place.sql(sql, given),
    byService: () => service.get(DataSource).query<unknown>(sql, given),
  });

  it('lets nobody erase or change what has to be kept, its owner included', async () => {
    const tried = [
      refused('DELETE FROM deliveries WHERE feedback_id = $1', [recent.feedbackId]),
      refused('DELETE FROM answers WHERE feedback_id = $1', [recent.feedbackId]),
      refused('DELETE FROM disputes WHERE feedback_id = $1', [disputed.feedbackId]),
      refused('DELETE FROM feedback_revisions WHERE feedback_id = $1', [recent.feedbackId]),
      refused('DELETE FROM feedbacks WHERE feedback_id = $1', [recent.feedbackId]),
      refused(`UPDATE deliveries SET retention_until = '2020-01-01T00:00:00Z' WHERE feedback_id = $1`, [recent.feedbackId]),
      refused(`UPDATE feedback_revisions SET said = '{}' WHERE feedback_id = $1`, [recent.feedbackId]),
      refused(`UPDATE answers SET status = 'RECEIVED' WHERE feedback_id = $1`, [recent.feedbackId]),
      refused('TRUNCATE deliveries'),
      refused('TRUNCATE feedback_revisions CASCADE'),
      refused('TRUNCATE answers'),
      refused('TRUNCATE webhook_attempts'),
      refused('DELETE FROM ledger_entries'),
    ];
    const before = await rowsAbout(recent);
    for (const { sql, byOwner, byService } of tried) {
      await expect(byOwner().then(() => sql)).rejects.toThrow(/has to be kept|only ever added to|foreign key/);
      await expect(byService().then(() => sql)).rejects.toThrow(/has to be kept|only ever added to|foreign key|permission denied/);
    }
    expect(await rowsAbout(recent)).toEqual(before);
  });
});

describe('a dry run', () => {
  it('tells what would go, what is held and why, and touches nothing', async () => {
    const before = await rowsAbout(done);
    const expected = { feedbacks: 2, revisions: 3, answers: 1, held: { OPEN: 1, UNDELIVERED: 1, DISPUTED: 1, STANDS: 1 } };
    expect(await plan()).toMatchObject({ asOf: NOW.toISOString(), ...expected });
    expect(await plan('asOf=2030-01-01T00:00:00Z')).toMatchObject({ feedbacks: 3, revisions: 4, answers: 2 });
    expect(await rowsAbout(done)).toEqual(before);
  });

  it('is for those who run or supervise it, and about what is to come', async () => {
    expect((await auditor.get('/api/exchange/retention?asOf=2020-01-01T00:00:00Z')).body).toMatchObject({
      status: 422,
      code: 'AS_OF_IN_PAST',
      errors: [{ pointer: '/asOf' }],
    });
    expect((await publisher.get('/api/exchange/retention')).status).toBe(403);
    expect((await as('jd').get('/api/exchange/retention')).status).toBe(403);
  });
});

describe('erasure', () => {
  it('takes what the dry run told, once over any number of processes, and nothing else', async () => {
    const { feedbacks } = await plan();
    const retention = service.get(Retention);
    const erased = await Promise.all([retention.erase(), retention.erase(), retention.erase()]);
    expect(erased.reduce((sum, one) => sum + one.feedbacks, 0)).toBe(feedbacks);
    expect(await rowsAbout(done)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await rowsAbout(asksNothing)).toEqual([0, 0, 0, 0, 0, 0]);
    for (const kept of [open, undelivered, disputed, recent]) expect((await rowsAbout(kept)).slice(0, 3)).toEqual([1, 1, 1]);
    expect(await plan()).toMatchObject({ feedbacks: 0, held: { OPEN: 1, UNDELIVERED: 1, DISPUTED: 1, STANDS: 1 } });
    expect(await retention.erase()).toEqual({ feedbacks: 0, records: 0 });
    expect((await auditor.get(`/api/exchange/feedback/${done.feedbackId}`)).body).toMatchObject({ code: 'FEEDBACK_UNKNOWN' });
  });

  it('leaves evidence of what is kept whole, and the ledger knows what was erased', async () => {
    for (const kept of [open, undelivered, disputed, recent]) expect(await verified(kept)).toContain('The evidence is whole.');
    const entries = await place.sql<{ kind: string }>(
      `SELECT entry::json ->> 'kind' AS kind FROM ledger_entries WHERE feedback_id = $1 ORDER BY seq`,
      [done.feedbackId],
    );
    expect(entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['TOLD', 'ANSWERED']));
    expect(entries.at(-1)).toEqual({ kind: 'ERASED' });
  });

  it('is not forgotten by what comes later: the subject is told anew, with evidence of its own', async () => {
    const anew = await told('jd', 'E-done', { revision: 3, product: { name: '冰片糖' } });
    expect(anew).toMatchObject({ feedbackId: done.feedbackId, revision: 1 });
    const printed = await verified(anew);
    expect(printed).toContain('The evidence is whole.');
    expect(printed.match(/^told:/gm)).toHaveLength(1);
  });

  it('goes on with what is done at last', async () => {
    await answer(open);
    await publisher.post(`/api/exchange/disputes/${disputed.feedbackId}/1/ruling`, { outcome: 'UPHELD', reason: '复核无误' });
    expect(await service.get(Retention).erase()).toMatchObject({ feedbacks: 1 });
    expect(await rowsAbout(open)).toEqual([0, 0, 0, 0, 0, 0]);
    // A ruling is told, so it is kept in its turn, and everything told before with it.
    expect((await rowsAbout(disputed)).slice(0, 3)).toEqual([1, 2, 2]);
  });

  it('takes records without a time of their own by their rule rows', async () => {
    const endpoint = '11111111-1111-4111-8111-111111111111';
    await place.sql(
      `INSERT INTO webhook_endpoints (endpoint_id, organisation_id, url, algorithm, contact, status, status_reason, status_since, registered_at)
       VALUES ($1, 'jd', 'https://a.example/', 'HMAC_SHA256', 'duty', 'ENDED', 'GONE', now(), now())`,
      [endpoint],
    );
    for (const day of ['2026-05-21', '2026-05-24'])
      await place.sql(
        `INSERT INTO contact_notices (organisation_id, platform_id, endpoint_id, reason, contact, noticed_at) VALUES ('jd', 'jd', $1, 'GONE', 'duty', $2)`,
        [endpoint, day],
      );
    for (const day of ['2023-11-20', '2023-11-25'])
      await place.sql(`INSERT INTO reconciliations VALUES ($1, 'jd', '{}')`, [firstIdOf(new Date(day))]);
    expect(await plan()).toMatchObject({ contactNotices: 1, reconciliations: 1 });
    expect(await service.get(Retention).erase()).toMatchObject({ records: 2 });
    expect(await place.sql('SELECT noticed_at::date::text AS day FROM contact_notices')).toEqual([{ day: '2026-05-24' }]);
    expect(await place.sql('SELECT FROM reconciliations')).toHaveLength(1);
  });

  it('empties copies of merchants that left long ago, and of recalls that are over, and knows their revision still', async () => {
    const [{ uscc }] = (await place.sql<{ uscc: string }>(`SELECT subject AS uscc FROM feedbacks WHERE kind = 'CREDIT_STATUS'`)) as [
      { uscc: string },
    ];
    const aYearAgo = new Date(Date.now() - 366 * 86_400_000).toISOString();
    for (const [shopId, exitedAt, code] of [
      ['s-gone', '2023-11-20', testUscc(8)],
      ['s-not-yet', '2023-11-25', testUscc(8)],
      ['s-recent', aYearAgo, testUscc(8)],
      ['s-told', '2023-11-20', uscc],
      ['s-here', null, testUscc(8)],
    ])
      await place.sql(`INSERT INTO platform_merchants VALUES ('jd', $1, 3, $2, '小店', $3, now())`, [shopId, code, exitedAt]);
    for (const [recallNo, standing, appliedAt] of [
      ['R-gone', 'CLOSED', '2021-11-20'],
      ['R-not-yet', 'CLOSED', '2021-11-25'],
      ['R-recent', 'WITHDRAWN', aYearAgo],
    ])
      await place.sql(`INSERT INTO recalls VALUES ($1, 2, $2, '{"sectors": []}', $3)`, [recallNo, standing, appliedAt]);
    for (const sql of [
      `UPDATE platform_merchants SET uscc = NULL WHERE shop_id IN ('s-recent', 's-here')`,
      `DELETE FROM platform_merchants WHERE shop_id = 's-recent'`,
      `UPDATE recalls SET state = NULL WHERE recall_no = 'R-recent'`,
      `DELETE FROM recalls WHERE recall_no = 'R-recent'`,
    ]) {
      await expect(place.sql(sql)).rejects.toThrow(/has to be kept/);
      await expect(service.get(DataSource).query(sql)).rejects.toThrow(/has to be kept/);
    }
    expect(await plan()).toMatchObject({ merchants: 1, recalls: 1 });
    expect(await service.get(Retention).erase()).toMatchObject({ records: 2 });
    expect(await plan()).toMatchObject({ merchants: 0, recalls: 0 });
    const shops = `SELECT shop_id AS shop, revision, uscc IS NULL AND shop_name IS NULL AS empty FROM platform_merchants
      WHERE shop_id <> 's-1' ORDER BY shop_id`;
    expect(await place.sql(shops)).toEqual([
      { shop: 's-gone', revision: 3, empty: true },
      { shop: 's-here', revision: 3, empty: false },
      { shop: 's-not-yet', revision: 3, empty: false },
      { shop: 's-recent', revision: 3, empty: false },
      { shop: 's-told', revision: 3, empty: false },
    ]);
    expect(await place.sql(`SELECT recall_no AS no FROM recalls WHERE state IS NULL`)).toEqual([{ no: 'R-gone' }]);
  });

  it('forgets what was given under a grant three years after its last day', async () => {
    const aYearAgo = new Date(Date.now() - 366 * 86_400_000).toISOString().slice(0, 10);
    for (const [id, last] of [
      ['GRANT:old', '2023-11-20'],
      ['GRANT:not-yet', '2023-11-25'],
      ['GRANT:recent', aYearAgo],
    ]) {
      await place.sql(
        `INSERT INTO entitlements (entitlement_id, revision, kind, status, recipient_id, provider_id, stream, mode, valid_until)
         VALUES ($1, 4, 'GRANT', 'EXPIRED', 'jd', 'jd', 'inspection.sampling-result', 'PULL', $2)`,
        [id, last],
      );
      await place.sql(`INSERT INTO granted_keys VALUES ($1, 'tj-amr:E-done', 1)`, [id]);
    }
    await expect(place.sql(`DELETE FROM granted_keys WHERE entitlement_id = 'GRANT:recent'`)).rejects.toThrow(/has to be kept/);
    expect(await plan()).toMatchObject({ grantedKeys: 1 });
    await service.get(Retention).erase();
    expect(await place.sql('SELECT entitlement_id AS id FROM granted_keys ORDER BY id')).toEqual([
      { id: 'GRANT:not-yet' },
      { id: 'GRANT:recent' },
    ]);
  });

  it('takes nothing early where the clock of a process runs ahead', async () => {
    clock.set(new Date('2040-01-01T00:00:00Z'));
    expect(await plan()).toMatchObject({ feedbacks: 2 });
    expect(await service.get(Retention).erase()).toMatchObject({ feedbacks: 0 });
    expect((await rowsAbout(recent)).slice(0, 4)).toEqual([1, 1, 1, 1]);
    expect(await place.sql(`SELECT FROM platform_merchants WHERE shop_id = 's-recent' AND uscc IS NOT NULL`)).toHaveLength(1);
    expect(await place.sql(`SELECT FROM granted_keys WHERE entitlement_id = 'GRANT:recent'`)).toHaveLength(1);
  });
});
