import { type Attempted, follow, type Health, HEALTHY, outcomeOf, retryAtOf, webhookIdOf } from './webhook.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const after = (ms: number, from = NOW): Date => new Date(from.getTime() + ms);
const failed: Attempted = { outcome: 'FAILED', status: 500, reason: null, retryAt: null };
const result = (attempts: number) => ({ kind: 'SAMPLING_RESULT' as const, attempts });
const soon = { now: NOW, chance: 0 };

describe('a delivery', () => {
  it.each([
    [1, 5 * SECOND],
    [2, 5 * MINUTE],
    [3, 30 * MINUTE],
    [4, 2 * HOUR],
    [5, 5 * HOUR],
    [6, 10 * HOUR],
    [7, 10 * HOUR],
  ])('that failed %d times is tried again after %d ms, and up to a fifth later', (attempts, delay) => {
    expect(follow(result(attempts), HEALTHY, failed, soon).dueAt).toEqual(after(delay));
    expect(follow(result(attempts), HEALTHY, failed, { now: NOW, chance: 1 }).dueAt).toEqual(after(delay * 1.2));
  });

  it('is given up after the eighth attempt', () => {
    expect(follow(result(8), HEALTHY, failed, soon)).toMatchObject({ delivered: false, dueAt: null, ends: null });
  });

  it.each([5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR].map((delay, index) => [index + 1, delay]))(
    'of a recall that failed %d times is tried again after %d ms',
    (attempts, delay) => {
      expect(follow({ kind: 'RECALL', attempts }, HEALTHY, failed, soon).dueAt).toEqual(after(delay));
    },
  );

  it('that was taken is due no more, and its endpoint is well', () => {
    const ill: Health = { failures: 9, failingSince: after(-HOUR), pausedUntil: NOW };
    const taken = { ...failed, outcome: 'DELIVERED' as const };
    expect(follow(result(3), ill, taken, soon)).toEqual({ delivered: true, dueAt: null, health: HEALTHY, ends: null });
  });

  it('is tried no sooner than the endpoint asked for, and nothing else is sent there until then', () => {
    const throttled: Attempted = { ...failed, outcome: 'THROTTLED', status: 429, retryAt: after(HOUR) };
    const { dueAt, health } = follow(result(1), HEALTHY, throttled, soon);
    expect([dueAt, health.pausedUntil]).toEqual([after(HOUR), after(HOUR)]);
    expect(follow(result(5), HEALTHY, throttled, soon).dueAt).toEqual(after(5 * HOUR));
  });

  it('of a recall is put off by a quarter of an hour at most, so that it is taken or given up within three hours', () => {
    const throttled: Attempted = { ...failed, outcome: 'THROTTLED', status: 429, retryAt: after(24 * HOUR) };
    const { dueAt, health } = follow({ kind: 'RECALL', attempts: 1 }, HEALTHY, throttled, soon);
    expect([dueAt, health.pausedUntil]).toEqual([after(15 * MINUTE), after(15 * MINUTE)]);
    let at = NOW;
    for (let attempts = 1; attempts <= 7; attempts += 1) {
      const asked = { ...throttled, retryAt: after(24 * HOUR, at) };
      at = follow({ kind: 'RECALL', attempts }, HEALTHY, asked, { now: at, chance: 0 }).dueAt ?? at;
    }
    expect(at).toEqual(after(2 * HOUR + 45 * MINUTE));
  });

  it('stays due when the endpoint is gone', () => {
    const gone = { ...failed, outcome: 'GONE' as const, status: 410 };
    expect(follow(result(8), HEALTHY, gone, soon)).toMatchObject({ delivered: false, dueAt: NOW, ends: 'GONE' });
  });
});

describe('an endpoint', () => {
  const failures = (count: number): Health => {
    let health = HEALTHY;
    for (let failure = 0; failure < count; failure += 1) health = follow(result(1), health, failed, soon).health;
    return health;
  };

  it('is left alone from the fifth failure in a row on, each time twice as long, ten minutes at most', () => {
    expect([4, 5, 6, 7, 30].map((count) => failures(count).pausedUntil)).toEqual([
      null,
      after(30 * SECOND),
      after(60 * SECOND),
      after(120 * SECOND),
      after(600 * SECOND),
    ]);
  });

  it('is disabled when it has failed for three days', () => {
    const health = { ...failures(20), failingSince: after(-72 * HOUR) };
    expect(follow(result(1), health, failed, soon).ends).toBe('FAILING');
    expect(follow(result(1), { ...health, failingSince: after(-71 * HOUR) }, failed, soon).ends).toBeNull();
  });
});

it.each([
  [200, 'DELIVERED'],
  [204, 'DELIVERED'],
  [299, 'DELIVERED'],
  [301, 'REDIRECTED'],
  [304, 'REDIRECTED'],
  [308, 'REDIRECTED'],
  [400, 'REFUSED'],
  [404, 'REFUSED'],
  [410, 'GONE'],
  [429, 'THROTTLED'],
  [500, 'FAILED'],
  [502, 'FAILED'],
  [504, 'FAILED'],
])('the status %d means %s', (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});

it.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-5', null],
  ['0', null],
  ['120', after(120 * SECOND)],
  ['Mon, 23 Nov 2026 01:05:00 GMT', after(5 * MINUTE)],
  ['Mon, 23 Nov 2026 00:05:00 GMT', null],
  ['9999999999', after(24 * HOUR)],
])('Retry-After: %s is %s', (header, at) => {
  expect(retryAtOf(header, NOW)).toEqual(at);
});

it('names a revision the same way at every attempt, without a dot', () => {
  expect(webhookIdOf({ feedbackId: '1b671a64-40d5-491e-99b0-da01ff1f3341', revision: 2 })).toBe('1b671a64-40d5-491e-99b0-da01ff1f3341_2');
});
