import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { CreditFollowers } from '../credit-follower/credit-follower.service.js';
import { type Changes, CreditChanges } from './credit-change.service.js';

const USUAL_PAGE = 100;

export class FollowChangesQuery {
  @Optional()
  @Text({ max: 500, about: '`cursor` of the page before, or `after` of a snapshot; absent = from the start.' })
  after?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Entities a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit/changes')
export class CreditChangeController {
  constructor(
    private readonly changes: CreditChanges,
    private readonly followers: CreditFollowers,
  ) {}

  /** Not for platforms: they are told of their own merchants, as feedback. */
  @Get()
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  async follow(
    @Caller() caller: Principal,
    @CheckedQuery(FollowChangesQuery) { after, limit = USUAL_PAGE }: FollowChangesQuery,
  ): Promise<Changes> {
    await this.followers.note(caller, after);
    return this.changes.list(after, limit);
  }
}
