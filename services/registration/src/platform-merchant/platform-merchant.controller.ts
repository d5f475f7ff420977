import { Optional, Text, Timestamp, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal, type BatchAnswer } from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { Answer } from '../answer.js';
import { type Merchant, MerchantFacts } from './platform-merchant.js';
import { PlatformMerchants } from './platform-merchant.service.js';

export class ExitMerchantBody {
  @Optional() @Timestamp({ about: 'Absent = now.' }) exitedAt?: string;
}

export class ListMerchantsQuery {
  @Optional() @Text({ max: 64, about: 'A platform always asks for its own.' }) platformId?: string;
  @Optional() @Text({ max: 18 }) uscc?: string;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: 'Merchants a page; 100 unless told.' }) limit?: number;
}

@Controller('api/registration/merchants')
@Allow('PLATFORM')
export class PlatformMerchantController {
  constructor(private readonly merchants: PlatformMerchants) {}

  /** One shop, or an array of up to 1,000 that are answered each for itself. A shop sent again takes on what is sent. */
  @Post()
  @HttpCode(200)
  @ApiBody({ description: 'An OnboardMerchantBody or an array of up to 1,000 of them.', schema: {} })
  onboard(@Caller() platform: Principal, @Body() body: unknown): Promise<Answer | BatchAnswer<Answer>> {
    return Array.isArray(body) ? this.merchants.onboardMany(platform.id, body) : this.merchants.onboard(platform.id, body);
  }

  @Put(':shopId')
  change(@Caller() platform: Principal, @Param('shopId') shopId: string, @CheckedBody(MerchantFacts) body: MerchantFacts): Promise<Answer> {
    return this.merchants.change(platform.id, shopId, body);
  }

  @Post(':shopId/exit')
  @HttpCode(200)
  exit(
    @Caller() platform: Principal,
    @Param('shopId') shopId: string,
    @CheckedBody(ExitMerchantBody) { exitedAt }: ExitMerchantBody,
  ): Promise<Answer> {
    return this.merchants.exit(platform.id, shopId, exitedAt);
  }

  @Get(':shopId')
  find(@Caller() platform: Principal, @Param('shopId') shopId: string): Promise<Merchant> {
    return this.merchants.find(platform.id, shopId);
  }

  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'AUDITOR', 'OPERATOR')
  list(@Caller() principal: Principal, @CheckedQuery(ListMerchantsQuery) query: ListMerchantsQuery): Promise<Page<Merchant>> {
    return this.merchants.list(principal, query);
  }
}
