import { CalendarDate, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { DriftSentinel, type RaisedAlarm } from './drift.service.js';

export class ListDriftAlarmsQuery {
  @Optional() @CalendarDate({ about: 'First day.' }) from?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/inspection/drift-alarms')
export class DriftController {
  constructor(private readonly sentinel: DriftSentinel) {}

  /** Days on which a reporter sent what is unlike its four weeks before, with both figures. */
  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListDriftAlarmsQuery) query: ListDriftAlarmsQuery): Promise<Page<RaisedAlarm>> {
    return this.sentinel.list(caller, { limit: 100, ...query });
  }
}
