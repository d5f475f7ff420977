import { FEEDBACK_KINDS, type FeedbackKind, Flag, OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, type Applied, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import { DEADLINE_STATES, type DeadlineState } from '../clock/clock.js';
import {
  type FeedbackCounts,
  type FeedbackEntry,
  FeedbackQueries,
  LIST_STATUSES,
  type ListStatus,
  type NotReceivedList,
  type NotUndoneList,
  type OverdueList,
  type UnmatchedEntry,
} from './feedback.queries.js';

export class ListFeedbackQuery {
  @Optional() @OneOf(FEEDBACK_KINDS) kind?: FeedbackKind;
  @Optional() @OneOf(LIST_STATUSES, { about: 'ISSUED: stands, answered or not.' }) status?: ListStatus;
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Text({ max: 200 }) subject?: string;
  @Optional() @Flag() overdue?: boolean;
  @Optional()
  @OneOf(DEADLINE_STATES, { about: 'NOT_STARTED: its clock starts with the receipt, and the platform has not received it.' })
  deadline?: DeadlineState;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class CountFeedbackQuery {
  @Optional() @OneOf(FEEDBACK_KINDS) kind?: FeedbackKind;
}

export class ListOverdueQuery {
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Whole({ min: 0, max: 100_000, about: 'Only what is at least so many hours old.' }) hoursLeast?: number;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange')
export class FeedbackController {
  constructor(private readonly feedback: FeedbackQueries) {}

  @Get('feedback')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListFeedbackQuery) query: ListFeedbackQuery,
  ): Promise<Page<FeedbackEntry | UnmatchedEntry>> {
    return this.feedback.list(caller, { limit: 100, ...query });
  }

  /** All that statistics read of feedback. */
  @Get('feedback/counts')
  @Allow('PLATFORM', 'DEPARTMENT', 'STATISTICS', 'OPERATOR', 'AUDITOR')
  counts(@Caller() caller: Principal, @CheckedQuery(CountFeedbackQuery) { kind }: CountFeedbackQuery): Promise<FeedbackCounts> {
    return this.feedback.counts(caller, kind ?? null);
  }

  @Get('feedback/overdue')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  overdue(@Caller() caller: Principal, @CheckedQuery(ListOverdueQuery) query: ListOverdueQuery): Promise<OverdueList> {
    return this.feedback.overdue(caller, { limit: 100, ...query });
  }

  /** The report of stale penalties. */
  @Get('feedback/not-undone')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  notUndone(@Caller() caller: Principal, @CheckedQuery(ListOverdueQuery) query: ListOverdueQuery): Promise<NotUndoneList> {
    return this.feedback.notUndone(caller, { limit: 100, ...query });
  }

  /** What a platform's clock waits for, and nobody there has received. */
  @Get('feedback/not-received')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  notReceived(@Caller() caller: Principal, @CheckedQuery(ListOverdueQuery) query: ListOverdueQuery): Promise<NotReceivedList> {
    return this.feedback.notReceived(caller, { limit: 100, ...query });
  }

  @Get('feedback/:feedbackId')
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  one(@Caller() caller: Principal, @Param('feedbackId') feedbackId: string): Promise<FeedbackEntry> {
    return this.feedback.one(caller, feedbackId);
  }

  /** Not for platforms, and of results only its own for a department: whether one under embargo exists is nobody else's business. */
  @Get('applied/:subject')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR', 'SERVICE')
  applied(@Caller() caller: Principal, @Param('subject') subject: string): Promise<Applied> {
    return this.feedback.applied(caller, subject);
  }
}
