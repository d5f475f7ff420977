// `npm test`: every spec, against real servers that are started once (libs/testing). Arguments go to Jest: `npm test -- credit`.
// `npm test -- model --long` tries each property of the model specs 200,000 times instead of 2,000.
// The last line is always the totals, also when the run broke before the first test.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const folder = mkdtempSync(join(tmpdir(), 'jinqiao-totals-'));
const printed = join(folder, 'printed');
const long = process.argv.includes('--long');
const jestArguments = process.argv.slice(2).filter((argument) => argument !== '--long');

// Some specs start what is built. Built now, nothing rewrites it while the linter's spec reads the same types.
const build = spawnSync('npm', ['run', '-s', 'build'], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) {
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

const run = spawn(process.execPath, [jest, '--config', join(root, 'jest.config.cjs'), ...jestArguments], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, TOTALS_PRINTED_FILE: printed, ...(long && { MODEL_RUNS: '200000' }) },
});
// Jest gets the terminal's Ctrl-C by itself and stops the servers; this process only has to outlive it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => run.kill('SIGTERM'));
run.on('exit', (code) => {
  const broke = !existsSync(printed);
  rmSync(folder, { recursive: true, force: true });
  if (broke) console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = broke ? 1 : (code ?? 1);
});
