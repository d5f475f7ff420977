import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import ExcelJS from 'exceljs';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { resultsFromRows } from './results.js';
import { readSheet } from './sheet.js';
import type { ImportedResult, ImportedRows } from './results.js';

/** Goal: what a notice prints becomes results of that content, no more and no less, however the file was saved. */
const NOTICES = new URL('../../../../data/sampling-notices.csv', import.meta.url);

async function imported(text: string | Buffer): Promise<ImportedRows> {
  const { headings, rows, lines } = await readSheet(Readable.from([Buffer.from(text)]), 'notice.csv');
  return resultsFromRows(headings, rows, { lines });
}

/** One result from one row under the given headings. */
function oneOf(row: Readonly<Record<string, string>>): ImportedResult {
  const { results } = resultsFromRows(Object.keys(row), [Object.values(row)]);
  expect(results).toHaveLength(1);
  return results[0] as ImportedResult;
}
const base = { 公告号: '2024年第3号', 样品名称: '黄桃干', 食品大类: '水果制品', 被抽样单位名称: '示例经营部', 不合格项目: '菌落总数' };
const byNumber = ({ results }: ImportedRows): unknown[] =>
  results.map(({ report }) => report).sort((a, b) => (a.sampleNo < b.sampleNo ? -1 : 1));

describe('the published notices of data/sampling-notices.csv', () => {
  it('are 294 results in 321 rows: 273 complete, 13 without a failing item, 8 without a party', async () => {
    const { headings, rows, lines } = await readSheet(createReadStream(NOTICES), 'sampling-notices.csv');
    const { results, rejectedRows, unknownColumns } = resultsFromRows(headings, rows, { lines });
    expect([rows.length, results.length, rejectedRows.length, unknownColumns.length]).toEqual([321, 294, 0, 0]);
    const firstFault = results.map(({ report }) => {
      if (report.verdict === 'UNQUALIFIED' && !report.failingItems) return 'FAILING_ITEM_MISSING';
      return report.sampledParty || report.nominalProducer || report.online?.shopName ? 'none' : 'PARTY_MISSING';
    });
    const count = (fault: string): number => firstFault.filter((each) => each === fault).length;
    expect([count('none'), count('FAILING_ITEM_MISSING'), count('PARTY_MISSING')]).toEqual([273, 13, 8]);
    expect(new Set(results.map(({ report }) => report.sampleNo)).size).toBe(294);
    expect(results.flatMap(({ rowNumbers }) => rowNumbers).sort((a, b) => a - b)).toEqual(Array.from({ length: 321 }, (_, at) => at + 2));
  });

  it('are the same results in any order of rows and columns, in GB18030 and in a workbook', async () => {
    const { headings, rows } = await readSheet(createReadStream(NOTICES), 'sampling-notices.csv');
    const expected = byNumber(resultsFromRows(headings, rows));
    const encodable = iconv.encode(readFileSync(NOTICES, 'utf8'), 'gb18030');
    expect(byNumber(await imported(encodable))).toEqual(expected);
    const book = new ExcelJS.Workbook();
    book.addWorksheet('附件').addRows([headings, ...rows]);
    expect(byNumber(await imported(Buffer.from(await book.xlsx.writeBuffer())))).toEqual(expected);
    const order = fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length });
    const columns = fc.shuffledSubarray([...headings.keys()], { minLength: headings.length, maxLength: headings.length });
    fc.assert(
      fc.property(order, columns, (shuffled, places) => {
        const moved = shuffled.map((row) => places.map((place) => row[place] ?? ''));
        expect(
          byNumber(
            resultsFromRows(
              places.map((place) => headings[place] ?? ''),
              moved,
            ),
          ),
        ).toEqual(expected);
      }),
      { numRuns: 5 },
    );
  }, 60_000);
});

describe('grouping', () => {
  it('makes one result of rows that differ in item, value, limit and serial number only', () => {
    const headings = ['序号', '公告号', '样品名称', '不合格项目', '检验值', '标准值'];
    const { results } = resultsFromRows(headings, [
      ['1', '3号', '黄桃干', '霉菌', '5', '1'],
      ['2', '3号', '黄桃干', '菌落总数', '7', '2'],
      ['3', '3号', '山楂片', '菌落总数', '7', '2'],
    ]);
    expect(results.map(({ report, rowNumbers }) => [report.product?.name, report.failingItems?.length, rowNumbers])).toEqual([
      ['黄桃干', 2, [2, 3]],
      ['山楂片', 1, [4]],
    ]);
  });

  it('sees through width, spaces and the other spellings of a heading', () => {
    const narrow = resultsFromRows(
      ['公告号', '样品名称', '不合格项目'],
      [
        ['第3号', '黄桃干(散装)', '霉菌'],
        ['第3号', '黄桃干（散装） ', '酵母'],
      ],
    );
    const wide = resultsFromRows(['不合格项目', '公告 号', '产品名称'], [['霉菌', '第３号', '黄桃干（散装）']]);
    expect(narrow.results).toHaveLength(1);
    expect(wide.results[0]?.report.sampleNo).toBe(narrow.results[0]?.report.sampleNo);
    expect(narrow.results[0]?.report.sampleNo).toMatch(/^N[0-9A-F]{24}$/u);
  });

  it('uses the sheet number, revision and reason that the sheet has', () => {
    const { report } = oneOf({ ...base, sampleNo: 'GC24120001', revision: '2', revisionReason: 'reinspected' });
    expect(report).toMatchObject({ sampleNo: 'GC24120001', revision: 2, revisionReason: 'REINSPECTED' });
  });

  it('leaves a revision that is no number to be refused', () => {
    expect(oneOf({ ...base, revision: '二' }).report.revision).toBe('二');
  });

  it('keeps apart rows that differ in a column it does not know, and keeps that column', () => {
    const { results, unknownColumns } = resultsFromRows(
      ['公告号', '样品名称', '不合格项目', '仓位'],
      [
        ['3', '黄桃干', '霉菌', 'A'],
        ['3', '黄桃干', '霉菌', 'B'],
      ],
    );
    expect(results.map(({ extra }) => extra)).toEqual([{ 仓位: 'A' }, { 仓位: 'B' }]);
    expect(unknownColumns).toEqual(['仓位']);
  });

  it('refuses rows that are no result and says why', async () => {
    const { rejectedRows, results } = await imported(
      '公告号,样品名称,不合格项目\n3号,黄桃干,霉菌\n公告号,样品名称,不合格项目\n备注：以上信息,,\n3号,黄桃干,霉菌,多一列',
    );
    expect(results).toHaveLength(1);
    expect(rejectedRows.map(({ rowNumber, code }) => [rowNumber, code])).toEqual([
      [3, 'HEADER_REPEATED'],
      [4, 'NOT_A_RESULT'],
      [5, 'ROW_TOO_LONG'],
    ]);
  });
});

describe('what is printed', () => {
  it('is taken over, and nothing besides', () => {
    const { sampleNo, ...report } = oneOf({ 公告号: '3号', 样品名称: '黄桃干', 商标: '/', 规格型号: '—', 食品大类: '水果制品' }).report;
    expect(sampleNo).toHaveLength(25);
    expect(report).toEqual({
      regime: 'FOOD',
      finality: 'FINAL',
      product: { name: '黄桃干', category: '水果制品' },
      notice: { no: '3号' },
    });
  });

  it.each([
    ['2016-05-21', { producedOn: '2016-05-21' }],
    ['2018/5/7', { producedOn: '2018-05-07' }],
    ['2006.8.08', { producedOn: '2006-08-08' }],
    ['20060421', { producedOn: '2006-04-21' }],
    ['2019年10月1日', { producedOn: '2019-10-01' }],
    ['２０２０－０２－０１', { producedOn: '2020-02-01' }],
    ['20241102/-', { producedOn: '2024-11-02' }],
    ['2021-02-30', { batch: '2021-02-30' }],
    ['2024年10月/-', { batch: '2024年10月/-' }],
    ['2020-11-11（购进日期）', { batch: '2020-11-11（购进日期）' }],
    ['2019-03-31/1184A022', { batch: '2019-03-31/1184A022' }],
    ['569423', { batch: '569423' }],
    ['/', {}],
  ])('production date or batch %s', (text, product) => {
    expect(oneOf({ ...base, '生产日期/批号': text }).report.product).toEqual({ name: '黄桃干', category: '水果制品', ...product });
  });

  it.each([
    ['2016-12', '2016-12'],
    ['2016年12月', '2016-12'],
    ['2016', '2016'],
    ['2017/1/3', '2017-01-03'],
    ['近日', undefined],
  ])('date of the notice %s', (text, publishedOn) => {
    expect(oneOf({ ...base, 公告日期: text }).report.notice?.publishedOn).toBe(publishedOn);
  });

  it('is kept beside the result when a result cannot carry it', () => {
    const { report, extra } = oneOf({ ...base, 公告日期: '近日', 抽样日期: '上月', 标称生产企业统一社会信用代码: 'X', 检验结论: '见备注' });
    expect(extra).toEqual({ 公告日期: '近日', 抽样日期: '上月', 标称生产企业统一社会信用代码: 'X', 检验结论: '见备注' });
    expect(report).not.toHaveProperty('nominalProducer');
  });

  it.each([
    ['天猫', { platformName: '天猫' }],
    ['线上（平台未印出）', {}],
    ['', undefined],
  ])('platform %j', (platform, online) => {
    expect(oneOf({ ...base, platform }).report.online).toEqual(online);
  });

  it.each([
    ['合格', 'QUALIFIED'],
    ['不合格', 'UNQUALIFIED'],
    ['不符合GB 2760', 'UNQUALIFIED'],
    ['符合要求', 'QUALIFIED'],
    ['', 'UNQUALIFIED'],
  ])('verdict %j beside a failing item', (检验结论, verdict) => {
    expect(oneOf({ ...base, 检验结论 }).report.verdict).toBe(verdict);
  });

  it.each([
    ['化妆品', 'COSMETIC', false],
    ['童装', 'PRODUCT', false],
    ['糕点', 'FOOD', false],
    ['糕点类（熟粉类）', 'FOOD', true],
    ['', 'FOOD', true],
  ])('regime of category %j', (食品大类, regime, regimeInferred) => {
    expect(oneOf({ ...base, 不合格项目: '糖精钠', 食品大类 })).toMatchObject({ report: { regime }, regimeInferred });
  });
});

describe('failing items', () => {
  const itemsOf = (row: Readonly<Record<string, string>>): unknown =>
    oneOf({ 公告号: '3号', 样品名称: '黄桃干', ...row }).report.failingItems;

  it('come out of one combined column', () => {
    expect(itemsOf({ '不合格项目‖检验结果‖标准值': '菌落总数‖2.3×10^4‖≤10^4；霉菌║56∣≤50' })).toEqual([
      { item: '菌落总数', measured: '2.3×10^4', limit: '≤10^4' },
      { item: '霉菌', measured: '56', limit: '≤50' },
    ]);
    expect(itemsOf({ '不合格项目:检验结果(标准值)': '糖精钠：0.5g/kg（不得使用）' })).toEqual([
      { item: '糖精钠', measured: '0.5g/kg', limit: '不得使用' },
    ]);
  });

  it('are no failing items when the column lists what was tested and nothing says that it failed', () => {
    const tested = { 公告号: '3号', 样品名称: '黄桃干', 检验项目: '糖精钠', 检验值: '0.1' };
    expect(oneOf({ ...tested, 检验结论: '合格' })).toMatchObject({
      report: { verdict: 'QUALIFIED' },
      extra: { 检验项目: '糖精钠', 检验值: '0.1' },
    });
    expect(oneOf({ ...tested, 检验结论: '合格' }).report).not.toHaveProperty('failingItems');
    expect(oneOf(tested).report).not.toHaveProperty('verdict');
    expect(oneOf({ ...tested, 检验结论: '不合格' }).report.failingItems).toEqual([{ item: '糖精钠', measured: '0.1' }]);
    expect(resultsFromRows(['样品名称', '项目1', '结果1', '标准1'], []).unknownColumns).toEqual(['项目1', '结果1', '标准1']);
  });

  it('are paired with their values when the counts agree, else kept as printed', () => {
    expect(itemsOf({ 不合格项目: '糖精钠；甜蜜素', 检验值: '0.5；0.7', 标准值: '0.15；0.65' })).toEqual([
      { item: '甜蜜素', measured: '0.7', limit: '0.65' },
      { item: '糖精钠', measured: '0.5', limit: '0.15' },
    ]);
    expect(itemsOf({ 不合格项目: '菌落总数', 检验值: '24000、22000、21000', 标准值: '≤10000' })).toEqual([
      { item: '菌落总数', measured: '24000、22000、21000', limit: '≤10000' },
    ]);
    expect(itemsOf({ 不合格项目: '苯甲酸、山梨酸各自用量占其最大使用量的比例之和', 检验值: '1.3' })).toHaveLength(1);
    expect(itemsOf({ 不合格项目: '糖精钠；甜蜜素', 检验值: '0.5', 标准值: '0.15' })).toEqual([
      { item: '糖精钠；甜蜜素', measured: '0.5', limit: '0.15' },
    ]);
  });
});
