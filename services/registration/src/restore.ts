import {
  marketEntities,
  type MarketEntityRegistered,
  type MerchantOnboarded,
  type PermitGranted,
  permits,
  platformMerchants,
} from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { OwnTopics, type Received } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

type Said = readonly Received<object | null>[];

/** What was announced and what a database that was set back does not know (ADR-0009). Who keeps an entity its last event says, unless it is an older one. */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics) {
    ownTopics.takenOver(marketEntities, takeOverEntities);
    ownTopics.takenOver(
      platformMerchants,
      takeOver<MerchantOnboarded>('platform_merchants', { platform_id: 'platformId', shop_id: 'shopId' }),
    );
    ownTopics.takenOver(permits, takeOver<PermitGranted>('permits', { department_id: 'departmentId', permit_no: 'permitNo' }));
  }
}

async function takeOverEntities(tx: EntityManager, said: Said): Promise<number> {
  const states = newest<MarketEntityRegistered>(said);
  const rows = states.map((state) => ({ uscc: state.uscc, revision: state.revision, state, ...keptIn(state) }));
  const taken: unknown[] = await tx.query(
    `INSERT INTO market_entities AS kept (uscc, revision, state, uscc_check, stated_by)
     SELECT uscc, revision, state, uscc_check, stated_by
     FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, revision integer, state jsonb, uscc_check text, stated_by text)
     ORDER BY uscc
     ON CONFLICT (uscc) DO UPDATE SET revision = excluded.revision, state = excluded.state, uscc_check = excluded.uscc_check,
       stated_by = excluded.stated_by, changed_at = clock_timestamp()
     WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify(rows)],
  );
  return taken.length;
}

const keptIn = ({ uscc, departmentId = '' }: MarketEntityRegistered): object => ({
  uscc_check: readUscc(uscc).outcome,
  stated_by: departmentId,
});

/** States that lie in their table as they were said; `key` names the columns that name one, and what of the state stands in them. */
const takeOver =
  <State extends { revision: number }>(table: string, key: Readonly<Record<string, keyof State>>) =>
  async (tx: EntityManager, said: Said): Promise<number> => {
    const columns = Object.keys(key);
    const rows = newest<State>(said).map((state) => {
      const name = Object.fromEntries(Object.entries(key).map(([column, field]) => [column, state[field]]));
      return { ...name, revision: state.revision, state };
    });
    const taken: unknown[] = await tx.query(
      `INSERT INTO ${table} AS kept (${columns.join(', ')}, revision, state)
       SELECT ${columns.join(', ')}, revision, state
       FROM jsonb_to_recordset($1::jsonb) AS x (${columns.map((column) => `${column} text`).join(', ')}, revision integer, state jsonb)
       ORDER BY ${columns.join(', ')}
       ON CONFLICT (${columns.join(', ')}) DO UPDATE SET revision = excluded.revision, state = excluded.state, changed_at = clock_timestamp()
       WHERE kept.revision < excluded.revision
       RETURNING 1`,
      [JSON.stringify(rows)],
    );
    return taken.length;
  };

function newest<State extends { revision: number }>(said: Said): State[] {
  const byKey = new Map<string, State>();
  for (const { key, data } of said as readonly Received<State | null>[]) {
    if (data && data.revision > (byKey.get(key)?.revision ?? 0)) byKey.set(key, data);
  }
  return [...byKey.values()];
}
