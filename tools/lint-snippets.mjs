// Lints snippets as if they stood in existing files: reads [{ file, code }] from stdin, prints for each the rules it breaks. A process of its
// own, because Jest's sandbox cannot load an ESLint configuration that is an ES module.
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

const root = fileURLToPath(new URL('..', import.meta.url));
const eslint = new ESLint({ cwd: root });
const answers = [];
for (const { file, code } of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  answers.push((result?.messages ?? []).map(({ ruleId, message }) => ({ rule: ruleId ?? 'parser', message })));
}
process.stdout.write(JSON.stringify(answers));
