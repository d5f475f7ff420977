import { randomUUID } from 'node:crypto';
import { type EntitlementState, RecordsGiven } from '@jinqiao/contracts';
import { event, KafkaConnection, Outbox, readPortion, type Received } from '@jinqiao/messaging';
import { Clock, decodeCursor, encodeCursor, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { factsOf, type SharingFacts } from '../catalogue/catalogue.js';
import { ReplayTooOld } from '../delivery/delivery.js';
import { EntitlementUnknown } from '../entitlement/entitlement.js';
import { Entitlements } from '../entitlement/entitlement.service.js';
import { Ledger } from '../ledger/ledger.service.js';
import { assertPullable, type GrantedRecord, grantedOf, NotByPull, type StreamRecord } from './granted-record.js';

/** Some records of a stream; there is always a cursor behind them. */
export interface GrantedPage {
  readonly entitlementId: string;
  readonly purpose: string;
  readonly items: readonly GrantedRecord[];
  readonly cursor: string;
  readonly more: boolean;
}

/** Gives departments records of the streams they were granted, read from the topics themselves: nothing is kept twice. */
@Injectable()
export class GrantedRecords {
  constructor(
    private readonly db: DataSource,
    private readonly entitlements: Entitlements,
    private readonly kafka: KafkaConnection,
    private readonly ledger: Ledger,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async pull(caller: Principal, entitlementId: string, { cursor, limit }: { cursor?: string; limit: number }): Promise<GrantedPage> {
    const { grant, facts } = await this.granted(caller, entitlementId);
    const from = cursor === undefined ? new Map<number, bigint>() : offsetsIn(entitlementId, cursor);
    const portion = await readPortion(this.kafka, facts.stream, `exchange.own.${randomUUID()}`, { from, most: limit });
    // Of a last state nothing is missing but what was replaced.
    if (portion.isCut && facts.stream.retention !== 'LAST_STATE') throw new ReplayTooOld('/cursor');
    const records = portion.received.map((one) => recordOf(one, facts));
    const items = await this.give(grant, records);
    const offsets = [...portion.next].sort(([one], [other]) => one - other).map(([, offset]) => String(offset));
    return { entitlementId, purpose: grant.purpose, items, cursor: encodeCursor(entitlementId, offsets), more: portion.hasMore };
  }

  private async granted(caller: Principal, entitlementId: string): Promise<{ grant: EntitlementState; facts: SharingFacts }> {
    const grant = await this.entitlements.one(caller, entitlementId);
    if (grant.recipientId !== caller.id) throw new EntitlementUnknown();
    if (grant.kind === 'STATUTORY_NOTICE') throw new NotByPull();
    assertPullable(grant, this.clock.now());
    const facts = factsOf(grant.stream ?? '');
    if (facts === null) throw new NotByPull();
    return { grant, facts };
  }

  /** What is given is on record before it leaves. */
  private async give(grant: EntitlementState, records: readonly StreamRecord[]): Promise<GrantedRecord[]> {
    const { entitlementId, recipientId, purpose } = grant;
    return this.db.transaction(async (tx) => {
      // One page of a grant at a time: each counts on from the last.
      await tx.query('SELECT FROM entitlements WHERE entitlement_id = $1 FOR NO KEY UPDATE', [entitlementId]);
      const rows: { key: string }[] = await tx.query('SELECT key FROM granted_keys WHERE entitlement_id = $1 AND key = ANY($2)', [
        entitlementId,
        records.map(({ key }) => key),
      ]);
      const given = new Set(rows.map(({ key }) => key));
      const items = grantedOf(grant, records, given);
      if (items.length === 0) return items;
      await this.keepGiven(tx, entitlementId, [...given].filter((key) => !rows.some((row) => row.key === key)).sort());
      const at = this.clock.now().toISOString();
      const stream = grant.stream ?? '';
      const under = { recipientId, entitlementIds: [entitlementId], purpose };
      await this.ledger.add(tx, [{ kind: 'PULLED', ...under, records: items.length, stream, at }]);
      return items;
    });
  }

  private async keepGiven(tx: EntityManager, entitlementId: string, keys: string[]): Promise<void> {
    if (keys.length === 0) return;
    const [last]: { revision: number }[] = await tx.query('SELECT max(revision) AS revision FROM granted_keys WHERE entitlement_id = $1', [
      entitlementId,
    ]);
    const given: RecordsGiven = { entitlementId, revision: (last?.revision ?? 0) + 1, keys };
    await keep(tx, given);
    await this.outbox.add(tx, event(RecordsGiven, given));
  }
}

/** Answers how many of the keys are new. */
async function keep(tx: EntityManager, { entitlementId, revision, keys }: RecordsGiven): Promise<number> {
  const kept: unknown[] = await tx.query(
    `INSERT INTO granted_keys (entitlement_id, key, revision) SELECT $1, unnest($2::text[]), $3::integer ON CONFLICT DO NOTHING RETURNING 1`,
    [entitlementId, keys, revision],
  );
  return kept.length;
}

/** What had been given and a database that was set back does not know. */
export async function takeOverGrantedKeys(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<RecordsGiven>[]) news += await keep(tx, data);
  return news;
}

const recordOf = ({ key, type, revision, data }: Received<object | null>, { areasOf }: SharingFacts): StreamRecord => ({
  key,
  event: type.name,
  revision,
  body: data,
  areas: data === null ? [] : (areasOf?.(data) ?? []),
});

const offsetsIn = (entitlementId: string, cursor: string): Map<number, bigint> =>
  new Map(decodeCursor(entitlementId, cursor).map((offset, partition) => [partition, BigInt(offset ?? 0)]));
