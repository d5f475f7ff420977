import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import { type State, STATES } from './sampling-sheet.acts.js';
import { TakeSheetActBody } from './sampling-sheet.facts.js';
import { type RoundProgress, type SamplingSheet, SamplingSheets, type SheetSummary } from './sampling-sheet.service.js';

const ROUND_ID = { max: 36, min: 36, pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ };

export class OpenSheetBody {
  @Text({ max: 128, about: 'Sampling sheet number, unique for its organiser; of the result too.' }) sampleNo: string;
  @Text(ROUND_ID) roundId: string;
  @Text({ max: 64, about: 'Who was drawn.' }) objectId: string;
}

export class ListSheetsQuery {
  @Optional() @Text(ROUND_ID) roundId?: string;
  @Optional() @OneOf(STATES) state?: State;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

/** Who sees what of a sheet stands in `../disclosure`. */
@Controller('api/inspection')
export class SamplingSheetController {
  constructor(private readonly sheets: SamplingSheets) {}

  @Post('sampling-sheets')
  @Allow('DEPARTMENT')
  open(@Caller() caller: Principal, @CheckedBody(OpenSheetBody) opening: OpenSheetBody): Promise<Seen<SamplingSheet>> {
    return this.sheets.open(caller, opening);
  }

  @Get('sampling-sheets')
  @Allow('DEPARTMENT', 'LABORATORY', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListSheetsQuery) query: ListSheetsQuery): Promise<Page<Seen<SheetSummary>>> {
    return this.sheets.list(caller, { limit: 100, ...query });
  }

  @Get('sampling-sheets/:organiserId/:sampleNo')
  @Allow('DEPARTMENT', 'LABORATORY', 'MERCHANT', 'OPERATOR', 'AUDITOR')
  find(
    @Caller() caller: Principal,
    @Param('organiserId') organiserId: string,
    @Param('sampleNo') sampleNo: string,
  ): Promise<Seen<SamplingSheet>> {
    return this.sheets.find(caller, { organiserId, sampleNo });
  }

  /** One step. What is not done now is 409 with what is, and by whom. */
  @Post('sampling-sheets/:organiserId/:sampleNo/acts')
  @HttpCode(200)
  @Allow('DEPARTMENT', 'LABORATORY')
  act(
    @Caller() caller: Principal,
    @Param('organiserId') organiserId: string,
    @Param('sampleNo') sampleNo: string,
    @CheckedBody(TakeSheetActBody) act: TakeSheetActBody,
  ): Promise<Seen<SamplingSheet>> {
    return this.sheets.act(caller, { organiserId, sampleNo }, act);
  }

  /** How much of what a round has drawn was sampled, and why the rest was not. */
  @Get('sampling-rounds/:roundId/sampling')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  progress(@Caller() caller: Principal, @Param('roundId') roundId: string): Promise<Seen<RoundProgress>> {
    return this.sheets.progress(caller, roundId);
  }
}
