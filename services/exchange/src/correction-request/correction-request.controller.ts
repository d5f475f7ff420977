import {
  CORRECTION_STATUSES,
  CorrectionEvidence,
  type CorrectionRequestState,
  Flag,
  NestedList,
  OneOf,
  Optional,
  Revision,
  Text,
  Whole,
} from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { CorrectionRequests } from './correction-request.service.js';

export class FileCorrectionRequestBody {
  @Text({ max: 100, about: 'Under which the record was received; every delivery names it.' }) entitlementId: string;
  @Text({ max: 200, about: 'The record: its key on the topic, or the subject of the feedback.' }) subject: string;
  @Optional() @Revision('Revision of the record that was read.') subjectRevision?: number;
  @Text({ max: 2000, about: 'What is wrong, and what would be right.' }) wrong: string;
  @NestedList(() => CorrectionEvidence, { items: 20, least: 1 }) evidence: CorrectionEvidence[];
}

export class AnswerCorrectionRequestBody {
  @OneOf(['CORRECTED', 'DECLINED']) status: 'CORRECTED' | 'DECLINED';
  @Text({ max: 2000, about: 'What was corrected, or why nothing is.' }) answer: string;
  @Optional() @Revision('Revision of the record that is right.') correctedIn?: number;
}

export class ListCorrectionRequestsQuery {
  @Optional() @OneOf(CORRECTION_STATUSES) status?: CorrectionRequestState['status'];
  @Optional() @Text({ max: 200 }) subject?: string;
  @Optional() @Flag({ about: 'Not answered within the statutory period.' }) overdue?: boolean;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange/correction-requests')
export class CorrectionRequestController {
  constructor(private readonly requests: CorrectionRequests) {}

  @Post()
  @Allow('DEPARTMENT', 'PLATFORM')
  file(
    @Caller() caller: Principal,
    @CheckedBody(FileCorrectionRequestBody) body: FileCorrectionRequestBody,
  ): Promise<CorrectionRequestState> {
    return this.requests.file(caller, body);
  }

  @Post(':requestId/answer')
  @HttpCode(200)
  @Allow('DEPARTMENT', 'PLATFORM')
  answer(
    @Caller() caller: Principal,
    @Param('requestId') requestId: string,
    @CheckedBody(AnswerCorrectionRequestBody) body: AnswerCorrectionRequestBody,
  ): Promise<CorrectionRequestState> {
    return this.requests.answer(caller, requestId, body);
  }

  @Post(':requestId/withdrawal')
  @HttpCode(200)
  @Allow('DEPARTMENT', 'PLATFORM')
  withdraw(@Caller() caller: Principal, @Param('requestId') requestId: string): Promise<CorrectionRequestState> {
    return this.requests.withdraw(caller, requestId);
  }

  @Get()
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListCorrectionRequestsQuery) query: ListCorrectionRequestsQuery,
  ): Promise<Page<CorrectionRequestState>> {
    return this.requests.list(caller, { limit: 100, ...query });
  }

  @Get(':requestId')
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  one(@Caller() caller: Principal, @Param('requestId') requestId: string): Promise<CorrectionRequestState> {
    return this.requests.one(caller, requestId);
  }
}
