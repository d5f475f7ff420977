import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scheduleOf } from './faults/schedule.js';
import { type Mutant, mutantsIn } from './mutants.js';

/*
 * A patch that no longer fits what it spoils would be noticed only by a run of all mutants, which takes an hour.
 */
const tree = join(__dirname, '../..');
const mutants = mutantsIn(join(tree, 'chaos/mutants'));

describe('a mutant', () => {
  it('is one of at least a dozen', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(12);
  });

  it.each(mutants.map((mutant): [string, Mutant] => [mutant.name, mutant]))('still fits the tree: %s', (_, { patch }) => {
    expect(() => execFileSync('git', ['apply', '--check', patch ?? ''], { cwd: tree, stdio: 'pipe' })).not.toThrow();
  });

  it.each(mutants.map((mutant): [string, Mutant] => [mutant.name, mutant]))(
    'says what shows it: %s',
    (_, { faults, number, expect: codes }) => {
      const stage = { seed: '1', freezeMs: 1_000, disk: true, slowDisk: true, brokers: 1 };
      expect(scheduleOf({ ...stage, faults: number, only: faults })).toHaveLength(number);
      for (const fault of faults) expect(scheduleOf({ ...stage, faults: 1, only: [fault] })).toHaveLength(1);
      for (const code of codes) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
    },
  );
});
