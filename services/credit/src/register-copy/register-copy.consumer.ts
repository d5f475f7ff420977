import {
  MarketEntityChanged,
  MarketEntityRegistered,
  MarketEntityStatusChanged,
  MerchantChanged,
  MerchantExited,
  MerchantOnboarded,
  PermitChanged,
  PermitGranted,
  PermitWithdrawn,
} from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { followEntities, followPermits, followShops } from './register-copy.js';

/** Listens to the register of market entities, to their permits, and to who sells on which platform. */
@Controller()
export class RegisterCopyConsumer {
  @OnBatch(MarketEntityRegistered, MarketEntityChanged, MarketEntityStatusChanged)
  followEntities(received: Received<MarketEntityRegistered>[], tx: EntityManager): Promise<void> {
    return followEntities(tx, received);
  }

  @OnBatch(PermitGranted, PermitChanged, PermitWithdrawn)
  followPermits(received: Received<PermitGranted>[], tx: EntityManager): Promise<void> {
    return followPermits(tx, received);
  }

  @OnBatch(MerchantOnboarded, MerchantChanged, MerchantExited)
  followShops(received: Received<MerchantOnboarded>[], tx: EntityManager): Promise<void> {
    return followShops(tx, received);
  }
}
