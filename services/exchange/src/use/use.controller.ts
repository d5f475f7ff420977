import { Optional, Text, Timestamp, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { type Use, Uses } from './use.service.js';

export class ListUsesQuery {
  @Optional() @Text({ max: 100 }) entitlement?: string;
  @Optional() @Text({ max: 64, about: 'For operators and auditors; anybody else reads its own.' }) recipient?: string;
  @Optional() @Timestamp() since?: string;
  @Optional() @Timestamp() until?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange/uses')
export class UseController {
  constructor(private readonly uses: Uses) {}

  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListUsesQuery) query: ListUsesQuery): Promise<Page<Use>> {
    return this.uses.list(caller, { limit: 100, ...query });
  }
}
