import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal, type Upload, UploadedFile } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { DIFFERENCES } from './national-list.js';
import { type Difference, NationalLists, type TakenList } from './national-list.service.js';

const USUAL_PAGE = 100;

export class ListDifferencesQuery {
  @Optional() @OneOf(DIFFERENCES, { about: 'Absent = both kinds.' }) difference?: string;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Differences a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit')
export class NationalListController {
  constructor(private readonly lists: NationalLists) {}

  /** CSV in UTF-8 with the columns uscc (统一社会信用代码) and documentNo (文书号), up to 50 MiB; takes the place of the list before. */
  @Post('national-lists')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } } })
  take(@Caller() caller: Principal, @UploadedFile() file: Upload): Promise<TakenList> {
    return this.lists.take(caller, file);
  }

  /** What is public here and not there, or there and not here, as it is now. */
  @Get('national-differences')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  differences(
    @CheckedQuery(ListDifferencesQuery) { limit = USUAL_PAGE, ...wanted }: ListDifferencesQuery,
  ): Promise<Page<Difference> & { list: TakenList }> {
    return this.lists.differences({ ...wanted, limit });
  }
}
