// `node tools/bundle.mjs [SERVICE ...]`: the programs of each service (main, migrate), each with all that it imports, out of what tsc has
// built. Finding and reading two thousand modules is more than half of a service's start (docs/performance.md). What is newer than all it
// was made of is left as it is.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = process.cwd();
const named = process.argv.slice(2);
const built = readdirSync(join(root, 'services')).filter((name) => existsSync(join(root, 'services', name, 'dist/main.js')));

// Native code, and what NestJS would load if somebody used it.
const EXTERNAL = [
  '@node-rs/crc32',
  '@fastify/view',
  '@grpc/*',
  '@nats-io/*',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'amqplib',
  'ioredis',
  'mqtt',
  'swagger-ui-dist',
];

// CommonJS modules find these in a file of their own; in an ES module they are made.
const COMMON_JS = `import { createRequire as requireFrom } from 'node:module';
import { dirname as directoryOf } from 'node:path';
import { fileURLToPath as pathOf } from 'node:url';
const require = requireFrom(import.meta.url);
const __filename = pathOf(import.meta.url);
const __dirname = directoryOf(__filename);`;

// Node keeps a map in memory from the start on, and nine tenths of it would be about dependencies: a map without places stands in for each.
const NO_PLACES = Buffer.from(JSON.stringify({ version: 3, sources: [''], mappings: 'AAAA' })).toString('base64');
const WITHOUT_MAP = `\n//# sourceMappingURL=data:application/json;base64,${NO_PLACES}`;
// V8 keeps the text of a program, with two bytes for each letter where one letter needs them. The bundler escapes all but regular expressions.
const escaped = (text) => text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const IN_LITTLE_MEMORY = {
  name: 'in little memory',
  setup({ onLoad }) {
    onLoad({ filter: /\.[cm]?js$/ }, ({ path }) => ({
      contents: escaped(readFileSync(path, 'utf8')) + (/[\\/]node_modules[\\/]/.test(path) ? WITHOUT_MAP : ''),
      loader: 'default',
    }));
  },
};

// Names are for classes, which name themselves as they are made. The bundler would have every function named anew as often as it is made,
// some of them several times a request.
const NAMES = 'var __name=(target,value)=>__defProp(target,"name",{value,configurable:true});';
const NAMES_OF_CLASSES = `var __name=target=>target;${NAMES.replace('__name', '__kept')}`;
// As long as before: maps count columns.
const OF_A_CLASS = [/static\{(\n?)__name\(this,/g, 'static{$1__kept(this,'];

for (const service of named.length > 0 ? named : built) await bundle(service);

async function bundle(service) {
  const dist = join(root, 'services', service, 'dist');
  const programs = ['main', 'migrate'].filter((name) => existsSync(join(dist, `${name}.js`)));
  const outdir = join(dist, 'bundle');
  if (programs.every((name) => changedAt(join(outdir, `${name}.js`)) > changedAt(...sourcesOf(dist)))) return;
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: programs.map((name) => join(dist, `${name}.js`)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // NestJS and TypeORM go by the names of classes.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    minifyWhitespace: true,
    // Node quotes the line of an error that nobody caught.
    lineLimit: 160,
    legalComments: 'external',
    external: EXTERNAL,
    plugins: [IN_LITTLE_MEMORY],
    banner: { js: COMMON_JS },
    logLevel: 'warning',
  });
  for (const program of programs) nameClassesOnly(join(outdir, `${program}.js`));
}

function nameClassesOnly(program) {
  const source = readFileSync(program, 'utf8');
  if (!source.includes(NAMES)) throw new Error(`${program} names its functions in a way that is not known here`);
  writeFileSync(program, source.replace(...OF_A_CLASS).replace(NAMES, NAMES_OF_CLASSES));
}

/** What tsc last wrote of a service and the libraries, npm of everything else, and how it is put together. */
function sourcesOf(dist) {
  const libraries = readdirSync(join(root, 'libs')).map((name) => join(root, 'libs', name, 'dist'));
  const ours = [dist, ...libraries].map((folder) => join(folder, '.tsbuildinfo'));
  return [...ours, join(root, 'node_modules/.package-lock.json'), fileURLToPath(import.meta.url)];
}

function changedAt(...files) {
  return Math.max(...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}
