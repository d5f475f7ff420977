import { BadCursor, decodeCursor, encodeCursor } from './page.js';

describe('a cursor', () => {
  it('comes back as the position it was made from', () => {
    const position = ['2026-11-23T08:00:00Z', 17, null, '津桥'];
    expect(decodeCursor('records', encodeCursor('records', position))).toEqual(position);
  });

  it('travels in a query without being escaped', () => {
    expect(encodeCursor('records', ['?/+&=津'])).toMatch(/^[\w.-]+$/);
  });

  it.each([
    '',
    '.',
    'abc',
    'W10.AAAA',
    encodeCursor('other', [1]),
    `${encodeCursor('records', [1])}x`,
    encodeCursor('records', [1]).slice(1),
  ])('is refused when this list has not given it out: %j', (cursor) => {
    expect(() => decodeCursor('records', cursor)).toThrow(BadCursor);
  });
});
