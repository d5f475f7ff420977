/**
 * Goal: every house rule bites. Method: each snippet that breaks a rule is linted as if it stood in an existing file, beside a twin that
 * keeps it; all in one process, because the types of the whole workspace are read once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const SERVICE = 'services/credit/src/credit.module.ts';
const CONFIG = 'services/credit/src/config.ts';
const LIB = 'libs/schema/src/check.ts';
const CONTRACT = 'libs/contracts/src/codes.ts';
const MESSAGING = 'libs/messaging/src/relay.ts';
const PLATFORM = 'libs/platform/src/clock.ts';
const SPEC = 'services/credit/src/credit-record/credit-record.spec.ts';

/** What is forbidden: its rule, a file and a snippet that breaks it, a file and a snippet that do not. */
type Case = readonly [what: string, rule: string, bad: readonly [file: string, code: string], good: readonly [file: string, code: string]];

const use = (name: string): string => `import { thing } from '${name}';\nthing();\n`;
const inService = (code: string): readonly [string, string] => [SERVICE, code];
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `  console.log(${index});`).join('\n');
const tx = (body: string): string =>
  `export class Records {\n  readonly db: { transaction<T>(work: (tx: { query(sql: string): T }) => T): T; query(sql: string): void };\n  readonly dataSource: { query(sql: string): void };\n  readonly recordRepository: { find(): void };\n${body}\n}\n`;

const BOUNDARIES: Case[] = [
  [
    'a service that imports a service',
    '@nx/enforce-module-boundaries',
    inService(use('@jinqiao/inspection')),
    inService(use('@jinqiao/schema')),
  ],
  [
    'a service that reaches into another by path',
    '@nx/enforce-module-boundaries',
    inService(use('../../inspection/src/config.js')),
    inService(use('./config.js')),
  ],
  [
    'a service that imports test support',
    '@nx/enforce-module-boundaries',
    inService(use('@jinqiao/testing')),
    [SPEC, use('@jinqiao/testing')],
  ],
  [
    'a service that imports the local stack',
    '@nx/enforce-module-boundaries',
    inService(use('@jinqiao/infra-local')),
    inService(use('@jinqiao/law')),
  ],
  [
    'a spec that imports another service',
    '@nx/enforce-module-boundaries',
    [SPEC, use('@jinqiao/inspection')],
    [SPEC, use('@jinqiao/contracts')],
  ],
  [
    'a platform’s side that imports a library of ours',
    '@nx/enforce-module-boundaries',
    ['simulator/src/pull.ts', use('@jinqiao/schema')],
    ['simulator/src/pull.ts', use('@jinqiao/contracts')],
  ],
  ['a library that imports a service', '@nx/enforce-module-boundaries', [LIB, use('@jinqiao/credit')], [LIB, use('@jinqiao/contracts')]],
  [
    'a library that imports test support',
    '@nx/enforce-module-boundaries',
    [LIB, use('@jinqiao/testing')],
    ['libs/schema/src/check.spec.ts', use('@jinqiao/contracts')],
  ],
  ['contracts that import a library', '@nx/enforce-module-boundaries', [CONTRACT, use('@jinqiao/schema')], [CONTRACT, use('./stream.js')]],
  [
    'contracts that import a package of their own choice',
    '@nx/enforce-module-boundaries',
    [CONTRACT, use('ajv')],
    [CONTRACT, use('class-validator')],
  ],
];
const TRANSPORT: Case[] = [
  ['kafkajs in a service', 'no-restricted-imports', inService(use('kafkajs')), [MESSAGING, use('kafkajs')]],
  ['kafkajs in another library', 'no-restricted-imports', [PLATFORM, use('kafkajs')], ['libs/testing/src/outside.ts', use('kafkajs')]],
  ['a file of kafkajs', 'no-restricted-imports', inService(use('kafkajs/src/index.js')), ['infra/local/src/kafka.ts', use('kafkajs')]],
  [
    '@nestjs/microservices in a service',
    'no-restricted-imports',
    inService(use('@nestjs/microservices')),
    [MESSAGING, use('@nestjs/microservices')],
  ],
];
const TRANSACTIONS: Case[] = [
  [
    'this.db inside a transaction',
    'no-restricted-syntax',
    inService(tx('run() { return this.db.transaction(() => { this.db.query(""); }); }')),
    inService(tx('run() { return this.db.transaction((tx) => tx.query("")); }')),
  ],
  [
    'this.dataSource inside a transaction',
    'no-restricted-syntax',
    inService(
      tx('run() { return this.db.transaction(function () { return 1; }) ?? this.db.transaction(() => { this.dataSource.query(""); }); }'),
    ),
    inService(tx('run() { this.dataSource.query(""); }')),
  ],
  [
    'a repository inside a transaction',
    'no-restricted-syntax',
    inService(tx('run() { return this.db.transaction(() => { if (true) { this.recordRepository.find(); } }); }')),
    inService(tx('run() { this.recordRepository.find(); return this.db.transaction(() => 1); }')),
  ],
  [
    'this.db in a method that was given tx',
    'no-restricted-syntax',
    inService(tx('save(tx: { query(sql: string): void }) { tx.query(""); this.db.query(""); }')),
    inService(tx('save(tx: { query(sql: string): void }) { tx.query(""); }')),
  ],
];
const LANGUAGE: Case[] = [
  [
    'process.env in a service',
    'no-restricted-properties',
    inService('export const port = process.env["PORT"];\n'),
    [CONFIG, 'export const port = process.env["PORT"];\n'],
  ],
  ['any', '@typescript-eslint/no-explicit-any', inService('export const x: any = 1;\n'), inService('export const x: unknown = 1;\n')],
  [
    'a non-null assertion',
    '@typescript-eslint/no-non-null-assertion',
    inService('export const first = (x: string[]) => x[0]!;\n'),
    inService('export const first = (x: string[]) => x[0];\n'),
  ],
  ['an enum', 'no-restricted-syntax', inService('export enum Colour { Red }\n'), inService('export type Colour = "RED";\n')],
  ['a default export', 'no-restricted-exports', inService('export default class Credit {}\n'), inService('export class Credit {}\n')],
  [
    'a promise nobody waits for',
    '@typescript-eslint/no-floating-promises',
    inService('export function run() { Promise.resolve(1); }\n'),
    inService('export async function run() { await Promise.resolve(1); }\n'),
  ],
  [
    'a promise where nobody expects one',
    '@typescript-eslint/no-misused-promises',
    inService('export const run = () => [1].forEach(async () => { await Promise.resolve(1); });\n'),
    inService('export const run = () => Promise.all([1].map(async () => { await Promise.resolve(1); }));\n'),
  ],
  [
    'a switch that forgets a case',
    '@typescript-eslint/switch-exhaustiveness-check',
    inService('export function f(x: "A" | "B") { switch (x) { case "A": return 1; } return 2; }\n'),
    inService('export function f(x: "A" | "B") { switch (x) { case "A": return 1; case "B": return 2; } }\n'),
  ],
  [
    'a function of 71 lines',
    'max-lines-per-function',
    inService(`export function f() {\n${lines(69)}\n}\n`),
    inService(`export function f() {\n${lines(68)}\n}\n`),
  ],
  [
    'four levels of blocks',
    'max-depth',
    inService('export function f(x: number) { if (x > 1) { if (x > 2) { if (x > 3) { if (x > 4) { f(1); } } } } }\n'),
    inService('export function f(x: number) { if (x > 1) { if (x > 2) { if (x > 3) { f(1); } } } }\n'),
  ],
  [
    'five parameters',
    'no-restricted-syntax',
    inService('export function f(a: 1, b: 1, c: 1, d: 1, e: 1) { return [a, b, c, d, e]; }\n'),
    inService('export function f(a: 1, b: 1, c: 1, d: 1) { return [a, b, c, d]; }\n'),
  ],
];
const route = (marks: string, answer: string): string =>
  `import { AnswersWithSecret } from '@jinqiao/platform';\nimport { Post } from '@nestjs/common';\nexport const mark = AnswersWithSecret;\nexport class Keys {\n  ${marks}\n  make(): ${answer} { return Promise.reject(new Error()); }\n}\n`;
const SECRETS: Case[] = [
  [
    'a route that answers with a secret and does not say so',
    'no-restricted-syntax',
    inService(route('@Post()', 'Promise<{ kid: string; secret: string }>')),
    inService(route('@Post() @AnswersWithSecret("ask again.")', 'Promise<{ kid: string; secret: string }>')),
  ],
  [
    'such a route whose answer has a name',
    'no-restricted-syntax',
    inService(`interface WithSecret { kid: string }\n${route('@Post()', 'Promise<WithSecret & { at: Date }>')}`),
    inService(`interface WithKey { kid: string }\n${route('@Post()', 'Promise<WithKey & { at: Date }>')}`),
  ],
];
const CASES = [...BOUNDARIES, ...TRANSPORT, ...TRANSACTIONS, ...SECRETS, ...LANGUAGE];

interface Message {
  readonly rule: string;
  readonly message: string;
}

function lint(snippets: readonly (readonly [string, string])[]): Message[][] {
  const input = JSON.stringify(snippets.map(([file, code]) => ({ file, code })));
  const run = spawnSync(process.execPath, [join(__dirname, 'lint-snippets.mjs')], {
    input,
    encoding: 'utf8',
    cwd: root,
    // In CI the parser would take each file as it is on disk and not see the snippet.
    env: { ...process.env, TSESTREE_SINGLE_RUN: 'false' },
    maxBuffer: 2 ** 26,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Message[][];
}

describe('the linter', () => {
  let broken: Message[][] = [];
  let kept: Message[][] = [];

  beforeAll(() => {
    const all = lint([...CASES.map(([, , bad]) => bad), ...CASES.map(([, , , good]) => good)]);
    [broken, kept] = [all.slice(0, CASES.length), all.slice(CASES.length)];
  }, 240_000);

  it.each(CASES.map(([what, rule], index) => [what, rule, index] as const))('refuses %s', (_what, rule, index) => {
    expect(broken[index]?.map((found) => found.rule)).toContain(rule);
    expect(kept[index]?.map((found) => found.rule)).not.toContain(rule);
    // A snippet that cannot be read proves nothing.
    expect([...(broken[index] ?? []), ...(kept[index] ?? [])].filter((found) => found.rule === 'parser')).toEqual([]);
  });
});

describe('every project', () => {
  const folders = ['libs', 'services', 'infra'].flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)));
  const projects = [...folders, 'simulator', 'bench', 'chaos'].filter((folder) => existsSync(join(root, folder, 'package.json')));

  it.each(projects)('%s has one scope and one known type, or no boundary would hold for it', (folder) => {
    const { nx } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { nx?: { tags?: string[] } };
    const tags = nx?.tags ?? [];
    const scope = /^(libs\/|infra\/|simulator$)/.test(folder) ? 'shared' : folder.replace('services/', '');
    expect(tags.filter((tag) => tag.startsWith('scope:'))).toEqual([`scope:${scope}`]);
    expect(tags.filter((tag) => /^type:(service|contracts|lib|testing|infra|simulator|bench|chaos)$/.test(tag))).toHaveLength(1);
    expect(tags.includes('type:service')).toBe(folder.startsWith('services/'));
  });
});
