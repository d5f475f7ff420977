import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// Goal: the command answers line for line, whoever wrote the lines. Method: the real command as a process of its own.

const SOURCES = join(import.meta.dirname, '../../../libs/testing/jest/typescript-sources.cjs');
const COMMAND = join(import.meta.dirname, 'columns.ts');

describe('npm run columns', () => {
  it.each([
    ['nothing', '', []],
    ['an empty line', '\n', ['']],
    ['lines of Windows, one of them empty', '产品名称\r\n\r\n标称生产企业\r\n', ['产品名称', '', '标称生产企业']],
    ['a byte order mark and no last line feed', '\uFEFF产品名称', ['产品名称']],
  ])('answers %s heading for heading', (_what, input, headings) => {
    const { stdout, status } = spawnSync(process.execPath, ['-r', SOURCES, COMMAND], { input, encoding: 'utf8' });
    const answers = stdout.split('\n').filter(Boolean);
    expect(status).toBe(0);
    expect(answers.map((line) => (JSON.parse(line) as { heading: string }).heading)).toEqual(headings);
  });
});
