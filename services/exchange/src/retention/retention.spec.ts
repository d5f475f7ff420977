import { v7 as uuidv7 } from 'uuid';
import { AGING, type Aging, firstIdOf, pastOf } from './retention.js';

describe('what goes by age', () => {
  it.each(Object.keys(AGING) as Aging[])('goes by a rule row that there is: %s', (table) => {
    expect(pastOf(table, new Date('2026-11-23T01:00:00Z'))).not.toBeNull();
  });

  it('is found by its id, where that says when it was made', () => {
    expect(firstIdOf(new Date(0x0123_4567_89ab))).toBe('01234567-89ab-7000-8000-000000000000');
    const made = uuidv7({ msecs: 1_795_395_600_000 });
    expect(made < firstIdOf(new Date(1_795_395_600_001))).toBe(true);
    expect(made < firstIdOf(new Date(1_795_395_600_000))).toBe(false);
  });
});
