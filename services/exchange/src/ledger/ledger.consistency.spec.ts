/**
 * Two heads of a ledger, as a third party checks them who kept the first: tools/verify-evidence.mjs in a process of its own. The exchange
 * plays its worst here: it has the key, and gives the best proof there is for what it has done to the entries.
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LedgerHeadSigned } from '@jinqiao/contracts';
import { sign, type SigningKey, signingKeyOf } from '@jinqiao/platform';
import type { Consistency } from './ledger.js';
import { betweenOf, leafHash } from './merkle.js';

const TOOL = pathToFileURL(join(__dirname, '../../../../tools/verify-evidence.mjs')).href;
const MOST = 11;
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-heads-'));
let key: SigningKey;

const newKey = (): Promise<SigningKey> =>
  signingKeyOf(generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'));
beforeAll(async () => {
  key = await newKey();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** RFC 9162 §2.1.1, over whatever entries. */
function hashOver(entries: readonly string[]): Buffer {
  const [only = ''] = entries;
  if (entries.length < 2) return entries.length === 0 ? createHash('sha256').digest() : leafHash(only);
  const half = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  return createHash('sha256')
    .update(Buffer.of(1))
    .update(hashOver(entries.slice(0, half)))
    .update(hashOver(entries.slice(half)))
    .digest();
}

async function head(entries: readonly string[], date: string, by = key): Promise<LedgerHeadSigned> {
  const unsigned = {
    date,
    revision: 1,
    size: entries.length,
    rootHash: hashOver(entries).toString('hex'),
    signedAt: `${date}T16:00:00.000Z`,
  };
  return { ...unsigned, signature: await sign(unsigned, by) };
}

/** What the exchange answers, had the ledger these entries: the first head is the one that was kept, whatever has become of it. */
async function proof(first: LedgerHeadSigned, entries: readonly string[]): Promise<Consistency> {
  const between = first.size > 0 && first.size <= entries.length ? betweenOf(first.size, entries.length) : [];
  return {
    format: 'jinqiao-consistency-1',
    first,
    second: await head(entries, '2026-11-24'),
    path: between.map(([from, to]) => hashOver(entries.slice(from, to)).toString('hex')),
    keys: [key.publicKey],
  };
}

interface Case {
  readonly proof: Consistency;
  readonly kept: LedgerHeadSigned | null;
}
/** Problems of each case, by the tool. */
function verified(cases: readonly Case[]): string[][] {
  const file = join(folder, 'cases.json');
  writeFileSync(file, JSON.stringify(cases));
  const script = `
    import { readFileSync } from 'node:fs';
    const { verifyHeads } = await import(${JSON.stringify(TOOL)});
    const cases = JSON.parse(readFileSync(process.argv[1], 'utf8'));
    const problems = cases.map(({ proof, kept }) =>
      verifyHeads(JSON.stringify(proof), { kept: kept && JSON.stringify(kept), trustedKey: ${JSON.stringify(key.publicKey.kid)} }).problems);
    console.log(JSON.stringify(problems));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as string[][];
}

const entries = (count: number): string[] => Array.from({ length: count }, (_, n) => `{"n":${n}}`);
const kept = (size: number): Promise<LedgerHeadSigned> => head(entries(size), '2026-11-23');
/** Every two sizes of which the second is not smaller. */
const sizes = Array.from({ length: MOST + 1 }, (_, second) => second).flatMap((second) =>
  Array.from({ length: second + 1 }, (_, first) => [first, second] as const),
);

it('of every two sizes fit where the ledger was only added to', async () => {
  const cases = await Promise.all(
    sizes.map(async ([first, second]) => ({ proof: await proof(await kept(first), entries(second)), kept: await kept(first) })),
  );
  expect(verified(cases)).toEqual(sizes.map(() => []));
});

it('do not fit where an entry of the first was changed, left out, put in, or cut off and grown again', async () => {
  const cases: Promise<Case>[] = [];
  const against = async (size: number, now: string[]): Promise<Case> => ({
    proof: await proof(await kept(size), now),
    kept: await kept(size),
  });
  for (const [first, second] of sizes) {
    for (let at = 0; at < first; at += 1) {
      const all = entries(second);
      cases.push(against(first, all.with(at, 'changed')));
      cases.push(against(first, all.toSpliced(at, 1)));
      cases.push(against(first, all.toSpliced(at, 0, 'put in')));
      cases.push(against(first, [...all.slice(0, at), ...entries(second + 1).slice(at + 1)]));
      // Cut off, and nothing since.
      cases.push(against(first, all.slice(0, at)));
    }
  }
  const found = verified(await Promise.all(cases));
  expect(found.length).toBeGreaterThan(1_000);
  expect(found.filter((problems) => problems.length === 0)).toEqual([]);
});

it('do not fit by a path with a hash changed, left out or added, nor in a head that was kept otherwise', async () => {
  const wrong: Case[] = [];
  for (const [first, second] of sizes) {
    const own = await kept(first);
    const right = await proof(own, entries(second));
    for (const [nth, hash] of right.path.entries()) {
      const other = `${hash.startsWith('0') ? '1' : '0'}${hash.slice(1)}`;
      wrong.push({ kept: own, proof: { ...right, path: right.path.with(nth, other) } });
      wrong.push({ kept: own, proof: { ...right, path: right.path.toSpliced(nth, 1) } });
    }
    wrong.push({ kept: own, proof: { ...right, path: [...right.path, '0'.repeat(64)] } });
    // A head of the same day that fits, in place of the one that was signed then.
    const rewritten = entries(second).map((entry, at) => (at === 0 ? 'changed' : entry));
    const forged = await head(rewritten.slice(0, first), '2026-11-23');
    if (first > 0) wrong.push({ kept: own, proof: await proof(forged, rewritten) });
  }
  expect(verified(wrong).filter((problems) => problems.length === 0)).toEqual([]);
});

it('do not fit when another key signed one of them, or the one that was kept is neither', async () => {
  const right = await proof(await kept(3), entries(5));
  const other = await newKey();
  const stranger = { ...right, second: await head(entries(5), '2026-11-24', other), keys: [key.publicKey, other.publicKey] };
  expect(verified([{ proof: stranger, kept: null }])).toEqual([['the head of 2026-11-24, 5 entries, is not signed by the exchange']]);
  const elsewhere = await head(entries(3), '2026-11-20');
  expect(verified([{ proof: right, kept: elsewhere }])).toEqual([['the head of 2026-11-23 is none that you kept: it shows nothing']]);
});
