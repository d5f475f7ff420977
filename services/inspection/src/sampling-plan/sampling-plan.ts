/**
 * The annual plan (年度监督抽查计划): how much an organiser means to sample in a year of each category, in which area and of which class of risk
 * (产品质量监督抽查管理暂行办法 §11). Rounds carry it out, each naming its plan, and none takes more than the plan still has: more is sampled
 * after the plan was amended, with a reason that stays on record. What follows a failure or an emergency (§8) is not held up by a plan.
 */
import { NestedList, Optional, Text, Whole } from '@jinqiao/contracts';
import { divisionExists } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import type { PlanRoundBody, RoundQuota, RoundState } from '../sampling-round/sampling-round.js';

export type PlanState = 'DRAFT' | 'PUBLISHED';
export type PlanStep = 'CREATE' | 'AMEND' | 'PUBLISH';

const YEAR = { min: 2000, max: 2100 };

export class PlanQuota {
  @Text({ max: 200 }) category: string;
  @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/, about: 'Six digits of GB/T 2260.' }) divisionCode: string;
  @Text({ max: 8, about: "The regulator's class; it never leaves the regulator." }) riskClass: string;
  @Whole({ min: 1, max: 100_000, about: 'Batches in the year.' }) number: number;
}

export class CreatePlanBody {
  @Text({ max: 200, about: 'Number as it is filed, unique for its organiser and year.' }) planNo: string;
  @Whole(YEAR) year: number;
  @Text({ max: 200 }) title: string;
  @NestedList(() => PlanQuota, { items: 5_000, least: 1 }) quotas: PlanQuota[];
}

export class AmendPlanBody {
  @Whole({ min: 1, max: 1_000_000, about: 'The revision that was read.' }) revision: number;
  @Text({ max: 200 }) title: string;
  @NestedList(() => PlanQuota, { items: 5_000, least: 1 }) quotas: PlanQuota[];
  @Text({ max: 1000 }) reason: string;
}

export class ListPlansQuery {
  @Optional() @Text({ max: 64 }) organiserId?: string;
  @Optional() @Whole(YEAR) year?: number;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export type PlanContent = Pick<CreatePlanBody, 'title' | 'quotas'>;

export interface SamplingPlan extends CreatePlanBody {
  readonly planId: string;
  readonly organiserId: string;
  readonly state: PlanState;
  /** Counts contents. */
  readonly revision: number;
  readonly createdAt: Date;
}

export interface TakenPlanStep {
  readonly step: PlanStep;
  readonly revision: number;
  /** From then on. */
  readonly content: PlanContent;
  readonly reason: string | null;
  readonly actorId: string;
  readonly basis: string;
  readonly takenAt: Date;
}

/** What became of a plan in one category and area; planned 0: outside of it. In batches. */
export interface CoverageCell {
  readonly category: string;
  /** Null of results that do not say where. */
  readonly divisionCode: string | null;
  readonly planned: number;
  /** In the quotas of rounds that were not cancelled. */
  readonly inRounds: number;
  readonly drawn: number;
  readonly sampled: number;
  /** With a result that stands. */
  readonly reported: number;
}

export interface PlanCoverage {
  readonly planId: string;
  readonly year: number;
  readonly revision: number;
  readonly rounds: readonly { readonly roundId: string; readonly roundNo: string; readonly state: RoundState }[];
  readonly cells: readonly CoverageCell[];
  readonly total: Omit<CoverageCell, 'category' | 'divisionCode'>;
}

export class PlanUnknown extends DomainError {
  constructor() {
    super('PLAN_UNKNOWN', 404, { zh: '没有该年度计划', en: 'There is no such plan, or it is none of yours' });
  }
}

export class PlanNotYours extends DomainError {
  constructor() {
    super('PLAN_NOT_YOURS', 403, { zh: '只有制定计划的部门可以办理', en: 'Only the department whose plan it is may do this' });
  }
}

export class PlanConflict extends DomainError {
  constructor() {
    super('PLAN_CONFLICT', 409, { zh: '该编号的年度计划内容不同', en: 'A plan of this number was made otherwise' }, [
      { code: 'PLAN_CONFLICT', pointer: '/planNo', message: 'A plan of this number was made otherwise.' },
    ]);
  }
}

/** Somebody amended it since it was read. */
export class PlanChanged extends DomainError {
  constructor(revision: number) {
    super('PLAN_CHANGED', 409, { zh: '计划已被修改', en: 'The plan is not the one that was read' }, [], { revision });
  }
}

export class PlanUnacceptable extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('PLAN_UNACCEPTABLE', 422, { zh: '年度计划内容有误', en: 'The plan can not be accepted' }, findings);
  }
}

export class RoundOutsidePlan extends DomainError {
  constructor(findings: readonly Finding[]) {
    const title = { zh: '抽查方案超出年度计划', en: 'The round is not what its plan has' };
    super(findings[0]?.code ?? 'ROUND_OUTSIDE_PLAN', 422, title, findings);
  }
}

/** What rounds have taken of a cell of the plan. */
export type Taken = Pick<PlanQuota, 'category' | 'divisionCode' | 'riskClass' | 'number'>;

const cellOf = ({ category, divisionCode, riskClass }: Omit<PlanQuota, 'number'>): string => [category, divisionCode, riskClass].join('\n');

/** What is wrong with a plan; `taken` by rounds it can not take back. */
export function planFindings({ quotas }: PlanContent, taken: readonly Taken[]): Finding[] {
  const findings: Finding[] = [];
  const planned = new Map<string, number>();
  for (const [index, quota] of quotas.entries()) {
    const pointer = `/quotas/${index}`;
    const cell = cellOf(quota);
    if (planned.has(cell)) findings.push({ code: 'QUOTA_TWICE', pointer, message: 'Category, area and class stand in the plan twice.' });
    if (!divisionExists(quota.divisionCode))
      findings.push({ code: 'DIVISION_UNKNOWN', pointer: `${pointer}/divisionCode`, message: `${quota.divisionCode} is no division.` });
    planned.set(cell, quota.number);
  }
  for (const one of taken) {
    const number = planned.get(cellOf(one)) ?? 0;
    if (number >= one.number) continue;
    const message = `Rounds have ${one.number} of ${one.category} in ${one.divisionCode}, class ${one.riskClass}: the plan would have ${number}.`;
    findings.push({ code: 'QUOTA_BELOW_ROUNDS', pointer: '/quotas', message });
  }
  return findings;
}

/** A plan as a round finds it, with what other rounds have taken of it. */
export interface NamedPlan {
  readonly state: PlanState;
  readonly quotas: readonly PlanQuota[];
  readonly taken: readonly Taken[];
}

/** How a round stands to its plan; null: none of that number. What is exempt from §8 is only warned. */
export function roundFindings(round: PlanRoundBody, plan: NamedPlan | null): { errors: Finding[]; warnings: Finding[] } {
  if (round.planNo === undefined) return { errors: [], warnings: round.exemption ? [] : [NO_PLAN_NAMED] };
  const findings = plan ? quotaFindings(round, plan) : [NO_SUCH_PLAN];
  return round.exemption ? { errors: [], warnings: findings } : { errors: findings, warnings: [] };
}

const NO_PLAN_NAMED: Finding = { code: 'PLAN_NOT_NAMED', pointer: '/planNo', message: 'The round names no annual plan.' };
const NO_SUCH_PLAN: Finding = {
  code: 'PLAN_UNKNOWN',
  pointer: '/planNo',
  message: 'The organiser has no plan of this number in this year.',
};

function quotaFindings({ category, quotas }: PlanRoundBody, { state, quotas: planned, taken }: NamedPlan): Finding[] {
  if (state === 'DRAFT') return [{ code: 'PLAN_NOT_PUBLISHED', pointer: '/planNo', message: 'The plan is a draft.' }];
  const numberOf = (of: readonly Taken[], quota: RoundQuota): number | undefined =>
    of.find((one) => cellOf(one) === cellOf({ ...quota, category }))?.number;
  return quotas.flatMap((quota, index): Finding[] => {
    const number = numberOf(planned, quota);
    const pointer = `/quotas/${index}`;
    if (number === undefined) return [{ code: 'PLAN_QUOTA_MISSING', pointer, message: `The plan has none of ${category} there.` }];
    const left = number - (numberOf(taken, quota) ?? 0);
    if (quota.number <= left) return [];
    return [{ code: 'PLAN_QUOTA_EXCEEDED', pointer: `${pointer}/number`, message: `The plan has ${number}, ${left} of them left.` }];
  });
}
