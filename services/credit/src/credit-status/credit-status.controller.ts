import { type CreditStatusChanged, ORGANISATION_KINDS } from '@jinqiao/contracts';
import { Allow } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import { CreditStatuses } from './credit-status.service.js';

@Controller('api/credit/entities')
export class CreditStatusController {
  constructor(private readonly statuses: CreditStatuses) {}

  /** The USCC is public by law, so it may stand in the address (design §3.6). */
  @Get(':uscc')
  @Allow(...ORGANISATION_KINDS)
  facts(@Param('uscc') uscc: string): Promise<CreditStatusChanged> {
    return this.statuses.find(uscc);
  }
}
