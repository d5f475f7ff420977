/** The proof that one head of the ledger follows from another: asked for without a token, checked by tools/verify-evidence.mjs as it came. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerHeadSigned } from '@jinqiao/contracts';
import { type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import type { Consistency } from './ledger.js';
import { Ledger } from './ledger.service.js';

const TOOL = join(__dirname, '../../../../tools/verify-evidence.mjs');
const clock = new StandingClock(new Date('2026-11-21T01:00:00.000Z'));
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-heads-'));
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock });
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.close();
});

/** A head over so many entries more, signed on that day. */
async function headOn(date: string, more: number): Promise<LedgerHeadSigned> {
  clock.set(new Date(`${date}T01:00:00.000Z`));
  const ledger = service.get(Ledger);
  await service.get(DataSource).transaction((tx) =>
    ledger.add(
      tx,
      Array.from({ length: more }, (_, n) => ({
        kind: 'TOLD' as const,
        feedbackId: crypto.randomUUID(),
        feedbackRevision: n + 1,
        recipientId: 'jd',
        contentHash: '',
        at: clock.now().toISOString(),
      })),
    ),
  );
  const head = await ledger.headOfNow();
  if (head === null) throw new Error('the ledger is empty');
  return head;
}
const heads = async (): Promise<LedgerHeadSigned[]> =>
  ((await (await fetch(`${service.url}/api/exchange/ledger/heads`)).json()) as { items: LedgerHeadSigned[] }).items;
const ask = (query: Record<string, string>): Promise<Response> =>
  fetch(`${service.url}/api/exchange/ledger/consistency?${new URLSearchParams(query).toString()}`);
function verify(...args: string[]): { status: number | null; printed: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [TOOL, ...args], { encoding: 'utf8' });
  return { status, printed: stdout + stderr };
}
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const named = (prefix: 'from' | 'to', { date, revision }: LedgerHeadSigned): Record<string, string> => ({
  [prefix]: date,
  [`${prefix}Revision`]: String(revision),
});

it('is given to anyone between any two heads, and holds for whoever kept the first', async () => {
  const first = await headOn('2026-11-21', 5);
  const middle = await headOn('2026-11-21', 2);
  const last = await headOn('2026-11-22', 6);
  expect([first.size, middle.size, last.size]).toEqual([5, 7, 13]);
  const answer = await ask({ ...named('from', first), ...named('to', last) });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ format: 'jinqiao-consistency-1', first, second: last });
  const proof = file('proof.json', text);
  const { printed, status } = verify('--heads', proof, '--kept', file('kept.json', JSON.stringify(first)));
  expect(printed).toContain(`head of ${first.date}, number ${first.revision}: 5 entries, as you kept it`);
  expect(printed).toContain('The ledger was only added to between the heads.');
  expect(status).toBe(0);
  const all = await (await fetch(`${service.url}/api/exchange/ledger/heads`)).text();
  expect(verify('--heads', proof, '--kept', file('heads.json', all)).status).toBe(0);
  expect(verify('--heads', proof).status).toBe(0);
  expect(verify('--heads', file('other.json', text.replace('"path":["', '"path":["0')))).toMatchObject({ status: 1 });
  expect(verify('--heads', proof, '--kept', file('one.json', JSON.stringify(last)))).toMatchObject({
    status: 1,
    printed: expect.stringContaining(`WRONG: the head of ${first.date} is none that you kept`) as string,
  });
});

it('is about the last head of a date where none of them is named', async () => {
  const [, middle, last] = await heads();
  expect(middle?.date).toBe(last?.date);
  const proof = (await (await ask({ from: String(middle?.date), to: String(middle?.date) })).json()) as Consistency;
  expect(proof).toMatchObject({ first: last, second: last, path: [] });
  expect(verify('--heads', file('same.json', JSON.stringify(proof))).status).toBe(0);
});

it('is no proof for a head that nobody signed, that lies behind, or whose entries are lost', async () => {
  const [first] = await heads();
  const last = await headOn('2026-11-24', 1);
  const to = named('to', last);
  const refused = async (query: Record<string, string>): Promise<unknown> => (await ask(query)).json();
  expect(await refused({ from: '2020-01-01', ...to })).toMatchObject({ status: 404, code: 'HEAD_UNKNOWN', pointer: '/from' });
  expect(await refused({ from: String(first?.date), ...to, toRevision: '99' })).toMatchObject({ code: 'HEAD_UNKNOWN', pointer: '/to' });
  expect(await refused({ from: last.date, to: String(first?.date) })).toMatchObject({
    status: 422,
    code: 'HEADS_REVERSED',
    pointer: '/to',
  });
  expect(await refused({ from: 'yesterday', ...to })).toMatchObject({ status: 400, pointer: '/from' });
  const lost = { ...last, date: '2026-11-30', revision: 1, size: last.size + 9 };
  await place.sql('INSERT INTO ledger_heads (date, revision, size, head, lost) VALUES ($1, $2, $3, $4, TRUE)', [
    lost.date,
    lost.revision,
    lost.size,
    lost,
  ]);
  expect(await refused({ from: last.date, to: lost.date })).toMatchObject({ status: 409, code: 'HEAD_LOST', pointer: '/to' });
});

it('is refused by the tool where it is asked for nothing', () => {
  for (const args of [[], ['--kept', 'x'], ['a', 'b'], ['--heads'], ['--heads', join(folder, 'nowhere.json')]]) {
    expect(verify(...args)).toMatchObject({ status: 2, printed: expect.stringContaining('--heads FILE') as string });
  }
});
