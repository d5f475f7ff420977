// Lets Node run our TypeScript where it stands, before anything is built: Node itself removes the types of erasable syntax, only the
// endings of the imports are ours to map. Enough for infra/local/src/servers.ts and what it imports.
require('node:module').registerHooks({
  resolve(specifier, context, next) {
    const source = /^\.\.?\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts');
    const conditions = [...context.conditions, '@jinqiao/source'];
    return next(
      source ? specifier.replace(/\.js$/, '.ts') : specifier,
      specifier.startsWith('@jinqiao/') ? { ...context, conditions } : context,
    );
  },
});
