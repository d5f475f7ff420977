import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import { PAIR_STATUSES, type PairStatus, RULINGS, type RulingKind } from './probable-duplicate.js';
import { type ProbableDuplicate, ProbableDuplicates } from './probable-duplicate.service.js';

export class ListProbableDuplicatesQuery {
  @Optional() @OneOf(PAIR_STATUSES) status?: PairStatus;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class RuleOnDuplicateBody {
  @OneOf(RULINGS, { about: 'Do both report the same?' }) ruling: RulingKind;
  @Optional()
  @Text({ max: 200, about: 'SAME: reporterId:sampleNo of the one that stands, the earlier one unless told.' })
  survivor?: string;
  @Text({ max: 1000 }) reason: string;
}

@Controller('api/inspection/probable-duplicates')
export class ProbableDuplicateController {
  constructor(private readonly duplicates: ProbableDuplicates) {}

  /** Results that probably report the same, with what they agree in. */
  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListProbableDuplicatesQuery) query: ListProbableDuplicatesQuery,
  ): Promise<Page<Seen<ProbableDuplicate>>> {
    return this.duplicates.list(caller, { limit: 100, ...query });
  }

  /** By either reporter, who may give up its own result, and by the province, which may give up any. */
  @Post(':pairId/decision')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  rule(
    @Caller() caller: Principal,
    @Param('pairId') pairId: string,
    @CheckedBody(RuleOnDuplicateBody) body: RuleOnDuplicateBody,
  ): Promise<Seen<ProbableDuplicate>> {
    return this.duplicates.rule(caller, pairId, body);
  }
}
