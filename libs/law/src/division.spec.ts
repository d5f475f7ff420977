import { divisionExists, divisionOn } from './division.js';
import { readUscc } from './uscc.js';

describe('divisions', () => {
  it('has the sixteen districts of Tianjin', () => {
    const districts = Array.from({ length: 99 }, (_, at) => divisionOn(`1201${String(at).padStart(2, '0')}`, '2026-11-23')).filter(
      (found) => found !== null,
    );
    expect(districts.map((found) => found.name)).toEqual(
      '和平区 河东区 河西区 南开区 河北区 红桥区 东丽区 西青区 津南区 北辰区 武清区 宝坻区 滨海新区 宁河区 静海区 蓟州区'.split(' '),
    );
    expect(divisionOn('120000', '2026-11-23')).toEqual({ code: '120000', name: '天津市', level: 'PROVINCE' });
  });

  it('knows 塘沽 until 2009 and says what took its place', () => {
    expect(divisionOn('120107', '2008-06-01')).toMatchObject({ name: '塘沽区', successor: '120116' });
    expect(divisionOn('120107', '2010-01-01')).toBeNull();
    expect(divisionOn('120116', '2008-12-31')).toBeNull();
  });

  it.each([
    ['120222', '120114', '2000'],
    ['120224', '120115', '2001'],
    ['120221', '120117', '2015'],
    ['120223', '120118', '2015'],
    ['120225', '120119', '2016'],
  ])('lets %s and its successor %s both stand in the year of change %s', (before, after, year) => {
    expect(divisionOn(before, `${year}-07-01`)?.successor).toBe(after);
    expect(divisionOn(after, `${year}-07-01`)).not.toBeNull();
    expect(divisionOn(before, `${Number(year) + 1}-01-01`)).toBeNull();
    expect(divisionOn(after, `${Number(year) - 1}-12-31`)).toBeNull();
  });

  it('knows provinces, cities, counties under no city and codes given since 2020', () => {
    for (const code of ['440000', '440300', '440305', '429004', '469002', '330113', '659012', '810000'])
      expect(divisionExists(code)).toBe(true);
  });

  it.each(['120199', '120100', '999999', '12010', ''])('does not know %j', (code) => {
    expect(divisionExists(code)).toBe(false);
  });

  it('is not asked about the division inside a social credit code', () => {
    expect(readUscc('91120199MA9XXX0111').outcome).toBe('VALID');
  });
});
