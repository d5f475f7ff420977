import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.js';

export interface BrokerPorts {
  readonly kafka: number;
  readonly kafkaInternal: number;
  readonly kafkaController: number;
}

export interface ServerPorts extends BrokerPorts {
  readonly postgres: number;
  readonly redis: number;
  readonly issuer: number;
}

/** Below the range the kernel gives to outgoing connections, away from the ports these servers have elsewhere. */
export const usualPorts: ServerPorts = {
  kafka: 29092,
  kafkaInternal: 29093,
  kafkaController: 29094,
  postgres: 25432,
  redis: 26380,
  issuer: 3001,
};

export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** The kernel gives none below to a program that asks for any, which would take it before the server does for which it was chosen. */
const KERNELS_FIRST = 32_768;
const OURS_FIRST = 10_000;
const PROBES = 100;

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let probe = 0; probe < PROBES; probe += 1) {
    const port = randomInt(OURS_FIRST, KERNELS_FIRST);
    if (await isFree(port)) return port;
  }
  throw new CannotStart('no port is free', `look at what listens between ${OURS_FIRST} and ${KERNELS_FIRST}`);
}

/** The ports this data directory had last time where they are still free, so that clients find the servers again; else any. */
export async function freePorts(dataDir: string): Promise<ServerPorts> {
  const file = join(dataDir, 'ports.json');
  const last = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<ServerPorts>) : {};
  const chosen = { ...usualPorts };
  for (const name of Object.keys(usualPorts) as (keyof ServerPorts)[]) {
    const before = last[name];
    chosen[name] = before !== undefined && (await isFree(before)) ? before : await freePort();
  }
  writeFileSync(file, JSON.stringify(chosen));
  return chosen;
}

/** Says who listens on the first of these ports that is taken. */
export async function requireFree(ports: Readonly<Record<string, number>>, remedy: (name: string) => string): Promise<void> {
  for (const [name, port] of Object.entries(ports)) {
    if (!(await isFree(port))) throw new CannotStart(`port ${port} (${name}) is taken by ${whoListensOn(port)}`, remedy(name));
  }
}

/** `node (process 4711)`, as far as this user may look; Linux only. */
export function whoListensOn(port: number): string {
  const inode = listeningInode(port);
  if (inode === undefined) return 'another program';
  for (const id of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const holds = readdirSync(`/proc/${id}/fd`).some((fd) => linkOf(`/proc/${id}/fd/${fd}`) === `socket:[${inode}]`);
      if (holds) return `${readFileSync(`/proc/${id}/comm`, 'utf8').trim()} (process ${id}: \`kill ${id}\` ends it)`;
    } catch {
      // Gone meanwhile, or another user's process.
    }
  }
  return "another user's program";
}

function listeningInode(port: number): string | undefined {
  const LISTEN = '0A';
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['/proc/net/tcp', '/proc/net/tcp6']
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1));
  const fields = rows.map((row) => row.trim().split(/\s+/)).find(([, local, , state]) => local?.endsWith(suffix) && state === LISTEN);
  return fields?.[9];
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
