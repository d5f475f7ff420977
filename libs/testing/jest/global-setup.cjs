// Gives a Jest run its servers, before the first spec. Jest does not rewrite what its global set-up imports.
require('./typescript-sources.cjs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

module.exports = async () => {
  const { prepareRun } = await import(pathToFileURL(join(__dirname, '../src/run.ts')).href);
  globalThis.testRun = await prepareRun();
};
