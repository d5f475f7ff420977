import { Allow, Caller, LIMITS, type Principal, type Upload, UploadedFile } from '@jinqiao/platform';
import { Controller, Get, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiParam, ApiProduces, ApiQuery } from '@nestjs/swagger';
import type { SheetName } from '../sampling-sheet/sampling-sheet.store.js';
import { type Evidence, EVIDENCE_TYPES } from './evidence.js';
import { EvidenceOfSheets } from './evidence.service.js';

@Controller('api/inspection/sampling-sheets/:organiserId/:sampleNo/evidence')
export class EvidenceController {
  constructor(private readonly evidence: EvidenceOfSheets) {}

  /** One file of any kind, of up to 200 MiB. */
  @Post()
  @Allow('DEPARTMENT', 'LABORATORY')
  @ApiParam({ name: 'organiserId' })
  @ApiParam({ name: 'sampleNo' })
  @ApiQuery({ name: 'type', enum: EVIDENCE_TYPES })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } } })
  add(
    @Caller() caller: Principal,
    @Param() name: SheetName,
    @Query('type') type: string | undefined,
    @UploadedFile(LIMITS.evidence) { content }: Upload,
  ): Promise<Evidence> {
    return this.evidence.add(caller, name, { type, content });
  }

  /** The bytes as they came; EVIDENCE_CHANGED where they are not those any more. */
  @Get(':sha256')
  @Allow('DEPARTMENT', 'LABORATORY', 'AUDITOR')
  @ApiProduces('application/octet-stream')
  async read(
    @Caller() caller: Principal,
    @Param('organiserId') organiserId: string,
    @Param('sampleNo') sampleNo: string,
    @Param('sha256') sha256: string,
  ): Promise<StreamableFile> {
    const { bytes, content } = await this.evidence.read(caller, { organiserId, sampleNo }, sha256);
    const disposition = `attachment; filename="${sha256}"`;
    return new StreamableFile(content, { type: 'application/octet-stream', length: bytes, disposition });
  }
}
