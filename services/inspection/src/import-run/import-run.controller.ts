import { Allow, Caller, OpenInSandbox, UploadedFile, type Principal, type Upload } from '@jinqiao/platform';
import { Controller, Get, Header, HttpCode, Param, Post, StreamableFile } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiProduces } from '@nestjs/swagger';
import { ImportRuns, type ImportAnswer } from './import-run.service.js';

@Controller('api/inspection/imports')
export class ImportRunController {
  constructor(private readonly imports: ImportRuns) {}

  /** A CSV or XLSX file of up to 50 MiB; all of it is taken in, with an answer for each result, or the file is refused. */
  @Post()
  @HttpCode(200)
  @Allow('DEPARTMENT')
  @OpenInSandbox()
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } } })
  run(@Caller() reporter: Principal, @UploadedFile() file: Upload): Promise<ImportAnswer> {
    return this.imports.run(reporter.id, file);
  }

  @Get(':importId')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  @OpenInSandbox()
  read(@Caller() principal: Principal, @Param('importId') importId: string): Promise<ImportAnswer> {
    return this.imports.get(principal, importId);
  }

  /** The refused rows as they stood in the file, with every error of their result. */
  @Get(':importId/rejected-rows')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  @OpenInSandbox()
  @Header('content-disposition', 'attachment; filename="rejected-rows.csv"')
  @ApiProduces('text/csv')
  async rejectedRows(@Caller() principal: Principal, @Param('importId') importId: string): Promise<StreamableFile> {
    return new StreamableFile(await this.imports.rejectedRows(principal, importId), { type: 'text/csv; charset=utf-8' });
  }
}
