/**
 * The draw of who is sampled, by whom, and where it is tested, so that anybody can repeat it from the public record
 * (产品质量监督抽查管理暂行办法 §15, §16: firms and samplers at random; §9: who samples does not test; 国发〔2019〕5号: two libraries;
 * 食品安全法 §88: a laboratory at random).
 *
 * Nobody may choose the outcome: before anything random is known the organiser publishes the pools with quotas and recusals, the hash of a
 * seed, and names a public value of a later moment (a lottery's numbers, a market's closing figures). A witness may commit to a seed of its
 * own. Once the public value is there the seeds are revealed, and all of it together is the key of the draw.
 *
 * Nobody may be warned, and a regulator's risk class stays with the regulator: in public an object is a commitment, SHA-256 over its id and
 * a salt, and its stratum a number without a name. What was drawn is opened when it has been sampled.
 *
 * Drawing: each object of a stratum gets HMAC-SHA-256(key, its commitment) as its lot, and the lowest lots are drawn. That is a simple
 * random sample without replacement of each stratum (GB/T 10111), it depends on no order of the pool, and needs no arithmetic to repeat.
 *
 * Replacing: the lots order the whole stratum, so who takes the place of an object that could not be sampled was settled with the draw: the
 * next lot. Nobody chooses it, nor whether there is another one; what the organiser does say, why the one before could not be sampled, is
 * on the record, and each entry names the hash of the one before it.
 */
import { createHash, createHmac } from 'node:crypto';
import { canonicalHash, type Finding } from '@jinqiao/schema';

export const DRAW_FORMAT = 'jinqiao-draw-1';

/** What may be sampled, as everybody sees it. */
export interface Candidate {
  readonly commitment: string;
  readonly stratum: number;
}

/** What a commitment stands for. */
export interface Opening {
  readonly commitment: string;
  readonly objectId: string;
  readonly salt: string;
}

export interface PoolMember {
  /** A number of the library it stands in; no name. */
  readonly id: string;
  /** Whom a sampler works for, and the body a laboratory belongs to. */
  readonly employerId: string;
}

/** Left out before the draw, or left in although it was sampled (an exempt round). */
export interface Exclusion {
  readonly commitment: string;
  readonly reason: 'SAMPLED_BEFORE';
  readonly ruleVersion: string;
  readonly exempt: boolean;
}

export interface Abandoned {
  readonly drawNo: number;
  readonly announcementHash: string;
  readonly reason: string;
  readonly at: string;
}

/** What is published before anything random is known. */
export interface Announced {
  readonly format: typeof DRAW_FORMAT;
  readonly roundId: string;
  readonly organiserId: string;
  readonly roundNo: string;
  /** Counts the draws announced for this round; those before it were abandoned. */
  readonly drawNo: number;
  readonly announcedAt: string;
  /** SHA-256 of the detailed rules that were public by then. */
  readonly rulesHash: string;
  /** How many are drawn of each stratum. */
  readonly quotas: readonly { readonly stratum: number; readonly number: number }[];
  readonly objects: readonly Candidate[];
  readonly inspectors: readonly PoolMember[];
  readonly laboratories: readonly PoolMember[];
  readonly recusals: readonly { readonly inspectorId: string; readonly commitment: string }[];
  readonly exclusions: readonly Exclusion[];
  readonly samplersEach: number;
  /** SHA-256 of the seed, in hexadecimal digits. */
  readonly seedHash: string;
  readonly witness?: { readonly departmentId: string; readonly seedHash: string };
  readonly publicValue: { readonly source: string; readonly at: string };
  readonly abandoned: readonly Abandoned[];
}

export interface Revealed {
  readonly seed: string;
  readonly witnessSeed?: string;
  readonly publicValue: string;
  readonly at: string;
}

/** One object that is to be sampled, by whom, and who tests what they bring. */
export interface Drawn {
  readonly commitment: string;
  readonly stratum: number;
  readonly inspectorIds: readonly string[];
  readonly laboratoryId: string;
}

/** What takes the place of an object that was drawn, or that took the place of one, and could not be sampled. */
export interface Replacement extends Drawn {
  /** The commitment of the one that could not be sampled. */
  readonly replaces: string;
  readonly ground: string;
  readonly at: string;
  /** Of the entry before; the announcement's of the first. */
  readonly previousHash: string;
  /** SHA-256 over the RFC 8785 form of the entry without it. */
  readonly hash: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** SHA-256 of a seed, or of an object's id and salt with a line's end between them; in hexadecimal digits. */
export const seedHashOf = (seed: string): string => sha256(seed);
export const commitmentOf = ({ objectId, salt }: Omit<Opening, 'commitment'>): string => sha256(`${objectId}\n${salt}`);

/** What names an announcement: SHA-256 over its RFC 8785 form, in hexadecimal digits. */
export const hashOf = (announced: Announced): string => canonicalHash(announced);

/** By UTF-16 code units, as RFC 8785 sorts and as JavaScript does without a locale. */
export const by =
  <T>(text: (one: T) => string): ((a: T, b: T) => number) =>
  (a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;

/** What of the objects may be drawn. */
export function eligible({ objects, exclusions }: Pick<Announced, 'objects' | 'exclusions'>): Candidate[] {
  const out = new Set(exclusions.filter(({ exempt }) => !exempt).map(({ commitment }) => commitment));
  return objects.filter(({ commitment }) => !out.has(commitment));
}

/** Which of what was revealed is not what was committed to. */
export function revealFindings(announced: Announced, { seed, witnessSeed }: Omit<Revealed, 'at'>): Finding[] {
  const findings: Finding[] = [];
  if (seedHashOf(seed) !== announced.seedHash)
    findings.push({ code: 'DRAW_SEED_WRONG', pointer: '/seed', message: 'This is not the seed whose hash was announced.' });
  const witnessHash = announced.witness?.seedHash;
  if (witnessHash === undefined && witnessSeed !== undefined)
    findings.push({ code: 'DRAW_WITNESS_UNKNOWN', pointer: '/witnessSeed', message: 'No witness was announced.' });
  if (witnessHash !== undefined && (witnessSeed === undefined || seedHashOf(witnessSeed) !== witnessHash))
    findings.push({ code: 'DRAW_SEED_WRONG', pointer: '/witnessSeed', message: 'This is not the seed whose hash the witness gave.' });
  return findings;
}

/** Draws; the same record gives the same answer everywhere. In the order of strata, and of lots within them. */
export function draw(announced: Announced, revealed: Omit<Revealed, 'at'>): Drawn[] {
  const orders = lotsOf(announced, revealed);
  return announced.quotas.flatMap(({ stratum, number }) => orders.next(stratum, 0, number));
}

/** Who takes the place of `replaces`, after everything that was drawn or took a place before; null where its stratum is exhausted. */
export function replace(
  announced: Announced,
  revealed: Omit<Revealed, 'at'>,
  before: { readonly drawn: readonly Drawn[]; readonly replacements: readonly Replacement[] },
  { replaces, ground, at }: Pick<Replacement, 'replaces' | 'ground' | 'at'>,
): Replacement | null {
  const taken = [...before.drawn, ...before.replacements];
  const stratum = taken.find(({ commitment }) => commitment === replaces)?.stratum ?? 0;
  const [next] = lotsOf(announced, revealed).next(stratum, taken.filter((one) => one.stratum === stratum).length, 1);
  if (!next) return null;
  const previousHash = before.replacements.at(-1)?.hash ?? hashOf(announced);
  const entry = { replaces, ground, at, ...next, previousHash };
  return { ...entry, hash: canonicalHash(entry) };
}

/** The order of each stratum, and who goes to whom. */
function lotsOf(announced: Announced, { seed, witnessSeed, publicValue }: Omit<Revealed, 'at'>) {
  const announcementHash = hashOf(announced);
  const key = canonicalHash({ announcementHash, publicValue, seed, ...(witnessSeed !== undefined && { witnessSeed }) });
  const lot = (...parts: string[]): string => createHmac('sha256', Buffer.from(key, 'hex')).update(parts.join('\n')).digest('hex');
  const byLot = <T>(pool: readonly T[], partsOf: (one: T) => string[]): T[] =>
    pool
      .map((one) => ({ one, lot: lot(...partsOf(one)) }))
      .sort(by((drawn) => drawn.lot))
      .map(({ one }) => one);
  const strata = Map.groupBy(eligible(announced), ({ stratum }) => stratum);
  const recused = new Set(announced.recusals.map(({ inspectorId, commitment }) => `${inspectorId}\n${commitment}`));
  const assigned = ({ commitment, stratum }: Candidate): Drawn => {
    const free = announced.inspectors.filter(({ id }) => !recused.has(`${id}\n${commitment}`));
    const samplers = byLot(free, ({ id }) => ['inspector', commitment, id]).slice(0, announced.samplersEach);
    const employers = new Set(samplers.map(({ employerId }) => employerId));
    const independent = announced.laboratories.filter(({ employerId }) => !employers.has(employerId));
    const [laboratory] = byLot(independent, ({ id }) => ['laboratory', commitment, id]);
    return { commitment, stratum, inspectorIds: samplers.map(({ id }) => id), laboratoryId: laboratory?.id ?? '' };
  };
  return {
    next: (stratum: number, after: number, number: number): Drawn[] =>
      byLot(strata.get(stratum) ?? [], ({ commitment }) => ['object', commitment])
        .slice(after, after + number)
        .map(assigned),
  };
}
