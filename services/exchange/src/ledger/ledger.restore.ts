import type { LedgerHeadSigned } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import type { Ledger } from './ledger.service.js';

/**
 * Heads that were published and that the database does not know: it was set back. They stay part of the series, so the next head names
 * the last of them, and the ledger says that what they vouched for is not all here any more.
 */
export const takeOverHeads =
  (ledger: Ledger) =>
  async (tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> => {
    let news = 0;
    for (const { data: head } of said as readonly Received<LedgerHeadSigned>[]) {
      const kept: unknown[] = await tx.query(
        'INSERT INTO ledger_heads (date, revision, size, head, lost) VALUES ($1, $2, $3, $4, TRUE) ON CONFLICT DO NOTHING RETURNING 1',
        [head.date, head.revision, head.size, head],
      );
      if (kept.length === 0) continue;
      await ledger.add(tx, [{ kind: 'SET_BACK', head, at: ledger.now().toISOString() }]);
      news += 1;
    }
    return news;
  };
