import { text } from 'node:stream/consumers';
import { readInVocabulary } from './import/fields.js';

/** `npm run -s columns < FILE`: one heading a line in, one line {"heading","field","score"} out, in the vocabulary of column-names.json. */
// Split at line feeds only: spreadsheets put carriage returns and line separators inside headings.
const input = (await text(process.stdin)).replace(/^\uFEFF/u, '');
const lines = input === '' ? [] : input.replace(/\n$/u, '').split('\n');
for (const line of lines) process.stdout.write(`${JSON.stringify(readInVocabulary(line.replace(/\r$/u, '')))}\n`);
