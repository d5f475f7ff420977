import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { accessToken } from './access.js';
import { usualPorts } from './ports.js';
import { repository } from './repository.js';

/*
 * npm run dead-letters -- list SERVICE [--code CODE] [--topic TOPIC] [--replayed]
 * npm run dead-letters -- inspect|replay SERVICE ID
 *
 * Speaks to the gateway of a running stack (JINQIAO_URL, default http://localhost:3000) as the operator: with the token in JINQIAO_TOKEN,
 * else with the one that the development issuer of `npm start` gives.
 */
const USAGE =
  'usage: npm run dead-letters -- list SERVICE [--code CODE] [--topic TOPIC] [--replayed] | inspect SERVICE ID | replay SERVICE ID';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { code: { type: 'string' }, topic: { type: 'string' }, replayed: { type: 'boolean', default: false } },
});
const [verb, service, id] = positionals;

try {
  console.log(JSON.stringify(await answer(), null, 2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function answer(): Promise<unknown> {
  if (!service || !['list', 'inspect', 'replay'].includes(verb ?? '') || (verb !== 'list' && !id)) throw new Error(USAGE);
  const path = `/api/${service}/dead-letters`;
  if (verb === 'inspect') return ask('GET', `${path}/${id}`);
  if (verb === 'replay') return ask('POST', `${path}/${id}/replay`);
  const filter = new URLSearchParams({ open: String(!values.replayed), limit: '200' });
  if (values.code) filter.set('code', values.code);
  if (values.topic) filter.set('topic', values.topic);
  return ask('GET', `${path}?${filter.toString()}`);
}

async function ask(method: string, path: string): Promise<unknown> {
  const origin = process.env['JINQIAO_URL'] ?? 'http://localhost:3000';
  const headers = { authorization: `Bearer ${await operatorToken()}` };
  const got = await fetch(origin + path, { method, headers }).catch(() => noAnswer(origin, 'JINQIAO_URL'));
  const text = await got.text();
  if (!got.ok) throw new Error(`${origin}${path} answered ${got.status}: ${text}`);
  return JSON.parse(text);
}

async function operatorToken(): Promise<string> {
  const given = process.env['JINQIAO_TOKEN'];
  if (given) return given;
  const seedFile = join(resolve(process.env['JINQIAO_DATA'] || `${repository}/.local/stack`), 'secret-seed');
  if (!existsSync(seedFile)) throw new Error('no stack was started here: set JINQIAO_TOKEN to an operator’s access token');
  const issuer = process.env['OIDC_ISSUER'] ?? `http://127.0.0.1:${usualPorts.issuer}`;
  const seed = readFileSync(seedFile, 'utf8');
  const { token } = await accessToken({ issuer, seed }, 'operator').catch((error: unknown) => {
    if (error instanceof TypeError) return noAnswer(issuer, 'OIDC_ISSUER');
    throw error;
  });
  return token;
}

// fetch says no more than "fetch failed", as a TypeError.
function noAnswer(address: string, variable: string): never {
  throw new Error(`nothing answers at ${address}: start the stack with \`npm start\`, or name its address in ${variable}`);
}
