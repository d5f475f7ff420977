import {
  Allow,
  Caller,
  CheckedQuery,
  Clock,
  type DeadlineEntry,
  listDeadlines,
  ListDeadlinesQuery,
  type Page,
  type Principal,
} from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { seenBy, viewerOf } from '../actor.js';
import { ALL_DUTIES } from './all-duties.js';

const LISTED = ALL_DUTIES.map(({ listed }) => listed);

/** Periods: a department's own and what was handed over to it; a laboratory's own; all of them for the province and who watches over all. */
@Controller('api/inspection/deadlines')
export class DeadlineController {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('DEPARTMENT', 'LABORATORY', 'OPERATOR', 'AUDITOR')
  async list(@Caller() caller: Principal, @CheckedQuery(ListDeadlinesQuery) query: ListDeadlinesQuery): Promise<Page<DeadlineEntry>> {
    const whose = seenBy(await viewerOf(this.db.manager, caller));
    return listDeadlines(this.db.manager, LISTED, { whose, query, now: this.clock.now() });
  }
}
