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
import { DEADLINE_SOURCES } from './deadline.sources.js';

/** A platform's own; of a department what follows from its results, what it has to answer and what it asked for; all for who watches over all. */
@Controller('api/exchange/deadlines')
export class DeadlineController {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() { kind, id }: Principal, @CheckedQuery(ListDeadlinesQuery) query: ListDeadlinesQuery): Promise<Page<DeadlineEntry>> {
    const whose = kind === 'OPERATOR' || kind === 'AUDITOR' ? null : id;
    return listDeadlines(this.db.manager, DEADLINE_SOURCES, { whose, query, now: this.clock.now() });
  }
}
