import { CalendarDate, Optional, Text, Timestamp, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { CreditHistory, type RecordVersion } from './credit-history.service.js';

const USUAL_PAGE = 100;

export class ReadHistoryQuery {
  @Text({ max: 32, about: 'Unified social credit code.' }) uscc: string;
  @Optional() @CalendarDate({ about: 'Only what was valid on this day.' }) validOn?: string;
  @Optional() @Timestamp({ about: 'Only as it was known at this moment.' }) knownAt?: string;
  @Optional() @Text({ max: 200, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Versions a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit')
export class CreditHistoryController {
  constructor(private readonly history: CreditHistory) {}

  /** For the body that decided, of its own records, and for auditors: what has ended is nobody else's to see. */
  @Get('history')
  @Allow('DEPARTMENT', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ReadHistoryQuery) { limit = USUAL_PAGE, ...wanted }: ReadHistoryQuery,
  ): Promise<Page<RecordVersion>> {
    return this.history.list(caller, { ...wanted, limit });
  }
}
