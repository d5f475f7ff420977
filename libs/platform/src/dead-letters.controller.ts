import { Optional, Text, Whole, Flag, type ServiceName } from '@jinqiao/contracts';
import { BatchConsumer, DeadLetters, type DeadLetter, type DeadLetterDetail } from '@jinqiao/messaging';
import { Controller, Get, HttpCode, Param, ParseUUIDPipe, Post, type Type } from '@nestjs/common';
import { Allow } from './access.js';
import { CheckedQuery } from './checked.js';
import { decodeCursor, encodeCursor, BadCursor, type Page } from './page.js';

class ListDeadLettersQuery {
  @Optional() @Flag({ about: 'true: not yet replayed; false: replayed; absent: both.' }) open?: boolean;
  @Optional() @Text({ max: 100 }) code?: string;
  @Optional() @Text({ max: 250 }) topic?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 200 }) limit?: number;
}

interface Replayed {
  id: string;
  replayed: boolean;
  code?: string;
  reason?: string;
}

const LIST = 'dead-letters';
const USUAL_PAGE = 50;

/** The dead letters of one service, under its own prefix. */
export function deadLettersController(service: ServiceName): Type {
  @Controller(`api/${service}/dead-letters`)
  @Allow('OPERATOR')
  class DeadLettersController {
    constructor(
      private readonly deadLetters: DeadLetters,
      private readonly consumer: BatchConsumer,
    ) {}

    @Get()
    async list(@CheckedQuery(ListDeadLettersQuery) query: ListDeadLettersQuery): Promise<Page<DeadLetter>> {
      const { cursor, limit = USUAL_PAGE, ...filter } = query;
      const items = await this.deadLetters.list({ ...filter, limit, ...(cursor && { before: idIn(cursor) }) });
      const last = items.at(-1);
      return { items, next: last && items.length === limit ? encodeCursor(LIST, [last.id]) : null };
    }

    @Get(':id')
    inspect(@Param('id', ParseUUIDPipe) id: string): Promise<DeadLetterDetail> {
      return this.deadLetters.inspect(id);
    }

    /** Handles it again; a record that fails again stays a dead letter and the answer says why. */
    @Post(':id/replay')
    @HttpCode(200)
    async replay(@Param('id', ParseUUIDPipe) id: string): Promise<Replayed> {
      const refusal = await this.consumer.replay(id);
      return refusal ? { id, replayed: false, code: refusal.code, reason: refusal.reason } : { id, replayed: true };
    }
  }
  return DeadLettersController;
}

function idIn(cursor: string): string {
  const [id] = decodeCursor(LIST, cursor);
  if (typeof id !== 'string') throw new BadCursor();
  return id;
}
