import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, AnswersWithSecret, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { type Endpoint, OVERLAP_HOURS } from './endpoint.js';
import { Endpoints, type WithSecret } from './endpoint.service.js';
import { type Algorithm, ALGORITHMS } from './endpoint.signature.js';

const ANOTHER_SECRET =
  'take another secret with POST /api/exchange/webhook-endpoints/{endpointId}/rotations and overlapHours 0; GET /api/exchange/webhook-endpoints names the endpoint.';

const CONTACT = { max: 200, about: 'The role that is told when the endpoint ends or is disabled; no person.' };

export class RegisterEndpointBody {
  @Text({ max: 2_000, about: 'An https URL on port 443 or 8443 that leads to a public address.' }) url: string;
  @Text(CONTACT) contact: string;
  @Optional() @OneOf(ALGORITHMS) algorithm?: Algorithm;
}

export class ChangeEndpointBody {
  @Text({ max: 2_000 }) url: string;
  @Text(CONTACT) contact: string;
}

export class RotateSecretBody {
  @Optional()
  @Whole({ min: 0, max: OVERLAP_HOURS.most, about: 'How long both secrets sign; 0: the old one has leaked.' })
  overlapHours?: number;
}

export class ListEndpointsQuery {
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange')
export class EndpointController {
  constructor(private readonly endpoints: Endpoints) {}

  @Post('webhook-endpoints')
  @Allow('PLATFORM')
  @AnswersWithSecret(ANOTHER_SECRET)
  register(@Caller() caller: Principal, @CheckedBody(RegisterEndpointBody) body: RegisterEndpointBody): Promise<WithSecret> {
    return this.endpoints.register(caller, { algorithm: 'HMAC_SHA256', ...body });
  }

  @Get('webhook-endpoints')
  @Allow('PLATFORM', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListEndpointsQuery) query: ListEndpointsQuery): Promise<Page<Endpoint>> {
    return this.endpoints.list(caller, { limit: 100, ...query });
  }

  @Put('webhook-endpoints/:endpointId')
  @Allow('PLATFORM')
  change(
    @Caller() caller: Principal,
    @Param('endpointId') endpointId: string,
    @CheckedBody(ChangeEndpointBody) body: ChangeEndpointBody,
  ): Promise<Endpoint> {
    return this.endpoints.change(caller, endpointId, body);
  }

  @Post('webhook-endpoints/:endpointId/rotations')
  @Allow('PLATFORM')
  @AnswersWithSecret(ANOTHER_SECRET)
  rotate(
    @Caller() caller: Principal,
    @Param('endpointId') endpointId: string,
    @CheckedBody(RotateSecretBody) { overlapHours }: RotateSecretBody,
  ): Promise<WithSecret> {
    return this.endpoints.rotate(caller, endpointId, overlapHours ?? OVERLAP_HOURS.usual);
  }

  @Post('webhook-endpoints/:endpointId/enablements')
  @HttpCode(200)
  @Allow('PLATFORM')
  enable(@Caller() caller: Principal, @Param('endpointId') endpointId: string): Promise<Endpoint> {
    return this.endpoints.enable(caller, endpointId);
  }

  @Delete('webhook-endpoints/:endpointId')
  @Allow('PLATFORM')
  remove(@Caller() caller: Principal, @Param('endpointId') endpointId: string): Promise<Endpoint> {
    return this.endpoints.remove(caller, endpointId);
  }
}
