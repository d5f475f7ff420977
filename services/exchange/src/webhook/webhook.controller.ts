import { OneOf, Optional, Revision, Text, Timestamp, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { type Outcome, OUTCOMES } from './webhook.js';
import { type AttemptEntry, type Due, Webhooks } from './webhook.service.js';

const PLATFORM = { max: 64, about: 'Whose; for operators. A platform means itself.' };

export class ListAttemptsQuery {
  @Optional() @Text({ max: 36 }) feedbackId?: string;
  @Optional() @Text({ max: 36 }) endpointId?: string;
  @Optional() @OneOf(OUTCOMES) outcome?: Outcome;
  @Optional() @Text(PLATFORM) platform?: string;
  @Optional() @Timestamp() since?: string;
  @Optional() @Timestamp() until?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class ResendDeliveryBody {
  @Text({ max: 36, min: 36 }) feedbackId: string;
  @Revision('Revision of the feedback.') revision: number;
  @Optional() @Text(PLATFORM) platform?: string;
}

export class ReplayDeliveriesBody {
  @Timestamp() since: string;
  @Optional() @Text(PLATFORM) platform?: string;
}

export class DrainDeliveriesBody {
  @Optional() @Text(PLATFORM) platform?: string;
}

@Controller('api/exchange')
export class WebhookController {
  constructor(private readonly webhooks: Webhooks) {}

  @Get('webhook-attempts')
  @Allow('PLATFORM', 'OPERATOR', 'AUDITOR')
  attempts(@Caller() caller: Principal, @CheckedQuery(ListAttemptsQuery) query: ListAttemptsQuery): Promise<Page<AttemptEntry>> {
    return this.webhooks.list(caller, { limit: 100, ...query });
  }

  @Post('deliveries/resends')
  @HttpCode(200)
  @Allow('PLATFORM', 'OPERATOR')
  resend(@Caller() caller: Principal, @CheckedBody(ResendDeliveryBody) body: ResendDeliveryBody): Promise<Due> {
    return this.webhooks.resend(caller, body, body.platform ?? null);
  }

  @Post('deliveries/replays')
  @HttpCode(200)
  @Allow('PLATFORM', 'OPERATOR')
  replay(@Caller() caller: Principal, @CheckedBody(ReplayDeliveriesBody) body: ReplayDeliveriesBody): Promise<Due> {
    return this.webhooks.replay(caller, new Date(body.since), body.platform ?? null);
  }

  @Post('deliveries/drains')
  @HttpCode(200)
  @Allow('PLATFORM', 'OPERATOR')
  drain(@Caller() caller: Principal, @CheckedBody(DrainDeliveriesBody) body: DrainDeliveriesBody): Promise<Due> {
    return this.webhooks.drain(caller, body.platform ?? null);
  }
}
