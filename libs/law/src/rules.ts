/**
 * Periods set by law or policy, as dated rows. A row says what it rests on and how sure we are that we read it right; a rule nobody has read
 * in its source is a row with low confidence, never a constant in code. A row without a regime holds for every regime; a rule that exists
 * for food only is no rule for cosmetics. Changing a value means ending its row and adding the next, so that old decisions keep their law.
 */
import type { ClockStart, Regime } from '@jinqiao/contracts';
import type { PeriodUnit, Roll } from './deadline.js';

export interface RuleRow {
  readonly name: string;
  readonly regime?: Regime;
  readonly value: number;
  readonly unit: PeriodUnit;
  readonly roll?: Roll;
  /** Of a period that somebody is told of; default: ISSUED. */
  readonly startsOn?: ClockStart;
  /** First and last day on which the row is law. */
  readonly validFrom: string;
  readonly validTo?: string;
  readonly legalBasis: { readonly instrument: string; readonly article?: string };
  readonly basis: 'STATUTE' | 'LOCAL_POLICY';
  /** HIGH: the text was read. MEDIUM: known, text not read. LOW: an assumption until someone reads the text. */
  readonly confidence: 'HIGH' | 'MEDIUM' | 'LOW';
  /** Travels with every decision (legalBasis[].ruleVersion). */
  readonly version: string;
}

export interface RuleQuestion {
  readonly regime?: Regime;
  /** The day the law is asked for, YYYY-MM-DD. */
  readonly on: string;
}

type Confidence = RuleRow['confidence'];
type Where = Pick<RuleRow, 'regime' | 'roll' | 'validTo' | 'startsOn'>;

/** Exported: named by whoever cites an article of them beside a rule row. */
export const QUALITY_LAW = '中华人民共和国产品质量法';
export const FOOD_LAW = '中华人民共和国食品安全法';
export const SAMPLING_MEASURES = '产品质量监督抽查管理暂行办法（市场监管总局令第18号）';
export const FOOD_SAMPLING = '食品安全抽样检验管理办法（市场监管总局令第15号）';
export const RECALL_RULES = '消费品召回管理暂行规定（市场监管总局令第19号）';
export const PENALTY_PUBLICATION = '市场监督管理行政处罚信息公示规定（市场监管总局令第45号）';
const PENALTY_LAW = '中华人民共和国行政处罚法';
export const SERIOUS_LIST = '市场监督管理严重违法失信名单管理办法（市场监管总局令第44号）';
export const INFORMATION_PUBLICITY = '企业信息公示暂行条例';
export const CREDIT_REPAIR = '信用修复管理办法（国家发展改革委令第36号）';
export const RANDOM_INSPECTION = '国发〔2019〕5号';
/** Articles 18 to 20 were read in their text; of article 64 what departments print of it. */
export const PENALTY_PROCEDURE = '市场监督管理行政处罚程序规定（市场监管总局令第42号）';
const REGISTRATION = '中华人民共和国市场主体登记管理条例';
const SHARING = '政务数据共享条例';
const E_COMMERCE = '中华人民共和国电子商务法';
const TRADE_MEASURES = '网络交易监督管理办法（市场监管总局令第37号）';
const LOCAL = '天津市数据共享系统配置（待业务主管部门确认）';

type Length = readonly [value: number, unit: PeriodUnit];
type Source = readonly [instrument: string, article: string, validFrom: string, confidence: Confidence];

function statute(name: string, [value, unit]: Length, [instrument, article, validFrom, confidence]: Source, where: Where = {}): RuleRow {
  const version = `${name}${where.regime ? `/${where.regime}` : ''}@${validFrom}`;
  const legalBasis = { instrument, ...(article !== '' && { article }) };
  return { name, value, unit, ...where, validFrom, legalBasis, basis: 'STATUTE', confidence, version };
}

const localPolicy = (name: string, length: Length, where: Where = {}): RuleRow => ({
  ...statute(name, length, [LOCAL, '', '2015-01-01', 'LOW'], where),
  basis: 'LOCAL_POLICY',
});

const PRODUCT = { regime: 'PRODUCT' } as const;
const FOOD = { regime: 'FOOD' } as const;

const rows: readonly RuleRow[] = [
  // What the slices ask for.
  localPolicy('CREDIT_PUBLICATION_SAMPLING_RESULT', [3, 'YEARS']),
  localPolicy('CREDIT_PUBLICATION_SPOT_CHECK', [3, 'YEARS']),
  localPolicy('CREDIT_PUBLICATION_COMMITMENT_BROKEN', [1, 'YEARS']),
  // Where no measure is known to say how long: the shortest term of an archive of a department.
  localPolicy('SAMPLING_FILES_KEPT', [10, 'YEARS']),
  localPolicy('VERIFICATION_VALID', [24, 'HOURS']),
  localPolicy('FEEDBACK_ACTION', [24, 'HOURS'], PRODUCT),
  localPolicy('FEEDBACK_ACTION', [24, 'HOURS'], FOOD),
  // Counted from the end of the period that was missed.
  localPolicy('FEEDBACK_OVERDUE_SECOND_STEP', [24, 'HOURS']),
  localPolicy('FEEDBACK_OVERDUE_THIRD_STEP', [72, 'HOURS']),
  // Counted from the issue of what a platform has not received. Of a recall the last webhook is given up about when the first step comes.
  localPolicy('FEEDBACK_UNRECEIVED_FIRST_STEP', [2, 'HOURS']),
  localPolicy('FEEDBACK_UNRECEIVED_SECOND_STEP', [6, 'HOURS']),
  localPolicy('FEEDBACK_UNRECEIVED_THIRD_STEP', [24, 'HOURS']),

  // Product-quality sampling: calendar days that end on a free day run on.
  // Order 18 (§35) has the parties told without delay; five days were the rule of 2015 (SAIC) for goods in trade.
  localPolicy('RESULT_SERVICE', [5, 'WORKING_DAYS'], PRODUCT),
  statute('SAMPLING_OBJECTION', [15, 'CALENDAR_DAYS'], [QUALITY_LAW, '第十五条', '2000-09-01', 'HIGH'], PRODUCT),
  localPolicy('OBJECTION_ACCEPTANCE', [3, 'WORKING_DAYS'], PRODUCT),
  statute('REINSPECTION_FORMALITIES', [7, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第三十八条', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('REINSPECTION_LABORATORY', [10, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第三十九条', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('CORRECTION', [60, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第四十六条', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('FIRST_RECHECK', [75, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第四十七条', '2020-01-01', 'MEDIUM'], PRODUCT),
  // The second re-check lies after day 60 and before day 90 from the announcement.
  statute('SECOND_RECHECK_NOT_BEFORE', [60, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第四十八条', '2020-01-01', 'MEDIUM'], {
    ...PRODUCT,
    roll: 'NONE',
  }),
  statute('SECOND_RECHECK_BEFORE', [90, 'CALENDAR_DAYS'], [SAMPLING_MEASURES, '第四十八条', '2020-01-01', 'MEDIUM'], {
    ...PRODUCT,
    roll: 'NONE',
  }),
  statute('NO_REPEAT_SAMPLING', [6, 'MONTHS'], [SAMPLING_MEASURES, '第八条', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('SAMPLING_FILES_KEPT', [2, 'YEARS'], [SAMPLING_MEASURES, '第五十四条', '2020-01-01', 'MEDIUM'], PRODUCT),
  // From the draw to the report. Order 18 sets no days for either: a laboratory of products reports when its contract says.
  statute('SAMPLE_DELIVERY', [5, 'WORKING_DAYS'], [FOOD_SAMPLING, '', '2019-10-01', 'MEDIUM'], FOOD),
  statute('TEST_REPORT', [20, 'WORKING_DAYS'], [FOOD_SAMPLING, '', '2019-10-01', 'MEDIUM'], FOOD),
  // Of farm produce that was tested where it is sold.
  statute('RAPID_TEST_OBJECTION', [4, 'HOURS'], [FOOD_LAW, '第八十八条', '2015-10-01', 'HIGH'], FOOD),
  statute('FOOD_REINSPECTION', [7, 'WORKING_DAYS'], [FOOD_LAW, '第八十八条', '2015-10-01', 'HIGH'], FOOD),
  statute('FOOD_HANDLING', [90, 'CALENDAR_DAYS'], [FOOD_SAMPLING, '', '2019-10-01', 'MEDIUM'], { ...FOOD, roll: 'NONE' }),

  // Recall of consumer products.
  statute('RECALL_TAKE_DOWN', [24, 'HOURS'], ['消费品召回信息共享监测评估指南', '', '2025-12-16', 'HIGH'], {
    ...PRODUCT,
    startsOn: 'RECEIVED',
  }),
  statute('RECALL_INCIDENT_REPORT', [2, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_FORWARDING', [2, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_PRODUCER_NOTICE', [3, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_OBJECTION', [10, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_PLAN_REPORT', [10, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_PLAN_REPORT_ORDERED', [5, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_PUBLICATION', [3, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_PROGRESS_SUMMARY', [3, 'MONTHS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_FINAL_SUMMARY', [15, 'WORKING_DAYS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),
  statute('RECALL_RECORDS_KEPT', [5, 'YEARS'], [RECALL_RULES, '', '2020-01-01', 'MEDIUM'], PRODUCT),

  // From a clue to the decision of its case. What is not counted in pauses both; the second extension of a decision is fixed case by case.
  statute('CASE_FILING', [15, 'WORKING_DAYS'], [PENALTY_PROCEDURE, '第十八条', '2021-07-15', 'HIGH']),
  statute('CASE_FILING_EXTENSION', [15, 'WORKING_DAYS'], [PENALTY_PROCEDURE, '第十八条', '2021-07-15', 'HIGH']),
  statute('CASE_DECISION', [90, 'CALENDAR_DAYS'], [PENALTY_PROCEDURE, '第六十四条', '2021-07-15', 'MEDIUM']),
  statute('CASE_DECISION_EXTENSION', [30, 'CALENDAR_DAYS'], [PENALTY_PROCEDURE, '第六十四条', '2021-07-15', 'MEDIUM']),

  // Penalties in public, and their end. Until 2026-03 the period is a flat one; since then it depends on the class of dishonesty.
  statute('PENALTY_PUBLICATION', [20, 'WORKING_DAYS'], [PENALTY_PUBLICATION, '', '2021-09-01', 'HIGH']),
  statute('PENALTY_PUSH_OTHER_PROVINCE', [10, 'WORKING_DAYS'], [PENALTY_PUBLICATION, '', '2021-09-01', 'HIGH']),
  statute('PENALTY_PUBLICATION_OTHER_PROVINCE', [10, 'WORKING_DAYS'], [PENALTY_PUBLICATION, '', '2021-09-01', 'HIGH']),
  statute('PENALTY_WITHDRAWAL', [3, 'WORKING_DAYS'], [PENALTY_LAW, '第四十八条', '2021-07-15', 'HIGH']),
  statute('PENALTY_PUBLIC_SMALL_FINE', [3, 'MONTHS'], [PENALTY_PUBLICATION, '', '2021-09-01', 'HIGH'], { validTo: '2026-03-31' }),
  statute('PENALTY_PUBLIC_OTHER', [3, 'YEARS'], [PENALTY_PUBLICATION, '', '2021-09-01', 'HIGH'], { validTo: '2026-03-31' }),
  statute('DISHONESTY_PUBLIC_MINOR_MOST', [3, 'MONTHS'], [CREDIT_REPAIR, '', '2026-04-01', 'HIGH']),
  statute('DISHONESTY_PUBLIC_GENERAL_LEAST', [3, 'MONTHS'], [CREDIT_REPAIR, '', '2026-04-01', 'HIGH']),
  statute('DISHONESTY_PUBLIC_GENERAL_MOST', [1, 'YEARS'], [CREDIT_REPAIR, '', '2026-04-01', 'HIGH']),
  statute('DISHONESTY_PUBLIC_SERIOUS_LEAST', [1, 'YEARS'], [CREDIT_REPAIR, '', '2026-04-01', 'HIGH']),
  statute('DISHONESTY_PUBLIC_SERIOUS_MOST', [3, 'YEARS'], [CREDIT_REPAIR, '', '2026-04-01', 'HIGH']),
  statute('SERIOUS_LIST_PUBLICATION', [20, 'WORKING_DAYS'], [SERIOUS_LIST, '', '2021-09-01', 'MEDIUM']),
  statute('ABNORMAL_LIST_PUBLICATION', [20, 'WORKING_DAYS'], [INFORMATION_PUBLICITY, '', '2014-10-01', 'MEDIUM']),
  statute('SERIOUS_LIST_REMOVAL', [3, 'YEARS'], [SERIOUS_LIST, '', '2021-09-01', 'MEDIUM']),
  statute('SERIOUS_LIST_APPLICATION', [1, 'YEARS'], [SERIOUS_LIST, '', '2021-09-01', 'MEDIUM']),
  statute('FIRST_VIOLATION_LOOK_BACK', [2, 'YEARS'], ['国市监法〔2025〕10号', '', '2025-01-27', 'HIGH']),

  // Registration. A complete application is decided on the spot.
  statute('REGISTRATION_ON_THE_SPOT', [0, 'WORKING_DAYS'], [REGISTRATION, '第十九条', '2022-03-01', 'HIGH']),
  statute('REGISTRATION_DECISION', [3, 'WORKING_DAYS'], [REGISTRATION, '第十九条', '2022-03-01', 'HIGH']),
  statute('REGISTRATION_EXTENSION', [3, 'WORKING_DAYS'], [REGISTRATION, '第十九条', '2022-03-01', 'HIGH']),
  statute('SIMPLE_DEREGISTRATION_NOTICE', [20, 'CALENDAR_DAYS'], [REGISTRATION, '第三十三条', '2022-03-01', 'HIGH']),
  statute('INDIVIDUAL_DEREGISTRATION_OBJECTION', [10, 'CALENDAR_DAYS'], [REGISTRATION, '第三十三条', '2022-03-01', 'HIGH']),

  // Sharing between departments.
  statute('SHARING_ANSWER_UNCONDITIONAL', [1, 'WORKING_DAYS'], [SHARING, '第二十一条', '2025-08-01', 'HIGH']),
  statute('SHARING_ANSWER_CONDITIONAL', [10, 'WORKING_DAYS'], [SHARING, '第二十一条', '2025-08-01', 'HIGH']),
  statute('SHARING_ANSWER_EXTENSION', [10, 'WORKING_DAYS'], [SHARING, '第二十一条', '2025-08-01', 'HIGH']),
  statute('SHARING_DELIVERY', [20, 'WORKING_DAYS'], [SHARING, '第二十二条', '2025-08-01', 'HIGH']),
  statute('SHARING_CORRECTION', [10, 'WORKING_DAYS'], [SHARING, '第二十六条', '2025-08-01', 'HIGH']),
  statute('CATALOGUE_UPDATE', [10, 'WORKING_DAYS'], [SHARING, '第十七条', '2025-08-01', 'HIGH']),
  statute('CATALOGUE_UPDATE_EXTENSION', [5, 'WORKING_DAYS'], [SHARING, '第十七条', '2025-08-01', 'HIGH']),
  statute('CATALOGUE_REVIEW', [2, 'WORKING_DAYS'], [SHARING, '第十七条', '2025-08-01', 'HIGH']),
  statute('SHARING_LOGS_KEPT', [3, 'YEARS'], [SHARING, '第二十九条', '2025-08-01', 'HIGH']),

  // Keeping, and what platforms do regularly.
  statute('NETWORK_LOGS_KEPT', [6, 'MONTHS'], ['中华人民共和国网络安全法', '第二十三条', '2026-01-01', 'HIGH']),
  statute('IMPACT_ASSESSMENT_KEPT', [3, 'YEARS'], ['中华人民共和国个人信息保护法', '第五十六条', '2021-11-01', 'HIGH']),
  statute('TRADE_RECORDS_KEPT', [3, 'YEARS'], [E_COMMERCE, '第三十一条', '2019-01-01', 'HIGH']),
  statute('MERCHANT_IDENTITY_KEPT', [3, 'YEARS'], [TRADE_MEASURES, '第三十一条', '2021-05-01', 'MEDIUM']),
  statute('MERCHANT_REVERIFICATION', [6, 'MONTHS'], [TRADE_MEASURES, '第二十四条', '2021-05-01', 'MEDIUM']),
  statute('RANDOM_INSPECTION_RESULT_PUBLIC', [20, 'WORKING_DAYS'], [RANDOM_INSPECTION, '', '2019-01-27', 'MEDIUM']),
];

/** The row that is law for this regime on this day, or NO_RULE. Another regime's row is never an answer. */
export function rule(name: string, { regime, on }: RuleQuestion): RuleRow | 'NO_RULE' {
  const inForce = rows.filter((row) => row.name === name && row.validFrom <= on && on <= (row.validTo ?? '9999-12-31'));
  return (
    inForce.find((row) => row.regime !== undefined && row.regime === regime) ?? inForce.find((row) => row.regime === undefined) ?? 'NO_RULE'
  );
}

/** The row that a decision names (`ruleVersion`), also when it is law no more. Throws RangeError for what no row is called. */
export function ruleOfVersion(version: string): RuleRow {
  const found = rows.find((row) => row.version === version);
  if (!found) throw new RangeError(`no rule row is called ${version}`);
  return found;
}

/** Every row, for the people who have to confirm them. */
export const allRules = (): readonly RuleRow[] => rows;
