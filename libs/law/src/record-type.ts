/**
 * Which facts may be held against a market entity as a credit record, and from when until when the public may read them: dated rows.
 * A record keeps the row that was law on its document's date. Until 2026-03-31 the period of a penalty ran from its publication
 * (SAMR Order 45), since then from the date of its document (信用修复管理办法, NDRC Order 36); its classes do not reach back.
 */
import type { CreditClass, CreditRecordType } from '@jinqiao/contracts';
import { dayInChina } from './calendar.js';
import { deadline } from './deadline.js';
import {
  CREDIT_REPAIR,
  INFORMATION_PUBLICITY,
  PENALTY_PUBLICATION,
  QUALITY_LAW,
  RANDOM_INSPECTION,
  RECALL_RULES,
  rule,
  type RuleRow,
  SERIOUS_LIST,
} from './rules.js';

export interface RecordType extends Pick<RuleRow, 'validFrom' | 'validTo' | 'legalBasis' | 'confidence' | 'version'> {
  readonly type: CreditRecordType;
  /** Of the dishonesty; absent where the type has no classes. The department that decided says which it is. */
  readonly class?: CreditClass;
  /** Whose fact it is. */
  readonly source: string;
  /** ON_REQUEST: public only if its department names a last day. */
  readonly publicity: 'PUBLIC' | 'ON_REQUEST' | 'INTERNAL';
  /** Names of rule rows: published within, counted from the document's date; of another province, pushed and then published within. */
  readonly publishWithin?: string;
  readonly fromOutside?: { readonly push: string; readonly publish: string };
  readonly periodFrom: 'PUBLICATION' | 'DOCUMENT';
  /** Names of rule rows: the least and the most a period may be, the same where the law leaves no choice. No `most`: ends by decision only. */
  readonly least?: string;
  readonly most?: string;
  /** Name of a rule row: a restriction that is longer than that is public for as long as it runs. */
  readonly restrictedBeyond?: string;
}

type Row = Omit<RecordType, 'type' | 'class' | 'source' | 'validFrom' | 'validTo' | 'legalBasis' | 'confidence' | 'version'>;
type Basis = readonly [instrument: string, article: string, confidence: RuleRow['confidence']];
type Fact = Pick<RecordType, 'type' | 'class' | 'source'>;

function row(fact: Fact, [validFrom, validTo]: readonly [string, string?], [instrument, article, confidence]: Basis, how: Row): RecordType {
  const version = `${fact.type}${fact.class === undefined ? '' : `/${fact.class}`}@${validFrom}`;
  const legalBasis = { instrument, ...(article !== '' && { article }) };
  return { ...fact, ...how, validFrom, ...(validTo !== undefined && { validTo }), legalBasis, confidence, version };
}

const fact = (type: CreditRecordType, source: string): Fact => ({ type, source });
const penalty = (itsClass: CreditClass): Fact => ({ type: 'PENALTY', class: itsClass, source: '作出行政处罚决定的部门' });

const ORDER_45 = ['2021-09-01', '2026-03-31'] as const;
const ORDER_36 = ['2026-04-01'] as const;
const READ_45: Basis = [PENALTY_PUBLICATION, '', 'HIGH'];
const READ_36: Basis = [CREDIT_REPAIR, '', 'HIGH'];
const CREDIT_REGULATION: Basis = ['天津市社会信用条例', '', 'MEDIUM'];

const PENALTY_CLOCKS = {
  publishWithin: 'PENALTY_PUBLICATION',
  fromOutside: { push: 'PENALTY_PUSH_OTHER_PROVINCE', publish: 'PENALTY_PUBLICATION_OTHER_PROVINCE' },
};
const fixed = (name: string) => ({ least: name, most: name });
const flat = (name: string): Row => ({ publicity: 'PUBLIC', ...PENALTY_CLOCKS, periodFrom: 'PUBLICATION', ...fixed(name) });
const OTHER: Row = { ...flat('PENALTY_PUBLIC_OTHER'), restrictedBeyond: 'PENALTY_PUBLIC_OTHER' };
const graded = (least: string, most: string): Row => ({ publicity: 'PUBLIC', ...PENALTY_CLOCKS, periodFrom: 'DOCUMENT', least, most });

const SAMPLING = fact('SAMPLING_RESULT', '组织监督抽查的部门');
const SPOT_CHECK = fact('SPOT_CHECK', '实施双随机抽查的部门');
const ABNORMAL = fact('ABNORMAL_OPERATION', '县级以上市场监督管理部门');
const DISHONEST = fact('SERIOUS_DISHONESTY', '县级以上市场监督管理部门');
const RECALL = fact('RECALL', '省级以上市场监督管理部门');
const COMMITMENT = fact('COMMITMENT', '接受承诺的部门');
const BROKEN = fact('COMMITMENT_BROKEN', '认定承诺不实或者违诺的部门');

const BY_DECISION: Row = { publicity: 'PUBLIC', periodFrom: 'DOCUMENT' };
const ABNORMAL_LIST: Row = { ...BY_DECISION, publishWithin: 'ABNORMAL_LIST_PUBLICATION' };
const SERIOUS: Row = {
  publicity: 'PUBLIC',
  publishWithin: 'SERIOUS_LIST_PUBLICATION',
  periodFrom: 'PUBLICATION',
  ...fixed('SERIOUS_LIST_REMOVAL'),
};

const rows: readonly RecordType[] = [
  row(SAMPLING, ['2015-01-01'], [QUALITY_LAW, '第二十四条', 'HIGH'], {
    publicity: 'PUBLIC',
    periodFrom: 'DOCUMENT',
    ...fixed('CREDIT_PUBLICATION_SAMPLING_RESULT'),
  }),
  row(SPOT_CHECK, ['2019-01-27'], [RANDOM_INSPECTION, '', 'MEDIUM'], {
    publicity: 'PUBLIC',
    publishWithin: 'RANDOM_INSPECTION_RESULT_PUBLIC',
    periodFrom: 'DOCUMENT',
    ...fixed('CREDIT_PUBLICATION_SPOT_CHECK'),
  }),

  row(penalty('WARNING'), ORDER_45, READ_45, { publicity: 'INTERNAL', periodFrom: 'PUBLICATION' }),
  row(penalty('MINOR'), ORDER_45, READ_45, flat('PENALTY_PUBLIC_SMALL_FINE')),
  row(penalty('GENERAL'), ORDER_45, READ_45, OTHER),
  row(penalty('SERIOUS'), ORDER_45, READ_45, OTHER),
  row(penalty('MINOR'), ORDER_36, READ_36, {
    publicity: 'ON_REQUEST',
    ...PENALTY_CLOCKS,
    periodFrom: 'DOCUMENT',
    most: 'DISHONESTY_PUBLIC_MINOR_MOST',
  }),
  row(penalty('GENERAL'), ORDER_36, READ_36, graded('DISHONESTY_PUBLIC_GENERAL_LEAST', 'DISHONESTY_PUBLIC_GENERAL_MOST')),
  row(penalty('SERIOUS'), ORDER_36, READ_36, graded('DISHONESTY_PUBLIC_SERIOUS_LEAST', 'DISHONESTY_PUBLIC_SERIOUS_MOST')),

  row(ABNORMAL, ['2014-10-01', '2024-04-30'], [INFORMATION_PUBLICITY, '', 'MEDIUM'], ABNORMAL_LIST),
  row(ABNORMAL, ['2024-05-01'], [INFORMATION_PUBLICITY, '第十八条', 'HIGH'], ABNORMAL_LIST),
  row(DISHONEST, ORDER_45, [SERIOUS_LIST, '', 'MEDIUM'], SERIOUS),
  row(DISHONEST, ORDER_36, [SERIOUS_LIST, '', 'MEDIUM'], { ...SERIOUS, periodFrom: 'DOCUMENT' }),

  row(RECALL, ['2020-01-01'], [RECALL_RULES, '', 'MEDIUM'], BY_DECISION),
  row(COMMITMENT, ['2021-01-01'], CREDIT_REGULATION, BY_DECISION),
  row(BROKEN, ['2021-01-01'], CREDIT_REGULATION, { ...BY_DECISION, ...fixed('CREDIT_PUBLICATION_COMMITMENT_BROKEN') }),
];

/** Every row, for the people who have to confirm them. */
export const allRecordTypes = (): readonly RecordType[] => rows;

/** The rows of a type that are law on this day: one, or one of each class. None: such a fact could not be a record then. */
export const recordTypesOn = (type: CreditRecordType, on: string): RecordType[] =>
  rows.filter((one) => one.type === type && one.validFrom <= on && on <= (one.validTo ?? '9999-12-31'));

/** The last days of a period of publication, and the rule row that says so; null where only a decision ends it. */
export interface Term {
  readonly earliestEnd: string | null;
  readonly latestEnd: string | null;
  readonly legalBasis: readonly (RuleRow['legalBasis'] & { readonly ruleVersion: string })[];
}

/** `restrictedUntil`: the last day of a restriction that the document orders. */
export function termOf(of: RecordType, documentDate: string, publishedOn: string, restrictedUntil: string | null = null): Term {
  const beyond = lastDay(ruleNamed(of.restrictedBeyond, documentDate), documentDate);
  if (beyond !== null && restrictedUntil !== null && restrictedUntil > beyond)
    return { earliestEnd: restrictedUntil, latestEnd: restrictedUntil, legalBasis: [{ ...of.legalBasis, ruleVersion: of.version }] };
  const start = of.periodFrom === 'DOCUMENT' ? documentDate : publishedOn;
  const most = ruleNamed(of.most, documentDate);
  const decides = most ?? of;
  return {
    earliestEnd: lastDay(ruleNamed(of.least, documentDate), start),
    latestEnd: lastDay(most, start),
    legalBasis: [{ ...decides.legalBasis, ruleVersion: decides.version }],
  };
}

export interface Handed {
  readonly documentDate: string;
  /** The day on which its department had it, from which its own time runs where it comes from another province. */
  readonly pushedOn: string;
  readonly isFromOutside: boolean;
}

/** By which day the record has to be public, and by which a department elsewhere had to hand it over; null where no period is set. */
export function publishBy(of: RecordType, { documentDate, pushedOn, isFromOutside }: Handed) {
  const outside = isFromOutside ? of.fromOutside : undefined;
  return {
    pushed: lastDay(ruleNamed(outside?.push, documentDate), documentDate),
    published: outside
      ? lastDay(ruleNamed(outside.publish, pushedOn), pushedOn)
      : lastDay(ruleNamed(of.publishWithin, documentDate), documentDate),
  };
}

function ruleNamed(name: string | undefined, on: string): RuleRow | null {
  const found = name === undefined ? 'NO_RULE' : rule(name, { on });
  return found === 'NO_RULE' ? null : found;
}

function lastDay(period: RuleRow | null, start: string): string | null {
  if (period === null) return null;
  const { due } = deadline(start, period);
  return typeof due === 'string' ? due : dayInChina(due);
}

/** The rows as a table, for docs/credit.md. */
export function recordTypeTable(): string {
  const lines = rows.map((one) => [
    one.type,
    one.class ?? '',
    one.source,
    `${one.validFrom} – ${one.validTo ?? ''}`.trim(),
    one.publicity,
    withinOf(one),
    periodOf(one),
    `${one.legalBasis.instrument}${one.legalBasis.article ?? ''}`,
    one.confidence,
  ]);
  const head = ['type', 'class', 'whose fact', 'law', 'public', 'published within', 'period', 'basis', 'sure'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function withinOf({ publishWithin, fromOutside, validFrom }: RecordType): string {
  const within = lengthOf(publishWithin, validFrom);
  return fromOutside
    ? `${within}; elsewhere ${lengthOf(fromOutside.push, validFrom)} + ${lengthOf(fromOutside.publish, validFrom)}`
    : within;
}

function periodOf({ publicity, periodFrom, least, most, restrictedBeyond, validFrom }: RecordType): string {
  if (publicity === 'INTERNAL') return '';
  if (most === undefined) return 'until a decision';
  const longest = lengthOf(most, validFrom);
  const length = least === most ? longest : least === undefined ? `at most ${longest}` : `${lengthOf(least, validFrom)} to ${longest}`;
  const restricted =
    restrictedBeyond === undefined ? '' : `; a restriction of more than ${lengthOf(restrictedBeyond, validFrom)}: as long as it`;
  return `${length} from ${periodFrom === 'DOCUMENT' ? "the document's date" : 'publication'}${restricted}`;
}

function lengthOf(name: string | undefined, on: string): string {
  const found = ruleNamed(name, on);
  if (found === null) return '';
  const unit = found.unit.toLowerCase().replace('_', ' ');
  return `${found.value} ${found.value === 1 ? unit.slice(0, -1) : unit}`;
}
