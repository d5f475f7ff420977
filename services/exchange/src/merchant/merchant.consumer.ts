import { CreditStatusChanged, MerchantChanged, MerchantExited, MerchantOnboarded } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { MerchantCredit } from './merchant.service.js';

/** Listens to registration.platform-merchant.v1 and credit.credit-status.v1 (with its tombstones). */
@Controller()
export class MerchantConsumer {
  constructor(private readonly credit: MerchantCredit) {}

  @OnBatch(MerchantOnboarded, MerchantChanged, MerchantExited)
  async followMerchants(received: Received<MerchantOnboarded | MerchantChanged | MerchantExited>[], tx: EntityManager): Promise<void> {
    await this.credit.followMerchants(tx, received);
  }

  @OnBatch(CreditStatusChanged)
  async followStatuses(received: Received<CreditStatusChanged | null>[], tx: EntityManager): Promise<void> {
    await this.credit.followStatuses(tx, received);
  }
}
