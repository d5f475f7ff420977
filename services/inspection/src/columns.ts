import { text } from 'node:stream/consumers';
import { readForImport } from './import/fields.js';
import { corpusOfHeadings, headingReader } from './import/headings.js';
import type { Reading } from './import/headings.js';

/** `npm run -s columns < FILE`: one heading a line in, one line {"heading","field","score"} out, in the vocabulary of column-names.json. */
const vocabulary = new Set(corpusOfHeadings().values());
// What the importer names more finely than the vocabulary does.
const COARSER: Readonly<Record<string, string>> = {
  'sampledParty.regionName': 'sampledParty.division',
  'producer.regionName': 'producer.address',
  'product.batch': 'product.producedOnOrBatch',
  sampleNo: 'noticeNo',
};

function inVocabulary(heading: string): Reading {
  const reading = headingReader().read(heading);
  if (reading.field !== null) return reading;
  const { field, score } = readForImport(heading);
  const word = COARSER[field ?? ''] ?? field ?? '';
  return vocabulary.has(word) ? { heading, field: word, score } : reading;
}

// Split at line feeds only: spreadsheets put carriage returns and line separators inside headings.
const lines = (await text(process.stdin)).replace(/^\uFEFF|\n$/gu, '').split('\n');
for (const line of lines) process.stdout.write(`${JSON.stringify(inVocabulary(line.replace(/\r$/u, '')))}\n`);
