import { readFileSync } from 'node:fs';

// The processes of a server: what a keeper started, and what that started in turn. Linux only, as the signals are meant for real processes.

/** The server in a keeper's group (the keeper is a shell). */
export function serverOf(keeper: number): number | null {
  return childrenOf(keeper).find((child) => nameOf(child) !== 'sh') ?? null;
}

/** A process and everything below it. */
export const familyOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(familyOf)];

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already.
    }
  }
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
}

const nameOf = (pid: number): string => read(`/proc/${pid}/comm`).trim();

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
