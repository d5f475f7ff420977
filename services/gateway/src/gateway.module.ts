import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { DocumentController } from './document/document.controller.js';
import { Document } from './document/document.js';
import { HealthController } from './health/health.controller.js';
import { Services } from './services.js';

@Module({
  imports: [PlatformModule.forEdge('gateway')],
  controllers: [DocumentController, HealthController],
  providers: [Services, Document],
})
export class GatewayModule {}
