/*
 * What makes two results results of one batch (同一批次): the producer, else whoever was sampled; the name of the goods; the day they were
 * made, else the number of the batch. Whoever reports a batch again writes all of this in another way: wide digits, other brackets, 有限公司
 * for 有限责任公司, the day inside the number. What names neither day nor number names no batch, and is like nothing else.
 */
import { createHash } from 'node:crypto';
import type { Product, SamplingResultState } from '@jinqiao/contracts';
import { nameKey } from '@jinqiao/law';
import { printed, wholeDay } from '../import/printed.js';

/** The key of what names no batch. */
export const NO_BATCH = '0';

/** As far as it is the same for everybody who reports the batch; a number, because an index of numbers is small. */
export function batchKeyOf({ product, nominalProducer, sampledParty }: Reported): string {
  const { day, number } = batchOf(product);
  const made = day ?? number;
  const who = companyKey((nominalProducer ?? sampledParty)?.name);
  if (made === null || who === '') return NO_BATCH;
  const key = JSON.stringify([nominalProducer ? 'PRODUCER' : 'SELLER', who, goodsKey(product.name), made]);
  return createHash('sha256').update(key).digest().readBigInt64BE(0).toString();
}

type Reported = Pick<SamplingResultState, 'product' | 'nominalProducer' | 'sampledParty'>;

/** Letters and digits of a text, in one width and one case. */
export const goodsKey = (text: string | undefined): string => nameKey(printed(text) ?? '').replace(/[^\p{L}\p{N}]/gu, '');

const FORM_OF_COMPANY = /(?:股份)?有限(?:责任)?公司$/u;

/** The name of a company without what says that it is one: it is written in full, short, or not at all. */
export function companyKey(name: string | undefined): string {
  const key = goodsKey(name);
  return key.replace(FORM_OF_COMPANY, '') || key;
}

const DAY = /\d{4}(?:[-/.]|年)\d{1,2}(?:[-/.]|月)\d{1,2}日?|(?<!\d)\d{8}(?!\d)/u;
const NO_NUMBER = /^(?:详?见.+|不适用)$/u;

/** The day of production and the number of the batch, of which forms make one column: 2019-10-30/569427, 20241102/-. */
export function batchOf({ batch, producedOn }: Pick<Product, 'batch' | 'producedOn'>): { day: string | null; number: string | null } {
  const text = batch?.normalize('NFKC') ?? '';
  const inText = DAY.exec(text)?.[0] ?? '';
  const dayInText = wholeDay(inText) ?? null;
  const day = producedOn ?? dayInText;
  // Another day than that of production is a number like any other.
  const number = goodsKey(dayInText !== null && dayInText === day ? text.replace(inText, '') : text);
  return { day, number: number === '' || NO_NUMBER.test(number) ? null : number };
}
