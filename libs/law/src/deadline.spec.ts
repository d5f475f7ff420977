import { addWorkingDays, isWorkingDay, wholeDate, workingDays } from './calendar.js';
import { deadline } from './deadline.js';

describe('working days', () => {
  it('counts make-up days as worked and holidays as free', () => {
    expect(isWorkingDay('2026-10-01')).toBe(false);
    expect(isWorkingDay('2026-10-10')).toBe(true); // a Saturday, worked for National Day
    expect(isWorkingDay('2026-10-11')).toBe(false);
  });

  it('does not count the start day', () => {
    expect(addWorkingDays('2026-11-20', 1)).toEqual({ day: '2026-11-23', provisional: false });
    expect(addWorkingDays('2026-11-20', 0)).toEqual({ day: '2026-11-20', provisional: false });
  });

  it('jumps over National Day', () => {
    expect(addWorkingDays('2026-09-30', 3).day).toBe('2026-10-10');
    expect(workingDays('2026-09-30', '2026-10-10')).toBe(3);
  });

  it('is provisional when it runs into a year whose holidays are not published', () => {
    expect(addWorkingDays('2026-12-25', 1)).toEqual({ day: '2026-12-28', provisional: false });
    expect(addWorkingDays('2026-12-30', 3)).toEqual({ day: '2027-01-04', provisional: true });
  });

  it('is provisional in the last days of a year, which the New Year of the next arrangement may take', () => {
    expect(addWorkingDays('2026-12-28', 1)).toEqual({ day: '2026-12-29', provisional: true });
    // Worked on a Saturday for the New Year of 2019, whose arrangement is known.
    expect(addWorkingDays('2018-12-28', 1)).toEqual({ day: '2018-12-29', provisional: false });
  });

  it('refuses to count backwards', () => {
    expect(() => addWorkingDays('2026-11-20', -1)).toThrow(RangeError);
  });
});

describe('deadline', () => {
  it('moves the objection period of fifteen days past National Day', () => {
    expect(deadline('2026-09-17', { value: 15, unit: 'CALENDAR_DAYS' })).toEqual({ due: '2026-10-08', provisional: false });
  });

  it('moves a correction period of sixty days past National Day', () => {
    expect(deadline('2026-08-05', { value: 60, unit: 'CALENDAR_DAYS' })).toEqual({ due: '2026-10-08', provisional: false });
  });

  it('rolls as the instrument says, and never shortens', () => {
    const saturday = { value: 15, unit: 'CALENDAR_DAYS' } as const; // from 2026-11-06: Saturday 2026-11-21
    expect(deadline('2026-11-06', { ...saturday, roll: 'NON_WORKING_DAY' }).due).toBe('2026-11-23');
    expect(deadline('2026-11-06', { ...saturday, roll: 'HOLIDAY' }).due).toBe('2026-11-21');
    expect(deadline('2026-09-17', { ...saturday, roll: 'HOLIDAY' }).due).toBe('2026-10-08');
    expect(deadline('2026-09-17', { ...saturday, roll: 'NONE' }).due).toBe('2026-10-02');
  });

  it('clamps months to the end of the month and lets them run out on any day', () => {
    expect(deadline('2026-08-31', { value: 6, unit: 'MONTHS' })).toEqual({ due: '2027-02-28', provisional: false });
    expect(deadline('2024-02-29', { value: 3, unit: 'YEARS' }).due).toBe('2027-02-28');
    expect(deadline('2023-12-31', { value: 2, unit: 'MONTHS' }).due).toBe('2024-02-29');
    expect(deadline('2023-10-08', { value: 3, unit: 'YEARS' }).due).toBe('2026-10-08');
  });

  it('is provisional when the last day lies in a year whose holidays are not published', () => {
    expect(deadline('2026-12-20', { value: 15, unit: 'CALENDAR_DAYS' })).toEqual({ due: '2027-01-04', provisional: true });
    expect(deadline('2026-12-20', { value: 15, unit: 'CALENDAR_DAYS', roll: 'NONE' }).provisional).toBe(false);
  });

  it('counts days from the day it is in China', () => {
    const lateOnThe16thInLondon = new Date('2026-09-16T16:00:00Z');
    expect(deadline(lateOnThe16thInLondon, { value: 15, unit: 'CALENDAR_DAYS' }).due).toBe('2026-10-08');
    expect(deadline('2026-11-23T15:59:59Z', { value: 1, unit: 'WORKING_DAYS' }).due).toBe('2026-11-24');
    expect(deadline('2026-11-23T16:00:00Z', { value: 1, unit: 'WORKING_DAYS' }).due).toBe('2026-11-25');
  });

  it('counts hours from an instant only', () => {
    expect(deadline('2026-09-30T10:00:00+08:00', { value: 24, unit: 'HOURS' }).due).toEqual(new Date('2026-10-01T02:00:00Z'));
    expect(() => deadline('2026-09-30', { value: 24, unit: 'HOURS' })).toThrow('counts from an instant');
  });

  it('lets a year and a month count from their first day', () => {
    expect([wholeDate('2026'), wholeDate('2026-04'), wholeDate('2026-04-09')]).toEqual(['2026-01-01', '2026-04-01', '2026-04-09']);
  });
});
