import { allRules } from '@jinqiao/law';
import { v7 as uuidv7 } from 'uuid';
import { AGING, firstIdOf } from './retention.js';

describe('what goes by age', () => {
  it.each(Object.values(AGING))('goes by a rule row that there is: %s', (name) => {
    expect(allRules().map((row) => row.name)).toContain(name);
  });

  it('is found by its id, where that says when it was made', () => {
    expect(firstIdOf(new Date(0x0123_4567_89ab))).toBe('01234567-89ab-7000-8000-000000000000');
    const made = uuidv7({ msecs: 1_795_395_600_000 });
    expect(made < firstIdOf(new Date(1_795_395_600_001))).toBe(true);
    expect(made < firstIdOf(new Date(1_795_395_600_000))).toBe(false);
  });
});
