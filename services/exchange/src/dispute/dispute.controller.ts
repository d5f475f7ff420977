import { OneOf, Optional, RULING_OUTCOMES, type RulingOutcome, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { DISPUTE_STATUSES, type DisputeStatus } from './dispute.js';
import { type DisputeEntry, Disputes, type Ruled } from './dispute.service.js';

export class ListDisputesQuery {
  @Optional() @OneOf(DISPUTE_STATUSES) status?: DisputeStatus;
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class RuleOnDisputeBody {
  @OneOf(RULING_OUTCOMES, { about: 'A correction or withdrawal follows as the next revision of what was published.' })
  outcome: RulingOutcome;
  @Text({ max: 1000, about: 'For the platform to read.' }) reason: string;
}

@Controller('api/exchange/disputes')
export class DisputeController {
  constructor(private readonly disputes: Disputes) {}

  @Get()
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListDisputesQuery) query: ListDisputesQuery): Promise<Page<DisputeEntry>> {
    return this.disputes.list(caller, { limit: 100, ...query });
  }

  /** The department that published it; the operator where a service publishes for everyone. May be repeated. */
  @Post(':feedbackId/:revision/ruling')
  @HttpCode(200)
  @Allow('DEPARTMENT', 'OPERATOR')
  rule(
    @Caller() caller: Principal,
    @Param('feedbackId') feedbackId: string,
    @Param('revision') revision: string,
    @CheckedBody(RuleOnDisputeBody) ruling: RuleOnDisputeBody,
  ): Promise<Ruled> {
    return this.disputes.rule(caller, { feedbackId, feedbackRevision: /^\d{1,9}$/.test(revision) ? Number(revision) : 0 }, ruling);
  }
}
