/**
 * The life of a sampling round (抽查方案): planned, its detailed rules public, its draw announced, drawn, opened; or cancelled. Rules have to be
 * public before anybody is sampled (产品质量监督抽查管理暂行办法 §11, §12), so nothing is drawn without them.
 */
import {
  CalendarDate,
  type Coverage,
  COVERAGES,
  Nested,
  NestedList,
  OneOf,
  Optional,
  type Regime,
  REGIMES,
  Text,
  Timestamp,
  Whole,
} from '@jinqiao/contracts';
import { deadline, type RuleRow } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import type { Actor } from '../actor.js';
import { type Announced, type Drawn, type DRAW_FORMAT, eligible, type Opening, type Replacement, type Revealed } from './draw.js';

/** From the county up; who stands higher goes before (§8). */
export const LEVELS = ['COUNTY', 'CITY', 'PROVINCE', 'NATIONAL'] as const;
export type Level = (typeof LEVELS)[number];
export const ROUND_STATES = ['PLANNED', 'RULES_PUBLISHED', 'DRAW_ANNOUNCED', 'DRAWN', 'OPENED', 'CANCELLED'] as const;
export type RoundState = (typeof ROUND_STATES)[number];
/** Why a product may be sampled again within six months (§8). */
export const EXEMPTIONS = ['FOLLOW_UP', 'EMERGENCY'] as const;

/** §16: at least two samplers go together. */
export const SAMPLERS_LEAST = 2;
const DIVISION = { max: 6, min: 6, pattern: /^[0-9]{6}$/, about: 'Six digits of GB/T 2260.' };
/** The regulator's own class, which never leaves it: in public a stratum is a number. */
const RISK_CLASS = { max: 8, about: "The regulator's class by which the round is stratified." };
const SHA_256 = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/, about: 'SHA-256 in hexadecimal digits.' };

export class RoundQuota {
  @Text(DIVISION) divisionCode: string;
  @Text(RISK_CLASS) riskClass: string;
  @Whole({ min: 1, max: 10_000 }) number: number;
}

export class PlanRoundBody {
  @Text({ max: 200, about: 'Number of the round, unique for its organiser.' }) roundNo: string;
  @Text({ max: 200 }) title: string;
  @OneOf(LEVELS) level: Level;
  @Whole({ min: 2000, max: 2100, about: 'Of the annual plan.' }) year: number;
  @Optional() @Text({ max: 200, about: 'Number of the annual plan that it carries out, of the same organiser and year.' }) planNo?: string;
  @OneOf(REGIMES) regime: Regime;
  @Text({ max: 200 }) category: string;
  @OneOf(COVERAGES) coverage: Coverage;
  @NestedList(() => RoundQuota, { items: 500, least: 1 }) quotas: RoundQuota[];
  @Optional() @OneOf(EXEMPTIONS, { about: 'Why products may be sampled again within six months.' }) exemption?: (typeof EXEMPTIONS)[number];
}

export class RoundMethod {
  @Text({ max: 500, about: 'What is tested.' }) item: string;
  @Text({ max: 500, about: 'The standard by which it is tested.' }) method: string;
  @Optional() @Text({ max: 500, about: 'What decides.' }) limit?: string;
}

export class PublishRulesBody {
  @Text({ max: 200 }) title: string;
  @Text({ max: 2000, about: 'Where everybody can read them.' }) url: string;
  @Text(SHA_256) sha256: string;
  @NestedList(() => RoundMethod, { items: 500, least: 1 }) methods: RoundMethod[];
}

export class DrawProduct {
  @Text({ max: 18, min: 18 }) producerUscc: string;
  @Optional() @Text({ max: 500 }) standard?: string;
  @Optional() @Text({ max: 200 }) brand?: string;
  @Optional() @Text({ max: 500 }) spec?: string;
}

export class DrawObject {
  @Text({ max: 64 }) id: string;
  @Text({ max: 200 }) name: string;
  @Text(DIVISION) divisionCode: string;
  @Text(RISK_CLASS) riskClass: string;
  @Optional() @Nested(() => DrawProduct) product?: DrawProduct;
}

export class DrawMember {
  @Text({ max: 64, about: 'A number of the library it stands in; no name.' }) id: string;
  @Text({ max: 64, about: 'Whom it works for or belongs to.' }) employerId: string;
}

export class DrawRecusal {
  @Text({ max: 64 }) inspectorId: string;
  @Text({ max: 64 }) objectId: string;
  @Text({ max: 200 }) reason: string;
}

export class DrawWitness {
  @Text({ max: 64, about: 'Another department, which has committed to a seed of its own.' }) departmentId: string;
}

export class CommitWitnessBody {
  @Text(SHA_256) seedHash: string;
}

export class RevealWitnessBody {
  @Text({ max: 500, min: 32 }) seed: string;
}

export class DrawPublicValue {
  @Text({ max: 500, about: 'Where and how it is read, so that everybody reads the same.' }) source: string;
  @Timestamp({ about: 'Not known to anybody before.' }) at: string;
}

export class AnnounceDrawBody {
  @NestedList(() => DrawObject, { items: 20_000, least: 1 }) objects: DrawObject[];
  @NestedList(() => DrawMember, { items: 5_000, least: 1 }) inspectors: DrawMember[];
  @NestedList(() => DrawMember, { items: 500, least: 1 }) laboratories: DrawMember[];
  @Optional() @NestedList(() => DrawRecusal, { items: 5_000 }) recusals?: DrawRecusal[];
  @Optional() @Whole({ min: SAMPLERS_LEAST, max: 10 }) samplersEach?: number;
  @Text(SHA_256) seedHash: string;
  @Optional() @Nested(() => DrawWitness) witness?: DrawWitness;
  @Nested(() => DrawPublicValue) publicValue: DrawPublicValue;
}

export class RevealDrawBody {
  @Text({ max: 500, min: 32 }) seed: string;
  @Text({ max: 2000 }) publicValue: string;
}

export class ReplaceDrawnBody {
  @Text({ max: 64, about: 'Who was drawn, and could not be sampled.' }) objectId: string;
}

export class ReasonBody {
  @Text({ max: 1000 }) reason: string;
}

export class ListRoundsQuery {
  @Optional() @Text({ max: 64 }) organiserId?: string;
  @Optional() @OneOf(ROUND_STATES) state?: RoundState;
  @Optional() @CalendarDate({ about: 'First day of planning.' }) from?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

/** A department that committed to a seed for the next draw. */
export interface Witness {
  readonly departmentId: string;
  readonly seedHash: string;
  /** Once it was revealed. */
  readonly seed?: string;
}

export interface SamplingRound extends PlanRoundBody {
  readonly roundId: string;
  readonly organiserId: string;
  readonly state: RoundState;
  readonly rules: (PublishRulesBody & { readonly publishedAt: string }) | null;
  readonly drawNo: number;
  readonly announcementHash: string | null;
  readonly plannedAt: Date;
}

/** As it was planned: what is to be known of its annual plan. */
export interface PlannedRound extends SamplingRound {
  readonly warnings: readonly Finding[];
}

/** Everything that anybody needs to repeat a draw; `npm run verify-draw -- FILE` does. */
export interface DrawRecord {
  readonly format: typeof DRAW_FORMAT;
  readonly announced: Announced;
  readonly announcementHash: string;
  readonly revealed?: Revealed;
  readonly drawn?: readonly Drawn[];
  /** In their order; absent where nothing was replaced. */
  readonly replacements?: readonly Replacement[];
  readonly opened?: readonly Opening[];
  readonly openedAt?: string;
}

/** What is to be sampled, for those who do it. */
export interface Assignment extends DrawObject {
  readonly inspectorIds: readonly string[];
  readonly laboratoryId: string;
  /** The object whose place it takes. */
  readonly replaces?: string;
}

/** An object of the pool with what hides it in public. */
export type HiddenObject = DrawObject & Opening & { readonly stratum: number };

/** A step in a round's history. */
export interface TakenStep {
  readonly step: RoundStep;
  readonly actorId: string;
  readonly basis: string;
  readonly reason: string | null;
  readonly takenAt: Date;
}

export type RoundStep =
  | 'PLAN'
  | 'PUBLISH_RULES'
  | 'COMMIT_WITNESS'
  | 'ANNOUNCE_DRAW'
  | 'REVEAL_WITNESS'
  | 'REVEAL_DRAW'
  | 'REPLACE_DRAWN'
  | 'OPEN_DRAW'
  | 'ABANDON_DRAW'
  | 'CANCEL';

/** Of whoever watches that nobody chooses the outcome; all the others are the organiser's. */
export const OF_WITNESS: readonly string[] = ['COMMIT_WITNESS', 'REVEAL_WITNESS'] satisfies RoundStep[];

/** From which states a step leads where. An announced draw is not cancelled in silence: it is abandoned, which stays on the record. */
export const STEPS: Readonly<Record<Exclude<RoundStep, 'PLAN'>, { readonly from: readonly RoundState[]; readonly to: RoundState }>> = {
  PUBLISH_RULES: { from: ['PLANNED', 'RULES_PUBLISHED'], to: 'RULES_PUBLISHED' },
  COMMIT_WITNESS: { from: ['RULES_PUBLISHED'], to: 'RULES_PUBLISHED' },
  ANNOUNCE_DRAW: { from: ['RULES_PUBLISHED'], to: 'DRAW_ANNOUNCED' },
  REVEAL_WITNESS: { from: ['DRAW_ANNOUNCED'], to: 'DRAW_ANNOUNCED' },
  REVEAL_DRAW: { from: ['DRAW_ANNOUNCED'], to: 'DRAWN' },
  REPLACE_DRAWN: { from: ['DRAWN'], to: 'DRAWN' },
  OPEN_DRAW: { from: ['DRAWN'], to: 'OPENED' },
  ABANDON_DRAW: { from: ['DRAW_ANNOUNCED'], to: 'RULES_PUBLISHED' },
  CANCEL: { from: ['PLANNED', 'RULES_PUBLISHED'], to: 'CANCELLED' },
};

export class RoundUnknown extends DomainError {
  constructor() {
    super('ROUND_UNKNOWN', 404, { zh: '没有该抽查方案', en: 'There is no such round' });
  }
}

export class RoundNotYours extends DomainError {
  constructor() {
    super('ROUND_NOT_YOURS', 403, { zh: '只有组织抽查的部门可以办理', en: 'Only the department that organises a round may do this' });
  }
}

/** A lower department may not sample soon after a higher one (§8): nobody makes itself a higher one. */
export class RoundAboveLevel extends DomainError {
  constructor(registered: Level) {
    const message = `The department is registered at ${registered}: it organises nothing above that.`;
    super('ROUND_ABOVE_LEVEL', 422, { zh: '超出部门登记的层级', en: 'The department does not stand as high as its round' }, [
      { code: 'ROUND_ABOVE_LEVEL', pointer: '/level', message },
    ]);
  }
}

export class RoundConflict extends DomainError {
  constructor() {
    super('ROUND_CONFLICT', 409, { zh: '该编号的抽查方案内容不同', en: 'A round of this number was planned otherwise' }, [
      { code: 'ROUND_CONFLICT', pointer: '/roundNo', message: 'A round of this number was planned otherwise.' },
    ]);
  }
}

export class RoundStepNotAllowed extends DomainError {
  constructor(state: RoundState) {
    const allowed = Object.entries(STEPS).flatMap(([step, { from }]) => (from.includes(state) ? [step] : []));
    super(
      'ROUND_STEP_NOT_ALLOWED',
      409,
      { zh: '当前状态不允许此操作', en: 'The round does not stand where this would be the next step' },
      [],
      { state, allowed: allowed.map((step) => ({ step, who: OF_WITNESS.includes(step) ? 'WITNESS' : 'ORGANISER' })) },
    );
  }
}

export class DrawImpossible extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('DRAW_IMPOSSIBLE', 422, { zh: '无法按此抽取', en: 'This can not be drawn from' }, findings);
  }
}

export class DrawNotRevealed extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('DRAW_NOT_REVEALED', 422, { zh: '与公布的承诺不符', en: 'This is not what was committed to' }, findings);
  }
}

/** Who organises a draw does not watch over it. */
export class WitnessNotIndependent extends DomainError {
  constructor() {
    super('DRAW_WITNESS_NOT_INDEPENDENT', 403, { zh: '组织抽查的部门不得自行见证', en: 'A department is no witness of its own draw' });
  }
}

/** Who was drawn is not shown while it may still be warned, nor before what takes its place is settled. */
export class DrawNotSampled extends DomainError {
  constructor(objectIds: readonly string[]) {
    super('DRAW_NOT_SAMPLED', 409, { zh: '尚有抽中对象未抽样', en: 'Not everything that was drawn has been sampled' }, [], { objectIds });
  }
}

export class NotTheWitness extends DomainError {
  constructor() {
    super('DRAW_WITNESS_UNKNOWN', 403, { zh: '不是该次抽取的见证部门', en: 'Another department is the witness of this draw, or none is' });
  }
}

export class WitnessSilent extends DomainError {
  constructor(departmentId: string) {
    super('DRAW_WITNESS_SILENT', 409, { zh: '见证部门尚未揭示种子', en: 'The witness has not revealed its seed' }, [], { departmentId });
  }
}

export class DrawTooEarly extends DomainError {
  constructor(at: string) {
    super('DRAW_TOO_EARLY', 409, { zh: '公开随机值尚未产生', en: 'The public value is not there yet' }, [], { at });
  }
}

export class DrawNotAnnounced extends DomainError {
  constructor() {
    super('DRAW_NOT_ANNOUNCED', 404, { zh: '尚未公布抽取', en: 'No draw of this round has been announced' });
  }
}

/** Nobody takes the place of what may still be sampled, or was: its sheet has to say why nothing was. */
export class NothingToReplace extends DomainError {
  constructor(found: { readonly state: string; readonly ground: string | null } | null) {
    const refused = found?.ground === 'REFUSED';
    const [code, zh, en] = refused
      ? (['REFUSAL_NOT_REPLACED', '拒绝抽样的不予替补', 'Who refuses is dealt with, and nobody goes instead'] as const)
      : (['REPLACEMENT_WITHOUT_REASON', '没有未能抽样的记录', 'No sheet says why the object could not be sampled'] as const);
    super(code, 422, { zh, en }, [{ code, pointer: '/objectId', message: en }], { state: found?.state ?? null });
  }
}

export class StratumExhausted extends DomainError {
  constructor(stratum: number, objects: number) {
    const title = { zh: '该层已无可替补对象', en: 'Everything in its stratum was drawn: nothing is left to take its place' };
    super('STRATUM_EXHAUSTED', 409, title, [], { stratum, objects });
  }
}

/** Where a department stands by the scope `level:…` of the directory; one of which it says nothing is a county's. */
export const levelOf = ({ scopes }: Actor): Level => LEVELS.findLast((level) => scopes.includes(`level:${level}`)) ?? 'COUNTY';

/** Where the step leads; throws RoundStepNotAllowed. */
export function stateAfter(state: RoundState, step: Exclude<RoundStep, 'PLAN'>): RoundState {
  if (!STEPS[step].from.includes(state)) throw new RoundStepNotAllowed(state);
  return STEPS[step].to;
}

/** The strata of a plan are numbered in the order of their quotas; null where no quota is for it. */
export function stratumOf(
  quotas: readonly RoundQuota[],
  { divisionCode, riskClass }: Pick<DrawObject, 'divisionCode' | 'riskClass'>,
): number | null {
  const index = quotas.findIndex((quota) => quota.divisionCode === divisionCode && quota.riskClass === riskClass);
  return index === -1 ? null : index + 1;
}

/** What is wrong with pools as they were given, before anything is hidden. */
export function poolFindings(
  { objects, inspectors, laboratories, recusals = [] }: AnnounceDrawBody,
  quotas: readonly RoundQuota[],
): Finding[] {
  const findings: Finding[] = [];
  const add = (code: string, pointer: string, message: string): void => void findings.push({ code, pointer, message });
  for (const [pointer, pool] of [
    ['/objects', objects],
    ['/inspectors', inspectors],
    ['/laboratories', laboratories],
  ] as const) {
    const seen = new Set<string>();
    for (const [index, { id }] of pool.entries()) {
      if (seen.has(id)) add('DRAW_ID_TWICE', `${pointer}/${index}/id`, `${id} is in the pool twice.`);
      seen.add(id);
    }
  }
  for (const [index, object] of objects.entries())
    if (stratumOf(quotas, object) === null)
      add('DRAW_QUOTA_MISSING', `/objects/${index}`, `The plan has no quota for what ${object.id} belongs to.`);
  const [ofObjects, ofInspectors] = [new Set(objects.map(({ id }) => id)), new Set(inspectors.map(({ id }) => id))];
  for (const [index, { inspectorId, objectId }] of recusals.entries()) {
    if (!ofInspectors.has(inspectorId)) add('DRAW_ID_UNKNOWN', `/recusals/${index}/inspectorId`, `${inspectorId} is in no pool.`);
    if (!ofObjects.has(objectId)) add('DRAW_ID_UNKNOWN', `/recusals/${index}/objectId`, `${objectId} is in no pool.`);
  }
  const employers = new Set(inspectors.map(({ employerId }) => employerId));
  if (laboratories.every(({ employerId }) => employers.has(employerId)))
    add('DRAW_LABORATORY_MISSING', '/laboratories', 'No laboratory is independent of everybody who might sample.');
  return findings;
}

/** Who is named has committed to a seed itself. */
export function witnessFindings({ witness }: Pick<AnnounceDrawBody, 'witness'>, there: readonly Witness[]): Finding[] {
  if (!witness || there.some(({ departmentId }) => departmentId === witness.departmentId)) return [];
  const message = `${witness.departmentId} has committed to no seed for this draw.`;
  return [{ code: 'DRAW_WITNESS_SILENT', pointer: '/witness/departmentId', message }];
}

/** What makes a draw of an announcement impossible, or not worth its name. */
export function announcementFindings(announced: Announced): Finding[] {
  const { quotas, inspectors, recusals, samplersEach, seedHash, witness, publicValue, announcedAt } = announced;
  const findings: Finding[] = [];
  const left = eligible(announced);
  const strata = Map.groupBy(left, ({ stratum }) => stratum);
  for (const { stratum, number } of quotas) {
    const there = strata.get(stratum)?.length ?? 0;
    const pointer = '/objects';
    if (there === 0) findings.push({ code: 'DRAW_STRATUM_EMPTY', pointer, message: `Nothing is left in stratum ${stratum}.` });
    else if (there < number)
      findings.push({ code: 'DRAW_STRATUM_TOO_SMALL', pointer, message: `${number} are to be drawn of ${there} in stratum ${stratum}.` });
  }
  const recused = Map.groupBy(recusals, ({ commitment }) => commitment);
  const fewest = Math.min(
    ...left.map(({ commitment }) => inspectors.length - new Set(recused.get(commitment)?.map(({ inspectorId }) => inspectorId)).size),
  );
  if (fewest < samplersEach)
    findings.push({
      code: 'DRAW_INSPECTORS_TOO_FEW',
      pointer: '/inspectors',
      message: `For an object ${fewest} are left, ${samplersEach} go together.`,
    });
  if (witness?.seedHash === seedHash)
    findings.push({
      code: 'DRAW_WITNESS_NOT_INDEPENDENT',
      pointer: '/witness/departmentId',
      message: 'The witness has committed to the same seed.',
    });
  if (Date.parse(publicValue.at) <= Date.parse(announcedAt))
    findings.push({
      code: 'DRAW_PUBLIC_VALUE_KNOWN',
      pointer: '/publicValue/at',
      message: 'The value has to be of a moment that is still to come.',
    });
  return findings;
}

/** An earlier sampling of the product of an object; `level` of the round it belongs to, null where that is not known here. */
export interface SampledBefore {
  readonly objectId: string;
  readonly reporterId: string;
  readonly sampledOn: string;
  readonly level: Level | null;
  /** Of the round it belongs to, as its reporter says. */
  readonly roundNo?: string | null;
}

/**
 * The objects whose product was sampled too lately. §8: not twice within six months by the same department, nor by a lower one after a
 * higher one. `rule` is the row NO_REPEAT_SAMPLING of today; a regime without one excludes nothing.
 */
export function sampledTooLately(
  before: readonly SampledBefore[],
  of: Pick<SamplingRound, 'organiserId' | 'level'>,
  rule: RuleRow | 'NO_RULE',
  today: string,
): Set<string> {
  if (rule === 'NO_RULE') return new Set();
  const isHigher = (level: Level | null): boolean => level !== null && LEVELS.indexOf(level) > LEVELS.indexOf(of.level);
  return new Set(
    before
      .filter(({ reporterId, level }) => reporterId === of.organiserId || isHigher(level))
      .filter(({ sampledOn }) => String(deadline(sampledOn, rule).due) >= today)
      .map(({ objectId }) => objectId),
  );
}
