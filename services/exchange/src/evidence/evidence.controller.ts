import { Allow, Caller, type Principal } from '@jinqiao/platform';
import { Controller, Get, Header, Param } from '@nestjs/common';
import { EvidencePacks } from './evidence.service.js';

@Controller('api/exchange/feedback/:feedbackId/evidence')
export class EvidenceController {
  constructor(private readonly packs: EvidencePacks) {}

  /** A file for `npm run verify-evidence`: its bytes are what is signed, so it has to be kept as it came. */
  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Content-Disposition', 'attachment; filename="evidence.json"')
  pack(@Caller() caller: Principal, @Param('feedbackId') feedbackId: string): Promise<string> {
    return this.packs.of(caller, feedbackId);
  }
}
