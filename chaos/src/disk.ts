import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A small disk in memory for the servers' data, the broker's excepted, so that PostgreSQL's can be filled. Needs root on Linux; without it
 * the servers stand on the machine's own disk, and the faults of disks are skipped.
 */
export class DiskOfItsOwn {
  private readonly path: string;
  private readonly mounted: boolean;

  private constructor(path: string, mounted: boolean) {
    this.path = path;
    this.mounted = mounted;
  }

  static under(path: string, sizeMb: number): DiskOfItsOwn {
    const elsewhere = `${path}-kafka`;
    for (const directory of [path, elsewhere]) mkdirSync(directory, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=0755`, 'jinqiao-chaos', path], { stdio: 'ignore' });
      mkdirSync(join(path, 'kafka'));
      execFileSync('mount', ['--bind', elsewhere, join(path, 'kafka')], { stdio: 'ignore' });
      return new DiskOfItsOwn(path, true);
    } catch {
      return new DiskOfItsOwn(path, false);
    }
  }

  /** Mounted, and PostgreSQL keeps its data there. */
  get present(): boolean {
    return this.mounted && existsSync(join(this.path, 'postgres/PG_VERSION'));
  }

  /** Takes away what a run that was killed has left. */
  static forget(path: string): void {
    for (const mount of [join(path, 'kafka'), path]) spawnSync('umount', ['-l', mount], { stdio: 'ignore' });
  }

  /** Leaves nothing to write on. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    const mebibyte = Buffer.alloc(1_048_576);
    try {
      for (let left = bavail * bsize; left > 0; left -= mebibyte.length) writeFileSync(this.ballast, mebibyte, { flag: 'a' });
    } catch {
      // Full.
    }
  }

  empty(): void {
    rmSync(this.ballast, { force: true });
  }

  remove(): void {
    if (this.mounted) DiskOfItsOwn.forget(this.path);
  }

  private get ballast(): string {
    return join(this.path, 'ballast');
  }
}
