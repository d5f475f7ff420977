import { readFileSync } from 'node:fs';
import { categoryOf } from './category.js';

const rows = (file: string): string[] => readFileSync(`${process.cwd()}/data/${file}`, 'utf8').split('\n').slice(1);
const column = (file: string, at: number): string[] => {
  const cells = rows(file).map((row) => [...row.matchAll(/("([^"]*)"|[^,]*)(,|$)/g)].map((cell) => cell[2] ?? cell[1] ?? '')[at] ?? '');
  return [...new Set(cells)].filter((cell) => cell !== '');
};

describe('product category', () => {
  it('knows every class of the published national food table as food', () => {
    const classes = rows('published-rates.csv')
      .filter((row) => row.startsWith('CN-2019H2') || row.startsWith('LOCAL-98839'))
      .flatMap((row) => /,([^,"]+|"[^"]+"),\d+,\d+,[\d.]+$/.exec(row.trim())?.[1] ?? [])
      .filter((name) => name !== '合计' && name !== '总计');
    expect(new Set(classes).size).toBe(36);
    for (const name of classes) expect(categoryOf(name)).toMatchObject({ regime: 'FOOD' });
  });

  it('knows every category that the published notices print', () => {
    const printed = column('sampling-notices.csv', 15);
    expect(printed).toHaveLength(33);
    for (const category of printed) expect({ category, known: categoryOf(category) !== null }).toEqual({ category, known: true });
  });

  it.each([
    ['移动电源', 'PRODUCT'],
    ['电动自行车电池', 'PRODUCT'],
    ['童鞋', 'PRODUCT'],
    ['化妆品', 'COSMETIC'],
    ['医疗器械', 'MEDICAL_DEVICE'],
    ['中药饮片', 'DRUG'],
    ['保健食品', 'FOOD'],
  ])('puts %s under %s', (printed, regime) => {
    expect(categoryOf(printed)?.regime).toBe(regime);
  });

  it('counts other spellings under the one name', () => {
    expect(categoryOf('肉及肉制品')).toEqual({ regime: 'FOOD', category: '肉制品' });
    expect(categoryOf(' 食用油，油脂及其制品 ')).toEqual({ regime: 'FOOD', category: '食用油、油脂及其制品' });
    expect(categoryOf('其他')).toEqual(categoryOf('其他食品'));
  });

  it.each(['', '合计', '火星制品'])('does not guess what %j is', (printed) => {
    expect(categoryOf(printed)).toBeNull();
  });
});
