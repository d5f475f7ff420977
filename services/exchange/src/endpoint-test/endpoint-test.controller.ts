import { Allow, Caller, type Principal } from '@jinqiao/platform';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import type { EndpointTest } from '../endpoint/endpoint.js';
import { EndpointTests } from './endpoint-test.service.js';

@Controller('api/exchange/webhook-endpoints')
export class EndpointTestController {
  constructor(private readonly tests: EndpointTests) {}

  @Post(':endpointId/tests')
  @HttpCode(200)
  @Allow('PLATFORM')
  test(@Caller() caller: Principal, @Param('endpointId') endpointId: string): Promise<EndpointTest & { readonly webhookId: string }> {
    return this.tests.test(caller, endpointId);
  }
}
