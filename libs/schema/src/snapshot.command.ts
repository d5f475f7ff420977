import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, isBreaking, type SchemaSet } from './compare.js';
import { allSchemas } from './json-schema.js';

/** `npm run schemas` rewrites the committed snapshot; `npm run schemas -- --check` only compares, and fails on what breaks somebody. */
const file = fileURLToPath(new URL('../schemas.snapshot.json', import.meta.url));

function main(): number {
  const checkOnly = process.argv.includes('--check');
  const differences = compare(readSnapshot(), allSchemas());
  for (const { event, pointer, change, effects } of differences) console.log(`${event}${pointer}: ${change} (${effects.join(', ')})`);
  const breaking = differences.filter(isBreaking).length;
  console.log(`${differences.length} differences, ${breaking} breaking`);
  if (!checkOnly) writeFileSync(file, `${JSON.stringify(allSchemas(), null, 2)}\n`);
  return checkOnly && breaking > 0 ? 1 : 0;
}

function readSnapshot(): SchemaSet {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SchemaSet;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

process.exitCode = main();
