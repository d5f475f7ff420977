import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import { AmendPlanBody, CreatePlanBody, ListPlansQuery, type PlanCoverage, type SamplingPlan } from './sampling-plan.js';
import { SamplingPlans } from './sampling-plan.service.js';

/** Who sees what of a plan stands in `../disclosure`: a draft is its organiser's. */
@Controller('api/inspection/plans')
export class SamplingPlanController {
  constructor(private readonly plans: SamplingPlans) {}

  @Post()
  @Allow('DEPARTMENT')
  create(@Caller() caller: Principal, @CheckedBody(CreatePlanBody) body: CreatePlanBody): Promise<Seen<SamplingPlan>> {
    return this.plans.create(caller, body);
  }

  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListPlansQuery) query: ListPlansQuery): Promise<Page<Seen<SamplingPlan>>> {
    return this.plans.list(caller, query);
  }

  /** With everything that it was before. */
  @Get(':planId')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  find(@Caller() caller: Principal, @Param('planId') planId: string): Promise<Seen<SamplingPlan>> {
    return this.plans.find(caller, planId);
  }

  /** Replaces title and quotas, with a reason that stays on record. */
  @Put(':planId')
  @Allow('DEPARTMENT')
  amend(
    @Caller() caller: Principal,
    @Param('planId') planId: string,
    @CheckedBody(AmendPlanBody) body: AmendPlanBody,
  ): Promise<Seen<SamplingPlan>> {
    return this.plans.amend(caller, planId, body);
  }

  @Post(':planId/publication')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  publish(@Caller() caller: Principal, @Param('planId') planId: string): Promise<Seen<SamplingPlan>> {
    return this.plans.publish(caller, planId);
  }

  /** Planned, given to rounds, drawn, sampled and reported, by category and area. */
  @Get(':planId/coverage')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  coverage(@Caller() caller: Principal, @Param('planId') planId: string): Promise<Seen<PlanCoverage>> {
    return this.plans.coverage(caller, planId);
  }
}
