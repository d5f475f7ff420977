import { OneOf, Optional, Text, Whole } from '@jinqiao/contracts';
import { AllowAnyone, CheckedQuery, Clock, DeadlineFilter, traceHeaders } from '@jinqiao/platform';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tableOf } from './deadline.csv.js';
import { calendarOf } from './deadline.ics.js';
import { formatAsked, FORMATS, type Format } from './deadline.format.js';
import type { MergedPage } from './deadline.js';
import { Deadlines, FILE_MAX, type Question } from './deadline.service.js';

export class MergedDeadlinesQuery extends DeadlineFilter {
  @Optional() @OneOf(FORMATS, { about: 'Goes over the Accept header.' }) format?: Format;
  @Optional() @Text({ max: 4000, about: 'Of a page of JSON; a file has everything up to its limit.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

const CALENDAR = 'text/calendar; charset=utf-8';
const TABLE = 'text/csv; charset=utf-8';

/** The periods of all services. No token is checked here: each service is asked as the caller, and answers what that one may see. */
@Controller('api')
@AllowAnyone()
export class DeadlineController {
  constructor(
    private readonly deadlines: Deadlines,
    private readonly clock: Clock,
  ) {}

  @Get('deadlines')
  async list(
    @CheckedQuery(MergedDeadlinesQuery) { format, cursor, limit, ...filter }: MergedDeadlinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MergedPage | string> {
    const asked = questionOf(filter, request);
    reply.header('vary', 'accept, authorization').header('cache-control', 'private');
    switch (format ?? formatAsked(request.headers.accept)) {
      case 'json':
        return this.deadlines.page(asked, { ...(cursor !== undefined && { cursor }), ...(limit !== undefined && { limit }) });
      case 'ics':
        return this.calendar(asked, reply);
      case 'csv':
        return this.table(asked, reply);
    }
  }

  /** An address of its own for programs that subscribe to a calendar. */
  @Get('deadlines.ics')
  ics(
    @CheckedQuery(DeadlineFilter) filter: DeadlineFilter,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.calendar(questionOf(filter, request), reply);
  }

  @Get('deadlines.csv')
  csv(
    @CheckedQuery(DeadlineFilter) filter: DeadlineFilter,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return this.table(questionOf(filter, request), reply);
  }

  private async calendar(question: Question, reply: FastifyReply): Promise<string> {
    const { items, isCut } = await this.deadlines.all(question);
    asFile(reply, { name: 'deadlines.ics', type: CALENDAR, isCut });
    return calendarOf(items, isCut ? FILE_MAX : null, this.clock.now());
  }

  private async table(question: Question, reply: FastifyReply): Promise<string> {
    const { items, isCut } = await this.deadlines.all(question);
    asFile(reply, { name: 'deadlines.csv', type: TABLE, isCut });
    return tableOf(items, isCut ? FILE_MAX : null);
  }
}

function asFile(reply: FastifyReply, { name, type, isCut }: { name: string; type: string; isCut: boolean }): void {
  reply.type(type).header('content-disposition', `inline; filename="${name}"`).header('cache-control', 'private');
  if (isCut) reply.header('x-cut-at', String(FILE_MAX));
}

const questionOf = (filter: DeadlineFilter, request: FastifyRequest): Question => {
  const { authorization, 'x-purpose': purpose } = request.headers;
  return {
    filter: Object.fromEntries(Object.entries(filter).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    headers: {
      ...traceHeaders(request),
      ...(authorization !== undefined && { authorization }),
      ...(typeof purpose === 'string' && { 'x-purpose': purpose }),
      'x-forwarded-for': request.ip,
    },
  };
};
