import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { arch, homedir, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import { repository } from './repository.js';

const pom = join(repository, 'infra/local/kafka/pom.xml');
const sumsFile = join(repository, 'infra/local/kafka/sha256sums.txt');

export interface Downloads {
  readonly kafkaClassPath: string;
  /** The Redis binary of the Maven artifact, for a machine that has none. */
  readonly redisServer: string;
}

interface Sum {
  readonly sha256: string;
  readonly file: string;
}

const sums = (): Sum[] =>
  readFileSync(sumsFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ sha256: line.slice(0, 64), file: line.slice(64).trim() }));

/** Outside the work tree, so that a fresh clone finds it; named after the sums, so that another version is another directory. */
export function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'jinqiao', createHash('sha256').update(readFileSync(sumsFile)).digest('hex').slice(0, 12));
}

export const downloaded = (): boolean => sums().every(({ file }) => existsSync(join(cacheDirectory(), file)));

/** The jars and binaries the servers run from: fetched by Maven the first time, compared with the committed sums every time. */
export function fetchDownloads(report: (line: string) => void): Downloads {
  const cache = cacheDirectory();
  if (!downloaded()) {
    report('Kafka 4.3.0 and Redis: fetching about 55 MB from Maven Central');
    fetchInto(cache);
  }
  const wrong = firstMismatch(cache);
  if (wrong) {
    throw new CannotStart(
      `${join(cache, wrong)} does not have the SHA-256 sum committed in ${sumsFile}`,
      `\`rm -r ${cache}\` and start again`,
    );
  }
  const jars = sums().filter(({ file }) => file.endsWith('.jar') && !file.startsWith('embedded-redis'));
  return { kafkaClassPath: jars.map(({ file }) => join(cache, file)).join(delimiter), redisServer: join(cache, 'redis', redisBinary()) };
}

function fetchInto(cache: string): void {
  const partial = `${cache}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const maven = spawnSync(
    'mvn',
    ['-B', '-q', '-f', pom, `-Dtarget=${partial}`, 'dependency:copy-dependencies@jars', 'dependency:unpack-dependencies@redis'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 180_000,
    },
  );
  if (maven.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    const cause =
      `${maven.stdout}${maven.stderr}`
        .split('\n')
        .find((line) => line.startsWith('[ERROR]'))
        ?.slice(8, 260) ?? String(maven.error ?? '');
    throw new CannotStart(
      `Maven could not fetch Kafka 4.3.0 (${cause.trim()})`,
      `connect to the network or name a mirror in ~/.m2/settings.xml, see that \`mvn -f ${pom} dependency:resolve\` succeeds, and start again`,
    );
  }
  rmSync(join(partial, 'markers'), { recursive: true, force: true });
  for (const { file } of sums()) if (file.startsWith('redis/')) chmodSync(join(partial, file), 0o755);
  // Another start may have been quicker; its files are the same.
  if (downloaded()) rmSync(partial, { recursive: true });
  else {
    rmSync(cache, { recursive: true, force: true });
    renameSync(partial, cache);
  }
}

const firstMismatch = (cache: string): string | undefined =>
  sums().find(
    ({ sha256, file }) =>
      createHash('sha256')
        .update(readFileSync(join(cache, file)))
        .digest('hex') !== sha256,
  )?.file;

function redisBinary(): string {
  const wanted = `${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const found = sums().find(({ file }) => file.startsWith('redis/') && file.endsWith(wanted));
  if (!found) throw new CannotStart(`no Redis binary for ${wanted} is at hand`, 'install redis-server and start again');
  return found.file.slice('redis/'.length);
}
