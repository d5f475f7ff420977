import {
  CreditRecordEnded,
  type CreditRecordPublished,
  creditRecords,
  type CreditStatusChanged,
  creditStatuses,
  keptRepairDecisions,
} from '@jinqiao/contracts';
import { OwnTopics, type Received, takeOverRows } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { beginEpoch } from '../credit-change/credit-change.service.js';
import { CreditHistory, type KnownRecord } from '../credit-history/credit-history.service.js';
import { commitmentsOf } from '../credit-status/credit-status.js';
import { CreditStatuses, ENDED } from '../credit-status/credit-status.service.js';
import { DECISIONS, IS_ITS_RECORD } from '../repair/repair.claims.js';
import { type CreditRecordState, recordFrom } from './credit-record.js';
import { GIVEN, REPLACED, WRITTEN } from './credit-record.service.js';

/**
 * Records, statuses and decisions on repairs that were published and that a database which was set back does not know (ADR-0009). The sources are read again
 * from the offsets that went back with it: what had been derived and not published yet is derived again.
 */
@Injectable()
export class CreditRestore {
  constructor(ownTopics: OwnTopics, statuses: CreditStatuses, history: CreditHistory) {
    // Statuses first: what records say of an entity is then compared with what was told of it last.
    ownTopics.takenOver(creditStatuses, takeOverStatuses);
    ownTopics.takenOver(creditRecords, (tx, said) => takeOverRecords(tx, said, history));
    ownTopics.takenOver(keptRepairDecisions, takeOverRows(DECISIONS));
    ownTopics.afterTakingOver(letWait);
    ownTopics.afterTakingOver((tx) => statuses.restateDiffering(tx));
    ownTopics.afterTakingOver(beginEpoch);
  }
}

async function takeOverStatuses(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, Omit<CreditStatusChanged, 'lists' | 'mark'>>();
  for (const { key: uscc, revision, data } of said as readonly Received<CreditStatusChanged | null>[]) {
    const status = data ?? { uscc, revision: revision ?? 0, publicRecords: [], recordNos: [], commitments: commitmentsOf([]), records: [] };
    if (status.revision > (newest.get(uscc)?.revision ?? 0)) newest.set(uscc, status);
  }
  const taken: unknown[] = await tx.query(
    `WITH taken AS (
       INSERT INTO credit_entities AS kept (uscc, revision, public_records, record_nos, commitments, records)
       SELECT uscc, revision, "publicRecords", "recordNos", commitments, records
       FROM jsonb_to_recordset($1::jsonb)
         AS x (uscc text, revision integer, "publicRecords" jsonb, "recordNos" jsonb, commitments jsonb, records jsonb)
       ORDER BY uscc
       ON CONFLICT (uscc) DO UPDATE
         SET revision = excluded.revision, public_records = excluded.public_records, record_nos = excluded.record_nos,
             commitments = excluded.commitments, records = excluded.records, changed_at = clock_timestamp()
         WHERE kept.revision < excluded.revision
       RETURNING uscc, coalesce(old.record_nos, '[]') AS before, new.record_nos AS now
     ) INSERT INTO changed_entities (uscc, ended) SELECT uscc, ${ENDED} FROM taken RETURNING 1`,
    [JSON.stringify([...newest.values()])],
  );
  return taken.length;
}

async function takeOverRecords(tx: EntityManager, said: readonly Received<object | null>[], history: CreditHistory): Promise<number> {
  const newest = new Map<string, KnownRecord>();
  for (const one of said as readonly Received<CreditRecordPublished>[]) {
    const record = recordFrom(one.data, !one.is(CreditRecordEnded));
    if (record.revision > (newest.get(record.recordNo)?.record.revision ?? 0)) newest.set(record.recordNo, { record, knownFrom: one.time });
  }
  const records = [...newest.values()].map(({ record }) => record);
  const taken: { recordNo: string }[] = await tx.query(
    `INSERT INTO credit_records AS kept (${WRITTEN}) ${GIVEN} ORDER BY "recordNo"
     ON CONFLICT (record_no) DO UPDATE SET ${REPLACED} WHERE kept.revision < excluded.revision
     RETURNING record_no AS "recordNo"`,
    [JSON.stringify(records)],
  );
  // Known since it was said; what was known in between went with the database.
  await history.append(
    tx,
    taken.flatMap(({ recordNo }) => newest.get(recordNo) ?? []),
  );
  await takeOverReports(tx, records);
  return taken.length;
}

/** What a department had reported so far is a duplicate when it comes again; what it wrote went with the database. */
async function takeOverReports(tx: EntityManager, records: readonly CreditRecordState[]): Promise<void> {
  const reported = records.filter(({ type }) => type !== 'SAMPLING_RESULT');
  await tx.query(
    `INSERT INTO reported_records AS kept (department_id, record_no, revision, restored_revision)
     SELECT "departmentId", substr(subject, length("departmentId") + 2), max("sourceRevision"), max("sourceRevision")
     FROM jsonb_to_recordset($1::jsonb) AS x ("departmentId" text, subject text, "sourceRevision" integer)
     GROUP BY 1, 2 ORDER BY 1, 2
     ON CONFLICT (department_id, record_no) DO UPDATE SET revision = excluded.revision, restored_revision = excluded.restored_revision
       WHERE kept.revision < excluded.revision`,
    [JSON.stringify(reported)],
  );
}

/** A decision may have been said and the end of its record not yet: it waits for it again. */
async function letWait(tx: EntityManager): Promise<void> {
  await tx.query(
    `UPDATE repair_decisions AS d SET applied_at = NULL
     WHERE applied_at IS NOT NULL
       AND EXISTS (SELECT FROM credit_records r WHERE ${IS_ITS_RECORD} AND r.standing NOT IN ('REPAIRED', 'EXPIRED'))`,
  );
}
