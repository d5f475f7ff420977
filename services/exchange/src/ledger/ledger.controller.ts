import { CalendarDate, type LedgerHeadSigned, Optional, Text, Whole } from '@jinqiao/contracts';
import { AllowAnyone, CheckedQuery, decodeCursor, type Page, pageOf } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import type { JWK } from 'jose';
import type { Consistency } from './ledger.js';
import { Ledger } from './ledger.service.js';

export class ListHeadsQuery {
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class ProveConsistencyQuery {
  @CalendarDate({ about: 'Date of the earlier head.' }) from: string;
  @Optional() @Whole({ min: 1, max: 2_147_483_647, about: 'Its revision; absent = the last of that date.' }) fromRevision?: number;
  @CalendarDate({ about: 'Date of the later head.' }) to: string;
  @Optional() @Whole({ min: 1, max: 2_147_483_647, about: 'Its revision; absent = the last of that date.' }) toRevision?: number;
}

const LIST = 'ledger heads';

/** Public: a head says nothing of what it covers, and is worth the more the more people keep it. */
@Controller('api/exchange/ledger')
@AllowAnyone()
export class LedgerController {
  constructor(private readonly ledger: Ledger) {}

  @Get('heads')
  async heads(@CheckedQuery(ListHeadsQuery) { cursor, limit = 100 }: ListHeadsQuery): Promise<Page<LedgerHeadSigned>> {
    const [date, revision] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows = await this.ledger.heads(typeof date === 'string' ? { date, revision: Number(revision) } : null, limit + 1);
    return pageOf(LIST, rows, limit, (head) => [head.date, head.revision]);
  }

  /** For whoever has kept a head: that everything it covers is still there, as it was. */
  @Get('consistency')
  consistency(@CheckedQuery(ProveConsistencyQuery) query: ProveConsistencyQuery): Promise<Consistency> {
    const { from, fromRevision, to, toRevision } = query;
    return this.ledger.consistency({ date: from, revision: fromRevision }, { date: to, revision: toRevision });
  }

  /** A JWK Set (RFC 7517): every key that ever signed heads or evidence. */
  @Get('keys')
  async keys(): Promise<{ keys: JWK[] }> {
    return { keys: await this.ledger.keys() };
  }
}
