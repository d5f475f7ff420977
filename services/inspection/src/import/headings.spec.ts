import fc from 'fast-check';
import { readForImport, readInVocabulary, recogniseColumns } from './fields.js';
import { HeadingReader, corpusOfHeadings, headingReader, normaliseHeading, spellingKey } from './headings.js';
import { TEMPLATE_HEADINGS } from './heading-words.js';

/**
 * Goal: headings that regulators have not used before are read right. Method: repeated ten-fold cross-validation over the corpus. A fold
 * holds whole groups: headings that differ only in punctuation, width, serial number, unit or test method are never on both sides, and a
 * template heading of a tested group is taken out of the training too. Headings the corpus labels in two ways count as wrong once.
 */
const corpus = [...corpusOfHeadings()];
const REPEATS = 2;
const FOLDS = 10;

function groupOf(heading: string): string {
  const key = spellingKey(normaliseHeading(heading));
  return key.replace(/(?<=\p{L})\d+$|nyt?\d+|gbt?\d+|[mkμu]?g[mkμu]?g$|cma.*$/gu, '') || key;
}

function crossValidation(): number {
  const groups = new Map<string, [string, string][]>();
  for (const entry of corpus) groups.set(groupOf(entry[0]), [...(groups.get(groupOf(entry[0])) ?? []), entry]);
  let right = 0;
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    const dealt = shuffled([...groups.values()], repeat);
    for (let fold = 0; fold < FOLDS; fold++) {
      const tested = dealt.filter((_, at) => at % FOLDS === fold).flat();
      const known = dealt.filter((_, at) => at % FOLDS !== fold).flat();
      const unseen = new Set(tested.map(([heading]) => groupOf(heading)));
      const templates = Object.entries(TEMPLATE_HEADINGS).filter(([heading]) => !unseen.has(groupOf(heading)));
      const reader = new HeadingReader(new Map([...templates, ...known]));
      right += tested.filter(([heading, field]) => reader.read(heading).field === field).length;
    }
  }
  return right / (corpus.length * REPEATS);
}

/** A linear congruential generator: the folds are the same in every run. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648);
  return items
    .map((item) => ({ item, turn: next() }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ item }) => item);
}

describe('headings nobody has seen', () => {
  it('are read right in at least 88 of 100 cases', () => {
    const share = crossValidation();
    // Reached: 0.895. What is missed is mostly what the corpus contradicts itself about.
    expect(share).toBeGreaterThan(0.88);
    expect(share).toBeLessThan(0.97); // A figure beyond the corpus's own noise would mean that tested headings leak into the training.
  }, 180_000);

  it.each([
    ['氟虫腈', 'failingItem.measured'],
    ['水胺硫磷NY/T761-2008', 'failingItem.measured'],
    ['大肠埃希氏菌(CFU/g)', 'failingItem.measured'],
    ['倍硫磷、乐果、马拉硫磷', 'failingItem.item'],
    ['被抽檢商戶名稱', 'sampledParty.name'],
    ['标示制造商详细地址', 'producer.address'],
    ['不合格项目／检测结果／标准值', 'failingItem.combined'],
    ['结果12', 'failingItem.measured'],
    ['项目12', 'failingItem.item'],
  ])('%s means %s', (heading, field) => {
    expect(headingReader().read(heading).field).toBe(field);
  });

  it.each(['联系电话', '统一社会信用代码', 'abc', '', '123'])('says nothing about %j rather than guess', (heading) => {
    expect(headingReader().read(heading)).toEqual({ heading, field: null, score: 0 });
  });
});

describe('headings of the corpus', () => {
  it('are read as the corpus says', () => {
    for (const [heading, field] of corpus) expect(headingReader().read(heading)).toEqual({ heading, field, score: 1 });
  });

  it('are read alike in other widths, with spaces and line breaks', () => {
    const spaces = fc.constantFrom('', ' ', '\n', '\u3000', '\u00a0', '\r');
    fc.assert(
      fc.property(
        fc.constantFrom('被抽样单位名称', '标称生产企业地址', '不合格项目', '生产日期/批号'),
        fc.array(spaces, { minLength: 12, maxLength: 12 }),
        (heading, gaps) => {
          const spaced = [...heading].map((character, at) => character + (gaps[at] ?? '')).join('');
          expect(headingReader().read(spaced).field).toBe(headingReader().read(heading).field);
        },
      ),
    );
  });
});

describe('columns of an import', () => {
  const fieldOf = (heading: string): string | null => readForImport(heading).field;

  it.each([
    ['sampleNo', 'sampleNo'],
    ['sample_no', 'sampleNo'],
    ['抽样编号', 'sampleNo'],
    ['revision_reason', 'revisionReason'],
    ['发布单位', 'organiser.name'],
    ['网络交易平台', 'online.platformName'],
    ['网店名称', 'online.shopName'],
    ['被抽样单位统一社会信用代码', 'sampledParty.uscc'],
    ['标称生产企业统一社会信用代码', 'producer.uscc'],
    ['被抽样单位所在省份', 'sampledParty.regionName'],
    ['标称生产企业省份', 'producer.regionName'],
    ['商标', 'product.brand'],
    ['公告号', 'noticeNo'],
    ['发布日期', 'publishedOn'],
    ['抽样日期', 'sampledOn'],
    ['检验结论', 'verdict'],
    ['规格型号', 'product.spec'],
    ['生产（购进）日期', 'product.batch'],
    ['生产日期/批号', 'product.producedOnOrBatch'],
    ['食品分类', 'product.category'],
    ['承检机构', 'laboratory.name'],
  ])('takes %s for %s', (heading, field) => {
    expect(fieldOf(heading)).toBe(field);
  });

  it.each(['序号'])('does not take the serial number %s for a notice number', (heading) => {
    expect(fieldOf(heading)).toBe('ordinal');
  });

  it.each(['检验报告编号', '检验依据', '毒死蜱', '报告日期', '被抽样单位地址', '备注说明', '任务来源', '送检日期', '抽样环节'])(
    'keeps %s unread',
    (heading) => {
      expect(fieldOf(heading)).toBeNull();
    },
  );

  it.each([
    [
      ['样品名称', '检验结果'],
      ['product.name', 'verdict'],
    ],
    [
      ['检验项目', '检验结果', '检验结论'],
      ['failingItem.item', 'failingItem.measured', 'verdict'],
    ],
    [
      ['不合格项目', '检测结果', '标准值'],
      ['failingItem.item', 'failingItem.measured', 'failingItem.limit'],
    ],
    [
      ['标准值', '实测值', '检验结果'],
      ['failingItem.limit', 'failingItem.measured', 'verdict'],
    ],
  ])('reads a result as the verdict or as what was measured, by what stands beside it: %j', (headings, fields) => {
    expect(recogniseColumns(headings).map(({ field }) => field)).toEqual(fields);
  });

  it('fills a field from one column, the surest', () => {
    const fields = recogniseColumns(['样品名称', '产品名称', '样品名']).map(({ field }) => field);
    expect(fields.filter((field) => field === 'product.name')).toHaveLength(1);
  });
});

describe('the command', () => {
  it.each([
    ['notice_id', 'noticeNo'],
    ['seller', 'sampledParty.name'],
    ['seller_region', 'sampledParty.division'],
    ['production_date_or_batch', 'product.producedOnOrBatch'],
    ['failing_item', 'failingItem.item'],
    ['sampleNo', 'noticeNo'],
    ['抽样编号', 'noticeNo'],
    ['被抽样单位所在省份', 'sampledParty.division'],
    ['毒死蜱', 'failingItem.measured'],
    ['platform', null],
    ['seller_uscc', null],
  ])('says of %s: %s, in the words of the corpus', (heading, field) => {
    expect(readInVocabulary(heading)).toMatchObject({ heading, field });
  });
});
