import { CreditRecordPublished, creditRecords, type CreditStatusChanged, creditStatuses } from '@jinqiao/contracts';
import { OwnTopics, type Received } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CreditStatuses } from '../credit-status/credit-status.service.js';
import { type CreditRecordState, recordFrom } from './credit-record.js';

/**
 * Records and statuses that were published and that a database which was set back does not know (ADR-0009). The sources are read again
 * from the offsets that went back with it: what had been derived and not published yet is derived again.
 */
@Injectable()
export class CreditRestore {
  constructor(ownTopics: OwnTopics, statuses: CreditStatuses) {
    // Statuses first: what records say of an entity is then compared with what was told of it last.
    ownTopics.takenOver(creditStatuses, takeOverStatuses);
    ownTopics.takenOver(creditRecords, takeOverRecords);
    ownTopics.afterTakingOver((tx) => statuses.restateDiffering(tx));
  }
}

async function takeOverStatuses(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, Pick<CreditStatusChanged, 'uscc' | 'revision' | 'publicRecords' | 'recordNos'>>();
  for (const { key: uscc, revision, data } of said as readonly Received<CreditStatusChanged | null>[]) {
    const status = data ?? { uscc, revision: revision ?? 0, publicRecords: [], recordNos: [] };
    if (status.revision > (newest.get(uscc)?.revision ?? 0)) newest.set(uscc, status);
  }
  const taken: unknown[] = await tx.query(
    `INSERT INTO credit_entities AS kept (uscc, revision, public_records, record_nos)
     SELECT uscc, revision, "publicRecords", "recordNos"
     FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, revision integer, "publicRecords" jsonb, "recordNos" jsonb)
     ORDER BY uscc
     ON CONFLICT (uscc) DO UPDATE
       SET revision = excluded.revision, public_records = excluded.public_records, record_nos = excluded.record_nos,
           changed_at = clock_timestamp()
       WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify([...newest.values()])],
  );
  return taken.length;
}

async function takeOverRecords(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const newest = new Map<string, CreditRecordState>();
  for (const one of said as readonly Received<CreditRecordPublished>[]) {
    const record = recordFrom(one.data, one.is(CreditRecordPublished));
    if (record.revision > (newest.get(record.recordNo)?.revision ?? 0)) newest.set(record.recordNo, record);
  }
  const taken: unknown[] = await tx.query(
    `INSERT INTO credit_records AS kept (record_no, revision, uscc, type, department_id, subject, source_revision, legal_basis,
                                         document_date, public_from, public_until, standing)
     SELECT "recordNo", revision, uscc, type, "departmentId", subject, "sourceRevision", "legalBasis",
            "documentDate", "publicFrom", "publicUntil", standing
     FROM jsonb_to_recordset($1::jsonb) AS x ("recordNo" uuid, revision integer, uscc text, type text, "departmentId" text, subject text,
            "sourceRevision" integer, "legalBasis" jsonb, "documentDate" text, "publicFrom" date, "publicUntil" date, standing text)
     ORDER BY "recordNo"
     ON CONFLICT (record_no) DO UPDATE
       SET revision = excluded.revision, source_revision = excluded.source_revision, legal_basis = excluded.legal_basis,
           document_date = excluded.document_date, public_from = excluded.public_from, public_until = excluded.public_until,
           standing = excluded.standing, changed_at = clock_timestamp()
       WHERE kept.revision < excluded.revision
     RETURNING 1`,
    [JSON.stringify([...newest.values()])],
  );
  return taken.length;
}
