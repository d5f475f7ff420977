import {
  CalendarDate,
  CASE_ACTS,
  type CaseAct,
  CaseFacts,
  OneOf,
  Optional,
  RESULT_PARTIES,
  type ResultParty,
  Text,
  Whole,
} from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { type CaseSummary, type SamplingCase, SamplingCases } from './sampling-case.service.js';

export class OpenCaseBody {
  @Text({ max: 128 }) sampleNo: string;
}

/** A step of a case, as it is sent. */
export class TakeActBody extends CaseFacts {
  @OneOf(CASE_ACTS) act: CaseAct;
  @OneOf(RESULT_PARTIES) party: ResultParty;
  @CalendarDate({ about: 'The day it was done: of a service, the day it was received.' }) on: string;
}

export class ListCasesQuery {
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

/** A case is seen by its organiser, by those to whom something of it was handed over, and by those who watch over all. */
@Controller('api/inspection')
export class SamplingCaseController {
  constructor(private readonly cases: SamplingCases) {}

  @Post('sampling-cases')
  @Allow('DEPARTMENT')
  open(@Caller() { id }: Principal, @CheckedBody(OpenCaseBody) { sampleNo }: OpenCaseBody): Promise<SamplingCase> {
    return this.cases.open(id, sampleNo);
  }

  @Get('sampling-cases')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListCasesQuery) query: ListCasesQuery): Promise<Page<CaseSummary>> {
    return this.cases.list(caller, { limit: 100, ...query });
  }

  @Get('sampling-cases/:reporterId/:sampleNo')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  find(@Caller() caller: Principal, @Param('reporterId') reporterId: string, @Param('sampleNo') sampleNo: string): Promise<SamplingCase> {
    return this.cases.find(caller, { reporterId, sampleNo });
  }

  /** One step. What is not done now is 409 with what is, and by whom. */
  @Post('sampling-cases/:reporterId/:sampleNo/acts')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  act(
    @Caller() caller: Principal,
    @Param('reporterId') reporterId: string,
    @Param('sampleNo') sampleNo: string,
    @CheckedBody(TakeActBody) act: TakeActBody,
  ): Promise<SamplingCase> {
    return this.cases.act(caller, { reporterId, sampleNo }, act);
  }
}
