import { corpusOfHeadings, headingReader, normaliseHeading, spellingKey } from './headings.js';
import { substancesIn, wordsOf } from './heading-words.js';
import type { Reading } from './headings.js';

/**
 * The fields an import fills. The vocabulary of data/column-names.json is coarser than a sampling result, so what the importer can tell
 * apart beyond it (sheet number, platform, shop, codes, regions, organiser) is recognised first, by name or by the form of the heading.
 */
const IMPORT_FIELDS = [
  'sampleNo',
  'revision',
  'revisionReason',
  'ordinal',
  'organiser.name',
  'noticeNo',
  'publishedOn',
  'sampledOn',
  'online.platformName',
  'online.shopName',
  'online.shopId',
  'online.url',
  'online.orderNo',
  'sampledParty.name',
  'sampledParty.uscc',
  'sampledParty.regionName',
  'producer.name',
  'producer.uscc',
  'producer.regionName',
  'product.name',
  'product.category',
  'product.brand',
  'product.spec',
  'product.model',
  'product.standard',
  'product.producedOnOrBatch',
  'product.batch',
  'failingItem.item',
  'failingItem.measured',
  'failingItem.limit',
  'failingItem.unit',
  'failingItem.combined',
  'laboratory.name',
  'laboratory.uscc',
  'verdict',
] as const;
export type ImportField = (typeof IMPORT_FIELDS)[number];

const NAMES: Readonly<Partial<Record<ImportField, string>>> = {
  sampleNo: 'sampleno 抽样编号 抽样单编号 抽样单号 采样单编号 采样编号 抽样单编码',
  revision: 'revision 修订号 修订次数 版次',
  revisionReason: 'revisionreason 修订原因 修订理由',
  ordinal: 'no 序号 行号 序 number',
  'organiser.name': 'issuingauthority authority organiser 发布机关 公布机关 公告机关 抽检机关',
  noticeNo: 'noticeid noticeno 公告号 通告号 公告编号 通告编号 公告文号 通报编号 公示编号 公告期号 期号',
  publishedOn: 'noticedate publishedon 公告日期 公布日期 发布日期 通告日期 公示日期 公告时间 发布时间 公布时间',
  sampledOn: 'sampledon samplingdate',
  'online.platformName': 'platform platformname 平台 网站名称 电商',
  'online.shopName': 'onlinestore shopname shop 网店 店铺 网店名称 店铺名称',
  'online.shopId': 'shopid 店铺id 店铺编号',
  'online.url': 'url listing 链接 网址 商品链接 购买链接',
  'online.orderNo': 'orderno 订单号 订单编号',
  'sampledParty.name': 'seller sampledparty sellername',
  'sampledParty.uscc': 'selleruscc uscc 统一社会信用代码',
  'sampledParty.regionName': 'sellerregion',
  'producer.name': 'manufacturer producer manufacturername producername',
  'producer.uscc': 'manufactureruscc produceruscc',
  'producer.regionName': 'manufacturerregion producerregion',
  'product.name': 'product productname',
  'product.category': 'category',
  'product.brand': 'brand 商标 品牌 注册商标 标称商标 商标品牌',
  'product.spec': 'spec specification',
  'product.model': 'model 型号 产品型号',
  'product.standard': 'standard 执行标准 产品标准 产品执行标准 标称执行标准',
  'product.producedOnOrBatch': 'productiondateorbatch productiondate producedon 生产日期',
  'product.batch': 'batch 批号 批次 产品批号 生产批号 样品批号 生产批次',
  'failingItem.item': 'failingitem item',
  'failingItem.measured': 'measured result',
  'failingItem.limit': 'limit',
  'failingItem.unit': 'unit 单位 计量单位 结果单位',
  'laboratory.name': 'laboratory lab',
  verdict: 'verdict conclusion',
};
const byName = new Map(
  Object.entries(NAMES).flatMap(([field, names]) => names.split(' ').map((name) => [name, field as ImportField] as const)),
);

const PRODUCER = /生产|制造|标称|标[识示]|厂|委托|加工|producer|manufacturer/u;
const FORMS: readonly [RegExp, (key: string) => ImportField][] = [
  [
    /信用代码|uscc$/u,
    (key) => (PRODUCER.test(key) ? 'producer.uscc' : /检[验测]机构|承检|实验室|lab/u.test(key) ? 'laboratory.uscc' : 'sampledParty.uscc'),
  ],
  [
    /(?:所在|所属)?(?:省份?|省市|地区|辖区|行政区划?|市县|县区|区县)$|region$/u,
    (key) => (PRODUCER.test(key) ? 'producer.regionName' : 'sampledParty.regionName'),
  ],
  [/平台(?:名称?)?$/u, () => 'online.platformName'],
  [/(?:网店|店铺|网上商店)(?:名称?)?$/u, () => 'online.shopName'],
  [/(?:商标|品牌)(?:名称?)?$/u, () => 'product.brand'],
  [/(?:发布|公布|公告|通告|通报|组织|下达|部署|任务).*(?:机关|单位|部门|机构|局)(?:名称)?$/u, () => 'organiser.name'],
];

// A single column decides what a whole file means, so the importer asks for more certainty than the command.
const CERTAIN = 0.5;

/** What the importer takes a heading for; null keeps the column with the result, unread. */
export function readForImport(heading: string): Reading {
  const normal = normaliseHeading(heading);
  const key = spellingKey(normal).replace(/_/gu, '');
  const named = byName.get(key) ?? FORMS.find(([form]) => form.test(key))?.[1](key);
  if (named) return { heading, field: named, score: 1 };
  const reading = headingReader().read(heading);
  return { ...reading, field: reading.score >= CERTAIN && holds(reading.field, normal) ? importFieldOf(reading.field, normal) : null };
}

/** Two words of the vocabulary have another name here; addresses and the source of the task have no place in a sampling result. */
function importFieldOf(field: string | null, normal: string): ImportField | null {
  // 生产（购进）日期: which of the two a date is, the sheet does not say, so it stays a text.
  if (field === 'product.producedOnOrBatch' && wordsOf(normal.replace(/[()]/gu, '')).words.includes('BUY')) return 'product.batch';
  if (field === 'sampledParty.division') return 'sampledParty.regionName';
  return IMPORT_FIELDS.find((own) => own === field) ?? null;
}

/** The vocabulary puts several things under one word; a result takes only the one it means. */
function holds(field: string | null, normal: string): boolean {
  // 项目3, 结果3, 标准3: such sheets list what was tested, and nothing says which of it failed.
  if (field?.startsWith('failingItem.') && /\d$/u.test(normal)) return false;
  const words = new Set<string>(wordsOf(normal).words);
  switch (field) {
    // Serial numbers and dates of reports are no notice.
    case 'noticeNo':
    case 'publishedOn':
      return words.has('NOTICE');
    case 'laboratory.name':
      return (words.has('TESTING') || words.has('LAB')) && !words.has('TASK');
    case 'sampledParty.name':
    case 'producer.name':
      return words.has('UNIT') || words.has('NAME') || words.has('SAMPLED') || words.has('SELLER') || words.has('PRODUCE');
    // A column per tested substance is not the column of measured values; nor is a basis.
    case 'failingItem.measured':
      return substancesIn(normal) === 0 && !words.has('BASIS') && words.size > 0;
    case 'failingItem.item':
      return (words.has('ITEM') || words.has('FAIL')) && !words.has('REMARK');
    case 'sampledOn':
      return words.has('SAMPLING') && !normal.includes('送');
    case 'verdict':
      return words.has('VERDICT') || words.has('RESULT');
    case 'product.category':
      return words.has('CATEGORY');
    case 'product.spec':
      return words.has('SPEC');
    default:
      return true;
  }
}

/** Each field is filled from one column: the surest, else the leftmost. The others stay with the result, unread. */
export function recogniseColumns(headings: readonly string[]): (Reading & { field: ImportField | null })[] {
  const readings = measuredBeside(headings.map((heading) => readForImport(heading)));
  const chosen = new Map<string, number>();
  readings.forEach(({ field, score }, column) => {
    const rival = field === null ? undefined : readings[chosen.get(field) ?? -1];
    if (field !== null && (!rival || score > rival.score)) chosen.set(field, column);
  });
  return readings.map(({ heading, field, score }, column) => ({
    heading,
    score,
    field: field !== null && chosen.get(field) === column ? (field as ImportField) : null,
  }));
}

/** 检验结果 alone is the verdict; beside a 检验结论, or a limit to compare it with, it is what was measured. */
function measuredBeside(readings: readonly Reading[]): readonly Reading[] {
  const has = (field: ImportField): boolean => readings.some((reading) => reading.field === field);
  const isConclusion = ({ field, heading }: Reading): boolean =>
    field === 'verdict' && wordsOf(normaliseHeading(heading)).words.includes('VERDICT');
  if (has('failingItem.measured') || !(has('failingItem.limit') || readings.some(isConclusion))) return readings;
  return readings.map((reading) =>
    reading.field === 'verdict' && !isConclusion(reading) ? { ...reading, field: 'failingItem.measured' } : reading,
  );
}

// What the importer names more finely than the vocabulary of the corpus does.
const COARSER: Readonly<Record<string, string>> = {
  'sampledParty.regionName': 'sampledParty.division',
  'producer.regionName': 'producer.address',
  'product.batch': 'product.producedOnOrBatch',
  sampleNo: 'noticeNo',
};
const VOCABULARY = new Set(corpusOfHeadings().values());

/** The heading in the vocabulary of data/column-names.json: its own words win, names that only the importer knows are translated. */
export function readInVocabulary(heading: string): Reading {
  const reading = headingReader().read(heading);
  if (reading.field !== null) return reading;
  const { field, score } = readForImport(heading);
  const word = COARSER[field ?? ''] ?? field ?? '';
  return VOCABULARY.has(word) ? { heading, field: word, score } : reading;
}
