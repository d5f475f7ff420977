/*
 * When two results probably report the same: they come by different ways, are of one batch (batch.ts), contradict each other in nothing
 * that both of them say, and agree in what tells one sample of a batch from another. Each fact is compared for itself; whoever decides
 * reads which of them agree and which only one of the two states. A single contradiction makes two samples of them, because holding back
 * what is public by law needs a better reason than a guess.
 */
import type { FailingItem, ResultDecision, SamplingResultState } from '@jinqiao/contracts';
import { nameKey } from '@jinqiao/law';
import { printed } from '../import/printed.js';
import type { ResultName } from '../sampling-result/held-result.js';
import type { Channel } from '../sampling-result/sampling-result.entity.js';
import { batchKeyOf, batchOf, companyKey, goodsKey, NO_BATCH } from './batch.js';

/** What a result says of itself, by whichever way it came. */
export type Facts = SamplingResultState & {
  readonly online?: { platformId?: string; platformName?: string; shopId?: string; shopName?: string };
  readonly decisions?: readonly ResultDecision[];
};

/** A department's own system, or a notice that was printed and taken in as a file. */
export type Way = 'SYSTEM' | 'NOTICE';
export const wayOf = (channel: Channel): Way => (channel === 'FILE' ? 'NOTICE' : 'SYSTEM');

export interface Reported extends ResultName {
  readonly way: Way;
  readonly facts: Facts;
}

type Comparison = 'SAME' | 'DIFFERENT' | 'NOT_STATED';

const COMPARED = {
  PRODUCER: (one, other) => sameParty(one.nominalProducer, other.nominalProducer),
  PRODUCT: (one, other) => sameOf(goodsKey(one.product.name), goodsKey(other.product.name)),
  PRODUCED_ON: (one, other) => sameOf(batchOf(one.product).day, batchOf(other.product).day),
  BATCH_NUMBER: (one, other) => sameOf(batchOf(one.product).number, batchOf(other.product).number),
  SPEC: sameSpec,
  BRAND: sameBrand,
  SELLER: (one, other) => sameParty(one.sampledParty, other.sampledParty),
  SHOP: sameShop,
  SAMPLED_ON: (one, other) => sameOf(one.sampledOn, other.sampledOn),
  SAMPLE_NO: sameNumber,
  VERDICT: (one, other) => sameOf(one.verdict, other.verdict),
  FAILING_ITEM: sameItem,
  MEASURED: sameMeasured,
} satisfies Readonly<Record<string, (one: Facts, other: Facts) => Comparison>>;

export type Fact = keyof typeof COMPARED;
const FACTS = Object.keys(COMPARED) as readonly Fact[];

/** Why two results probably report the same. */
export interface Likeness {
  readonly agrees: readonly Fact[];
  /** One of the two says nothing of it. */
  readonly notStated: readonly Fact[];
}

/** Null unless both probably report the same. Which of the two is asked about the other makes no difference. */
export function likeness(one: Reported, other: Reported): Likeness | null {
  if (!mayBothBeReports(one, other)) return null;
  const key = batchKeyOf(one.facts);
  if (key === NO_BATCH || key !== batchKeyOf(other.facts)) return null;
  const compared = FACTS.map((fact) => ({ fact, is: COMPARED[fact](one.facts, other.facts) }));
  if (compared.some(({ is }) => is === 'DIFFERENT')) return null;
  const those = (wanted: Comparison): Fact[] => compared.filter(({ is }) => is === wanted).map(({ fact }) => fact);
  const agrees = those('SAME');
  return isOneSample(agrees, one.facts) ? { agrees, notStated: those('NOT_STATED') } : null;
}

/** Revisions of one result are no duplicates, nor is what one system or one notice reports under two numbers: those are two samples. */
const mayBothBeReports = (one: Reported, other: Reported): boolean =>
  one.reporterId !== other.reporterId || (one.sampleNo !== other.sampleNo && one.way !== other.way);

const PLACES: readonly Fact[] = ['SELLER', 'SHOP', 'SAMPLE_NO'];
const OF_ONE_SAMPLE: readonly Fact[] = [...PLACES, 'MEASURED', 'SAMPLED_ON', 'SPEC', 'BRAND', 'BATCH_NUMBER'];

/**
 * Of one batch many samples are taken and most of them pass, so what is no failure has to come from one place. Two failures of one item
 * in one batch are rarer: a notice that prints no place is told from another sample by anything else that both of them state.
 */
function isOneSample(agrees: readonly Fact[], { verdict }: Facts): boolean {
  const enough = verdict === 'UNQUALIFIED' ? OF_ONE_SAMPLE : PLACES;
  return agrees.some((fact) => enough.includes(fact));
}

const sameOf = (one: string | null | undefined, other: string | null | undefined): Comparison => {
  if (!one || !other) return 'NOT_STATED';
  return one === other ? 'SAME' : 'DIFFERENT';
};

interface Party {
  readonly name: string;
  readonly uscc?: string;
}

/** By its code where both have one, else by its name. */
const sameParty = (one: Party | undefined, other: Party | undefined): Comparison =>
  one?.uscc && other?.uscc ? sameOf(one.uscc, other.uscc) : sameOf(companyKey(one?.name), companyKey(other?.name));

/** Forms make one column of both, and print one of them only; the fewer words have to be among the more. */
function sameSpec({ product: one }: Facts, { product: other }: Facts): Comparison {
  const [some, others] = [wordsOf(one), wordsOf(other)].sort((a, b) => a.size - b.size);
  if (!some?.size || !others?.size) return 'NOT_STATED';
  return [...some].every((word) => others.has(word)) ? 'SAME' : 'DIFFERENT';
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/(?<=\d) ?(?:千克|公斤)/gu, 'kg'],
  [/(?<=\d) ?毫克/gu, 'mg'],
  [/(?<=\d) ?克/gu, 'g'],
  [/(?<=\d) ?毫升/gu, 'ml'],
  [/(?<=\d) ?升/gu, 'l'],
  [/(?<=[\p{L}\p{N}])[x*](?=\d)/gu, ' '],
];

function wordsOf({ spec, model }: Facts['product']): Set<string> {
  const text = `${printed(spec) ?? ''} ${printed(model) ?? ''}`.normalize('NFKC').toLowerCase();
  const written = UNITS.reduce((read, [unit, sign]) => read.replace(unit, sign), text);
  return new Set(written.split(/[^\p{L}\p{N}.]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word)));
}

/** 津味 is 津味牌, and 津味+图形 as well. */
function sameBrand({ product: one }: Facts, { product: other }: Facts): Comparison {
  const [brand, its] = [brandKey(one.brand), brandKey(other.brand)];
  return brand !== '' && its !== '' && (brand.includes(its) || its.includes(brand)) ? 'SAME' : sameOf(brand, its);
}

const brandKey = (brand: string | undefined): string => goodsKey(brand).replace(/(?:牌|商标)$/u, '');

/** A platform is printed in many ways, so two of its names contradict nothing; but a shop of that name is on each of them. */
function sameShop({ online: one }: Facts, { online: other }: Facts): Comparison {
  const platforms = sameOf(platformKey(one), platformKey(other));
  if (platforms === 'SAME' && one?.shopId && other?.shopId) return sameOf(one.shopId, other.shopId);
  const shops = sameOf(goodsKey(one?.shopName), goodsKey(other?.shopName));
  return shops === 'SAME' && platforms === 'DIFFERENT' ? 'NOT_STATED' : shops;
}

const platformKey = (online: Facts['online']): string => nameKey(online?.platformId ?? online?.platformName ?? '');

/** Every department numbers in its own way; a sheet that two of them report keeps its number. */
function sameNumber({ sampleNo: one }: Facts, { sampleNo: other }: Facts): Comparison {
  return sameOf(goodsKey(one), goodsKey(other)) === 'SAME' ? 'SAME' : 'NOT_STATED';
}

/** Of what failed; what did not fail says nothing. */
function sameItem(one: Facts, other: Facts): Comparison {
  if (!one.failingItems?.length || !other.failingItems?.length) return 'NOT_STATED';
  return itemsInBoth(one, other).length > 0 ? 'SAME' : 'DIFFERENT';
}

/** 铅 and 铅（以Pb计） are one item. */
const itemKey = ({ item }: FailingItem): string => goodsKey(item.normalize('NFKC').replace(/\([^()]*\)/gu, '')) || goodsKey(item);

const itemsInBoth = (one: Facts, other: Facts): (readonly [FailingItem, FailingItem])[] =>
  (one.failingItems ?? []).flatMap((item) =>
    (other.failingItems ?? []).filter((its) => itemKey(its) === itemKey(item)).map((its) => [item, its] as const),
  );

function sameMeasured(one: Facts, other: Facts): Comparison {
  const compared = itemsInBoth(one, other).map(([item, its]) => sameValue(valueOf(item), valueOf(its)));
  return (['SAME', 'DIFFERENT'] as const).find((is) => compared.includes(is)) ?? 'NOT_STATED';
}

interface Value {
  readonly number: number;
  readonly unit: string;
}

/** 35 with the unit μg/kg is 35μg/kg, and 35.0. */
function valueOf({ measured, unit = '' }: FailingItem): Value | null {
  const text = (printed(measured) ?? '').normalize('NFKC').toLowerCase().replace(/\s/gu, '');
  const [, number, printedUnit = ''] = /^(\d+(?:\.\d+)?)(.*)$/u.exec(text) ?? [];
  return number === undefined
    ? null
    : { number: Number(number), unit: printedUnit || unit.normalize('NFKC').toLowerCase().replace(/\s/gu, '') };
}

/** Values in two units are compared by nobody here. */
function sameValue(one: Value | null, other: Value | null): Comparison {
  if (!one || !other || (one.unit !== other.unit && one.unit !== '' && other.unit !== '')) return 'NOT_STATED';
  if (one.number === other.number) return 'SAME';
  return one.unit === other.unit ? 'DIFFERENT' : 'NOT_STATED';
}
