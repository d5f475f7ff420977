import { isDue, staying } from './credit-snapshot.js';

const of = (...dates: string[]) => dates.map((date) => ({ date, epoch: 'a' }));
const dates = (snapshots: readonly { date: string }[]): string[] => snapshots.map(({ date }) => date);

describe('a snapshot is due', () => {
  it('when there is none', () => expect(isDue('2026-11-27', 'a', [])).toBe(true));
  it('when the last is of a day before, however long ago', () => expect(isDue('2026-11-27', 'a', of('2026-11-20'))).toBe(true));
  it('once a day', () => expect(isDue('2026-11-27', 'a', of('2026-11-26', '2026-11-27'))).toBe(false));
  it('not for a process whose clock is behind', () => expect(isDue('2026-11-26', 'a', of('2026-11-27'))).toBe(false));
  it('again on the same day when the feed has begun another epoch', () => expect(isDue('2026-11-27', 'b', of('2026-11-27'))).toBe(true));
});

describe('of the snapshots stay', () => {
  it('the newest two', () => {
    expect(dates(staying('2026-11-27', 'a', of('2026-11-25', '2026-11-27', '2026-11-26')))).toEqual(['2026-11-27', '2026-11-26']);
  });

  it('none of another epoch', () => expect(staying('2026-11-27', 'b', of('2026-11-27'))).toEqual([]));

  // 2026-11-27 is a Friday.
  it('none on the third working day after it was built, when nothing newer has been built', () => {
    expect(dates(staying('2026-12-01', 'a', of('2026-11-27')))).toEqual(['2026-11-27']);
    expect(dates(staying('2026-12-02', 'a', of('2026-11-27')))).toEqual([]);
  });
});
