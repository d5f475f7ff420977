import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { DeadlineController } from './deadline/deadline.controller.js';
import { Deadlines } from './deadline/deadline.service.js';
import { DocumentController } from './document/document.controller.js';
import { Document } from './document/document.js';
import { HealthController } from './health/health.controller.js';
import { Services } from './services.js';

@Module({
  imports: [PlatformModule.forEdge('gateway')],
  controllers: [DocumentController, DeadlineController, HealthController],
  providers: [Services, Document, Deadlines],
})
export class GatewayModule {}
