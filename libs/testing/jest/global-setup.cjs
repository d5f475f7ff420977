// Gives a Jest run its servers, before the first spec: those that TEST_SERVERS_FILE names, else a stack of the run's own.
const { registerHooks } = require('node:module');
const { pathToFileURL } = require('node:url');
const { join } = require('node:path');

// Jest does not rewrite what its global set-up imports, and nothing is built yet. Node itself removes the types of what is needed here
// (infra/local/src/servers.ts and this library's part without Nest, all of erasable syntax); only the endings of the imports are ours to map.
registerHooks({
  resolve(specifier, context, next) {
    const source = /^\.\.?\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts');
    return next(source ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

module.exports = async () => {
  const { prepareRun } = await import(pathToFileURL(join(__dirname, '../src/run.ts')).href);
  globalThis.testRun = await prepareRun();
};
