import { decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Entitlements } from '../entitlement/entitlement.service.js';
import type { Entry } from '../ledger/ledger.js';

const LIST = 'uses';

/** An entry of the ledger that says what was done under an entitlement; `seq` is its leaf in the tree. */
export type Use = Entry & { readonly seq: number };

export interface UseFilter {
  readonly entitlement?: string;
  readonly recipient?: string;
  readonly since?: string;
  readonly until?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export class UseUnnamed extends DomainError {
  constructor() {
    super('USE_UNNAMED', 422, { zh: '须指明获取依据或接收方', en: 'An entitlement or a recipient has to be named' });
  }
}

/**
 * The log of use (政务数据共享条例 art. 29: kept three years at least). It is the ledger, read by who may know and under what: nothing is
 * ever removed from it, and whatever is found here can be proven.
 */
@Injectable()
export class Uses {
  constructor(
    private readonly db: DataSource,
    private readonly entitlements: Entitlements,
  ) {}

  /** In the order of the ledger, the oldest first; what was done in the last second may still be on its way into it. */
  async list(caller: Principal, filter: UseFilter): Promise<Page<Use>> {
    const [after = -1] = filter.cursor === undefined ? [] : decodeCursor(LIST, filter.cursor);
    const recipientId = await this.recipientOf(caller, filter);
    const [since, until] = [filter.since, filter.until].map((at) => (at === undefined ? null : new Date(at).toISOString()));
    // A head that was signed before then covers nothing later: entries get their number after what they are about has happened.
    const rows: { seq: string; entry: string }[] = await this.db.query(
      `SELECT seq, entry FROM ledger_entries
       WHERE entry::json ->> 'recipientId' = $1 AND seq > $2
         AND seq >= coalesce((SELECT max(size) FROM ledger_heads WHERE NOT lost AND head ->> 'signedAt' < $3), 0)
         AND entry::json ->> 'kind' <> 'ANSWERED'
         AND ($4::text IS NULL OR entry::json ->> 'entitlementId' = $4 OR entry::jsonb -> 'entitlementIds' ? $4)
         AND ($3::text IS NULL OR (entry::json ->> 'at')::timestamptz >= $3::timestamptz)
         AND ($5::text IS NULL OR (entry::json ->> 'at')::timestamptz < $5::timestamptz)
       ORDER BY seq
       LIMIT $6`,
      [recipientId, after, since, filter.entitlement ?? null, until, filter.limit + 1],
    );
    const uses = rows.map(({ seq, entry }) => ({ seq: Number(seq), ...(JSON.parse(entry) as Entry) }));
    return pageOf(LIST, uses, filter.limit, ({ seq }) => [seq]);
  }

  /** A recipient sees its own uses, a provider those under its grants, whoever looks after all everybody's. */
  private async recipientOf(caller: Principal, { entitlement, recipient }: UseFilter): Promise<string> {
    if (entitlement !== undefined) return (await this.entitlements.one(caller, entitlement)).recipientId;
    if (caller.kind === 'PLATFORM' || caller.kind === 'DEPARTMENT') return caller.id;
    if (recipient === undefined) throw new UseUnnamed();
    return recipient;
  }
}
