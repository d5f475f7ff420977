import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { MonitoringConfig } from './config.js';
import { followNames } from './platform-name/platform-name.js';
import { Platform, PlatformName } from './platform-name/platform-name.entity.js';
import { SamplingRateConsumer } from './sampling-rate/sampling-rate.consumer.js';
import { SamplingRateController } from './sampling-rate/sampling-rate.controller.js';
import { SamplingContribution, SamplingRollup } from './sampling-rate/sampling-rate.entity.js';
import { SamplingRates } from './sampling-rate/sampling-rate.service.js';

const entities = [SamplingContribution, SamplingRollup, Platform, PlatformName];

@Module({
  imports: [PlatformModule.forService({ name: 'monitoring', config: MonitoringConfig, entities, followOrganisations: followNames })],
  controllers: [SamplingRateConsumer, SamplingRateController],
  providers: [SamplingRates],
})
export class MonitoringModule {}
