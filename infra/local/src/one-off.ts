import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CannotStart } from './cannot-start.js';

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Absent = our own output. */
  readonly logFile: string | undefined;
  readonly withinMs: number;
}

/** Runs a program of ours that ends by itself; one that fails is the reason why nothing can be started. */
export async function runToEnd({ name, args, env, logFile, withinMs }: Program): Promise<void> {
  const log = logFile === undefined ? 'inherit' : openSync(logFile, 'a');
  const child = spawn(process.execPath, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env }, timeout: withinMs });
  if (typeof log === 'number') closeSync(log);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code === 0) return;
  const last = logFile === undefined ? '' : (readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1) ?? '').trim().slice(0, 200);
  throw new CannotStart(`${name} failed (“${last}”)`, `read ${logFile ?? 'what it printed'} and start again`);
}
