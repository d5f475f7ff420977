import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import {
  Allow,
  type BatchAnswer,
  Caller,
  CheckedQuery,
  ITEMS_MAX,
  type Page,
  type Principal,
  type Upload,
  UploadedFile,
} from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import type { KeptDecision } from './repair.claims.js';
import { type PassedDecision, type Repairability, type RepairAnswer, type RepairRowAnswer, Repairs } from './repair.service.js';

const USUAL_PAGE = 100;

export class ListRepairDecisionsQuery {
  @Optional() @OneOf(['WAITING', 'APPLIED'], { about: 'WAITING: for a record of its document. Absent = all.' }) state?: string;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Decisions a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

const DECISION = { $ref: '#/components/schemas/RepairDecisionReported' };

@Controller('api/credit')
export class RepairController {
  constructor(private readonly repairs: Repairs) {}

  /**
   * One decision on a repair, or an array of up to 1,000 that are answered each for itself; from the credit office alone. A single one that
   * is refused is a problem: 409 for DECISION_CONFLICT, else 422.
   */
  @Post('repair-decisions')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiBody({
    description: 'One decision, or an array of up to 1,000 (8 MiB).',
    schema: { oneOf: [DECISION, { type: 'array', maxItems: ITEMS_MAX, items: DECISION }] },
  })
  decide(@Caller() caller: Principal, @Body() body: unknown): Promise<RepairAnswer | BatchAnswer<RepairAnswer>> {
    return Array.isArray(body) ? this.repairs.acceptMany(caller, body) : this.repairs.acceptOne(caller, body);
  }

  /** CSV in UTF-8 with the columns decisionNo, uscc, documentNo, decidedOn, decidedBy and reason, or their Chinese names; up to 1,000 rows. */
  @Post('repair-decisions/file')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } } })
  take(@Caller() caller: Principal, @UploadedFile() file: Upload): Promise<BatchAnswer<RepairRowAnswer>> {
    return this.repairs.acceptFile(caller, file);
  }

  /** Of departments for the credit office alone. */
  @Get('repair-decisions')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListRepairDecisionsQuery) { limit = USUAL_PAGE, ...wanted }: ListRepairDecisionsQuery,
  ): Promise<Page<KeptDecision>> {
    return this.repairs.list(caller, { ...wanted, limit });
  }

  /** What became of a decision, under its number, refusals over Kafka included; of departments for the credit office alone. */
  @Get('repair-decisions/:decisionNo')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  read(@Caller() caller: Principal, @Param('decisionNo') decisionNo: string): Promise<PassedDecision> {
    return this.repairs.find(caller, decisionNo);
  }

  /** What has to hold before the department repairs its own record, each with why. It repairs by taking the record back. */
  @Get('records/:recordNo/repair-conditions')
  @Allow('DEPARTMENT')
  conditions(@Caller() department: Principal, @Param('recordNo') recordNo: string): Promise<Repairability[]> {
    return this.repairs.conditions(department, recordNo);
  }
}
