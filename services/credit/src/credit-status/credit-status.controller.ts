import type { CreditStatusChanged } from '@jinqiao/contracts';
import { Allow } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import { CreditStatuses } from './credit-status.service.js';

@Controller('api/credit/entities')
export class CreditStatusController {
  constructor(private readonly statuses: CreditStatuses) {}

  /**
   * For whoever may follow the change feed, which says the same of everybody. Platforms verify, with a purpose; statistics count.
   * The USCC is public by law, so it may stand in the address (design §3.6).
   */
  @Get(':uscc')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  facts(@Param('uscc') uscc: string): Promise<CreditStatusChanged> {
    return this.statuses.find(uscc);
  }
}
