import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { RegistrationConfig } from './config.js';
import { MarketEntityController } from './market-entity/market-entity.controller.js';
import { MarketEntityRow } from './market-entity/market-entity.entity.js';
import { MarketEntities } from './market-entity/market-entity.service.js';
import { PermitController } from './permit/permit.controller.js';
import { PermitRow } from './permit/permit.entity.js';
import { Permits } from './permit/permit.service.js';
import { PlatformMerchantController } from './platform-merchant/platform-merchant.controller.js';
import { PlatformMerchantRow } from './platform-merchant/platform-merchant.entity.js';
import { PlatformMerchants } from './platform-merchant/platform-merchant.service.js';
import { Restore } from './restore.js';

@Module({
  imports: [
    PlatformModule.forService({
      name: 'registration',
      config: RegistrationConfig,
      entities: [MarketEntityRow, PlatformMerchantRow, PermitRow],
    }),
  ],
  controllers: [MarketEntityController, PlatformMerchantController, PermitController],
  providers: [MarketEntities, PlatformMerchants, Permits, Restore],
})
export class RegistrationModule {}
