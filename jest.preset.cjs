// Specs run as CommonJS; swc rewrites our TypeScript and the packages that ship ESM only (twice as fast as Jest's native ESM mode).
const esmOnly = [
  '@nestjs',
  'file-type',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
  'load-esm',
  'content-disposition',
  'light-my-request',
  'cookie',
  'jose',
  'uuid',
  'canonicalize',
  'oidc-provider',
  'csv-parse',
  '@apidevtools',
];
const target = 'es2023';
module.exports = {
  testEnvironment: 'node',
  // Workspace libraries resolve to their sources: no build before a test.
  testEnvironmentOptions: { customExportConditions: ['@jinqiao/source', 'node', 'node-addons'] },
  testMatch: ['**/src/**/*.spec.ts', '**/src/**/*.int-spec.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles: ['reflect-metadata'],
  testTimeout: 30_000,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          target,
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
    '^.+\\.m?js$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { parser: { syntax: 'ecmascript' }, target, keepClassNames: true },
        module: { type: 'commonjs' },
        sourceMaps: false,
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
};
