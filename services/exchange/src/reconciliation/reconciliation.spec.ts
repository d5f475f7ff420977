import fc from 'fast-check';
import { bucketOf, BUCKETS, differences, hashOfBucket, type Holding, isHealable } from './reconciliation.js';

const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const holding: fc.Arbitrary<Holding> = fc.record({
  feedbackId: hex(8),
  revision: fc.integer({ min: 1, max: 5 }),
  contentHash: hex(2),
});
const holdings = fc.uniqueArray(holding, { maxLength: 40, selector: ({ feedbackId }) => feedbackId });

describe('two sides', () => {
  it('have equal hashes exactly where they hold the same', () => {
    fc.assert(
      fc.property(holdings, holdings, (told, held) => {
        const different = new Set(differences(told, held).map(bucketOf));
        for (const bucket of BUCKETS) {
          const inIt = (side: readonly Holding[]) => side.filter((one) => bucketOf(one) === bucket);
          expect(hashOfBucket(inIt(told)) === hashOfBucket(inIt(held))).toBe(!different.has(bucket));
        }
      }),
    );
  });

  it('are equal once the platform has taken what heals and given up what was never told', () => {
    fc.assert(
      fc.property(holdings, holdings, (told, held) => {
        const found = new Map(differences(told, held).map((one) => [one.feedbackId, one]));
        const again = told.filter(({ feedbackId }) => found.has(feedbackId));
        const kept = held.filter(({ feedbackId }) => !found.has(feedbackId));
        expect(differences(told, [...kept, ...again])).toEqual([]);
      }),
    );
  });
});

describe('a difference', () => {
  const one = { feedbackId: 'a', revision: 2, contentHash: 'x' };
  it.each([
    ['MISSING', [one], [], true],
    ['BEHIND', [one], [{ ...one, revision: 1 }], true],
    ['CHANGED', [one], [{ ...one, contentHash: 'y' }], true],
    ['AHEAD', [one], [{ ...one, revision: 3 }], false],
    ['UNKNOWN', [], [one], false],
  ] as const)('is %s', (kind, told, held, healable) => {
    const [found, ...more] = differences(told, held);
    expect(more).toEqual([]);
    expect(found?.kind).toBe(kind);
    expect(found && isHealable(found)).toBe(healable);
  });
});
