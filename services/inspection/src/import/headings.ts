import { readFileSync } from 'node:fs';
import { learn } from './heading-model.js';
import { TEMPLATE_HEADINGS, signsOf, substancesIn, wordsOf } from './heading-words.js';
import type { Features } from './heading-model.js';

/**
 * Which field does a column heading mean? Three readings, the first that answers wins: a heading of the corpus as it stands, the same
 * heading in another spelling, else what the learner makes of its words. Vocabulary and corpus: data/column-names.json.
 */
export interface Reading {
  readonly heading: string;
  readonly field: string | null;
  /** 1 = known as it stands, 0.99 = known in another spelling, below = the learner's probability. */
  readonly score: number;
}

// Below this the learner is guessing among nineteen fields.
const UNSURE = 0.12;

export class HeadingReader {
  private readonly exact: ReadonlyMap<string, string>;
  private readonly spellings: ReadonlyMap<string, string>;
  private readonly classify: ReturnType<typeof learn>;

  constructor(corpus: ReadonlyMap<string, string>) {
    this.exact = corpus;
    this.spellings = majority(corpus);
    this.classify = learn([...corpus].map(([heading, label]) => ({ features: featuresOf(normaliseHeading(heading)), label })));
  }

  read(heading: string): Reading {
    const exact = this.exact.get(heading);
    if (exact) return { heading, field: exact, score: 1 };
    const normal = normaliseHeading(heading);
    const spelled = this.spellings.get(spellingKey(normal)) ?? patternOf(normal);
    if (spelled) return { heading, field: spelled, score: 0.99 };
    if (isOutside(normal)) return { heading, field: null, score: 0 };
    const { label, probability } = this.classify(featuresOf(normal));
    const score = Math.round(probability * 1000) / 1000;
    return { heading, field: score < UNSURE ? null : label, score };
  }
}

let shared: HeadingReader | undefined;

/** The reader that knows the whole corpus and the national templates; trained once per process, on first use. */
export function headingReader(): HeadingReader {
  // The templates stand first, so that what the corpus says of the same heading replaces them.
  shared ??= new HeadingReader(new Map([...Object.entries(TEMPLATE_HEADINGS), ...corpusOfHeadings()]));
  return shared;
}

/** The same depth below the repository from src and from dist. */
export function corpusOfHeadings(): Map<string, string> {
  const file = new URL('../../../../data/column-names.json', import.meta.url);
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>));
}

const TRADITIONAL =
  '檢检測测規规類类稱称產产單单標标業业樣样號号時时間间結结論论備备註注廠厂處处買买賣卖實实驗验項项點点報报質质據据國国區区縣县價价認认證证構构屬属責责數数種种別别級级環环節节發发經经營营購购進进製制監监督督條条碼码網网銷销場场農农藥药劑剂殘残與与來来務务';
const simplified = new Map(
  Array.from({ length: TRADITIONAL.length / 2 }, (_, i) => [TRADITIONAL.charAt(2 * i), TRADITIONAL.charAt(2 * i + 1)]),
);

/** One spelling for what is the same heading: width, case, script, spaces, line breaks, kinds of bracket, marks of required columns. */
export function normaliseHeading(heading: string): string {
  return [...heading.normalize('NFKC').toLowerCase()]
    .map((character) => simplified.get(character) ?? character)
    .join('')
    .replace(/[\s\u200b\ufeff]+|\\(?:[nrt]|xa0|u3000)/gu, '')
    .replace(/[‖∥∣║¦丨|]+/gu, '|')
    .replace(/[[【〔{]/gu, '(')
    .replace(/[\]】〕}]/gu, ')')
    .replace(/[★*#'"“”‘’]|\(?必填\)?|\(?隐藏栏?\)?/gu, '')
    .replace(/:$|\.\d+$/u, '');
}

/** Punctuation tells no two headings apart. */
export const spellingKey = (normal: string): string => normal.replace(/[^\p{L}\p{N}]/gu, '') || normal;

/** The corpus contradicts itself about a few headings; most votes win, then the first. */
function majority(corpus: ReadonlyMap<string, string>): Map<string, string> {
  const votes = new Map<string, Map<string, number>>();
  for (const [heading, field] of corpus) {
    const key = spellingKey(normaliseHeading(heading));
    const counts = votes.get(key) ?? new Map<string, number>();
    votes.set(key, counts.set(field, (counts.get(field) ?? 0) + 1));
  }
  return new Map([...votes].map(([key, counts]) => [key, [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0]]));
}

/** Headings the vocabulary has no word for, and scripts the corpus does not teach: the learner would only guess. */
function isOutside(normal: string): boolean {
  if (/信用代码|电话|联系[人方]|法定代表|许可证|保质期/u.test(normal)) return true;
  return !/\p{Script=Han}/u.test(normal) && signsOf(normal, []).length === 0;
}

/** Forms that leave no doubt: the numbered triples of wide sheets (项目1 结果1 标准1), several columns in one, a list of substances. */
function patternOf(normal: string): string | undefined {
  const numbered = /^(?:检[验测]|不合格)?(项目|结果|标准值?)\d+$/u.exec(normal)?.[1];
  if (numbered) return numbered === '项目' ? 'failingItem.item' : numbered === '结果' ? 'failingItem.measured' : 'failingItem.limit';
  if (/不合格项目?.?[|:/、,(].*[值果].*[|:/、,(].*标准/u.test(normal)) return 'failingItem.combined';
  return substancesIn(normal) > 1 && wordsOf(normal).words.length === 0 ? 'failingItem.item' : undefined;
}

/** What the learner sees: the words in their order, signs of a tested substance, and pieces of one to three characters. */
function featuresOf(normal: string): Features {
  const features = new Map<string, number>([['bias', 1]]);
  const outside = normal.replace(/\([^)]*\)?/gu, '');
  const main = outside || normal;
  const { words, rest } = wordsOf(main);
  words.forEach((word, at) => {
    features.set(`word ${word}`, 1);
    features.set(`pair ${words[at - 1] ?? 'start'} ${word}`, 1);
  });
  features.set(`first ${words[0] ?? 'none'}`, 0.7);
  // The head noun stands last in Chinese.
  features.set(`head ${words.at(-1) ?? 'none'}`, words.length ? 1 : 1.5);
  if (outside) for (const word of wordsOf(normal.slice(outside.length)).words) features.set(`aside ${word}`, 0.4);
  if (rest.replace(/\P{L}/gu, '').length > 1) features.set('unknown words', 0.5);
  for (const sign of signsOf(normal, words)) features.set(`sign ${sign}`, 1.5);
  const characters = [...`^${normal.replace(/\d+/gu, '0')}$`];
  for (const [size, weight] of [
    [1, 0.3],
    [2, 0.8],
    [3, 0.5],
  ] as const) {
    for (let at = 0; at + size <= characters.length; at++) features.set(`piece ${characters.slice(at, at + size).join('')}`, weight);
  }
  return features;
}
