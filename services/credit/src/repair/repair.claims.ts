/** Decisions on repairs that have come before what they are about: whatever a source claims of their document later is repaired from the beginning. */
import { RepairDecisionKept } from '@jinqiao/contracts';
import { type Kept, keepRows, type Outbox } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import type { Claim, RecordChange, Source } from '../credit-record/credit-record.js';
import { repairedBy, type RepairDecision } from './repair.js';

export interface KeptDecision extends Omit<RepairDecision, 'hash'> {
  readonly receivedAt: Date;
  readonly appliedAt: Date | null;
  readonly recordNos: readonly string[];
}

export const KEPT = `decision_no AS "decisionNo", uscc, document_no AS "documentNo", decided_on::text AS "decidedOn", decided_by AS "decidedBy",
  reason, received_at AS "receivedAt", applied_at AS "appliedAt", record_nos AS "recordNos"`;
export const DECISION = `${KEPT}, hash`;
/** Of the record `r` and the decision `d`. What was taken back is not repaired; should it come back, the decision has waited for it. */
export const IS_ITS_RECORD = `r.uscc = d.uscc AND r.digest ->> 'documentNo' = d.document_no AND r.standing NOT IN ('CORRECTED', 'REVOKED')`;

/** A decision for a restore (ADR-0020). */
export const DECISIONS: Kept = {
  type: RepairDecisionKept,
  key: ['decision_no'],
  tables: ['repair_decisions'],
  added: [],
  holds: 'true',
};

/**
 * The decisions that have made good already what is claimed, by the entity and document that they are about. They are locked before
 * records are, as everywhere.
 */
export async function findRepairsOf(tx: EntityManager, sources: readonly Source[]): Promise<RepairDecision[]> {
  const documents = sources
    .flatMap(({ claims }) => claims)
    .flatMap(({ uscc, digest }) => (digest?.documentNo === undefined ? [] : [{ uscc, documentNo: digest.documentNo }]));
  if (documents.length === 0) return [];
  return tx.query(
    `SELECT ${DECISION} FROM repair_decisions
     WHERE (uscc, document_no) IN (SELECT uscc, "documentNo" FROM jsonb_to_recordset($1::jsonb) AS x (uscc text, "documentNo" text))
     ORDER BY decision_no FOR UPDATE`,
    [JSON.stringify(documents)],
  );
}

const isAbout = ({ uscc, digest }: Pick<Claim, 'uscc' | 'digest'>, decision: RepairDecision): boolean =>
  uscc === decision.uscc && digest?.documentNo === decision.documentNo;

/** A claim says of itself by which decision it was made good before it came. */
export function repairedIn(source: Source, repairs: readonly RepairDecision[]): Source {
  const claims = source.claims.map((claim) => {
    const decision = repairs.find((one) => isAbout(claim, one));
    return decision ? { ...claim, repaired: repairedBy(decision) } : claim;
  });
  return { ...source, claims };
}

/** Notes which of these decisions were applied to what has changed, and keeps those for a restore. */
export async function noteRepaired(
  tx: EntityManager,
  outbox: Outbox,
  changes: readonly RecordChange[],
  { repairs, at }: { readonly repairs: readonly RepairDecision[]; readonly at: Date },
): Promise<void> {
  const repaired = changes.map(({ record }) => record).filter(({ standing }) => standing === 'REPAIRED');
  const applied = repairs.map((decision) => ({
    decisionNo: decision.decisionNo,
    recordNos: repaired.filter((record) => isAbout(record, decision)).map(({ recordNo }) => recordNo),
  }));
  const noted = await noteApplied(
    tx,
    applied.filter(({ recordNos }) => recordNos.length > 0),
    at,
  );
  await keepDecisions(tx, outbox, noted);
}

/** Adds records to those that decisions were applied to; answers the numbers of decisions that had not been applied to all of them. */
export async function noteApplied(
  tx: EntityManager,
  applied: readonly Pick<KeptDecision, 'decisionNo' | 'recordNos'>[],
  at: Date,
): Promise<string[]> {
  if (applied.length === 0) return [];
  const [noted]: [{ decisionNo: string }[]] = await tx.query(
    `UPDATE repair_decisions AS kept SET applied_at = coalesce(kept.applied_at, $2),
       record_nos = ARRAY (SELECT DISTINCT no FROM unnest(kept.record_nos || x."recordNos") AS no ORDER BY no)
     FROM jsonb_to_recordset($1::jsonb) AS x ("decisionNo" text, "recordNos" uuid[])
     WHERE kept.decision_no = x."decisionNo" AND (kept.applied_at IS NULL OR NOT kept.record_nos @> x."recordNos")
     RETURNING kept.decision_no AS "decisionNo"`,
    [JSON.stringify(applied), at],
  );
  return noted.map(({ decisionNo }) => decisionNo);
}

/** To be called when all is done to them: says how decisions stand, to be known again after a restore. */
export const keepDecisions = (tx: EntityManager, outbox: Outbox, decisionNos: readonly string[]): Promise<void> =>
  keepRows(
    tx,
    outbox,
    DECISIONS,
    decisionNos.map((decision_no) => ({ decision_no })),
  );
