import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { arch, homedir, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import { repository } from './repository.js';

/** Jars and what else Maven fetches, named by `directory/pom.xml`; their SHA-256 sums are committed beside it. */
export interface Artifacts {
  readonly directory: string;
  /** What to call them when they cannot be had. */
  readonly name: string;
  readonly megabytes: number;
  readonly goals: readonly string[];
}

const SERVERS: Artifacts = {
  directory: join(repository, 'infra/local/kafka'),
  name: 'Kafka 4.3.0 and Redis',
  megabytes: 55,
  goals: ['dependency:copy-dependencies@jars', 'dependency:unpack-dependencies@redis'],
};

export interface Downloads {
  readonly kafkaClassPath: string;
  /** The Redis binary of the Maven artifact, for a machine that has none. */
  readonly redisServer: string;
}

interface Sum {
  readonly sha256: string;
  readonly file: string;
}

const sumsFile = ({ directory }: Artifacts): string => join(directory, 'sha256sums.txt');

const sums = (artifacts: Artifacts): Sum[] =>
  readFileSync(sumsFile(artifacts), 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ sha256: line.slice(0, 64), file: line.slice(64).trim() }));

/** Outside the work tree, so that a fresh clone finds it; named after the sums, so that another version is another directory. */
export function cacheDirectory(artifacts = SERVERS): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(
    base,
    'jinqiao',
    createHash('sha256')
      .update(readFileSync(sumsFile(artifacts)))
      .digest('hex')
      .slice(0, 12),
  );
}

export const downloaded = (artifacts = SERVERS): boolean =>
  sums(artifacts).every(({ file }) => existsSync(join(cacheDirectory(artifacts), file)));

/** The jars and binaries the servers run from. */
export function fetchDownloads(report: (line: string) => void): Downloads {
  const cache = fetchArtifacts(SERVERS, report);
  const jars = sums(SERVERS).filter(({ file }) => file.endsWith('.jar') && !file.startsWith('embedded-redis'));
  return { kafkaClassPath: jars.map(({ file }) => join(cache, file)).join(delimiter), redisServer: join(cache, 'redis', redisBinary()) };
}

/** Where they are: fetched by Maven the first time, compared with the committed sums every time. */
export function fetchArtifacts(artifacts: Artifacts, report: (line: string) => void): string {
  const cache = cacheDirectory(artifacts);
  if (!downloaded(artifacts)) {
    report(`${artifacts.name}: fetching about ${artifacts.megabytes} MB from Maven Central`);
    fetchInto(cache, artifacts);
  }
  const wrong = firstMismatch(cache, artifacts);
  if (wrong) {
    throw new CannotStart(
      `${join(cache, wrong)} does not have the SHA-256 sum committed in ${sumsFile(artifacts)}`,
      `\`rm -r ${cache}\` and start again`,
    );
  }
  return cache;
}

function fetchInto(cache: string, artifacts: Artifacts): void {
  const pom = join(artifacts.directory, 'pom.xml');
  const partial = `${cache}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const maven = spawnSync('mvn', ['-B', '-q', '-f', pom, `-Dtarget=${partial}`, ...artifacts.goals], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
  });
  if (maven.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    const cause =
      `${maven.stdout}${maven.stderr}`
        .split('\n')
        .find((line) => line.startsWith('[ERROR]'))
        ?.slice(8, 260) ?? String(maven.error ?? '');
    throw new CannotStart(
      `Maven could not fetch ${artifacts.name} (${cause.trim()})`,
      `connect to the network or name a mirror in ~/.m2/settings.xml, see that \`mvn -f ${pom} dependency:resolve\` succeeds, and start again`,
    );
  }
  rmSync(join(partial, 'markers'), { recursive: true, force: true });
  for (const { file } of sums(artifacts)) if (file.startsWith('redis/')) chmodSync(join(partial, file), 0o755);
  // Another start may have been quicker; its files are the same.
  if (downloaded(artifacts)) rmSync(partial, { recursive: true });
  else {
    rmSync(cache, { recursive: true, force: true });
    renameSync(partial, cache);
  }
}

const firstMismatch = (cache: string, artifacts: Artifacts): string | undefined =>
  sums(artifacts).find(
    ({ sha256, file }) =>
      createHash('sha256')
        .update(readFileSync(join(cache, file)))
        .digest('hex') !== sha256,
  )?.file;

function redisBinary(): string {
  const wanted = `${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const found = sums(SERVERS).find(({ file }) => file.startsWith('redis/') && file.endsWith(wanted));
  if (!found) throw new CannotStart(`no Redis binary for ${wanted} is at hand`, 'install redis-server and start again');
  return found.file.slice('redis/'.length);
}
