import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = new URL('../slow-disk.c', import.meta.url).pathname;
/** The least a flush takes on the slow disk; the most is two and a half times that (slow-disk.c). */
const FLUSH_MS = 200;
const WRITE_MS = 20;

/**
 * Slows the flushes and writes of a server's processes and threads down, whoever the server's user and whatever the disk: a library is
 * loaded into the server (slow-disk.c) and told through a file. Needs Linux and a C compiler; without them the fault is left out.
 */
export class SlowDisk {
  private readonly home: string;
  private readonly library: string | null;

  private constructor(home: string, library: string | null) {
    this.home = home;
    this.library = library;
  }

  /** The server may have to run as another user, who has to be let through to this directory. */
  static in(home: string): SlowDisk {
    mkdirSync(home, { recursive: true, mode: 0o755 });
    const library = join(home, 'slow-disk.so');
    const isMade = process.platform === 'linux' && spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE]).status === 0;
    return new SlowDisk(home, isMade ? library : null);
  }

  /** What a server has to find in its environment when it starts. */
  environment(server: string): NodeJS.ProcessEnv {
    if (this.library === null) return {};
    const file = this.file(server);
    writeFileSync(file, words(0, 0), { mode: 0o644 });
    return { LD_PRELOAD: this.library, CHAOS_SLOW_DISK: file };
  }

  /** A server that was not allowed to load the library goes on without it. */
  reaches(server: string, pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/maps`, 'utf8').includes(this.file(server));
    } catch {
      return false;
    }
  }

  set(server: string, isSlow: boolean): void {
    // In place: another file under this name would not be the one that is mapped.
    const file = openSync(this.file(server), 'r+');
    writeSync(file, isSlow ? words(FLUSH_MS, WRITE_MS) : words(0, 0), 0, undefined, 0);
    closeSync(file);
  }

  private file(server: string): string {
    return join(this.home, server.toLowerCase().replace(' ', '-'));
  }
}

const words = (flushMs: number, writeMs: number): Uint8Array => new Uint8Array(Uint32Array.of(flushMs, writeMs).buffer);
