import { CreditStatusChanged } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { event, type OutgoingEvent, Outbox, type Received, tombstone } from '@jinqiao/messaging';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  commitmentsOf,
  type EntityState,
  factsOf,
  type PublicRecords,
  RECORD_NOS_MAX,
  restate,
  type StatusChange,
} from './credit-status.js';
import { CreditEntity } from './credit-status.entity.js';
import { isAskable } from '../uscc.js';

/** Of the records of a type in a group: commitments that nobody has checked yet. */
export const OPEN_COUNT = `count(*) FILTER (WHERE type = 'COMMITMENT' AND commitment ->> 'outcome' IS NULL)::integer`;

/** The numbers of records that stood in what was public `before` and do not `now`. */
export const ENDED = `ARRAY(SELECT jsonb_array_elements_text(before)::uuid EXCEPT SELECT jsonb_array_elements_text(now)::uuid)`;

/** Why an entity is restated: the event whose effect it is, or null for the clock. */
export type Causes = ReadonlyMap<string, Received<object | null> | null>;

export class UsccInvalid extends DomainError {
  constructor(outcome: string) {
    super(outcome === 'MALFORMED' ? 'USCC_MALFORMED' : 'USCC_CHECK_FAILED', 400, {
      zh: '统一社会信用代码不正确',
      en: 'The unified social credit code is not valid',
    });
  }
}

@Injectable()
export class CreditStatuses {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Locks the entities' rows for the rest of the transaction, in sorted order, so that two transactions on one merchant take turns and
   * never wait for each other in a circle. Whoever changes a record's publicity locks before it adds the record's event: that makes the
   * order of events per USCC the order of commits.
   */
  async lock(tx: EntityManager, usccs: readonly string[]): Promise<EntityState[]> {
    if (usccs.length === 0) return [];
    const sorted = [...usccs].sort();
    await tx.query('INSERT INTO credit_entities (uscc) SELECT uscc FROM unnest($1::text[]) AS uscc ON CONFLICT (uscc) DO NOTHING', [
      sorted,
    ]);
    return tx.query(
      `SELECT uscc, revision, public_records AS "publicRecords", record_nos AS "recordNos", commitments, records
       FROM credit_entities WHERE uscc = ANY ($1) ORDER BY uscc FOR UPDATE`,
      [sorted],
    );
  }

  /** Counts the public records of locked entities afresh and announces what is different. */
  async restate(tx: EntityManager, locked: readonly EntityState[], causes: Causes): Promise<void> {
    const records = await this.findPublicRecords(tx, locked);
    const changes = locked.map((entity) => restate(entity, records.get(entity.uscc) ?? [])).filter((change) => change.announced !== null);
    if (changes.length === 0) return;
    // What has changed gets its position in the change feed afterwards (CreditChanges).
    await tx.query(
      `WITH changed AS (
         UPDATE credit_entities AS kept
         SET revision = x.revision, public_records = x."publicRecords", record_nos = x."recordNos", commitments = x.commitments,
             records = x.records, changed_at = clock_timestamp()
         FROM jsonb_to_recordset($1::jsonb)
           AS x (uscc text, revision integer, "publicRecords" jsonb, "recordNos" jsonb, commitments jsonb, records jsonb)
         WHERE kept.uscc = x.uscc
         RETURNING kept.uscc, old.record_nos AS before, new.record_nos AS now
       ) INSERT INTO changed_entities (uscc, ended) SELECT uscc, ${ENDED} FROM changed`,
      [JSON.stringify(changes.map((change) => change.entity))],
    );
    await this.outbox.add(
      tx,
      changes.map((change) => announcement(change, causes)),
    );
  }

  /** Restates whoever was last told something else than is public now: after a restore, when only part of a transaction had been published. */
  async restateDiffering(tx: EntityManager): Promise<void> {
    const rows: { uscc: string }[] = await tx.query(
      `SELECT uscc FROM (SELECT * FROM credit_records WHERE standing = 'PUBLIC') AS held FULL JOIN credit_entities AS told USING (uscc)
       GROUP BY uscc
       HAVING count(record_no) <> coalesce(sum(DISTINCT jsonb_array_length(record_nos)), 0)
           OR bool_or(record_no IS NOT NULL AND NOT coalesce(record_nos ? record_no::text, FALSE))
           OR bool_or(record_no IS NOT NULL AND NOT told.records @> jsonb_build_array(jsonb_build_object('recordNo', record_no,
                'revision', held.revision)))
           OR ${OPEN_COUNT} <> coalesce(max((commitments ->> 'open')::integer), 0)
           OR bool_or(record_no IS NOT NULL AND NOT coalesce(public_records @> jsonb_build_array(jsonb_build_object('type', type, 'rules',
                jsonb_path_query_array(legal_basis, '$[*].ruleVersion'))), FALSE))`,
    );
    const usccs = rows.map(({ uscc }) => uscc);
    await this.restate(tx, await this.lock(tx, usccs), new Map());
  }

  /** Restates at most so many that were last announced before it was said how each record stands; answers how many. Who is locked comes later. */
  async restateOlder(most: number): Promise<number> {
    return this.db.transaction(async (tx) => {
      const older: { uscc: string }[] = await tx.query(
        'SELECT uscc FROM credit_entities WHERE records IS NULL ORDER BY uscc LIMIT $1 FOR UPDATE SKIP LOCKED',
        [most],
      );
      const usccs = older.map(({ uscc }) => uscc);
      await this.restate(tx, await this.lock(tx, usccs), new Map());
      return usccs.length;
    });
  }

  /** The public facts of any valid code. An entity nobody has recorded and one whose records are not public look the same. */
  async find(text: string): Promise<CreditStatusChanged> {
    const { code, outcome } = readUscc(text);
    if (!isAskable(outcome)) throw new UsccInvalid(outcome);
    const kept = await this.db.manager.findOneBy(CreditEntity, { uscc: code });
    return factsOf(kept ?? { uscc: code, revision: 0, publicRecords: [], recordNos: [], commitments: commitmentsOf([]), records: [] });
  }

  private async findPublicRecords(tx: EntityManager, entities: readonly EntityState[]): Promise<Map<string, PublicRecords[]>> {
    const rows: (PublicRecords & { uscc: string })[] = await tx.query(
      `SELECT uscc, type, count(*)::integer AS count, ${OPEN_COUNT} AS open,
              jsonb_path_query_array(jsonb_agg(DISTINCT legal_basis), '$[*][*].ruleVersion') AS rules,
              to_jsonb((array_agg(jsonb_strip_nulls(jsonb_build_object('recordNo', record_no, 'revision', revision,
                'contested', nullif(is_contested, FALSE), 'publicUntil', public_until)) ORDER BY record_no))[1:${RECORD_NOS_MAX}]) AS records
       FROM credit_records WHERE uscc = ANY ($1) AND standing = 'PUBLIC'
       GROUP BY uscc, type`,
      [entities.map((entity) => entity.uscc)],
    );
    const byEntity = new Map(entities.map(({ uscc }): [string, PublicRecords[]] => [uscc, []]));
    for (const { uscc, ...records } of rows) byEntity.get(uscc)?.push(records);
    return byEntity;
  }
}

function announcement({ entity, announced }: StatusChange, causes: Causes): OutgoingEvent {
  const causedBy = causes.get(entity.uscc) ?? undefined;
  const options = causedBy && { causedBy };
  if (announced === 'CLEARED') return tombstone(CreditStatusChanged, { key: entity.uscc, revision: entity.revision }, options);
  return event(CreditStatusChanged, factsOf(entity), options);
}
