import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Not the whole package: Jest's global set-up loads this file as it stands, so everything it imports is of erasable syntax.
import { CannotStart, type ServerAddresses, startServers } from '@jinqiao/infra-local/servers';
import { removeRun } from './remove-run.js';

export interface TestRun {
  end(): Promise<void>;
}

interface Begun {
  readonly addresses: ServerAddresses;
  stop(): Promise<void>;
}

/**
 * Chooses the servers of a run and names them to the workers in TEST_SERVERS_FILE: those it names already, else containers where an
 * engine answers, else a stack of its own without any. TEST_INFRA (given, containers, local) forces one.
 */
export async function prepareRun(): Promise<TestRun> {
  process.env['TEST_RUN'] = randomBytes(3).toString('hex');
  const home = mkdtempSync(join(tmpdir(), 'jinqiao-test-'));
  chmodSync(home, 0o711); // PostgreSQL runs as another user when we are root
  try {
    const begun = await begin(home);
    if (!begun) return { end: () => endGiven(home) };
    process.env['TEST_SERVERS_FILE'] = join(home, 'servers.json');
    writeFileSync(process.env['TEST_SERVERS_FILE'], JSON.stringify(begun.addresses), { mode: 0o600 });
    return {
      end: async () => {
        await begun.stop();
        rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    // One sentence instead of a stack trace; Jest prints the message of what its set-up throws.
    if (error instanceof CannotStart) error.stack = error.message;
    throw error;
  }
}

/** null: the servers are given and stay. */
async function begin(home: string): Promise<Begun | null> {
  const infra = process.env['TEST_INFRA'] ?? (process.env['TEST_SERVERS_FILE'] ? 'given' : 'any');
  switch (infra) {
    case 'given':
      if (!process.env['TEST_SERVERS_FILE'])
        throw new CannotStart('TEST_INFRA is given and no servers are', 'name their file in TEST_SERVERS_FILE');
      return null;
    case 'containers': {
      const { engineAnswers, startContainers } = await import('./containers.js');
      if (!(await engineAnswers()))
        throw new CannotStart('TEST_INFRA is containers and no engine answers', 'start Docker, or leave TEST_INFRA out');
      return startContainers(home);
    }
    case 'local':
      return startLocal(home);
    case 'any': {
      const { engineAnswers, startContainers } = await import('./containers.js');
      return (await engineAnswers()) ? startContainers(home) : startLocal(home);
    }
    default:
      throw new CannotStart(`TEST_INFRA is ${infra}`, 'give it one of given, containers, local');
  }
}

async function startLocal(home: string): Promise<Begun> {
  const { processes: _processes, stop, ...addresses } = await startServers({ dataDir: join(home, 'servers'), ports: 'free' });
  return { addresses, stop };
}

async function endGiven(home: string): Promise<void> {
  rmSync(home, { recursive: true, force: true });
  await removeRun();
}
