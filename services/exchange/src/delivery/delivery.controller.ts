import { Flag, NestedList, OneOf, Optional, Revision, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Post, Put } from '@nestjs/common';
import { type Channel, CHANNELS, type Switched } from './delivery.js';
import { type DeliveryList, DeliveryOverview } from './delivery.overview.js';
import { type Acknowledged, type ChannelState, Deliveries, type Pulled } from './delivery.service.js';

export class ListDeliveriesQuery {
  @Optional() @Text({ max: 500, about: 'The cursor of the page before; absent = from the oldest that is kept.' }) after?: string;
  @Optional() @Text({ max: 64, about: 'Whose; for those who look after all. A platform means itself.' }) platform?: string;
  @Optional() @Flag({ about: 'Only what is neither taken nor acknowledged.' }) undelivered?: boolean;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class NamedDelivery {
  @Text({ max: 36, min: 36 }) feedbackId: string;
  @Revision('Revision of the feedback.') revision: number;
}

/** One of the two. */
export class AcknowledgeDeliveriesBody {
  @Optional() @Text({ max: 500, about: 'Everything up to here.' }) cursor?: string;
  @Optional() @NestedList(() => NamedDelivery, { items: 1_000, least: 1 }) deliveries?: NamedDelivery[];
}

export class ChooseChannelBody {
  @OneOf(CHANNELS) channel: Channel;
}

@Controller('api/exchange')
export class DeliveryController {
  constructor(
    private readonly deliveries: Deliveries,
    private readonly overview: DeliveryOverview,
  ) {}

  /** A platform pulls; everybody else sees what gets to whom, and nothing of what it says. */
  @Get('deliveries')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListDeliveriesQuery) query: ListDeliveriesQuery): Promise<Pulled | DeliveryList> {
    const request = { limit: 100, ...query };
    return caller.kind === 'PLATFORM' ? this.deliveries.pull(caller, request) : this.overview.list(caller, request);
  }

  @Post('deliveries/acknowledgements')
  @HttpCode(200)
  @Allow('PLATFORM')
  acknowledge(@Caller() caller: Principal, @CheckedBody(AcknowledgeDeliveriesBody) body: AcknowledgeDeliveriesBody): Promise<Acknowledged> {
    return this.deliveries.acknowledge(caller, body);
  }

  @Get('channel')
  @Allow('PLATFORM')
  channel(@Caller() caller: Principal): Promise<ChannelState> {
    return this.deliveries.channel(caller);
  }

  @Put('channel')
  @Allow('PLATFORM')
  choose(
    @Caller() caller: Principal,
    @CheckedBody(ChooseChannelBody) { channel }: ChooseChannelBody,
  ): Promise<Switched & { cursor: string }> {
    return this.deliveries.switchTo(caller, channel);
  }
}
