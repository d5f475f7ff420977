import { nameKey } from './printed-name.js';

describe('a printed name', () => {
  it.each([
    ['ＪＤ', 'jd'],
    [' 京东 商城\u3000', '京东商城'],
    ['DMALL', 'dmall'],
    ['1号店', '1号店'],
    ['１号店', '1号店'],
    ['STRASSE', nameKey('straße')],
  ])('%s is the name %s', (written, key) => expect(nameKey(written)).toBe(key));

  it('has a key of bounded length', () => {
    expect([...nameKey('\ufdfa'.repeat(200))]).toHaveLength(200);
  });
});
