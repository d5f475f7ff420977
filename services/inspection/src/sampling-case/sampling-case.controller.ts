import {
  CalendarDate,
  Flag,
  Nested,
  OneOf,
  Optional,
  RESULT_PARTIES,
  type ResultParty,
  Text,
  type Verdict,
  VERDICTS,
  Whole,
} from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ACT_NAMES, type ActName } from './sampling-case.acts.js';
import { GROUNDS, MODES } from './sampling-case.js';
import { type CaseSummary, type SamplingCase, SamplingCases } from './sampling-case.service.js';

const SHA_256 = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/ };

export class OpenCaseBody {
  @Text({ max: 128 }) sampleNo: string;
}

export class CaseLaboratory {
  @Text({ max: 200 }) name: string;
  @Optional() @Text({ max: 32 }) uscc?: string;
}

/** What each act needs of it is said where it is missing. */
export class TakeActBody {
  @OneOf(ACT_NAMES) act: ActName;
  @OneOf(RESULT_PARTIES) party: ResultParty;
  @CalendarDate({ about: 'The day it was done: of a service, the day it was received.' }) on: string;
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the order, announcement, case file or draw.' }) documentNo?: string;
  @Optional() @Text({ ...SHA_256, about: 'SHA-256 of the document or receipt that proves it.' }) sha256?: string;
  @Optional() @OneOf(MODES) mode?: (typeof MODES)[number];
  @Optional() @CalendarDate({ about: 'When it was sent, where it was received later.' }) sentOn?: string;
  @Optional()
  @Text({ ...SHA_256, about: "SHA-256 of the addressee's signed consent to be served electronically." })
  confirmationSha256?: string;
  @Optional() @OneOf(GROUNDS) ground?: (typeof GROUNDS)[number];
  @Optional() @Flag({ about: 'Is what the party says true?' }) upheld?: boolean;
  @Optional() @Flag() passed?: boolean;
  @Optional() @OneOf(VERDICTS, { about: 'Of the re-inspection; it is final.' }) verdict?: Verdict;
  @Optional() @Text({ max: 64, about: 'To whom it is handed over.' }) departmentId?: string;
  @Optional() @Text({ max: 200, about: 'An authority that takes no part here.' }) authority?: string;
  @Optional() @Nested(() => CaseLaboratory) laboratory?: CaseLaboratory;
  @Optional() @Flag({ about: 'There is no other laboratory in the province that is qualified.' }) onlyQualified?: boolean;
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
