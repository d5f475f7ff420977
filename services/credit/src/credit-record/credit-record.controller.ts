import { Flag, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, type Applied, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import type { PublicFace } from './credit-record.js';
import { type CreditCounts, CreditRecords, type ListedRecord } from './credit-record.service.js';

const USUAL_PAGE = 100;

export class ListRecordsQuery {
  @Optional() @Text({ max: 200, about: 'reporterId:sampleNo of the result.' }) subject?: string;
  @Optional() @Text({ max: 32, about: 'Unified social credit code.' }) uscc?: string;
  @Optional() @Flag({ about: 'Commitments alone whose term is over and that nobody has checked.' }) unchecked?: boolean;
  @Optional() @Text({ max: 200, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Records a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit')
export class CreditRecordController {
  constructor(private readonly records: CreditRecords) {}

  /** For a department the records that it decided, for auditors those that are public, for the operator all. Others are asked about with a purpose. */
  @Get('records')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  list(
    @Caller() principal: Principal,
    @CheckedQuery(ListRecordsQuery) { limit = USUAL_PAGE, ...wanted }: ListRecordsQuery,
  ): Promise<Page<ListedRecord>> {
    return this.records.list(principal, { ...wanted, limit });
  }

  /** What became of a number that stands in the change feed, a snapshot or a status. */
  @Get('public-records/:recordNo')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  face(@Param('recordNo') recordNo: string): Promise<PublicFace> {
    return this.records.face(recordNo);
  }

  @Get('counts')
  @Allow('DEPARTMENT', 'STATISTICS', 'AUDITOR', 'OPERATOR')
  counts(): Promise<CreditCounts> {
    return this.records.count();
  }

  /** How far this service has followed a result, and since when. */
  @Get('applied/:subject')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  applied(@Param('subject') subject: string): Promise<Applied> {
    return this.records.applied(subject);
  }
}
