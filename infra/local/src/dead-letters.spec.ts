import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { repository } from './repository.js';

const SOURCES = join(repository, 'libs/testing/jest/typescript-sources.cjs');
const COMMAND = join(repository, 'infra/local/src/dead-letters.ts');

describe('npm run dead-letters', () => {
  const run = (args: readonly string[], env: Record<string, string>) =>
    spawnSync(process.execPath, ['--require', SOURCES, COMMAND, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

  it('says where it looked when no stack answers', async () => {
    const origin = `http://127.0.0.1:${await freePort()}`;
    const { stderr, status } = run(['list', 'credit'], { JINQIAO_URL: origin, JINQIAO_TOKEN: 'x' });
    expect({ stderr: stderr.trim(), status }).toEqual({
      stderr: `nothing answers at ${origin}: start the stack with \`npm start\`, or name its address in JINQIAO_URL`,
      status: 1,
    });
  });

  it('says how it is used', () => {
    const { stderr, status } = run(['remove', 'credit'], { JINQIAO_TOKEN: 'x' });
    expect({ usage: stderr.startsWith('usage: npm run dead-letters'), status }).toEqual({ usage: true, status: 1 });
  });
});
