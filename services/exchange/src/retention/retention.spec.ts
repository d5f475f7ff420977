import { addMonths, allRules } from '@jinqiao/law';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { AGING, firstIdOf, pastBefore } from './retention.js';

describe('what goes by age', () => {
  it.each(Object.values(AGING))('%s keeps as long as the row says, to the day', (name) => {
    const row = allRules().find((one) => one.name === name);
    const months = (row?.value ?? 0) * (row?.unit === 'YEARS' ? 12 : 1);
    expect(months).toBeGreaterThan(0);
    const days = fc.date({ min: new Date('2026-01-01T00:00:00Z'), max: new Date('2035-12-31T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(days, fc.integer({ min: 0, max: 4_000 * 24 }), (now, hoursOld) => {
        const recorded = new Date(now.getTime() - hoursOld * 3_600_000);
        const inChina = (at: Date): string => new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
        const lastDay = addMonths(inChina(recorded), months);
        const before = pastBefore(name, now);
        if (before && recorded < before) expect(lastDay < inChina(now)).toBe(true);
        // At most three days longer, where a month is too short to count back.
        const longAgo = addMonths(inChina(new Date(recorded.getTime() + 3 * 86_400_000)), months);
        if (longAgo < inChina(now)) expect(before && recorded < before).toBe(true);
      }),
    );
  });

  it('is kept where no rule says how long', () => {
    expect(pastBefore('TEA_BREAK', new Date('2026-11-23T01:00:00Z'))).toBeNull();
    expect(pastBefore('NETWORK_LOGS_KEPT', new Date('2025-11-23T01:00:00Z'))).toBeNull();
  });

  it('finds what was made before an instant by its id', () => {
    expect(firstIdOf(new Date(0x0123_4567_89ab))).toBe('01234567-89ab-7000-8000-000000000000');
    const made = uuidv7({ msecs: 1_795_395_600_000 });
    expect(made < firstIdOf(new Date(1_795_395_600_001))).toBe(true);
    expect(made < firstIdOf(new Date(1_795_395_600_000))).toBe(false);
  });
});
