import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { type Confirmation, CreditFollowers, type Unconfirmed } from './credit-follower.service.js';

const USUAL_PAGE = 100;

export class ConfirmChangesBody {
  @Text({ max: 500, about: '`cursor` of a page of changes, or `after` of a snapshot, that the department has applied.' }) cursor: string;
}

export class ListUnconfirmedQuery {
  @Optional() @Whole({ min: 0, max: 100_000, about: 'Only whose oldest is told for at least so many hours.' }) hoursLeast?: number;
  @Optional() @Text({ max: 500, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Followers a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit/changes')
export class CreditFollowerController {
  constructor(private readonly followers: CreditFollowers) {}

  /** That what has ended up to here is gone from the department's copy and from all that it made of it. */
  @Post('confirmations')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  confirm(@Caller() caller: Principal, @CheckedBody(ConfirmChangesBody) { cursor }: ConfirmChangesBody): Promise<Confirmation> {
    return this.followers.confirm(caller, cursor);
  }

  /** That the department follows no longer and has erased its copy. */
  @Delete('confirmations')
  @HttpCode(204)
  @Allow('DEPARTMENT')
  leave(@Caller() caller: Principal): Promise<void> {
    return this.followers.leave(caller);
  }

  @Get('unconfirmed')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  unconfirmed(
    @Caller() caller: Principal,
    @CheckedQuery(ListUnconfirmedQuery) { limit = USUAL_PAGE, ...wanted }: ListUnconfirmedQuery,
  ): Promise<Page<Unconfirmed>> {
    return this.followers.unconfirmed(caller, { ...wanted, limit });
  }
}
