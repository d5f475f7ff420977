import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A mistake to be planted, and what has to come of it. */
export interface Mutant {
  readonly name: string;
  /** null = no mistake. */
  readonly patch: string | null;
  readonly faults: readonly string[];
  readonly number: number;
  /** One of these codes has to be reported. */
  readonly expect: readonly string[];
}

/** A patch begins with lines that say what it does, which faults show it, how many of them, and by which codes. */
export function mutantsIn(folder: string): Mutant[] {
  const names = readdirSync(folder).filter((file) => file.endsWith('.patch'));
  return names.map((file) => {
    const patch = join(folder, file);
    const text = readFileSync(patch, 'utf8');
    const line = (title: string): string => new RegExp(`^${title}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    const [faults, expect] = [line('Faults').split('; '), line('Expect').split(' ')];
    return { name: file.replace('.patch', ''), patch, faults, number: Number(line('Number')), expect };
  });
}
