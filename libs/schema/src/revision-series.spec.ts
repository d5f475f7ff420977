import { gapFindings, type LastAccepted, placeOf } from './revision-series.js';

const LAST: LastAccepted = { revision: 4, hash: 'a', restoredRevision: null };
const placed = (revision: number, hash: string, last = LAST): string => {
  const place = placeOf(last, { revision, hash });
  return typeof place === 'string' ? place : `${place.code} ${place.pointer}`;
};

it.each([
  [5, 'b', 'NEXT'],
  [9, 'b', 'NEXT'],
  [4, 'a', 'DUPLICATE'],
  [4, 'b', 'REVISION_CONFLICT /revision'],
  [3, 'a', 'STALE_REVISION /revision'],
])('revision %i with the content %s after 4 with a is %s', (revision, hash, place) => expect(placed(revision, hash)).toBe(place));

it('what was taken over after a restore is a duplicate, whatever its content', () => {
  const restored = { ...LAST, restoredRevision: 3 };
  expect([placed(2, 'x', restored), placed(3, 'x', restored), placed(4, 'x', restored)]).toEqual([
    'DUPLICATE',
    'DUPLICATE',
    'REVISION_CONFLICT /revision',
  ]);
});

it('a gap is said with the number that was expected', () => {
  expect(gapFindings(0, 1)).toEqual([]);
  expect(gapFindings(4, 5)).toEqual([]);
  expect(gapFindings(4, 7)).toEqual([{ code: 'REVISION_GAP', pointer: '/revision', message: 'is 7, the next one would have been 5' }]);
});
