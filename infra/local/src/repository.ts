import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The work tree; this file stands in infra/local/src or, built, in infra/local/dist. */
export const repository = resolve(here, '../../..');

/** The issuer runs as a process of its own: built as JavaScript, or from its source (Node removes the types) when tests run from source. */
export const issuerProgram = resolve(here, here.endsWith('dist') ? 'issuer.js' : 'issuer.ts');
