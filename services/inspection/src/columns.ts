import { createInterface } from 'node:readline';
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

for await (const heading of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (heading !== '') process.stdout.write(`${JSON.stringify(inVocabulary(heading))}\n`);
}
