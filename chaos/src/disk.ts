import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SIZE_MB = 1_200;

/** A small disk in memory for PostgreSQL alone, so that it can be filled. Needs root on Linux; without it the faults of disks are skipped. */
export class DiskOfItsOwn {
  readonly present: boolean;
  private readonly path: string;

  private constructor(path: string, present: boolean) {
    this.path = path;
    this.present = present;
  }

  static under(path: string): DiskOfItsOwn {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m,mode=0700`, 'jinqiao-chaos', path], { stdio: 'ignore' });
      return new DiskOfItsOwn(path, true);
    } catch {
      return new DiskOfItsOwn(path, false);
    }
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
    if (!this.present) return;
    this.empty();
    execFileSync('umount', ['-l', this.path], { stdio: 'ignore' });
  }

  private get ballast(): string {
    return join(this.path, 'ballast');
  }
}
