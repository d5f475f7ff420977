import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, CheckedQuery } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
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
  constructor(private readonly changes: CreditChanges) {}

  /** Not for platforms: they are told of their own merchants, as feedback. */
  @Get()
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  follow(@CheckedQuery(FollowChangesQuery) { after, limit = USUAL_PAGE }: FollowChangesQuery): Promise<Changes> {
    return this.changes.list(after, limit);
  }
}
