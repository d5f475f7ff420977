import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.js';
import { downloaded } from './downloads.js';

const JAVA_OLDEST = 17;

/** The `java` to run Kafka with. */
export function requireJava(): string {
  const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin/java') : 'java';
  const answer = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const install = 'install it with `sudo apt-get install -y openjdk-17-jre-headless` (macOS: `brew install openjdk@17`) and start again';
  if (answer.error || answer.status !== 0)
    throw new CannotStart(`Kafka needs Java ${JAVA_OLDEST} or newer and \`${java}\` does not run`, install);
  const [, major = '0', minor = '0'] = /version "(\d+)(?:\.(\d+))?/.exec(answer.stderr) ?? [];
  const version = major === '1' ? Number(minor) : Number(major); // Java 8 calls itself 1.8
  if (version < JAVA_OLDEST)
    throw new CannotStart(`Kafka needs Java ${JAVA_OLDEST} or newer and \`${java}\` is version ${version}`, install);
  return java;
}

/** Maven fetches the servers; once they are there it is no longer asked for. */
export function requireMaven(): void {
  if (downloaded() || spawnSync('mvn', ['-v']).status === 0) return;
  throw new CannotStart(
    'Maven has to fetch Kafka the first time and `mvn` does not run',
    'install it with `sudo apt-get install -y maven` (macOS: `brew install maven`) and start again',
  );
}

interface LockHolder {
  readonly pid: number;
  /** When the process began, in the kernel's ticks: the same number later may be another process. */
  readonly began: string;
}

/** One stack per data directory. Returns the way to give it back. */
export function lock(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const file = join(dataDir, 'lock');
  const self: LockHolder = { pid: process.pid, began: beginOf(process.pid) ?? '' };
  try {
    writeFileSync(file, JSON.stringify(self), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw heldBy(file, readHolder(file));
  }
  return () => rmSync(file, { force: true });
}

function heldBy(file: string, holder: LockHolder | null): CannotStart {
  if (holder && isAlive(holder)) {
    return new CannotStart(
      `a stack already runs on this data directory (process ${holder.pid}, ${file})`,
      `stop it with \`kill ${holder.pid}\` or choose another directory with JINQIAO_DATA`,
    );
  }
  return new CannotStart(
    `a stack that was not stopped in order left its lock behind (its process${holder ? ` ${holder.pid}` : ''} is gone)`,
    `\`rm ${file}\` and start again; the data is kept`,
  );
}

function readHolder(file: string): LockHolder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LockHolder;
  } catch {
    return null;
  }
}

function isAlive({ pid, began }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return beginOf(pid) === began || !existsSync('/proc/self/stat');
}

function beginOf(pid: number): string | undefined {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return undefined;
  const text = readFileSync(stat, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}
