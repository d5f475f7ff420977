import {
  CalendarDate,
  Nested,
  OneOf,
  Optional,
  PartialDate,
  RecallContent,
  RecallReported,
  RecallProducer,
  RecallProduct,
  Text,
  TextList,
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
import { ACT_NAMES, type ActName, type State, STATES } from './recall.acts.js';
import { type NoticeAnswer, RecallNotices } from './recall.notices.service.js';
import { type RecallFile, Recalls, type RecallSummary } from './recall.service.js';

const SHA_256 = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/ };

export class OpenRecallBody extends RecallContent {
  @CalendarDate({ about: 'The day the clue was discovered.' }) on: string;
  @Text({ max: 2000, about: 'What points to a defect: a failed sample, a complaint, an injury, a recall abroad.' }) clue: string;
  @Optional() @Text({ max: 200, about: 'The sampling result it comes from: reporterId:sampleNo.' }) subject?: string;
}

/** A field that is there replaces what stands, as a whole. */
export class RecallChanges {
  @Optional() @Text({ max: 100 }) nationalNo?: string;
  @Optional() @TextList({ max: 64, items: 20 }) sectors?: string[];
  @Optional() @Nested(() => RecallProduct) product?: RecallProduct;
  @Optional() @Nested(() => RecallProducer) producer?: RecallProducer;
  @Optional() @Text({ max: 2000 }) hazard?: string;
  @Optional() @Text({ max: 2000 }) measure?: string;
  @Optional() @Whole({ min: 0, max: 1_000_000_000_000 }) quantity?: number;
  @Optional() @Text({ max: 64 }) unit?: string;
  @Optional() @PartialDate() announcedOn?: string;
  @Optional() @Text({ max: 200 }) period?: string;
  @Optional() @Text({ max: 200 }) authority?: string;
}

/** What each act needs of it is said where it is missing. */
export class TakeRecallActBody {
  @OneOf(ACT_NAMES) act: ActName;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the notice or order.' }) documentNo?: string;
  @Optional() @Text({ ...SHA_256, about: 'SHA-256 of the document that proves it.' }) sha256?: string;
  @Optional() @Text({ max: 200, about: 'To whom it was forwarded; who ordered it.' }) authority?: string;
  @Optional() @CalendarDate({ about: 'When the producer learned of the incident.' }) learnedOn?: string;
  @Optional() @Whole({ min: 0, max: 1_000_000_000_000, about: 'Goods taken back, repaired or replaced so far.' }) recalled?: number;
  @Optional() @Nested(() => RecallChanges) content?: RecallChanges;
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
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
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
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
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
