import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, type BatchAnswer, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { Answer } from '../answer.js';
import type { Permit } from './permit.js';
import { Permits } from './permit.service.js';

export class RetractPermitBody {
  @Text({ max: 1000, about: 'Why it should never have been stated.' }) reason: string;
}

export class ListPermitsQuery {
  @Optional() @Text({ max: 64 }) departmentId?: string;
  @Optional() @Text({ max: 128 }) permitNo?: string;
  @Optional() @Text({ max: 18 }) uscc?: string;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: 'Permits a page; 100 unless told.' }) limit?: number;
}

@Controller('api/registration/permits')
@Allow('DEPARTMENT')
export class PermitController {
  constructor(private readonly permits: Permits) {}

  /** One permit, or an array of up to 1,000 that are answered each for itself. A permit sent again takes on what is sent. */
  @Post()
  @HttpCode(200)
  @ApiBody({ description: 'A StatePermitBody or an array of up to 1,000 of them.', schema: {} })
  state(@Caller() department: Principal, @Body() body: unknown): Promise<Answer | BatchAnswer<Answer>> {
    return Array.isArray(body) ? this.permits.stateMany(department.id, body) : this.permits.state(department.id, body);
  }

  @Post(':permitNo/retraction')
  @HttpCode(200)
  retract(
    @Caller() department: Principal,
    @Param('permitNo') permitNo: string,
    @CheckedBody(RetractPermitBody) { reason }: RetractPermitBody,
  ): Promise<Answer> {
    return this.permits.retract(department.id, permitNo, reason);
  }

  @Get()
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  list(@CheckedQuery(ListPermitsQuery) query: ListPermitsQuery): Promise<Page<Permit>> {
    return this.permits.list(query);
  }
}
