import { type ServiceName, Text } from '@jinqiao/contracts';
import { type ParkedKey, Relay } from '@jinqiao/messaging';
import { Controller, Get, HttpCode, Post, type Type } from '@nestjs/common';
import { Allow } from './access.js';
import { CheckedBody } from './checked.js';

class ReleaseParkedKeyBody {
  @Text({ max: 250 }) topic: string;
  @Text({ max: 500 }) key: string;
}

/** The keys of one service whose events wait behind a record the broker refused. */
export function parkedKeysController(service: ServiceName): Type {
  @Controller(`api/${service}/parked-keys`)
  @Allow('OPERATOR')
  class ParkedKeysController {
    constructor(private readonly relay: Relay) {}

    @Get()
    async list(): Promise<{ items: ParkedKey[] }> {
      return { items: await this.relay.parked() };
    }

    /** Once the reason is mended: the refused record is published again, and then what waits behind it. */
    @Post('release')
    @HttpCode(200)
    async release(@CheckedBody(ReleaseParkedKeyBody) { topic, key }: ReleaseParkedKeyBody): Promise<{ released: number }> {
      return { released: await this.relay.unpark(topic, key) };
    }
  }
  return ParkedKeysController;
}
