import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import { type GrantedPage, GrantedRecords } from './granted-record.service.js';

export class PullGrantedRecordsQuery {
  @Optional() @Text({ max: 500, about: 'The cursor of the page before; absent = from the oldest that is kept.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: 'How many are looked at; what is not in scope counts too.' }) limit?: number;
}

@Controller('api/exchange/entitlements/:entitlementId/records')
export class GrantedRecordController {
  constructor(private readonly records: GrantedRecords) {}

  @Get()
  @Allow('DEPARTMENT')
  pull(
    @Caller() caller: Principal,
    @Param('entitlementId') entitlementId: string,
    @CheckedQuery(PullGrantedRecordsQuery) query: PullGrantedRecordsQuery,
  ): Promise<GrantedPage> {
    return this.records.pull(caller, entitlementId, { limit: 500, ...query });
  }
}
