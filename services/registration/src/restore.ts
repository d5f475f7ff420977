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

/** What was announced and what a database that was set back does not know (ADR-0009). Who stated it is in no event and stays open. */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics) {
    ownTopics.takenOver(marketEntities, takeOverEntities);
    ownTopics.takenOver(platformMerchants, takeOverMerchants);
    ownTopics.takenOver(permits, takeOverPermits);
  }
}

async function takeOverEntities(tx: EntityManager, said: Said): Promise<number> {
  const states = newest<MarketEntityRegistered>(said);
  const rows = states.map((state) => ({ uscc: state.uscc, revision: state.revision, state, uscc_check: readUscc(state.uscc).outcome }));
  const taken: unknown[] = await tx.query(
    `INSERT INTO market_entities AS kept (uscc, revision, state, uscc_check)
     SELECT uscc, revision, state, uscc_check
     FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, revision integer, state jsonb, uscc_check text)
     ORDER BY uscc
     ON CONFLICT (uscc) DO UPDATE SET revision = excluded.revision, state = excluded.state, uscc_check = excluded.uscc_check,
       stated_by = '', changed_at = clock_timestamp()
     WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify(rows)],
  );
  return taken.length;
}

async function takeOverMerchants(tx: EntityManager, said: Said): Promise<number> {
  const states = newest<MerchantOnboarded>(said);
  const rows = states.map((state) => ({ platform_id: state.platformId, shop_id: state.shopId, revision: state.revision, state }));
  const taken: unknown[] = await tx.query(
    `INSERT INTO platform_merchants AS kept (platform_id, shop_id, revision, state)
     SELECT platform_id, shop_id, revision, state
     FROM jsonb_to_recordset($1::jsonb) AS x (platform_id text, shop_id text, revision integer, state jsonb)
     ORDER BY platform_id, shop_id
     ON CONFLICT (platform_id, shop_id) DO UPDATE SET revision = excluded.revision, state = excluded.state, changed_at = clock_timestamp()
     WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify(rows)],
  );
  return taken.length;
}

async function takeOverPermits(tx: EntityManager, said: Said): Promise<number> {
  const states = newest<PermitGranted>(said);
  const rows = states.map((state) => ({ department_id: state.departmentId, permit_no: state.permitNo, revision: state.revision, state }));
  const taken: unknown[] = await tx.query(
    `INSERT INTO permits AS kept (department_id, permit_no, revision, state)
     SELECT department_id, permit_no, revision, state
     FROM jsonb_to_recordset($1::jsonb) AS x (department_id text, permit_no text, revision integer, state jsonb)
     ORDER BY department_id, permit_no
     ON CONFLICT (department_id, permit_no) DO UPDATE SET revision = excluded.revision, state = excluded.state, changed_at = clock_timestamp()
     WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify(rows)],
  );
  return taken.length;
}

function newest<State extends { revision: number }>(said: Said): State[] {
  const byKey = new Map<string, State>();
  for (const { key, data } of said as readonly Received<State | null>[]) {
    if (data && data.revision > (byKey.get(key)?.revision ?? 0)) byKey.set(key, data);
  }
  return [...byKey.values()];
}
