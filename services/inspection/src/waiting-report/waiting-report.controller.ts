import { Flag, Optional, Revision, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import { type WaitingReport, WaitingReports } from './waiting-report.service.js';

export class ListWaitingReportsQuery {
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class RuleOnReportBody {
  @Revision('The one that was read.') reportedRevision: number;
  @Flag({ about: 'Does it hold, and what was decided is given up?' }) admitted: boolean;
  @Text({ max: 1000 }) reason: string;
}

@Controller('api/inspection/waiting-reports')
export class WaitingReportController {
  constructor(private readonly waiting: WaitingReports) {}

  /** Reports and retractions that would undo what was decided. */
  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListWaitingReportsQuery) query: ListWaitingReportsQuery,
  ): Promise<Page<Seen<WaitingReport>>> {
    return this.waiting.list(caller, { limit: 100, ...query });
  }

  /** By the department that reported it, and by the province; what the province decided is given up by the province alone. */
  @Post(':reporterId/:sampleNo/ruling')
  @HttpCode(204)
  @Allow('DEPARTMENT')
  async rule(
    @Caller() caller: Principal,
    @Param('reporterId') reporterId: string,
    @Param('sampleNo') sampleNo: string,
    @CheckedBody(RuleOnReportBody) body: RuleOnReportBody,
  ): Promise<void> {
    await this.waiting.rule(caller, { reporterId, sampleNo }, body);
  }
}
