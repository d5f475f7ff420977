import { MARKET_ENTITY_STATUSES, type MarketEntityStatus, OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal, type BatchAnswer } from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { Answer } from '../answer.js';
import { MarketEntityFacts } from './market-entity.js';
import { MarketEntities, type MarketEntityAnswer } from './market-entity.service.js';

export class ChangeMarketEntityStatusBody {
  @OneOf(MARKET_ENTITY_STATUSES) status: MarketEntityStatus;
}

export class HandOverMarketEntityBody {
  @Text({ max: 64, about: 'The department that keeps the registration from now on.' }) departmentId: string;
}

export class ListMarketEntitiesQuery {
  @Optional() @OneOf(MARKET_ENTITY_STATUSES) status?: MarketEntityStatus;
  @Optional() @Text({ max: 1000, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: 'Entities a page; 100 unless told.' }) limit?: number;
}

@Controller('api/registration/market-entities')
@Allow('DEPARTMENT')
export class MarketEntityController {
  constructor(private readonly entities: MarketEntities) {}

  /** One entity, or an array of up to 1,000 that are answered each for itself. An entity sent again takes on what is sent. */
  @Post()
  @HttpCode(200)
  @ApiBody({ description: 'A RegisterMarketEntityBody or an array of up to 1,000 of them.', schema: {} })
  register(@Caller() department: Principal, @Body() body: unknown): Promise<Answer | BatchAnswer<Answer>> {
    return Array.isArray(body) ? this.entities.registerMany(department.id, body) : this.entities.register(department.id, body);
  }

  @Put(':uscc')
  change(
    @Caller() department: Principal,
    @Param('uscc') uscc: string,
    @CheckedBody(MarketEntityFacts) body: MarketEntityFacts,
  ): Promise<Answer> {
    return this.entities.change(department.id, uscc, body);
  }

  @Put(':uscc/status')
  changeStatus(
    @Caller() department: Principal,
    @Param('uscc') uscc: string,
    @CheckedBody(ChangeMarketEntityStatusBody) { status }: ChangeMarketEntityStatusBody,
  ): Promise<Answer> {
    return this.entities.changeStatus(department.id, uscc, status);
  }

  @Put(':uscc/keeper')
  @Allow('DEPARTMENT', 'OPERATOR')
  handOver(
    @Caller() caller: Principal,
    @Param('uscc') uscc: string,
    @CheckedBody(HandOverMarketEntityBody) { departmentId }: HandOverMarketEntityBody,
  ): Promise<Answer> {
    return this.entities.handOver(caller, uscc, departmentId);
  }

  @Get(':uscc')
  @Allow('DEPARTMENT', 'STATISTICS', 'AUDITOR', 'OPERATOR')
  find(@Param('uscc') uscc: string): Promise<MarketEntityAnswer> {
    return this.entities.find(uscc);
  }

  @Get()
  @Allow('DEPARTMENT', 'STATISTICS', 'AUDITOR', 'OPERATOR')
  list(@CheckedQuery(ListMarketEntitiesQuery) query: ListMarketEntitiesQuery): Promise<Page<MarketEntityAnswer>> {
    return this.entities.list(query);
  }
}
