/**
 * The programs of docs/integrating.md, taken out of it and run as they stand, each against a real exchange as a platform of its own. What
 * one that receives prints is held against what the exchange says the platform was told; what one that answers has signed is checked in the
 * evidence of it, by the tool that shares no code with the exchange. What a machine lacks is skipped by name.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SamplingResultPublished } from '@jinqiao/contracts';
import { cacheDirectory, clientSecret, downloaded } from '@jinqiao/infra-local';
import { freePort } from '@jinqiao/infra-local/servers';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';

const ROOT = join(__dirname, '../../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/integrating.md'), 'utf8');
/** A fence that names a file holds a program. */
const PROGRAMS = [...DOCUMENT.matchAll(/^```(ts|java|python|sh) (\S+)\n(.*?)^```$/gms)].map(([, language = '', file = '', text = '']) => ({
  language,
  file,
  text,
  task: taskOf(file),
}));
type Program = (typeof PROGRAMS)[number];
type Task = 'KAFKA' | 'PULL' | 'WEBHOOK' | 'ANSWER' | 'REGISTER_KEY';

/** It receives by a channel, answers, or registers the key that answers are signed with. */
function taskOf(file: string): Task {
  if (file === 'register-key.sh') return 'REGISTER_KEY';
  if (/answer/i.test(file)) return 'ANSWER';
  return /topic/i.test(file) ? 'KAFKA' : /pull/i.test(file) ? 'PULL' : 'WEBHOOK';
}
const RECEIVING = PROGRAMS.filter(({ task }) => task !== 'ANSWER' && task !== 'REGISTER_KEY');
const ANSWERING = PROGRAMS.filter(({ task }) => task === 'ANSWER');

// The package for Python that speaks to Kafka, by what the registry says its file is.
const PYTHON_KAFKA = 'kafka-python==3.0.12 --hash=sha256:67add72052e3ad0c37ed9963ebe2b1696adc7f063c64eaf19862c21b69a64a18';
const pythonPackages = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'jinqiao',
  `python-${createHash('sha256').update(PYTHON_KAFKA).digest('hex').slice(0, 12)}`,
);
const PACKAGES_MS_MAX = 90_000;

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Java compiles a single file only where it brings its compiler (a JDK); the libraries are those the broker was fetched with. */
function lackOf({ language, file, task }: Program): string | null {
  // A key is registered before an answer is signed with it.
  if (task === 'ANSWER' && !(runs('openssl', 'version') && runs('curl', '--version'))) return 'no openssl and curl';
  if (language === 'ts') return null;
  if (language === 'python') {
    if (!runs('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))')) return 'no Python 3.9';
    if (task === 'ANSWER') return runs('python3', '-c', 'import cryptography') ? null : 'no cryptography for Python';
    return task === 'KAFKA' && !hasPythonKafka() ? 'kafka-python cannot be had' : null;
  }
  const modules = spawnSync('java', ['--list-modules'], { encoding: 'utf8' }).stdout;
  if (!/^jdk\.compiler@(1[7-9]|[2-9]\d)/m.test(modules)) return 'no JDK 17';
  return file !== 'Hooks.java' && !downloaded() ? 'the jars of the broker are not there' : null;
}

function hasPythonKafka(): boolean {
  if (existsSync(join(pythonPackages, 'kafka'))) return true;
  mkdirSync(pythonPackages, { recursive: true });
  const requirements = join(pythonPackages, 'requirements.txt');
  writeFileSync(requirements, PYTHON_KAFKA);
  const pip = ['-m', 'pip', 'install', '-q', '--no-deps', '--require-hashes', '--target', pythonPackages, '-r', requirements];
  return spawnSync('python3', pip, { stdio: 'ignore', timeout: PACKAGES_MS_MAX }).status === 0;
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ts: [process.execPath, '--no-warnings'],
  // Without a locale Java writes ASCII; before 19 it knows the first of these, since then the second.
  java: ['java', '-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', downloaded() ? jars() : '.'],
  python: ['python3'],
  sh: ['sh', '-e'],
};

function jars(): string {
  return [
    'kafka-clients-4.3.0',
    'jackson-databind-2.21.2',
    'jackson-core-2.21.2',
    'jackson-annotations-2.21',
    'jose4j-0.9.6',
    'slf4j-api-1.7.36',
  ]
    .map((name) => join(cacheDirectory(), `${name}.jar`))
    .join(delimiter);
}

/** Below the work tree, where programs in TypeScript find the packages they import. */
const folder = join(ROOT, '.local');
mkdirSync(folder, { recursive: true });
const home = mkdtempSync(join(folder, 'snippets-'));
const running: ChildProcess[] = [];
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await service.close();
  rmSync(home, { recursive: true });
});

interface Side {
  readonly id: string;
  readonly http: Http;
  readonly port: number;
  readonly secret: string;
}

/** A registered platform, told by the program's channel; a program that pulls chooses that itself. */
async function platformOf({ file, task }: Program): Promise<Side> {
  const id = `runs-${file.replace('.', '-').toLowerCase()}`;
  const http = place.http(await place.token('PLATFORM', id));
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id })).status).toBe(201);
  const port = await freePort();
  if (task !== 'WEBHOOK') return { id, http, port, secret: '' };
  const url = `http://127.0.0.1:${port}/`;
  const { body } = await http.post<{ secret: string }>('/api/exchange/webhook-endpoints', { url, contact: '平台合规岗' });
  expect((await http.put('/api/exchange/channel', { channel: task })).status).toBe(200);
  return { id, http, port, secret: body.secret };
}

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly errors: string[];
}

/** The lines it prints that are JSON; libraries print others. */
function run({ language, file, text }: Program, { id, port, secret }: Side, more: Record<string, string> = {}): Running {
  const path = join(home, file);
  writeFileSync(path, text);
  const [command = '', ...args] = COMMANDS[language] ?? [];
  const { issuer, seed, kafkaBrokers } = place.servers;
  const settings = {
    ORIGIN: place.origin,
    ISSUER: issuer,
    BROKERS: kafkaBrokers,
    CLIENT_ID: id,
    CLIENT_SECRET: clientSecret(seed, id),
    TOPIC: `${place.namespace}platform.${id}.feedback.v1`,
    GROUP: `${place.namespace}${id}.feedback-reader`,
    PORT: String(port),
    SECRET: secret,
    PYTHONPATH: pythonPackages,
    ...more,
  };
  const child = spawn(command, [...args, path], {
    env: { ...process.env, NODE_OPTIONS: '', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  const printed: Running = { child, lines: [], errors: [] };
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() ?? '';
    printed.lines.push(...lines.filter((line) => line.startsWith('{"feedbackId"')));
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => printed.errors.push(part));
  return printed;
}

/** What went wrong, if anything. */
async function ended({ child, errors }: Running): Promise<string> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0 ? '' : `${code}: ${errors.join('')}`;
}

async function tell(id: string, sampleNo: string, revision: number): Promise<void> {
  const result = aSamplingResult({ sampleNo, revision, product: { name: `第${revision}版` }, online: { platformName: id } });
  await place.publish(SamplingResultPublished, result);
}

const said = async (id: string): Promise<string[]> =>
  (
    await place.sql<{ said: string }>(
      `SELECT r.said::text AS said FROM deliveries d JOIN feedback_revisions r USING (feedback_id, revision)
       WHERE d.recipient_id = $1 ORDER BY d.position`,
      [id],
    )
  ).map((row) => row.said);

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

it('shows each channel and an answer in each language', () => {
  expect(PROGRAMS.map(({ language, task }) => `${task} ${language}`).sort()).toEqual([
    ...['ANSWER', 'KAFKA', 'PULL'].flatMap((task) => ['java', 'python', 'ts'].map((language) => `${task} ${language}`)),
    'REGISTER_KEY sh',
    ...['java', 'python', 'ts'].map((language) => `WEBHOOK ${language}`),
  ]);
});

describe.each(RECEIVING)('$file', (program) => {
  const lack = lackOf(program);
  const name = 'takes over each revision of what its platform is told, with the same bytes';
  (lack === null ? it : it.skip)(
    lack === null ? name : `${name} (${lack})`,
    async () => {
      const side = await platformOf(program);
      const { child, lines, errors } = run(program, side);
      // A first attempt in vain would be repeated soon, the next after that only minutes later.
      if (program.task === 'WEBHOOK') await eventually(() => listens(side.port), { within: 120_000 });
      await tell(side.id, program.file, 1);
      const prints = (count: number): Promise<unknown> =>
        eventually(
          async () => {
            const all = await said(side.id);
            if (child.exitCode !== null) throw new Error(`it ended: ${errors.join('')}`);
            expect(all).toHaveLength(count);
            expect(lines).toEqual(all);
          },
          { within: 120_000 },
        );
      await prints(1);
      await tell(side.id, program.file, 2);
      await prints(2);
      if (program.task === 'KAFKA') return;
      // What it took or acknowledged is delivered.
      await eventually(async () => {
        expect((await side.http.get('/api/exchange/channel')).body).toMatchObject({ channel: program.task, undelivered: 0 });
      });
      if (program.task === 'PULL') return;
      const { feedbackId } = JSON.parse(lines[0] ?? '') as { feedbackId: string };
      expect((await side.http.post('/api/exchange/deliveries/resends', { feedbackId, revision: 1 })).body).toEqual({ due: 1 });
      await eventually(async () => {
        const taken = `SELECT FROM webhook_attempts WHERE recipient_id = $1 AND outcome = 'DELIVERED'`;
        expect(await place.sql(taken, [side.id])).toHaveLength(3);
      });
      const headers = { 'webhook-id': 'x_3', 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)), 'webhook-signature': 'v1,AAAA' };
      const forged = await fetch(`http://127.0.0.1:${side.port}/`, { method: 'POST', headers, body: '{"feedbackId":"x","revision":3}' });
      expect([forged.status, lines.length]).toEqual([400, 2]);
    },
    300_000,
  );
});

describe.each(ANSWERING)('$file', (program) => {
  const lack = lackOf(program);
  const name = 'answers what its platform was told, signed with the key that was registered';
  (lack === null ? it : it.skip)(
    lack === null ? name : `${name} (${lack})`,
    async () => {
      const side = await platformOf(program);
      const file = join(home, `${side.id}.pem`);
      const registering = PROGRAMS.find(({ task }) => task === 'REGISTER_KEY') as Program;
      expect(await ended(run(registering, side, { KEY: file, TOKEN: await place.token('PLATFORM', side.id) }))).toBe('');
      const [key] = (await side.http.get<{ kid: string }[]>('/api/exchange/signature-keys')).body;
      await tell(side.id, program.file, 1);
      const feedbackId = await eventually(async () => {
        const [first] = await said(side.id);
        return (JSON.parse(first ?? 'null') as { feedbackId: string }).feedbackId;
      });
      const answering = run(program, side, { KEY: file, FEEDBACK_ID: feedbackId });
      expect(await ended(answering)).toBe('');
      expect(answering.lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ feedbackId, revision: 1, status: 'accepted' }]);
      const printed = await eventually(async () => {
        const pack = join(home, `${side.id}.json`);
        const headers = { authorization: `Bearer ${await place.token('PLATFORM', side.id)}` };
        writeFileSync(pack, await (await fetch(`${place.origin}/api/exchange/feedback/${feedbackId}/evidence`, { headers })).text());
        const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'tools/verify-evidence.mjs'), pack], { encoding: 'utf8' });
        expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('The evidence is whole.') as string });
        return stdout;
      });
      expect(printed).toContain(`answered: ACTED to revision 1, signed by ${key?.kid}`);
    },
    120_000,
  );
});
