import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type FeedbackAnswered,
  type FeedbackIssued,
  LedgerHeadSigned,
  SamplingResultPublished,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import { canonicalForm } from '@jinqiao/schema';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { FlattenedSign } from 'jose';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { hashOfHead } from '../ledger/ledger.js';
import { Ledger } from '../ledger/ledger.service.js';
import type { UnsignedEvidence } from './evidence.js';

/*
 * Evidence as a third party gets and checks it: made by the service, checked by tools/verify-evidence.mjs in a process of its own, which
 * shares no code with the service.
 */
const TOOL = join(__dirname, '../../../../tools/verify-evidence.mjs');
const NOW = new Date('2026-11-23T01:00:00.000Z');
const clock = new StandingClock(NOW);
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-evidence-'));
let place: Place;
let service: TestService;
let jd: Http;
let key: KeyObject;
let kid: string;
/** The endpoint of jd refuses what comes first and takes everything after it. */
let calls = 0;
const receiver = createServer((request, response) => {
  request.resume();
  calls += 1;
  response.writeHead(calls === 1 ? 500 : 204).end();
});

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  jd = place.http(await place.token('PLATFORM', 'jd'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '京东' });
  const pair = generateKeyPairSync('ed25519');
  key = pair.privateKey;
  const registered = await jd.post<{ kid: string }>('/api/exchange/signature-keys', { jwk: pair.publicKey.export({ format: 'jwk' }) });
  kid = registered.body.kid;
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
  receiver.closeAllConnections();
  receiver.close();
});

const result = (sampleNo: string, revision: number, productName: string) =>
  aSamplingResult({ sampleNo, revision, online: { platformName: '京东' }, verdict: 'UNQUALIFIED', product: { name: productName } });

async function told(sampleNo: string, revision: number): Promise<FeedbackIssued> {
  return eventually(async () => {
    const { body } = await jd.get<{ items: FeedbackIssued[] }>(`/api/exchange/feedback?subject=tj-amr:${sampleNo}`);
    const [said] = body.items;
    if (said?.revision !== revision) throw new Error(`${sampleNo} is not told yet`);
    return said;
  });
}

async function signed(answered: FeedbackAnswered, by = key): Promise<FeedbackAnswered> {
  const bytes = new TextEncoder().encode(canonicalForm(answered));
  const jws = await new FlattenedSign(bytes).setProtectedHeader({ alg: 'EdDSA', kid }).sign(by);
  return { ...answered, signature: `${jws.protected ?? ''}..${jws.signature}` };
}

const answerTo = (said: FeedbackIssued, revision: number): FeedbackAnswered => ({
  feedbackId: said.feedbackId,
  feedbackRevision: said.revision,
  feedbackHash: said.contentHash,
  revision,
  status: 'ACTED',
  actions: [{ action: 'DELIST', at: '2026-11-23T00:30:00Z', result: 'DONE', listing: { itemId: '42' } }],
  answeredAt: '2026-11-23T00:59:00Z',
});

/** The file as it is downloaded, once the ledger holds so many entries about the feedback. */
async function evidence(feedbackId: string, entries: number): Promise<string> {
  return eventually(async () => {
    const answer = await fetch(`${service.url}/api/exchange/feedback/${feedbackId}/evidence`, {
      headers: { authorization: `Bearer ${await place.token('AUDITOR', 'tj-audit')}` },
    });
    const text = await answer.text();
    expect((JSON.parse(text) as UnsignedEvidence).entries).toHaveLength(entries);
    return text;
  });
}

function verify(text: string, ...options: string[]): { status: number | null; printed: string } {
  const file = join(folder, 'evidence.json');
  writeFileSync(file, text);
  const { status, stdout } = spawnSync(process.execPath, [TOOL, file, ...options], { encoding: 'utf8' });
  return { status, printed: stdout };
}

/** Waits until so many webhooks were tried and that is kept. */
const tried = (times: number): Promise<unknown> =>
  eventually(async () => expect(await place.sql('SELECT FROM webhook_attempts')).toHaveLength(times));
const byChannel = async (channel: string): Promise<void> => expect((await jd.put('/api/exchange/channel', { channel })).status).toBe(200);

/**
 * Everything that can be proven: told, contested, ruled on, withdrawn; acknowledged, and by webhook refused and taken; answered with and
 * without a signature.
 */
let whole: string;
beforeAll(async () => {
  await place.publish(SamplingResultPublished, result('E-1', 1, '冰糖'));
  const first = await told('E-1', 1);
  expect((await jd.post('/api/exchange/receipts', await signed(answerTo(first, 1)))).status).toBe(201);
  const named = { feedbackId: first.feedbackId, revision: 1 };
  await jd.post('/api/exchange/deliveries/acknowledgements', { deliveries: [named] });

  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  expect((await jd.post('/api/exchange/webhook-endpoints', { url, contact: '平台合规岗' })).status).toBe(201);
  await byChannel('WEBHOOK');
  await place.publish(SamplingResultPublished, result('E-1', 2, '黄冰糖'));
  const second = await told('E-1', 2);
  await tried(1);
  expect((await jd.post('/api/exchange/deliveries/drains', {})).body).toEqual({ due: 1 });
  await tried(2);
  const { actions: _actions, ...contested } = { ...answerTo(second, 1), status: 'CONTESTED' as const, reasonCode: 'NOT_OUR_GOODS' };
  expect((await jd.post('/api/exchange/receipts', contested)).status).toBe(201);
  const publisher = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  const ruling = { outcome: 'UPHELD', reason: '经复核，商品链接属贵平台' };
  expect((await publisher.post(`/api/exchange/disputes/${first.feedbackId}/2/ruling`, ruling)).status).toBeLessThan(300);
  const third = await told('E-1', 3);
  expect((await jd.post('/api/exchange/receipts', answerTo(third, 1))).status).toBe(201);
  await place.publish(SamplingResultWithdrawn, { ...result('E-1', 3, '黄冰糖'), reason: '更正', withdrawnAt: NOW.toISOString() });
  await told('E-1', 4);
  await tried(4);
  await byChannel('KAFKA');
  whole = await evidence(first.feedbackId, 16);
}, 60_000);

describe('evidence', () => {
  it('is checked by the tool alone, which tells what was told, kept and answered', () => {
    const { status, printed } = verify(whole);
    expect(printed).toContain('The evidence is whole.');
    expect(status).toBe(0);
    expect(printed).toMatch(/told: revision 1 .*\ntold: revision 2 .*\ntold: revision 3 .*\nruled: .*\ntold: revision 4 .*withdrawn: 更正/);
    expect(printed).toMatch(/^ruled: UPHELD by tj-amr at .* on what was contested of revision 2: 经复核，商品链接属贵平台$/m);
    expect(printed).toContain(`answered: ACTED to revision 1, signed by ${kid}`);
    expect(printed).toContain('answered: CONTESTED to revision 2, not signed');
    expect(printed).toContain('answered: ACTED to revision 3, not signed');
    expect(printed.match(/^webhook: revision \d, attempt \d at .*$/gm)?.map((line) => line.replace(/ at \S+:/, ':'))).toEqual([
      'webhook: revision 2, attempt 1: FAILED (500)',
      'webhook: revision 2, attempt 2: DELIVERED (204)',
      'webhook: revision 3, attempt 1: DELIVERED (204)',
      'webhook: revision 4, attempt 1: DELIVERED (204)',
    ]);
    expect(printed).toMatch(/^acknowledged: revision 1 at /m);
    expect(printed.match(/at the broker: revision \d since .* as \S*platform\.jd\.feedback\.v1\/\d+@\d+/g)).toHaveLength(4);
  });

  it('is signed by the key that the exchange publishes, and by no other', async () => {
    const { keys } = (await (await fetch(`${service.url}/api/exchange/ledger/keys`)).json()) as { keys: { kid: string }[] };
    expect(keys).toHaveLength(1);
    expect(verify(whole, '--key', keys[0]?.kid ?? '').status).toBe(0);
    expect(verify(whole, '--key', kid)).toMatchObject({ status: 1, printed: expect.stringContaining('WRONG: it is signed by') as string });
  });

  it('shows each of 10,000 random edits, and each of 1,000 truncations', () => {
    // Edited and checked in one process: a process for each edit would take an hour.
    const script = `
      import { readFileSync } from 'node:fs';
      const { verifyEvidence } = await import(${JSON.stringify(pathToFileURL(TOOL).href)});
      const text = readFileSync(process.argv[1], 'utf8');
      let state = 20261126;
      const below = (n) => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8) % n;
      const edits = [
        (at) => text.slice(0, at) + String.fromCharCode(32 + below(95)) + text.slice(at + 1),
        (at) => text.slice(0, at) + text.slice(at + 1 + below(40)),
        (at) => text.slice(0, at) + text.slice(at, at + 1 + below(40)) + text.slice(at),
        (at) => text.slice(0, at) + text.slice(at).replace(/[0-9]/, (digit) => (Number(digit) + 1) % 10),
      ];
      let edited = 0;
      const missed = [];
      while (edited < 10000) {
        const changed = edits[below(edits.length)](below(text.length));
        if (changed === text) continue;
        edited += 1;
        if (verifyEvidence(changed).problems.length === 0) missed.push(changed);
      }
      for (let n = 0; n < 1000; n += 1) {
        const cut = text.slice(0, below(text.length));
        if (verifyEvidence(cut).problems.length === 0) missed.push(cut);
      }
      console.log(JSON.stringify({ edited, missed, whole: verifyEvidence(text).problems }));`;
    const file = join(folder, 'evidence.json');
    writeFileSync(file, whole);
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ edited: 10_000, missed: [], whole: [] });
  }, 120_000);

  it('that its maker signs again after leaving an entry out or changing one does not fit the heads', async () => {
    const { signature: _signature, ...pack } = JSON.parse(whole) as UnsignedEvidence & { signature: string };
    const ledger = service.get(Ledger);
    const again = async (changed: object): Promise<string> => canonicalForm({ ...changed, signature: await ledger.sign(changed) });
    expect(verify(await again(pack)).status).toBe(0);
    const [first, ...rest] = pack.entries;
    expect(verify(await again({ ...pack, entries: rest })).printed).toContain('WRONG: the ledger and the revisions differ in number');
    const moved = { ...first, entry: { ...first?.entry, at: '2026-11-20T01:00:00.000Z' } };
    expect(verify(await again({ ...pack, entries: [moved, ...rest] })).printed).toMatch(/WRONG: entry \d+ is not in the ledger/);
    expect(verify(await again({ ...pack, told: pack.told.slice(0, 2) })).printed).toContain('WRONG');
    expect(verify(await again({ ...pack, answers: [] })).printed).toContain('WRONG: the ledger and the answers differ in number');
  });

  it('is given to those who may see the feedback', async () => {
    const { feedbackId } = JSON.parse(whole) as UnsignedEvidence;
    const path = `/api/exchange/feedback/${feedbackId}/evidence`;
    for (const [kind, id, status] of [
      ['PLATFORM', 'jd', 200],
      ['DEPARTMENT', 'tj-amr', 200],
      ['OPERATOR', 'operator', 200],
      ['PLATFORM', 'tmall', 404],
      ['DEPARTMENT', 'tj-credit', 404],
      ['STATISTICS', 'tj-stats', 403],
    ] as const) {
      expect({ kind, id, status: (await place.http(await place.token(kind, id)).get(path)).status }).toEqual({ kind, id, status });
    }
  });
});

describe('an answer with a signature', () => {
  it('is refused when another key made it, when it was changed, and after its key was revoked', async () => {
    await place.publish(SamplingResultPublished, result('E-2', 1, '白砂糖'));
    const said = await told('E-2', 1);
    const receipts = '/api/exchange/receipts';
    const stranger = await signed(answerTo(said, 1), generateKeyPairSync('ed25519').privateKey);
    expect((await jd.post(receipts, stranger)).body).toMatchObject({
      status: 422,
      code: 'SIGNATURE_WRONG',
      errors: [{ pointer: '/signature' }],
    });
    const changed = { ...(await signed(answerTo(said, 1))), status: 'NOTHING_FOUND' };
    expect((await jd.post(receipts, changed)).body).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect((await jd.post(receipts, { ...answerTo(said, 1), signature: 'nonsense' })).body).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect(await place.sql('SELECT 1 FROM answers WHERE feedback_id = $1', [said.feedbackId])).toEqual([]);
    const second = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const other = await jd.post<{ kid: string }>('/api/exchange/signature-keys', { jwk: second });
    expect(other.status).toBe(201);
    expect((await fetchDelete(`/api/exchange/signature-keys/${other.body.kid}`)).revokedAt).toBe(NOW.toISOString());
    expect((await jd.post(receipts, await signed(answerTo(said, 1)))).status).toBe(201);
  });

  it('needs a public key of a kind that is known, without its private part', async () => {
    const keys = '/api/exchange/signature-keys';
    for (const jwk of [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, { kty: 'OKP', crv: 'Ed25519', x: 'short' }, key.export({ format: 'jwk' })]) {
      expect((await jd.post(keys, { jwk })).body).toMatchObject({ status: 422, code: 'KEY_UNUSABLE', errors: [{ pointer: '/jwk' }] });
    }
    const tmall = place.http(await place.token('PLATFORM', 'tmall'));
    expect((await tmall.post(keys, { jwk: key.export({ format: 'jwk' }) })).body).toMatchObject({ code: 'KEY_UNUSABLE' });
  });
});

const fetchDelete = async (path: string): Promise<{ revokedAt: string }> => {
  const headers = { authorization: `Bearer ${await place.token('PLATFORM', 'jd')}` };
  return (await (await fetch(`${service.url}${path}`, { method: 'DELETE', headers })).json()) as { revokedAt: string };
};

describe('the ledger', () => {
  it('is closed for a day once, over any number of processes, and the head is published', async () => {
    const ledger = service.get(Ledger);
    await ledger.headOfNow();
    clock.set(new Date('2026-11-23T16:00:01.000Z'));
    await Promise.all([ledger.settle(), ledger.settle(), ledger.settle()]);
    clock.set(NOW);
    const heads = ((await (await fetch(`${service.url}/api/exchange/ledger/heads`)).json()) as { items: LedgerHeadSigned[] }).items;
    const closing = heads.filter(({ signedAt }) => signedAt === '2026-11-23T16:00:01.000Z');
    expect(closing).toHaveLength(1);
    expect(closing[0]?.date).toBe('2026-11-23');
    const published = await eventually(async () => {
      // Whoever keeps heads reads them itself.
      const records = await place.outside('jd').readAll('exchange.ledger-head.v1');
      expect(records).toHaveLength(heads.length);
      return records;
    });
    expect(published.map(({ body }) => body)).toEqual(expect.arrayContaining(heads));
  });

  it('signs anew where the last head was lost, also where it covered as many entries', async () => {
    const ledger = service.get(Ledger);
    const last = await eventually(async () => {
      const head = await ledger.headOfNow();
      const [{ told, published } = { told: 0, published: -1 }] = await place.sql<{ told: number; published: number }>(
        `SELECT count(*) FILTER (WHERE entry LIKE '%"kind":"TOLD"%') AS told, count(*) FILTER (WHERE entry LIKE '%"kind":"PUBLISHED"%') AS published
         FROM ledger_entries`,
      );
      expect(published).toBe(told);
      expect(await ledger.headOfNow()).toEqual(head);
      return head as LedgerHeadSigned;
    });
    const lost = { ...last, revision: last.revision + 1, rootHash: '0'.repeat(64) };
    await place.sql('INSERT INTO ledger_heads (date, revision, size, head, lost) VALUES ($1, $2, $3, $4, TRUE)', [
      lost.date,
      lost.revision,
      lost.size,
      lost,
    ]);
    const next = await ledger.headOfNow();
    expect(next).toMatchObject({ size: last.size, rootHash: last.rootHash, previousHash: hashOfHead(lost) });
    expect(await ledger.headOfNow()).toEqual(next);
  });

  it('can not be changed, not even by the one who owns its tables', async () => {
    for (const change of [
      "UPDATE ledger_entries SET entry = ''",
      'DELETE FROM ledger_nodes',
      'TRUNCATE ledger_heads',
      'DELETE FROM ledger_keys',
    ])
      await expect(place.sql(change)).rejects.toThrow('is only ever added to');
  });

  it('numbers entries without a gap, whatever order transactions end in', async () => {
    const ledger = service.get(Ledger);
    const [before] = await place.sql<{ size: string }>('SELECT count(*) AS size FROM ledger_entries');
    const entry = (n: number) =>
      ({ kind: 'TOLD', feedbackId: crypto.randomUUID(), feedbackRevision: n, recipientId: 'jd', contentHash: '', at: '' }) as const;
    const db = ledger['db'];
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        db
          .transaction(async (tx) => {
            await ledger.add(tx, [entry(n)]);
            await new Promise((resolve) => setTimeout(resolve, (n * 7) % 50));
            if (n % 10 === 9) throw new Error('rolled back');
          })
          .catch(() => undefined),
      ),
    );
    await ledger.settle();
    const [after] = await place.sql<{ size: string; last: string }>('SELECT count(*) AS size, max(seq) AS last FROM ledger_entries');
    expect(Number(after?.size)).toBe(Number(before?.size) + 36);
    expect(Number(after?.last)).toBe(Number(after?.size) - 1);
  });
});
