import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { Conformance, type ConformanceEntry } from './conformance.service.js';

export class ListConformanceRunsQuery {
  @Optional() @Text({ max: 64, about: 'Whose; for those who look after all. A platform means itself.' }) platform?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 100 }) limit?: number;
}

@Controller('api/exchange/conformance-runs')
export class ConformanceController {
  constructor(private readonly conformance: Conformance) {}

  /** By the channel that the platform has chosen. One run at a time. */
  @Post()
  @Allow('PLATFORM')
  start(@Caller() caller: Principal): Promise<ConformanceEntry> {
    return this.conformance.start(caller);
  }

  @Get()
  @Allow('PLATFORM', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListConformanceRunsQuery) query: ListConformanceRunsQuery,
  ): Promise<Page<ConformanceEntry>> {
    return this.conformance.list(caller, { limit: 20, ...query });
  }

  @Get(':runId')
  @Allow('PLATFORM', 'OPERATOR', 'AUDITOR')
  one(@Caller() caller: Principal, @Param('runId') runId: string): Promise<ConformanceEntry> {
    return this.conformance.one(caller, runId);
  }
}
