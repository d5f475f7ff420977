import fc from 'fast-check';
import { addMonths } from './calendar.js';
import { pastBefore } from './retention.js';
import { allRules } from './rules.js';

describe('what goes by age', () => {
  it.each(['NETWORK_LOGS_KEPT', 'SHARING_LOGS_KEPT'])('%s keeps as long as the row says, to the day', (name) => {
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

  it.each([
    ['PRODUCT', '2024-11-23T00:00:00+08:00'],
    ['FOOD', '2016-11-23T00:00:00+08:00'],
    ['COSMETIC', '2016-11-23T00:00:00+08:00'],
  ] as const)('goes by the row of its regime: files of %s', (regime, before) => {
    expect(pastBefore('SAMPLING_FILES_KEPT', new Date('2026-11-23T01:00:00Z'), regime)).toEqual(new Date(before));
  });

  it('is kept where no rule says how long', () => {
    expect(pastBefore('TEA_BREAK', new Date('2026-11-23T01:00:00Z'))).toBeNull();
    expect(pastBefore('NETWORK_LOGS_KEPT', new Date('2025-11-23T01:00:00Z'))).toBeNull();
  });
});
