import { isDue, staying } from './credit-snapshot.js';

const of = (...dates: string[]) => dates.map((date) => ({ date, epoch: 'a', takenAt: `${date}T00:02:00+08:00` }));
const inChina = (time: string): Date => new Date(`${time}+08:00`);
const dates = (snapshots: readonly { date: string }[]): string[] => snapshots.map(({ date }) => date);

describe('a snapshot is due', () => {
  it('when there is none', () => expect(isDue('2026-11-27', 'a', [])).toBe(true));
  it('when the last is of a day before, however long ago', () => expect(isDue('2026-11-27', 'a', of('2026-11-20'))).toBe(true));
  it('once a day', () => expect(isDue('2026-11-27', 'a', of('2026-11-26', '2026-11-27'))).toBe(false));
  it('not for a process whose clock is behind', () => expect(isDue('2026-11-26', 'a', of('2026-11-27'))).toBe(false));
  it('again on the same day when the feed has begun another epoch', () => expect(isDue('2026-11-27', 'b', of('2026-11-27'))).toBe(true));
});

describe('of the snapshots stay', () => {
  it('the newest, and the one before until the newest is an hour old', () => {
    const kept = of('2026-11-25', '2026-11-27', '2026-11-26');
    expect(dates(staying(inChina('2026-11-27T01:01:59'), 'a', kept))).toEqual(['2026-11-27', '2026-11-26']);
    expect(dates(staying(inChina('2026-11-27T01:02:00'), 'a', kept))).toEqual(['2026-11-27']);
  });

  it('none of another epoch', () => expect(staying(inChina('2026-11-27T00:03:00'), 'b', of('2026-11-27'))).toEqual([]));

  // 2026-11-27 is a Friday.
  it('none on the third working day after it was built, when nothing newer has been built', () => {
    expect(dates(staying(inChina('2026-12-01T23:59:59'), 'a', of('2026-11-27')))).toEqual(['2026-11-27']);
    expect(dates(staying(inChina('2026-12-02T00:00:00'), 'a', of('2026-11-27')))).toEqual([]);
  });
});
