import { repairDecisionIntake, type RepairDecisionReported, topicOf } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Outbox, type Received } from '@jinqiao/messaging';
import {
  batchAnswer,
  type BatchAnswer,
  Clock,
  decodeCursor,
  type ItemAnswer,
  ITEMS_MAX,
  namedIn,
  type Page,
  pageOf,
  type Principal,
  type Upload,
} from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { assertCreditOffice } from '../credit-office.js';
import { type CreditRecordState, repair } from '../credit-record/credit-record.js';
import { CreditRecords } from '../credit-record/credit-record.service.js';
import { RecordUnknown, subjectOf } from '../reported-record/reported-record.js';
import {
  DECISION_CONFLICT,
  type DecisionRead,
  DecisionUnknown,
  readDecision,
  type RepairCondition,
  repairConditions,
  type RepairDecision,
  repairedBy,
  RepairRejected,
} from './repair.js';
import { DECISION, IS_ITS_RECORD, keepDecisions, KEPT, type KeptDecision, noteApplied } from './repair.claims.js';
import { decisionsIn, TooManyDecisions } from './repair.file.js';

/** A decision as it came in, from whatever channel. */
interface Passed {
  readonly input: unknown;
  readonly causedBy?: Received<RepairDecisionReported>;
}

/** What became of one decision. */
export interface RepairAnswer extends ItemAnswer {
  readonly decisionNo: string | null;
  /** The records that it ended or that had ended before; none yet: it waits for one. */
  readonly recordNos: readonly string[];
}

/** Of a row of a table. */
export interface RepairRowAnswer extends RepairAnswer {
  /** Counted from 1, the header included. */
  readonly line: number;
}

/** What became of one number, whoever sent it. */
export interface PassedDecision {
  readonly decisionNo: string;
  /** Null where none was taken. */
  readonly decision: KeptDecision | null;
  /** Of what came over Kafka: over HTTP a refusal is its answer. */
  readonly rejections: readonly { readonly errors: readonly Finding[]; readonly rejectedAt: Date }[];
}

/** Whether a record may be repaired: what its deciding body looks at before it decides. */
export interface Repairability {
  readonly record: CreditRecordState;
  readonly conditions: readonly RepairCondition[];
}

export interface DecisionsWanted {
  readonly state?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'repair-decisions';
const REJECTIONS_MAX = 50;

@Injectable()
export class Repairs {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly records: CreditRecords,
    private readonly clock: Clock,
  ) {}

  async acceptOne(caller: Principal, input: unknown): Promise<RepairAnswer> {
    const [answer] = await this.acceptAll(caller, [input]);
    if (!answer || answer.outcome === 'rejected') throw new RepairRejected(answer?.errors ?? []);
    return answer;
  }

  async acceptMany(caller: Principal, inputs: readonly unknown[]): Promise<BatchAnswer<RepairAnswer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyDecisions();
    return batchAnswer(await this.acceptAll(caller, inputs));
  }

  /** The rows of a table, each answered for itself with its line. */
  async acceptFile(caller: Principal, { content }: Upload): Promise<BatchAnswer<RepairRowAnswer>> {
    await assertCreditOffice(this.db.manager, caller);
    const rows = await decisionsIn(content);
    const answers = await this.acceptAll(
      caller,
      rows.map(({ input }) => input),
    );
    return batchAnswer(answers.map((answer, at) => ({ ...answer, line: rows[at]?.line ?? 0 })));
  }

  /**
   * Applies decisions whose record came in a transaction that did not see them yet, and they did not see its; at most `most` of them;
   * answers how many it found.
   */
  async applyWaiting(most: number): Promise<number> {
    return this.db.transaction(async (tx) => {
      const due: RepairDecision[] = await tx.query(
        `SELECT ${DECISION} FROM repair_decisions AS d
         WHERE applied_at IS NULL
           AND EXISTS (SELECT FROM credit_records r WHERE ${IS_ITS_RECORD})
         ORDER BY decision_no LIMIT $1 FOR UPDATE SKIP LOCKED`,
        [most],
      );
      await this.apply(tx, due);
      return due.length;
    });
  }

  /** For the department that decided the record, under its own number. */
  async conditions(department: Principal, recordNo: string): Promise<Repairability[]> {
    const records = await this.records.findReported(subjectOf(department.id, recordNo));
    if (records.length === 0) throw new RecordUnknown();
    const ofEntities = await this.records.findOfEntities([...new Set(records.map(({ uscc }) => uscc))]);
    const today = dayInChina(this.clock.now());
    return records.map((record) => ({ record, conditions: repairConditions(record, ofEntities, today) }));
  }

  /** Decisions by their number: those that wait for their record, those that were applied, or all; of departments for the credit office alone. */
  async list(caller: Principal, { state, cursor, limit }: DecisionsWanted): Promise<Page<KeptDecision>> {
    if (caller.kind === 'DEPARTMENT') await assertCreditOffice(this.db.manager, caller);
    const [after = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: KeptDecision[] = await this.db.query(
      `SELECT ${KEPT} FROM repair_decisions
       WHERE ($1::text IS NULL OR ($1 = 'WAITING') = (applied_at IS NULL)) AND ($2::text IS NULL OR decision_no > $2)
       ORDER BY decision_no LIMIT $3`,
      [state ?? null, after, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ decisionNo }) => [decisionNo]);
  }

  /** What became of one number, refusals over Kafka included; of departments for the credit office alone. */
  async find(caller: Principal, decisionNo: string): Promise<PassedDecision> {
    if (caller.kind === 'DEPARTMENT') await assertCreditOffice(this.db.manager, caller);
    if (decisionNo.includes('\0')) throw new DecisionUnknown();
    const [decision]: KeptDecision[] = await this.db.query(`SELECT ${KEPT} FROM repair_decisions WHERE decision_no = $1`, [decisionNo]);
    const rejections: PassedDecision['rejections'][number][] = await this.db.query(
      `SELECT jsonb_build_array(jsonb_build_object('code', code, 'pointer', coalesce(pointer, ''), 'message', reason)) AS errors,
         failed_at AS "rejectedAt"
       FROM dead_letters WHERE topic LIKE $1 AND key = $2 AND replayed_at IS NULL ORDER BY failed_at DESC LIMIT $3`,
      [topicOf(repairDecisionIntake, '%'), decisionNo, REJECTIONS_MAX],
    );
    if (!decision && rejections.length === 0) throw new DecisionUnknown();
    return { decisionNo, decision: decision ?? null, rejections };
  }

  private acceptAll(caller: Principal, inputs: readonly unknown[]): Promise<RepairAnswer[]> {
    return this.db.transaction(async (tx) => {
      await assertCreditOffice(tx, caller);
      return this.accept(
        tx,
        caller.id,
        inputs.map((input) => ({ input })),
      );
    });
  }

  /** The one way in, for the credit office; each is answered in its place. */
  async accept(tx: EntityManager, passedBy: string, passed: readonly Passed[]): Promise<RepairAnswer[]> {
    const now = this.clock.now();
    const readings = passed.map((one) => ({ ...one, read: readDecision(one.input, dayInChina(now)) }));
    const decisions = readings.flatMap(({ read }) => (read.ok ? [read.decision] : []));
    const fresh = new Set(await keepNew(tx, decisions, { passedBy, receivedAt: now }));
    const kept = await findForUpdate(
      tx,
      decisions.map(({ decisionNo }) => decisionNo),
    );
    // One that comes again ends what has come of its document since it was applied; of the same at once the first is the cause.
    const causes: Causes = new Map(
      readings.toReversed().flatMap(({ read, causedBy }) => (read.ok ? [[sameAs(read.decision), causedBy ?? null] as const] : [])),
    );
    const applied = await this.apply(
      tx,
      [...kept.values()].filter((decision) => causes.has(sameAs(decision))),
      { fresh, causes },
    );
    return readings.map(({ input, read }) => answerOf(input, read, { kept, applied, fresh }));
  }

  /** Ends the records of decisions whose rows are locked. Records are locked in the order of their numbers, entities after them. */
  private async apply(
    tx: EntityManager,
    decisions: readonly RepairDecision[],
    { fresh, causes }: { readonly fresh: ReadonlySet<string>; readonly causes: Causes } = { fresh: new Set(), causes: new Map() },
  ): Promise<Map<string, string[]>> {
    const byNumber = new Map(decisions.map((decision) => [decision.decisionNo, decision]));
    const found: { decisionNo: string; recordNos: string[] }[] = await tx.query(
      `SELECT decision_no AS "decisionNo", array_agg(r.record_no::text ORDER BY r.record_no) AS "recordNos"
       FROM repair_decisions d JOIN credit_records r ON ${IS_ITS_RECORD}
       WHERE decision_no = ANY ($1) GROUP BY decision_no ORDER BY decision_no`,
      [[...byNumber.keys()]],
    );
    const decisionOf = new Map(
      found.flatMap(({ decisionNo, recordNos }) => recordNos.map((recordNo) => [recordNo, byNumber.get(decisionNo)] as const)),
    );
    const records = await this.records.findByNoForUpdate(tx, [...decisionOf.keys()]);
    const steps = records.flatMap((record) => {
      const decision = decisionOf.get(record.recordNo);
      const change = decision && repair(record, repairedBy(decision));
      return change && change.record !== record ? [{ change, causedBy: causes.get(sameAs(decision)) ?? null }] : [];
    });
    await this.records.keep(tx, steps);
    const noted = await noteApplied(tx, found, this.clock.now());
    await keepDecisions(tx, this.outbox, [...new Set([...fresh, ...noted])]);
    return new Map(found.map(({ decisionNo, recordNos }) => [decisionNo, recordNos]));
  }
}

/** Which event each decision came by; null over HTTP. */
type Causes = ReadonlyMap<string, Received<RepairDecisionReported> | null>;
const sameAs = ({ decisionNo, hash }: Pick<RepairDecision, 'decisionNo' | 'hash'>): string => `${hash} ${decisionNo}`;

interface Outcomes {
  readonly kept: ReadonlyMap<string, KeptDecision & RepairDecision>;
  readonly applied: ReadonlyMap<string, readonly string[]>;
  /** Numbers that are new with this request; each is so for the first item that has it. */
  readonly fresh: Set<string>;
}

function answerOf(input: unknown, read: DecisionRead, { kept, applied, fresh }: Outcomes): RepairAnswer {
  const nothing = { revision: null, warnings: [], errors: [], unknownFields: read.unknownFields, recordNos: [] };
  if (!read.ok) return { ...nothing, decisionNo: namedIn(input, 'decisionNo').name, outcome: 'rejected', errors: read.findings };
  const { decisionNo, hash } = read.decision;
  const known = kept.get(decisionNo);
  if (known?.hash !== hash) {
    const message = 'is known with another content';
    return { ...nothing, decisionNo, outcome: 'rejected', errors: [{ code: DECISION_CONFLICT, pointer: '/decisionNo', message }] };
  }
  const recordNos = applied.get(decisionNo) ?? known.recordNos;
  return { ...nothing, decisionNo, outcome: fresh.delete(decisionNo) ? 'accepted' : 'duplicate', recordNos };
}

/** The numbers that were not there before. Of a number that comes twice at once the first is kept. */
async function keepNew(
  tx: EntityManager,
  decisions: readonly RepairDecision[],
  { passedBy, receivedAt }: { readonly passedBy: string; readonly receivedAt: Date },
): Promise<string[]> {
  const rows: { decisionNo: string }[] = await tx.query(
    `INSERT INTO repair_decisions (decision_no, hash, uscc, document_no, decided_on, decided_by, reason, passed_by, received_at)
     SELECT "decisionNo", hash, uscc, "documentNo", "decidedOn", "decidedBy", reason, $2, $3
     FROM jsonb_to_recordset($1::jsonb) AS x ("decisionNo" text, hash text, uscc text, "documentNo" text, "decidedOn" date,
       "decidedBy" text, reason text)
     ORDER BY "decisionNo"
     ON CONFLICT (decision_no) DO NOTHING
     RETURNING decision_no AS "decisionNo"`,
    [JSON.stringify(decisions), passedBy, receivedAt],
  );
  return rows.map(({ decisionNo }) => decisionNo);
}

async function findForUpdate(tx: EntityManager, decisionNos: readonly string[]): Promise<Map<string, KeptDecision & RepairDecision>> {
  const rows: (KeptDecision & RepairDecision)[] = await tx.query(
    `SELECT ${DECISION} FROM repair_decisions WHERE decision_no = ANY ($1) ORDER BY decision_no FOR UPDATE`,
    [decisionNos],
  );
  return new Map(rows.map((row) => [row.decisionNo, row]));
}
