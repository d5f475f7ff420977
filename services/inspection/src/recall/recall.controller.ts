import {
  CalendarDate,
  OneOf,
  Optional,
  RECALL_ACTS,
  type RecallAct,
  RecallClue,
  RecallFacts,
  RecallReported,
  Text,
  Whole,
} from '@jinqiao/contracts';
import {
  Allow,
  type BatchAnswer,
  Caller,
  CheckedBody,
  CheckedQuery,
  ITEMS_MAX,
  type Page,
  type Principal,
  type Upload,
  UploadedFile,
} from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import type { Seen } from '../disclosure/disclosure.js';
import type { ImportAnswer } from '../import-run/import-run.service.js';
import { type State, STATES } from './recall.acts.js';
import { type NoticeAnswer, RecallNotices } from './recall.notices.service.js';
import { type RecallFile, Recalls, type RecallSummary } from './recall.service.js';

export class OpenRecallBody extends RecallClue {}

export class TakeRecallActBody extends RecallFacts {
  @OneOf(RECALL_ACTS) act: RecallAct;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
}

export class ListRecallsQuery {
  @Optional() @OneOf(STATES) state?: State;
  @Optional() @OneOf(['true', 'false'], { about: 'With a duty that was not done in time.' }) overdue?: 'true' | 'false';
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

const NOTICE = { $ref: `#/components/schemas/${RecallReported.name}` };

/** Who sees how a recall is worked on stands in `../disclosure`. */
@Controller('api/inspection/recalls')
export class RecallController {
  constructor(
    private readonly recalls: Recalls,
    private readonly notices: RecallNotices,
  ) {}

  /** Begins a recall with a clue. */
  @Post()
  @Allow('DEPARTMENT')
  open(@Caller() caller: Principal, @CheckedBody(OpenRecallBody) clue: OpenRecallBody): Promise<Seen<RecallFile>> {
    return this.recalls.open(caller, clue);
  }

  @Get()
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListRecallsQuery) query: ListRecallsQuery): Promise<Page<Seen<RecallSummary>>> {
    const { overdue, ...rest } = query;
    return this.recalls.list(caller, { limit: 100, ...rest, overdue: overdue === 'true' });
  }

  /**
   * Takes in what another authority has announced: one recall, or an array of up to 1,000. Each item of an array is answered for itself; a
   * single one that is refused is a problem: 409 where it meets what is there already, else 422, with the code of its first finding.
   */
  @Post('notices')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiBody({
    description: 'One recall, or an array of up to 1,000 (8 MiB).',
    schema: { oneOf: [NOTICE, { type: 'array', maxItems: ITEMS_MAX, items: NOTICE }] },
  })
  takeIn(@Caller() { id }: Principal, @Body() body: unknown): Promise<NoticeAnswer | BatchAnswer<NoticeAnswer>> {
    return Array.isArray(body) ? this.notices.acceptMany(id, body) : this.notices.acceptOne(id, body);
  }

  /** The same as a CSV or XLSX file of up to 1,000 rows; what became of it is kept with the other imports. */
  @Post('imports')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } } })
  importFile(@Caller() { id }: Principal, @UploadedFile() file: Upload): Promise<ImportAnswer> {
    return this.notices.importFile(id, file);
  }

  @Get(':recallNo')
  @Allow('DEPARTMENT', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  find(@Caller() caller: Principal, @Param('recallNo') recallNo: string): Promise<Seen<RecallFile>> {
    return this.recalls.find(caller, recallNo);
  }

  /** One step. What is not done now is 409 with what is, and by whom. */
  @Post(':recallNo/acts')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  act(
    @Caller() caller: Principal,
    @Param('recallNo') recallNo: string,
    @CheckedBody(TakeRecallActBody) act: TakeRecallActBody,
  ): Promise<Seen<RecallFile>> {
    return this.recalls.act(caller, recallNo, act);
  }
}
