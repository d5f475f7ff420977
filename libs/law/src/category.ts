/**
 * What a printed product category means. Food: the 34 classes of the national food-sampling table, as the published rates print them, which
 * is also how a rate's denominator is cut. Everything else is known by the names that notices of quality supervision print. A category that is
 * not here is null: the regime decides which law, which clock and which actions apply, so it is never guessed.
 */
import type { Regime } from '@jinqiao/contracts';

export interface ProductCategory {
  readonly regime: Regime;
  /** The name that statistics use; other spellings of it are counted under it. */
  readonly category: string;
}

const NAMES: Readonly<Record<Regime, readonly string[]>> = {
  FOOD: [
    '粮食加工品',
    '食用油、油脂及其制品',
    '调味品',
    '肉制品',
    '乳制品',
    '饮料',
    '方便食品',
    '饼干',
    '罐头',
    '冷冻饮品',
    '速冻食品',
    '薯类和膨化食品',
    '糖果制品',
    '茶叶及相关制品',
    '酒类',
    '蔬菜制品',
    '水果制品',
    '炒货食品及坚果制品',
    '蛋制品',
    '可可及焙烤咖啡产品',
    '食糖',
    '水产制品',
    '淀粉及淀粉制品',
    '糕点',
    '豆制品',
    '蜂产品',
    '保健食品',
    '特殊膳食食品',
    '特殊医学用途配方食品',
    '婴幼儿配方食品',
    '餐饮食品',
    '食品添加剂',
    '食用农产品',
    '食盐',
    // The table's own last class. "其他" in the food table is food; notices of quality supervision print no such class.
    '其他食品',
    '食品',
  ],
  PRODUCT: [
    '移动电源',
    '电动自行车',
    '电动自行车电池',
    '电动自行车充电器',
    '电动自行车头盔',
    '锂电池充电器',
    '平板电脑用电池组',
    '童装',
    '童鞋',
    '服装',
    '儿童及婴幼儿服装',
    '休闲服装',
    '羊绒针织服装',
    '羊绒衫',
    '羽绒服装',
    '皮鞋',
    '运动鞋',
    '旅游鞋',
    '背提包',
    '学生书包',
    '床上用品',
    '毛巾',
    '玩具',
    '塑胶玩具',
    '毛绒布制玩具',
    '益智玩具',
    '电动滑梯玩具',
    '儿童自行车',
    '儿童推车',
    '儿童家具',
    '儿童智能手表',
    '学生文具',
    '纸尿裤',
    '卫生纸',
    '洗涤用品',
    '家用双层床',
    '家具',
    '木制家具',
    '床垫',
    '电动晾衣架',
    '织物蒸汽机',
    '电冰箱',
    '电磁灶',
    '电饭煲',
    '电水壶',
    '电热水器',
    '电吹风',
    '电热毯',
    '加湿器',
    '空气净化器',
    '按摩器',
    '落地扇',
    '燃气灶',
    '燃气热水器',
    '可燃气体探测器',
    '嵌入式灯具',
    '灯具',
    '移动式插座',
    '家用和类似用途插头插座',
    '电线电缆',
    '小功率电动机',
    '砂轮',
    '保温杯',
    '眼镜',
    '珠宝首饰',
    '工业和商用电动食品加工设备',
    '食品相关产品',
    '车用汽油清净剂',
    '车用汽油',
    '车用柴油',
    '磷肥',
    '化肥',
    '涂料',
    '人造板',
    '陶瓷砖',
    '卫生洁具',
    '消防产品',
    '头盔',
  ],
  DRUG: ['药品', '化学药品', '中成药', '中药材', '中药饮片', '生物制品'],
  COSMETIC: ['化妆品', '特殊化妆品', '普通化妆品', '儿童化妆品', '牙膏'],
  MEDICAL_DEVICE: ['医疗器械'],
};

/** Spellings of notices that mean a class of the tables above. */
const SPELLINGS: Readonly<Record<string, string>> = {
  食用油油脂及其制品: '食用油、油脂及其制品',
  肉及肉制品: '肉制品',
  蛋及蛋制品: '蛋制品',
  乳及乳制品: '乳制品',
  水果及其制品: '水果制品',
  蔬菜及其制品: '蔬菜制品',
  水产品及其制品: '水产制品',
  豆类及其制品: '豆制品',
  粮食及粮食制品: '粮食加工品',
  糖果: '糖果制品',
  茶叶: '茶叶及相关制品',
  茶叶及其相关制品: '茶叶及相关制品',
  酒: '酒类',
  酒精饮料: '酒类',
  罐头食品: '罐头',
  速冻食品及冷冻食品: '速冻食品',
  薯类及膨化食品: '薯类和膨化食品',
  炒货及坚果制品: '炒货食品及坚果制品',
  可可及焙炒咖啡产品: '可可及焙烤咖啡产品',
  蜂蜜: '蜂产品',
  农产品: '食用农产品',
  餐饮: '餐饮食品',
  特殊膳食用食品: '特殊膳食食品',
  婴幼儿配方乳粉: '婴幼儿配方食品',
  其他: '其他食品',
  充电宝: '移动电源',
  '休闲服装(机织)': '休闲服装',
  婴幼儿及儿童服装: '儿童及婴幼儿服装',
  电磁炉: '电磁灶',
};

const byName = new Map<string, ProductCategory>(
  Object.entries(NAMES).flatMap(([regime, names]) =>
    names.map((name) => [plain(name), { regime: regime as Regime, category: name }] as const),
  ),
);
for (const [spelling, name] of Object.entries(SPELLINGS)) {
  const meant = byName.get(plain(name));
  if (!meant) throw new Error(`category.ts: ${spelling} stands for ${name}, which no regime lists`);
  byName.set(plain(spelling), meant);
}

/** The regime and class of a category as printed, or null when the table does not know it. */
export const categoryOf = (printed: string): ProductCategory | null => byName.get(plain(printed)) ?? null;

// What differs between printers of the same name: spaces, width of brackets, the enumeration comma.
function plain(text: string): string {
  return text.normalize('NFKC').replace(/[\s、,，]/g, '');
}
