import { assertWithinSeries, isConfirmed, replayedSince } from './delivery.js';

describe('a cursor', () => {
  const series = { floor: 5, lastPosition: 9 };

  it.each([4, 5, 8, 9])('at %d has nothing missing behind it', (after) => {
    expect(() => assertWithinSeries(after, series)).not.toThrow();
  });

  it('behind which something is gone is refused instead of skipping it', () => {
    expect(() => assertWithinSeries(3, series)).toThrow(expect.objectContaining({ code: 'REPLAY_TOO_OLD', status: 410 }) as Error);
  });

  it('beyond the end is not one of ours', () => {
    expect(() => assertWithinSeries(10, series)).toThrow(expect.objectContaining({ code: 'CURSOR_AHEAD', status: 400 }) as Error);
  });
});

it('replays 90 days, as long as the topics keep theirs', () => {
  expect(replayedSince(new Date('2026-11-23T01:00:00Z'))).toEqual(new Date('2026-08-25T01:00:00Z'));
});

it('waits for a word of the recipient by webhook and by pull, not on the topic', () => {
  expect([isConfirmed('WEBHOOK'), isConfirmed('PULL'), isConfirmed('KAFKA')]).toEqual([true, true, false]);
});
