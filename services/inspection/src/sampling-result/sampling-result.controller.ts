import { CalendarDate, OneOf, Optional, REGIMES, Revision, Text, VERDICTS, Whole, type Regime, type Verdict } from '@jinqiao/contracts';
import {
  Allow,
  type Applied,
  Caller,
  CheckedBody,
  CheckedQuery,
  OpenInSandbox,
  type Page,
  type Principal,
  ITEMS_MAX,
  type BatchAnswer,
} from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { Seen } from '../disclosure/disclosure.js';
import { SamplingResultReading, type ListedResult, type PublishedCounts, type ReportedResult } from './sampling-result.reading.service.js';
import { SamplingResults } from './sampling-result.service.js';
import type { Answer } from './sampling-result.js';
import { STATUSES, type Status } from './held-result.js';

export class RetractSamplingResultBody {
  @Revision('The next number of the series.') revision: number;
  @Text({ max: 1000 }) reason: string;
}

export class ReadSamplingResultQuery {
  @Optional() @Text({ max: 64, about: 'Whose result; a department asks for its own unless told.' }) reporterId?: string;
}

export class ListSamplingResultsQuery extends ReadSamplingResultQuery {
  @Optional() @OneOf(STATUSES) status?: Status;
  @Optional() @OneOf(VERDICTS) verdict?: Verdict;
  @Optional() @OneOf(REGIMES) regime?: Regime;
  @Optional() @Text({ max: 200, about: 'Id of the platform, or its name as printed where no id was reported.' }) platform?: string;
  @Optional() @CalendarDate({ about: "First day of sampling, else of the notice's date." }) from?: string;
  @Optional() @CalendarDate({ about: 'Last day, included.' }) to?: string;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: 'Results a page; 100 unless told.' }) limit?: number;
}

const REPORTED = { $ref: '#/components/schemas/SamplingResultReported' };

@Controller('api/inspection')
export class SamplingResultController {
  constructor(
    private readonly results: SamplingResults,
    private readonly reading: SamplingResultReading,
  ) {}

  /**
   * One result, or an array of up to 1,000. Each item of an array is answered for itself; a single result that is refused is a problem:
   * 409 for REVISION_CONFLICT and STALE_REVISION, else 422, with the code of its first finding.
   */
  @Post('sampling-results')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @OpenInSandbox()
  @ApiBody({
    description: 'One result, or an array of up to 1,000 (8 MiB).',
    schema: { oneOf: [REPORTED, { type: 'array', maxItems: ITEMS_MAX, items: REPORTED }] },
  })
  report(@Caller() reporter: Principal, @Body() body: unknown): Promise<Answer | BatchAnswer<Answer>> {
    return Array.isArray(body)
      ? this.results.acceptMany(reporter.id, body)
      : this.results.acceptOne(reporter.id, { kind: 'REPORT', input: body });
  }

  @Post('sampling-results/:sampleNo/retraction')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @OpenInSandbox()
  retract(
    @Caller() reporter: Principal,
    @Param('sampleNo') sampleNo: string,
    @CheckedBody(RetractSamplingResultBody) body: RetractSamplingResultBody,
  ): Promise<Answer> {
    return this.results.acceptOne(reporter.id, { kind: 'RETRACTION', input: { ...body, sampleNo } });
  }

  /** What became of a result, refusals included, whatever way it came. */
  @Get('sampling-results/:sampleNo')
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  read(
    @Caller() principal: Principal,
    @Param('sampleNo') sampleNo: string,
    @CheckedQuery(ReadSamplingResultQuery) { reporterId }: ReadSamplingResultQuery,
  ): Promise<Seen<ReportedResult>> {
    return this.reading.get(principal, sampleNo, reporterId);
  }

  @Get('sampling-results')
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() principal: Principal,
    @CheckedQuery(ListSamplingResultsQuery) query: ListSamplingResultsQuery,
  ): Promise<Page<Seen<ListedResult>>> {
    return this.reading.list(principal, { ...query, limit: query.limit ?? 100 });
  }

  @Get('published/counts')
  @Allow('DEPARTMENT', 'STATISTICS', 'OPERATOR', 'AUDITOR')
  counts(): Promise<PublishedCounts> {
    return this.reading.counts();
  }

  @Get('applied/:subject')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  applied(@Caller() principal: Principal, @Param('subject') subject: string): Promise<Applied> {
    return this.reading.applied(principal, subject);
  }
}
