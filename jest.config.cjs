// Every project of the workspace, each twice: rules (*.spec.ts) start at once, what needs servers (*.int-spec.ts, *.e2e-spec.ts) starts them
// once per run. `npx jest -c jest.config.cjs <part of a path>` runs a few files.
const { existsSync, readdirSync } = require('node:fs');
const { basename, join } = require('node:path');
const { testTimeout, ...preset } = require('./jest.preset.cjs');

const isProject = (folder) => existsSync(join(folder, 'package.json'));
const below = (parent) => readdirSync(join(__dirname, parent)).map((name) => join(__dirname, parent, name));
const folders = [
  ...[...below('libs'), ...below('services'), ...below('infra')].filter(isProject),
  ...['simulator', 'bench', 'chaos', 'tools', 'e2e'].map((name) => join(__dirname, name)).filter(existsSync),
];

const globalSetup = join(__dirname, 'libs/testing/jest/global-setup.cjs');
const servers = existsSync(globalSetup) ? { globalSetup, globalTeardown: join(__dirname, 'libs/testing/jest/global-teardown.cjs') } : {};

const project = (folder, displayName, endings, more = {}) => ({
  ...preset,
  ...more,
  rootDir: folder,
  displayName,
  testMatch: endings.map((ending) => `${folder}/**/*.${ending}.ts`),
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
});

module.exports = {
  testTimeout,
  passWithNoTests: true,
  // Servers take one core; more than one worker beside them makes deadlines a matter of luck.
  maxWorkers: process.env['JEST_WORKERS'] ?? 2,
  reporters: ['default', join(__dirname, 'tools/totals-reporter.cjs')],
  projects: folders.flatMap((folder) => [
    project(folder, basename(folder), ['spec']),
    project(folder, `${basename(folder)} on servers`, ['int-spec', 'e2e-spec'], servers),
  ]),
};
