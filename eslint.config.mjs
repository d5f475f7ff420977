import js from '@eslint/js';
import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// The boundary rule only reads a project graph that somebody has made, and without one it lets everything pass.
const { nodes } = await createProjectGraphAsync();
const services = Object.values(nodes)
  .flatMap((node) => node.data.tags ?? [])
  .filter((tag) => tag.startsWith('scope:') && tag !== 'scope:shared');

const SPECS = ['**/*.spec.ts', '**/*.int-spec.ts', '**/*.e2e-spec.ts', '**/*.harness.ts', 'tools/**/*.ts', 'e2e/**/*.ts'];
const TYPES = {
  'type:contracts': [],
  'type:lib': ['type:lib', 'type:contracts'],
  'type:service': ['type:lib', 'type:contracts'],
  // Stands for an outsider, who has nothing of ours but the declarations.
  'type:simulator': ['type:contracts'],
  'type:infra': ['type:lib', 'type:contracts', 'type:infra', 'type:simulator'],
  'type:testing': ['type:lib', 'type:contracts', 'type:infra', 'type:testing'],
  'type:bench': ['type:lib', 'type:contracts', 'type:infra'],
  'type:chaos': ['type:lib', 'type:contracts', 'type:infra', 'type:testing'],
};

/** Who may import whom. `more`: what the files of a test may import besides. */
const boundaries = (more = []) => [
  'error',
  {
    enforceBuildableLibDependency: true,
    // Test support stands on these libraries, and their specs stand on test support; a spec is imported by nobody, so no cycle is ever run.
    ignoredCircularDependencies: ['messaging', 'platform'].flatMap((lib) =>
      ['testing', 'infra-local'].map((support) => [`@jinqiao/${lib}`, `@jinqiao/${support}`]),
    ),
    depConstraints: [
      ...Object.entries(TYPES).map(([sourceTag, allowed]) => ({
        sourceTag,
        onlyDependOnLibsWithTags: [...allowed, ...more],
        // reflect-metadata is what class-transformer itself asks for.
        ...(sourceTag === 'type:contracts' &&
          more.length === 0 && { allowedExternalImports: ['class-validator', 'class-transformer', 'reflect-metadata'] }),
      })),
      { sourceTag: 'scope:shared', onlyDependOnLibsWithTags: ['scope:shared'] },
      ...services.map((scope) => ({ sourceTag: scope, onlyDependOnLibsWithTags: [scope, 'scope:shared'] })),
    ],
  },
];

const TRANSPORT = {
  paths: ['kafkajs', '@nestjs/microservices'].map((name) => ({ name, message: 'The broker is spoken to in libs/messaging only.' })),
  patterns: [{ group: ['kafkajs/*', '@nestjs/microservices/*'], message: 'The broker is spoken to in libs/messaging only.' }],
};

/** A route that is written to and whose answer names a secret, without the mark that keeps it out of idempotency_keys. */
const UNMARKED_SECRET = [
  'MethodDefinition',
  ':has(Decorator > CallExpression[callee.name=/^(Post|Put|Delete)$/])',
  ':has(TSTypeAnnotation.returnType Identifier[name=/secret|password|credential/i])',
  ':not(:has(Decorator > CallExpression[callee.name="AnswersWithSecret"]))',
].join('');

const OUTSIDE_THE_TRANSACTION = 'MemberExpression[object.type="ThisExpression"][property.name=/^(db|dataSource|\\w+Repository)$/]';
const transaction = (within) => ({
  selector: `${within} ${OUTSIDE_THE_TRANSACTION}`,
  message: 'Inside a transaction only tx exists: anything else would use a connection of its own.',
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.local/**', 'data/**', 'coverage/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' }, plugins: { '@nx': nx } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ['tsconfig.spec.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
      'no-restricted-imports': ['error', TRANSPORT],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' }],
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true } },
      ],
      'no-restricted-syntax': [
        'error',
        transaction('CallExpression[callee.property.name="transaction"] > :function'),
        transaction(':function[params.0.name="tx"]'),
        {
          selector: ':not(MethodDefinition[kind="constructor"]) > :function[params.length>4]',
          message: 'Four parameters at most: pass an object.',
        },
        // Nobody types the arguments of a constructor that Nest fills.
        {
          selector: 'MethodDefinition[kind="constructor"] > :function[params.length>7]',
          message: 'A class that needs more than seven others does too much.',
        },
        { selector: UNMARKED_SECRET, message: 'What is answered here holds a secret, which must not be kept: @AnswersWithSecret.' },
        { selector: 'TSEnumDeclaration', message: 'A union of strings says the same and disappears at run time.' },
      ],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 3],
      // Payloads are plain objects of their class's shape; empty classes are Nest modules and events without fields of their own.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // Nest's own interfaces have such parameters.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // An interface may ask for a promise where there is nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // The enums are those of kafkajs and Nest, and they come as plain numbers from the wire.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Leaving early with the last call reads well, and a promise that is dropped is caught by no-floating-promises.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['libs/messaging/**', 'libs/testing/**', 'infra/**', 'simulator/**', 'bench/**', 'chaos/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    // What judges a run shares nothing with what it judges.
    files: ['chaos/src/checker/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@jinqiao/*', '../*.js', '!../history.js'], message: 'The checker reads a history, topics and tables.' }] },
      ],
    },
  },
  {
    files: ['**/config.ts', 'infra/**', 'tools/**', 'bench/**', 'chaos/**', 'libs/testing/**', ...SPECS],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: SPECS,
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['type:testing', 'type:infra', 'type:simulator']),
      // A describe is a function too.
      'max-lines-per-function': 'off',
      // Jest's matchers (expect.any and the like) are of type any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  // A migration is SQL, read in one piece.
  {
    files: ['services/*/src/migrations/**', 'libs/*/src/migrations/**', 'libs/*/src/migrations.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: globals.node } },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: globals.node } },
);
