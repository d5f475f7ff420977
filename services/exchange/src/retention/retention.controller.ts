import { Optional, Timestamp } from '@jinqiao/contracts';
import { Allow, CheckedQuery } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { Retention, type RetentionPlan } from './retention.service.js';

export class PlanRetentionQuery {
  @Optional() @Timestamp({ about: 'An instant to come; absent = now.' }) asOf?: string;
}

@Controller('api/exchange/retention')
export class RetentionController {
  constructor(private readonly retention: Retention) {}

  /** A dry run: what the next round erases. */
  @Get()
  @Allow('OPERATOR', 'AUDITOR')
  plan(@CheckedQuery(PlanRetentionQuery) { asOf }: PlanRetentionQuery): Promise<RetentionPlan> {
    return this.retention.plan(asOf);
  }
}
