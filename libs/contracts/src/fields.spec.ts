import { isCalendarDate, isPartialDate, isTimestamp } from './fields.js';

describe('a calendar date', () => {
  it.each(['2026-01-31', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'])('may be %s', (text) =>
    expect(isCalendarDate(text)).toBe(true),
  );
  it.each([
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-00-10',
    '2026-13-01',
    '2026-01-00',
    '2026-1-1',
    '20260101',
    '2026-01-01 ',
    '2026-01-01\n',
    '',
    null,
    20260101,
  ])('is not %p', (value) => expect(isCalendarDate(value)).toBe(false));
});

describe('a date as printed', () => {
  it.each(['2026', '2026-01', '2026-12', '2026-01-31'])('may be %s', (text) => expect(isPartialDate(text)).toBe(true));
  it.each(['26', '2026-00', '2026-13', '2026-1', '2026-02-30', '2026年', '', 2026])('is not %p', (value) =>
    expect(isPartialDate(value)).toBe(false),
  );
});

describe('a timestamp', () => {
  it.each(['2026-01-01T00:00:00Z', '2026-01-01t00:00:00z', '2026-01-01T23:59:59.123456789+08:00', '2026-01-01T00:00:00-23:59'])(
    'may be %s',
    (text) => expect(isTimestamp(text)).toBe(true),
  );
  it.each([
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+0800',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1234567890Z',
    '2026-01-01',
    1767225600,
  ])('is not %p', (value) => expect(isTimestamp(value)).toBe(false));
});
