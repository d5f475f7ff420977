import { CalendarDate, Optional, Text } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { PERIOD_DAYS_MAX } from './service-level.js';
import { type ServiceLevelReport, ServiceLevels } from './service-level.service.js';

export class ServiceLevelQuery {
  @Optional() @CalendarDate({ about: 'First day in China; absent = six days before the last.' }) from?: string;
  @Optional() @CalendarDate({ about: `Last day, today by default; ${PERIOD_DAYS_MAX} days at most.` }) to?: string;
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Text({ max: 64 }) department?: string;
}

@Controller('api/exchange/service-levels')
export class ServiceLevelController {
  constructor(private readonly levels: ServiceLevels) {}

  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  report(@Caller() caller: Principal, @CheckedQuery(ServiceLevelQuery) query: ServiceLevelQuery): Promise<ServiceLevelReport> {
    return this.levels.report(caller, query);
  }
}
