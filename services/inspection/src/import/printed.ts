import { isCalendarDate, isPartialDate } from '@jinqiao/contracts';
import type { Regime, Verdict } from '@jinqiao/contracts';
import { categoryOf } from '@jinqiao/law';
import { substancesIn } from './heading-words.js';

/** What the cells of a notice mean. Nothing here guesses: what is not understood stays text or is absent. */
const NOT_PRINTED = /^(?:[/\\—–\-_*.、无]+|未标[示注]|不详|N\/?A|null)$/iu;

/** A cell with nothing in it, or with one of the marks that say so, is absent. */
export function printed(cell: string | undefined): string | undefined {
  const text = cell?.trim() ?? '';
  return text === '' || NOT_PRINTED.test(text) ? undefined : text;
}

/** Two cells say the same when they differ in width of characters and spaces only. */
export const sameText = (cell: string): string => (printed(cell) ?? '').normalize('NFKC').replace(/\s+/gu, ' ').trim();

const DAY = /^(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?(?: 0{1,2}:00(?::00)?)?$/u;
const COMPACT_DAY = /^(\d{4})(\d{2})(\d{2})$/u;

/** 2016-05-21, 2020/11/7, 2006.8.08, 20060421, 2019年10月1日: one whole date, or undefined. */
export function wholeDay(text: string): string | undefined {
  // "20241102/-": the form asks for date and batch, and no batch was printed.
  const plain = text
    .normalize('NFKC')
    .trim()
    .replace(/\/[-/—]?$/u, '');
  const parts = DAY.exec(plain) ?? COMPACT_DAY.exec(plain);
  if (!parts) return undefined;
  const day = [parts[1], parts[2]?.padStart(2, '0'), parts[3]?.padStart(2, '0')].join('-');
  return isCalendarDate(day) ? day : undefined;
}

/** A day, a month (2016-12, 2016年12月) or a year, as exactly as printed. */
export function partialDay(text: string): string | undefined {
  const day = wholeDay(text);
  if (day) return day;
  const parts = /^(\d{4})(?:[-/.年](\d{1,2})?月?)?$/u.exec(text.normalize('NFKC').trim());
  const partial = parts?.[2] ? `${parts[1]}-${parts[2].padStart(2, '0')}` : parts?.[1];
  return isPartialDate(partial) ? partial : undefined;
}

export function verdictOf(text: string): Verdict | undefined {
  if (/不合格|不符合|不达标|unqualified|fail/iu.test(text)) return 'UNQUALIFIED';
  if (/未检|不予检验|拒收|not_tested/iu.test(text)) return 'NOT_TESTED';
  if (/不判定|不作判定|无法判定|待定|undetermined/iu.test(text)) return 'UNDETERMINED';
  return /合格|符合|达标|qualified|pass/iu.test(text) ? 'QUALIFIED' : undefined;
}

/** The platform as printed. 线上（平台未印出） says only that the sample was bought online. */
export function platformOf(text: string): { platformName?: string } {
  return /^(?:线上|网络|网购|电商|互联网)/u.test(text) && /未|不详/u.test(text) ? {} : { platformName: text };
}

const CATEGORY_WORDS: readonly [RegExp, Regime][] = [
  [/化妆|护肤|洗发|牙膏/u, 'COSMETIC'],
  [/医疗器械/u, 'MEDICAL_DEVICE'],
  [/食品相关|家具|服装|[鞋帽]|玩具|电[器池线源]|车|文具|纺织|化肥|涂料/u, 'PRODUCT'],
  [/食|饮|餐|酒|肉|菜|水果|粮|油脂|糖|茶|[乳蛋]|蜂|糕|豆|罐头|水产|调味|坚果|淀粉/u, 'FOOD'],
  [/药/u, 'DRUG'],
];
const regimeOfWords = (text: string): Regime | undefined => CATEGORY_WORDS.find(([words]) => words.test(text))?.[1];

/**
 * The regime by category. A notice may print none: then the product's name decides, then what was tested (limits on additives,
 * contaminants and residues are food law), and what no special law claims falls under the Product Quality Law. `inferred` says which.
 */
export function regimeOf(category: string | undefined, product: string, items: readonly string[]): { regime: Regime; inferred: boolean } {
  const known =
    category === undefined ? undefined : (categoryOf(category)?.regime ?? categoryOf(category.replace(/[（(].*$|类$/gu, ''))?.regime);
  if (known) return { regime: known, inferred: false };
  const named = regimeOfWords(category ?? '') ?? categoryOf(product)?.regime ?? regimeOfWords(product);
  return { regime: named ?? (items.some((item) => substancesIn(item) > 0) ? 'FOOD' : 'PRODUCT'), inferred: true };
}

export interface PrintedItem {
  item: string;
  measured?: string;
  limit?: string;
  unit?: string;
}

/** Items of one cell, each with its value and limit. Cells whose counts disagree are kept as one item: a guess would pair them wrongly. */
export function itemsOf(item: string, others: { measured?: string; limit?: string; unit?: string }): PrintedItem[] {
  for (const separator of [/\n/u, /[;；]/u, /[、，,]/u]) {
    const items = partsOf(item, separator);
    if (items.length < 2) continue;
    const measured = partsOf(others.measured, separator);
    const limit = partsOf(others.limit, separator);
    const fits = (parts: readonly string[]): boolean => parts.length === 0 || parts.length === items.length;
    // A comma belongs to many names (苯甲酸、山梨酸各自用量…), so there the values have to bear it out.
    if (!fits(measured) || !fits(limit) || (separator.test('、') && measured.length === 0)) continue;
    return items.map((name, at) => withoutAbsent({ item: name, measured: measured[at], limit: limit[at], unit: others.unit }));
  }
  return [withoutAbsent({ item, ...others })];
}

/** 不合格项目‖检验结果‖标准值 in one cell, items divided by semicolons or lines; or 项目：结果（标准值）. */
export function combinedItems(cell: string): PrintedItem[] {
  const found: PrintedItem[] = [];
  for (const part of partsOf(cell, /[;；\n]/u)) {
    const [item = '', measured, ...limit] = part.split(/[‖∥∣║¦|｜]+/u).map((piece) => piece.trim());
    const last = found.at(-1);
    if (measured === undefined && last?.measured !== undefined) {
      // A value or limit that itself holds a semicolon goes on here.
      if (last.limit === undefined) last.measured += `；${part}`;
      else last.limit += `；${part}`;
      continue;
    }
    const spoken = measured === undefined ? /^([^:：]+)[:：](.+?)[（(]([^()（）]+)[)）]$/u.exec(part) : null;
    found.push(
      spoken
        ? withoutAbsent({ item: spoken[1] ?? part, measured: spoken[2], limit: spoken[3] })
        : withoutAbsent({ item, measured, limit: limit.join('|') || undefined }),
    );
  }
  return found;
}

/** Divides a cell outside brackets. */
function partsOf(cell: string | undefined, separator: RegExp): string[] {
  if (cell === undefined) return [];
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (const character of cell) {
    if (/[（([]/u.test(character)) depth++;
    if (/[）)\]]/u.test(character)) depth = Math.max(0, depth - 1);
    if (depth === 0 && separator.test(character)) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  return [...parts, part].map((each) => each.trim()).filter((each) => each !== '');
}

function withoutAbsent(item: {
  item: string;
  measured?: string | undefined;
  limit?: string | undefined;
  unit?: string | undefined;
}): PrintedItem {
  const { measured = '', limit = '', unit = '' } = item;
  const [value, allowed, of] = [printed(measured), printed(limit), printed(unit)];
  return { item: item.item, ...(value && { measured: value }), ...(allowed && { limit: allowed }), ...(of && { unit: of }) };
}
