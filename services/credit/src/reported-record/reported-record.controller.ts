import {
  CalendarDate,
  CREDIT_RETRACTION_GROUNDS,
  type CreditRetractionGround,
  Nested,
  OneOf,
  Optional,
  ORGANISATION_KINDS,
  RepairProof,
  Revision,
  Text,
} from '@jinqiao/contracts';
import { allRecordTypes, type RecordType } from '@jinqiao/law';
import { Allow, type BatchAnswer, Caller, CheckedBody, CheckedQuery, ITEMS_MAX, type Principal } from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { type RecordAnswer, type ReportedRecord, ReportedRecords } from './reported-record.service.js';

export class RetractRecordBody {
  @Revision('The next number of the series.') revision: number;
  @OneOf(CREDIT_RETRACTION_GROUNDS) ground: CreditRetractionGround;
  @Text({ max: 1000 }) reason: string;
  @Optional() @CalendarDate({ about: 'When that was decided.' }) decidedOn?: string;
  @Optional() @Nested(() => RepairProof) dutiesPerformed?: RepairProof;
  @Optional() @Nested(() => RepairProof) notExcluded?: RepairProof;
}

export class ReadReportedRecordQuery {
  @Optional() @Text({ max: 64, about: 'Whose record; a department always asks for its own.' }) departmentId?: string;
}

const REPORTED = { $ref: '#/components/schemas/CreditRecordReported' };

@Controller('api/credit')
export class ReportedRecordController {
  constructor(private readonly reported: ReportedRecords) {}

  /** Which facts may be a record, whose they are, whether and how long they are public, and under which law. */
  @Get('record-types')
  @Allow(...ORGANISATION_KINDS)
  types(): readonly RecordType[] {
    return allRecordTypes();
  }

  /**
   * One record, or an array of up to 1,000. Each item of an array is answered for itself; a single record that is refused is a problem:
   * 409 for REVISION_CONFLICT and STALE_REVISION, else 422, with the code of its first finding.
   */
  @Post('records')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiBody({
    description: 'One credit record, or an array of up to 1,000 (8 MiB).',
    schema: { oneOf: [REPORTED, { type: 'array', maxItems: ITEMS_MAX, items: REPORTED }] },
  })
  report(@Caller() department: Principal, @Body() body: unknown): Promise<RecordAnswer | BatchAnswer<RecordAnswer>> {
    return Array.isArray(body)
      ? this.reported.acceptMany(department.id, body)
      : this.reported.acceptOne(department.id, { kind: 'REPORT', input: body });
  }

  @Post('records/:recordNo/retraction')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  retract(
    @Caller() department: Principal,
    @Param('recordNo') recordNo: string,
    @CheckedBody(RetractRecordBody) body: RetractRecordBody,
  ): Promise<RecordAnswer> {
    return this.reported.acceptOne(department.id, { kind: 'RETRACTION', input: { ...body, recordNo } });
  }

  /** What became of a record, under its department's own number, refusals included. */
  @Get('records/:recordNo')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  read(
    @Caller() caller: Principal,
    @Param('recordNo') recordNo: string,
    @CheckedQuery(ReadReportedRecordQuery) { departmentId }: ReadReportedRecordQuery,
  ): Promise<ReportedRecord> {
    return this.reported.find(caller, recordNo, departmentId);
  }
}
