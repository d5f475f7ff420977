import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, OpenInSandbox, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { Conformance, type RunEntry } from './conformance.service.js';

export class ListConformanceRunsQuery {
  @Optional() @Text({ max: 64, about: 'Whose; for those who look after all. A department means itself.' }) department?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 100 }) limit?: number;
}

@Controller('api/inspection/conformance-runs')
@OpenInSandbox()
export class ConformanceController {
  constructor(private readonly conformance: Conformance) {}

  /** One run at a time. */
  @Post()
  @Allow('DEPARTMENT')
  start(@Caller() caller: Principal): Promise<RunEntry> {
    return this.conformance.start(caller);
  }

  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListConformanceRunsQuery) query: ListConformanceRunsQuery): Promise<Page<RunEntry>> {
    return this.conformance.list(caller, { limit: 20, ...query });
  }

  @Get(':runId')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  one(@Caller() caller: Principal, @Param('runId') runId: string): Promise<RunEntry> {
    return this.conformance.one(caller, runId);
  }
}
