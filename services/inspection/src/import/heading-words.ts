/**
 * The words regulators build a column heading from, and what each stands for. A heading is a phrase of modifiers before a head noun
 * (被抽样单位 + 名称, 标称 + 生产企业 + 地址): read as a sequence of such words, headings nobody has seen become familiar ones.
 * Longer spellings win over shorter ones at the same place.
 */
const WORDS = {
  SAMPLED: '被抽样检验 被抽样 被抽检 被抽查 被抽 被采样 被检测 被检查 被检验 被检 被监测 被监督 被监检 受检 受抽 受测 供样 送检 委托检验',
  SELLER:
    '经销 销售 经营者 经营户 经营单位 经营企业 经营 商场 商店 超市 门店 店铺 店名 农贸市场 批发市场 市场 摊位 摊主 档口 小作坊 餐馆 餐厅 食堂 学校 酒店 饭店 供货 供应 进货商 零售 商户 商家 自然人 个人 卖家 售货 集体用餐 配送',
  NOMINAL: '标称 标识 标示 标注 标签 名义 声称',
  PRODUCE: '生产 制造 制作 加工 种植 养殖 出品 委托方 被委托 受委托 委托 产 进口 代理',
  UNIT: '企业 单位 厂家 厂商 厂 公司 农民专业合作社 合作社 农户 商 者 人 方 主体 户 店 部',
  NAME: '名称 全称 姓名 名字 字号 名',
  ADDRESS: '详细地址 地址 住所 住址 地点 产地 所在地 场所 地区 区域 位置 地',
  PROVINCE: '所在省份 所在省 省份 省市 省 自治区 直辖市 行政区划 行政区 辖区 区划',
  COUNTY: '所在县 区县 县 市 区',
  DATE: '日期 时间 年月日 年月 年份 日',
  BATCH: '批号 批次号 批次',
  BUY: '购进 购入 购买 进货 到货',
  SAMPLE: '样品 食用农产品 农产品 食品 产品 商品 检品 货品 药品 化妆品 保健品 保健食品 品名 样本 物品 货物 标的 品牌',
  CATEGORY: '大类 种类 类别 类型 分类 细类 亚类 次亚类 小类 主类 门类 品类 品种 属性 一级 二级 三级 四级 申证单元 类',
  SPEC: '规格 型号 等级 净含量 包装 散装 定型 数量 重量 质量等级 基数 商标 规格型号',
  SAMPLING: '抽样 采样 购样 送样 取样 抽检 抽查 监测 抽取 采集 监督抽检 监督',
  TESTING: '检验检测 检验 检测 检查 化验 测试 承检 监检 检出 检定 实测 复验 复检 初检 测定 检',
  FAIL: '不合格 不符合 不符 问题 超标 违法 违规 错误 存在',
  ITEM: '项目 指标 参数 检项 项',
  RESULT: '检验结果 检测结果 结果 检验值 检测值 实测值 检出值 测定值 数值 实测 数据 结果值 值 含量',
  LIMIT:
    '标准值 标准限量 标准指标 标准要求 标准规定 最大残留限量 残留限量 限量 限值 指标值 技术要求 技术指标 规定值 规定 允许 要求 标准 限',
  VERDICT: '检验结论 检测结论 结论 判定 评价 是否合格 合格 是否 评定 合格率 状态 情况',
  BASIS: '检验依据 判定依据 依据 检验方法 方法',
  TASK: '任务来源 任务 来源 计划 项目名称 项目名 性质 风险监测 监督抽检 专项 省抽 国抽 市抽 抽检类别',
  LAB: '检验机构 检测机构 承检机构 机构 局 中心 研究院 检验所 实验室 抽检公司 部门',
  NOTICE: '公告 公示 通告 通报 公布 发布 网站',
  NUMBER: '编号 序号 号码 文号 期号 期数 单号 条码 号',
  REPORT: '报告书 报告 证书 签发',
  LINK: '环节',
  REMARK: '备注 说明 原因 处理 处置 附注',
} as const;

type Word = keyof typeof WORDS;

const spellings: { spelling: string; word: Word }[] = Object.entries(WORDS).flatMap(([word, list]) =>
  list.split(' ').map((spelling) => ({ spelling, word: word as Word })),
);
const byFirstCharacter = new Map<string, typeof spellings>();
for (const entry of spellings.sort((a, b) => b.spelling.length - a.spelling.length)) {
  const first = entry.spelling.charAt(0);
  byFirstCharacter.set(first, [...(byFirstCharacter.get(first) ?? []), entry]);
}

/** Reads a normalised heading from left to right; what no word covers is returned as `rest`. */
export function wordsOf(text: string): { words: Word[]; rest: string } {
  const words: Word[] = [];
  let rest = '';
  for (let at = 0; at < text.length;) {
    const found = byFirstCharacter.get(text.charAt(at))?.find(({ spelling }) => text.startsWith(spelling, at));
    if (found) words.push(found.word);
    else rest += text.charAt(at);
    at += found?.spelling.length ?? 1;
  }
  return { words, rest };
}

// Some sheets have a column per tested substance: pesticides, veterinary drugs, additives, metals, microbes, indices such as 酸价.
const SUBSTANCE =
  /[酸磷酯威唑脲酮醇胺醛酚苷铅镉汞砷铬铝锌铜锡镍硼硒氟氯碘溴硫砂菌酶烷烯炔嗪啶啉腈肼胍菊醚酐盐钠钾钙镁铁碱素霉毒醌泮苯吡噻咪嘧喹呋吲哒嘌蒽萘芘]|[红黄蓝绿]$|(?:那|卡|待)[可因]|吗啡|蒂巴因|农药|兽药|残留|代谢物|价$|[糖脂]精|乐果|特罗|余氯|成分|[水灰]分|脂肪|蛋白|过氧化|农残|激素|甜蜜|安赛蜜|色度|浊度|酒精度|感官|杂质|ph值?$|总[糖酸氮砷]|虫[^类]|罗丹明/;
const UNIT = /(?:[muμnk]?g|ml?|mpn|cfu|iu|mol|[kc]?m2?|cm)\/(?:100)?(?:[mk]?g|m?l|kj|cm2?|dm2)|\/\d+cm2|%|‰/;
const METHOD = /(?:gb|ny|sn|sb|yz)\/?t?\d+|cma|无公害/;

/** How many substances a heading names, its brackets and units left out. */
export function substancesIn(normal: string): number {
  const parts = normal.replace(/\([^)]*\)/gu, '').split(/[,、;|]/u);
  return parts.filter((part) => part && !UNIT.test(part) && SUBSTANCE.test(part)).length;
}

/** What in the heading speaks of a tested substance; the recogniser weighs these signs like words. */
export function signsOf(normal: string, words: readonly Word[]): string[] {
  const signs: string[] = [];
  if (substancesIn(normal) > 0 && words.length <= 1) signs.push(words.length ? 'SUBSTANCE_AND_WORD' : 'SUBSTANCE');
  if (UNIT.test(normal)) signs.push('UNIT');
  if (METHOD.test(normal)) signs.push('METHOD');
  return signs;
}

/**
 * Common headings in the manner of the national templates (食品安全监督抽检公布信息, 产品质量监督抽查结果汇总), learned beside the corpus and
 * labelled by its habits: what it has no word for, such as the body that organises the sampling, goes where it puts the like.
 */
export const TEMPLATE_HEADINGS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    'sampledParty.name':
      '被抽样单位名称 被抽样单位 被抽检单位名称 被抽检单位 受检单位 受检单位名称 受检企业 受检人 被抽查单位 被抽查企业名称 被采样单位名称 经销企业 经销单位名称 销售单位 销售企业名称 经营单位 经营者名称 商场名称 超市名称 抽样地点 抽样场所 采样单位 采样点 被抽样人 被抽样者名称 受检者 供货单位 供货商 购入单位 学校名称 餐饮单位名称',
    'producer.name':
      '标称生产企业名称 标称生产者名称 标称生产单位名称 标示生产企业 标示生产企业名称 标示生产单位名称 标称生产厂商 标称生产商 生产商 生产厂 生产厂商 制造商 制造单位 加工单位 生产企业或供货商 标称生产企业/供货商 标识生产单位 标称企业名称 标称制造商 委托生产企业 受托生产企业名称 进口商 代理商名称',
    'producer.address':
      '标称生产企业地址 生产企业所在地 生产厂家地址 产地 标称生产者地址 标称生产厂家地址 标示生产企业地址 标示生产单位地址 生产商地址 企业地址 生产企业详细地址 标称生产企业所在地 生产单位所在地 标称生产企业或供货商地址 标识生产企业地址 生产厂址 所在地',
    'sampledParty.address':
      '被抽样单位地址 被抽检单位地址 受检单位详细地址 被抽样单位详细地址 被抽样人地址 采样地址 抽样地址 抽样单位地址 抽样地点详细地址 经营者地址 经销单位地址 经营场所地址 受检企业地址 被采样单位地址 受检人地址 被抽检企业地址 受检单位地点 被抽检单位详细地点 经营地点',
    'sampledParty.division':
      '被抽样单位所在省 被抽样单位省份 被抽检单位所在省份 被抽样单位所属省份 被抽样企业所在省份 所在省份 省份 标称生产企业省份 被抽样单位所在省市 受检单位省份 被抽检单位省份 省',
    'product.name':
      '样品名称 食品名称 产品名称 商品名称 品名 检品名称 样品名 抽检样品名称 抽检食品名称 抽检产品名称 抽样样品名称 食用农产品名称 样品 标称产品名称 标示产品名称 受检产品名称 药品名称 化妆品名称 产品名 物品名称',
    'product.category':
      '食品大类 食品类别 食品小类 食品次亚类 样品分类 样品种类 产品分类 产品品种 食品类型 大类 小类 亚类 细类 种类 商品类别 食品亚类(二级) 食品次亚类(三级) 食品细类(四级) 检品类别 样品大类 抽检类别名称 品类 样品品种 抽样品种 检验品种 行业类别 食品产品类别 环节',
    'product.spec':
      '规格型号 规格 型号 规格/型号 产品规格 样品规格/型号 型号规格 规格、型号 净含量 包装规格 样品数量 抽样基数 抽样数量 包装形式 包装方式 样品包装 包装 质量等级 等级 标称规格 数量 规格型号等级',
    'product.producedOnOrBatch':
      '生产日期 生产日期/批号 生产批次 批号 批次 产品批号 生产日期或批号 标称生产日期 生产日期、批号 生产(购进)日期 购进日期 进货日期 加工日期 制作日期 生产日期/批次 生产日期或购进日期 样品批号 检疫日期 生产时间',
    'failingItem.item':
      '不合格项目名称 检验项目 检测项目名称 检验项目名称 检测指标 检测项 检验项 抽检项目名称 不合格检验项目 不合格检测项目 不合格指标 不符合项目 超标项目 监测项目 问题项目 主要检测项目 检查项目 项目 检验检测项目名称 不合格内容 存在问题',
    'failingItem.measured':
      '实测值 检验值 检测数值 检验数值 实测结果 检测结果值 检验结果值 检出结果 不合格值 检出量 测定值 测定结果 实际检测值 结果值 复检结果 初检结果 结果1 结果4 结果8',
    'failingItem.limit':
      '标准要求 标准限值 标准规定 标准规定值 限量值 最大残留限量 限量标准 技术要求 标准指标 规定值 指标要求 标准指标值 标准3 标准4 标准6 标准9 允许限 限量要求 最大允许限量 标准(mg/kg)',
    'failingItem.combined':
      '不合格项目||检验结果||标准值 不合格项目(检验结果/标准值) 不合格项目、检验结果、标准值 不合格项目/检验结果/标准值 不合格项目、检测值、标准值 不合格项目|检测结果|标准值 不合格项目,结果,标准 不合格项目|检验值|标准值 不合格情况 不合格项目及检测结果 不合格项目(标准值/实测值)',
    verdict:
      '检验结论 检测结论 抽检结果 检验结果 抽查结果 结果 综合判定 检验判定 检测判定 判定结果 监测结果 合格与否 检验情况 样品判定 抽查结论 综合结论 产品判定 最终判定 抽检结论 质量状况 检验检测结果 是否合格 质量是否合格 是否符合标准 质量判定',
    'laboratory.name':
      '承检机构 检验机构名称 检测机构名称 检验单位名称 检测单位名称 承检单位 承检单位名称 检验检测机构 抽样机构 抽样单位 抽样单位名称 组织单位 抽检机构 抽检机构名称 抽样机构名称 组织抽检机构 检验中心 检测中心 实施单位 任务下达单位 检测部门 检验部门 复检机构',
    taskSource:
      '任务来源名称 任务类别 任务类型 抽检任务来源 抽样性质 抽检性质 抽样类型 抽检类型 任务性质 项目来源 计划名称 专项名称 监督抽检 风险监测 抽检计划 计划来源 检验类别 检验类型',
    noticeNo:
      '公告号 公告编号 公告文号 公示编号 通告号 通告编号 通报号 期号 序号 编号 抽样编号 样品编号 报告编号 报告书编号 检验报告编号 报告号 抽样单编号 抽样单号 检品编号 抽检编号 采样编号 受理编号 省局公告号 网站公告号 检验报告书编号 流通环节序号 餐饮环节序号',
    publishedOn:
      '公告日期 公布日期 发布日期 公告时间 公布时间 发布时间 公示时间 报告时间 签发日期 报告签发日期 通告日期 检验日期 检测日期 检验完成日期 检测报告日期',
    sampledOn:
      '抽样日期 抽样时间 采样时间 抽检日期 取样日期 取样时间 抽样年月 送检日期 监测日期 购样时间 采集日期 样品采集时间 抽查日期 抽查时间 样品到达日期',
  }).flatMap(([field, headings]) => headings.split(' ').map((heading) => [heading, field])),
);
