const { basename, dirname } = require('node:path');
const { createNodesFromFiles } = require('@nx/devkit');

/** A service is built in one piece, too. */
const bundle = (root) => (dirname(root) === 'services' ? ` && node tools/bundle.mjs ${basename(root)}` : '');

/** Gives every project the same three targets, so that `nx affected -t lint build test` knows what a change reaches. */
const targetsOf = (root) => ({
  build: { command: `tsc -b ${root}${bundle(root)}` },
  lint: { command: `eslint ${root} --max-warnings 0` },
  test: { command: `node tools/test.mjs ${root}/` },
});

module.exports = {
  name: 'jinqiao-targets',
  createNodesV2: [
    '{simulator,bench,chaos,{libs,services,infra}/*}/package.json',
    (files, options, context) =>
      createNodesFromFiles((file) => ({ projects: { [dirname(file)]: { targets: targetsOf(dirname(file)) } } }), files, options, context),
  ],
};
