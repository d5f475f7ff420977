import {
  CalendarDate,
  CASE_ACTS,
  type CaseAct,
  CaseFacts,
  OneOf,
  Optional,
  STEP_PARTIES,
  type StepParty,
  Text,
  Whole,
} from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import { type CaseSummary, type SamplingCase, SamplingCases } from './sampling-case.service.js';

export class OpenCaseBody {
  @Text({ max: 128 }) sampleNo: string;
}

/** A step of a case, as it is sent. */
export class TakeActBody extends CaseFacts {
  @OneOf(CASE_ACTS) act: CaseAct;
  @OneOf(STEP_PARTIES) party: StepParty;
  @CalendarDate({ about: 'The day it was done: of a service, the day it was received; of a publication, the one printed on the notice.' })
  on: string;
}

export class ListCasesQuery {
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

/** Who sees what of a case stands in `../disclosure`: its parties see their own part in it, once they have been told. */
@Controller('api/inspection')
export class SamplingCaseController {
  constructor(private readonly cases: SamplingCases) {}

  @Post('sampling-cases')
  @Allow('DEPARTMENT')
  open(@Caller() caller: Principal, @CheckedBody(OpenCaseBody) { sampleNo }: OpenCaseBody): Promise<Seen<SamplingCase>> {
    return this.cases.open(caller, sampleNo);
  }

  @Get('sampling-cases')
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListCasesQuery) query: ListCasesQuery): Promise<Page<Seen<CaseSummary>>> {
    return this.cases.list(caller, { limit: 100, ...query });
  }

  @Get('sampling-cases/:reporterId/:sampleNo')
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  find(
    @Caller() caller: Principal,
    @Param('reporterId') reporterId: string,
    @Param('sampleNo') sampleNo: string,
  ): Promise<Seen<SamplingCase>> {
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
  ): Promise<Seen<SamplingCase>> {
    return this.cases.act(caller, { reporterId, sampleNo }, act);
  }
}
