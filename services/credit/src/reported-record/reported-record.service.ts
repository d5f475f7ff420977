import { creditRecordIntake, type CreditRecordReported, type CreditRecordRetracted, topicOf } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Outbox, type Received } from '@jinqiao/messaging';
import { batchAnswer, type BatchAnswer, Clock, type ItemAnswer, ITEMS_MAX, namedIn, type Principal, TooManyItems } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type CreditRecordState, followSource, type Standing } from '../credit-record/credit-record.js';
import { CreditRecords, type Step } from '../credit-record/credit-record.service.js';
import { findRepairsOf, noteRepaired, repairedIn } from '../repair/repair.claims.js';
import { repairedUnder } from '../repair/repair.js';
import {
  decide,
  DepartmentNotNamed,
  type HeldReport,
  type Reading,
  readReport,
  readRetraction,
  RecordRejected,
  RecordUnknown,
  type Sender,
  subjectOf,
} from './reported-record.js';

/** A report or retraction as it came in, from whatever channel. */
export interface Submitted {
  readonly kind: 'REPORT' | 'RETRACTION';
  readonly input: unknown;
  /** What the sender wrote beyond the declared fields, where the channel has noticed already. */
  readonly unknownFields?: readonly string[];
  readonly causedBy?: Received<CreditRecordReported | CreditRecordRetracted>;
}

/** What became of one submission. */
export interface RecordAnswer extends ItemAnswer {
  readonly recordNo: string | null;
  /** How the record stands now; absent where nothing was accepted. */
  readonly standing?: Standing;
  readonly publicFrom?: string | null;
  readonly publicUntil?: string | null;
}

interface Rejection {
  /** Null where none could be read. */
  readonly revision: number | null;
  readonly errors: readonly Finding[];
  readonly rejectedAt: Date;
}

/** Everything its department may know about one of its numbers. */
export interface ReportedRecord extends Pick<
  HeldReport,
  'recordNo' | 'revision' | 'report' | 'retraction' | 'warnings' | 'unknownFields' | 'repairedUnder'
> {
  readonly departmentId: string;
  readonly acceptedAt: Date | string | null;
  /** What follows from it: one record, or more where its entity or type was corrected. */
  readonly records: readonly CreditRecordState[];
  readonly rejections: readonly Rejection[];
}

// Each is named; a sender with more has sent something else.
const UNKNOWN_FIELDS_MAX = 100;
const REJECTIONS_MAX = 50;

const HELD = `record_no AS "recordNo", revision, hash, restored_revision AS "restoredRevision", accepted_at AS "acceptedAt", report, retraction,
  warnings, unknown_fields AS "unknownFields", repaired_under AS "repairedUnder"`;

@Injectable()
export class ReportedRecords {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly records: CreditRecords,
    private readonly clock: Clock,
  ) {}

  /** One record over HTTP; refused = nothing is kept, not even the refusal. */
  async acceptOne(departmentId: string, submitted: Submitted): Promise<RecordAnswer> {
    const [answer] = await this.db.transaction((tx) => this.accept(tx, departmentId, [submitted]));
    if (!answer || answer.outcome === 'rejected') throw new RecordRejected(answer?.errors ?? []);
    return answer;
  }

  /** Up to 1,000 records over HTTP, each answered for itself. */
  async acceptMany(departmentId: string, inputs: readonly unknown[]): Promise<BatchAnswer<RecordAnswer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems({ zh: '信用记录', en: 'credit records' });
    const submitted = inputs.map((input): Submitted => ({ kind: 'REPORT', input }));
    return batchAnswer(await this.db.transaction((tx) => this.acceptAndNote(tx, departmentId, submitted)));
  }

  /** For whoever cannot be told at once, or of many: refusals are kept, to be asked for. */
  async acceptAndNote(tx: EntityManager, departmentId: string, submitted: readonly Submitted[]): Promise<RecordAnswer[]> {
    const answers = await this.accept(tx, departmentId, submitted);
    await this.keepRejections(tx, departmentId, answers);
    return answers;
  }

  async find(caller: Principal, recordNo: string, named?: string): Promise<ReportedRecord> {
    const departmentId = caller.kind === 'DEPARTMENT' ? caller.id : named;
    if (departmentId === undefined) throw new DepartmentNotNamed();
    if (recordNo.includes('\0')) throw new RecordUnknown();
    const [held]: HeldReport[] = await this.db.query(`SELECT ${HELD} FROM reported_records WHERE department_id = $1 AND record_no = $2`, [
      departmentId,
      recordNo,
    ]);
    const rejections = await this.rejectionsOf(departmentId, recordNo);
    if (!held && rejections.length === 0) throw new RecordUnknown();
    const {
      revision = 0,
      acceptedAt = null,
      report = null,
      retraction = null,
      warnings = [],
      unknownFields = [],
      repairedUnder: under = null,
    } = held ?? {};
    const records = await this.records.findReported(subjectOf(departmentId, recordNo));
    return {
      departmentId,
      recordNo,
      revision,
      acceptedAt,
      report,
      retraction,
      warnings,
      unknownFields,
      repairedUnder: under,
      records,
      rejections,
    };
  }

  /** The one way in. Submissions of one number are applied in their order, and each is answered in its place. */
  private async accept(tx: EntityManager, departmentId: string, submitted: readonly Submitted[]): Promise<RecordAnswer[]> {
    const now = this.clock.now();
    const today = dayInChina(now);
    const items = submitted.map((one) => ({ ...one, reading: read(one, { departmentId, receivedOn: today }) }));
    const readable = items.flatMap(({ reading }) => (reading.ok ? [reading] : []));
    const held = await lockHeld(tx, departmentId, new Set(readable.map(({ submission }) => submission.recordNo)));
    const repairs = await findRepairsOf(
      tx,
      readable.map(({ source }) => source),
    );
    const subjects = [...new Set(readable.map(({ source }) => source.subject))];
    const records = await this.records.findForUpdate(tx, 'REPORTED', subjects);
    const ofEntities = await this.ofRepaired(tx, readable, records);
    const changed = new Map<string, HeldReport>();
    const steps: Step[] = [];
    const answers = items.map(({ input, reading, causedBy }): RecordAnswer => {
      const { unknownFields } = reading;
      if (!reading.ok) {
        const { name, revision } = namedIn(input, 'recordNo');
        return { ...nothing, recordNo: name, revision, outcome: 'rejected', errors: reading.findings, unknownFields };
      }
      const { submission, source } = reading;
      const { recordNo, revision } = submission;
      const before = held.get(recordNo);
      if (!before) throw new Error('A number that was locked is not there');
      const decision = decide(before, reading, now);
      const known = records.get(source.subject) ?? [];
      const answered = { ...nothing, recordNo, revision, outcome: decision.outcome, unknownFields };
      if (decision.outcome === 'rejected') return { ...answered, errors: decision.findings };
      if (decision.outcome === 'duplicate') return { ...answered, warnings: before.warnings, ...standingOf(known, source.revision) };
      const changes = followSource(known, repairedIn(source, repairs), today);
      const after = changes.map(({ record }) => record);
      steps.push(...changes.map((change) => ({ change, causedBy: causedBy ?? null })));
      records.set(source.subject, after);
      const { retraction } = submission;
      const under = retraction?.ground === 'REPAIRED' ? repairedUnder(known, ofEntities, retraction, today) : [];
      const next = under.length > 0 ? { ...decision.held, repairedUnder: under } : decision.held;
      held.set(recordNo, next);
      changed.set(recordNo, next);
      return { ...answered, warnings: decision.held.warnings, ...standingOf(after, source.revision) };
    });
    await keepHeld(tx, departmentId, [...changed.values()]);
    await this.records.keep(tx, steps);
    const changes = steps.map(({ change }) => change);
    await noteRepaired(tx, this.outbox, changes, { repairs, at: now });
    return answers;
  }

  /** What the entities of records that are repaired here have besides. */
  private async ofRepaired(
    tx: EntityManager,
    readable: readonly (Reading & { ok: true })[],
    records: ReadonlyMap<string, readonly CreditRecordState[]>,
  ): Promise<CreditRecordState[]> {
    const repaired = readable.filter(({ submission }) => submission.retraction?.ground === 'REPAIRED');
    const usccs = repaired.flatMap(({ source }) => (records.get(source.subject) ?? []).map(({ uscc }) => uscc));
    return usccs.length === 0 ? [] : this.records.findOfEntities([...new Set(usccs)], tx);
  }

  private async keepRejections(tx: EntityManager, departmentId: string, answers: readonly RecordAnswer[]): Promise<void> {
    const byKey = new Map<string, object>();
    for (const { recordNo, revision, errors, outcome } of answers) {
      if (outcome !== 'rejected' || recordNo === null) continue;
      byKey.set(`${recordNo}\n${revision ?? 0}`, { department_id: departmentId, record_no: recordNo, revision: revision ?? 0, errors });
    }
    if (byKey.size === 0) return;
    await tx.query(
      `INSERT INTO record_rejections (department_id, record_no, revision, errors, rejected_at)
       SELECT department_id, record_no, revision, errors, $2 FROM jsonb_populate_recordset(NULL::record_rejections, $1::jsonb)
       ORDER BY record_no, revision
       ON CONFLICT (department_id, record_no, revision) DO UPDATE SET errors = excluded.errors, rejected_at = excluded.rejected_at`,
      [JSON.stringify([...byKey.values()]), this.clock.now()],
    );
  }

  /** The newest refusal of each revision, and what broke the contract on the department's topic: that never became a submission. */
  private rejectionsOf(departmentId: string, recordNo: string): Promise<Rejection[]> {
    return this.db.query(
      `SELECT nullif(revision, 0) AS revision, errors, rejected_at AS "rejectedAt" FROM record_rejections
       WHERE department_id = $1 AND record_no = $2
       UNION ALL
       SELECT NULL, jsonb_build_array(jsonb_build_object('code', code, 'pointer', coalesce(pointer, ''), 'message', reason)), failed_at
       FROM dead_letters d
       WHERE topic = $3 AND key = $2 AND replayed_at IS NULL
         AND NOT EXISTS (SELECT FROM record_rejections r
                         WHERE r.department_id = $1 AND r.record_no = $2 AND r.errors -> 0 ->> 'code' = d.code)
       ORDER BY "rejectedAt" DESC LIMIT $4`,
      [departmentId, recordNo, topicOf(creditRecordIntake, departmentId), REJECTIONS_MAX],
    );
  }
}

const nothing = { recordNo: null, revision: null, warnings: [], errors: [], unknownFields: [] };

function read({ kind, input, unknownFields }: Submitted, sender: Sender): Reading {
  const reading = kind === 'REPORT' ? readReport(input, sender) : readRetraction(input, sender);
  return { ...reading, unknownFields: (unknownFields ?? reading.unknownFields).slice(0, UNKNOWN_FIELDS_MAX) };
}

/** Of the records of a subject the one that this revision is about. */
function standingOf(records: readonly CreditRecordState[], revision: number): Partial<RecordAnswer> {
  const said = records.filter(({ sourceRevision }) => sourceRevision >= revision);
  const record = said.find(({ standing }) => standing !== 'CORRECTED') ?? said[0];
  return record ? { standing: record.standing, publicFrom: record.publicFrom, publicUntil: record.publicUntil } : {};
}

/** Locks the rows of numbers for the rest of the transaction, new ones included, in the order of their bytes. */
async function lockHeld(tx: EntityManager, departmentId: string, recordNos: ReadonlySet<string>): Promise<Map<string, HeldReport>> {
  const numbers = [...recordNos];
  await tx.query(
    `INSERT INTO reported_records (department_id, record_no)
     SELECT $1, record_no FROM unnest($2::text[]) AS record_no ORDER BY record_no COLLATE "C" ON CONFLICT DO NOTHING`,
    [departmentId, numbers],
  );
  const rows: HeldReport[] = await tx.query(
    `SELECT ${HELD} FROM reported_records WHERE department_id = $1 AND record_no = ANY($2) ORDER BY record_no FOR UPDATE`,
    [departmentId, numbers],
  );
  return new Map(rows.map((row) => [row.recordNo, row]));
}

async function keepHeld(tx: EntityManager, departmentId: string, held: readonly HeldReport[]): Promise<void> {
  if (held.length === 0) return;
  await tx.query(
    `UPDATE reported_records AS kept
     SET revision = x.revision, hash = x.hash, accepted_at = x."acceptedAt", report = x.report, retraction = x.retraction,
         warnings = x.warnings, unknown_fields = x."unknownFields", repaired_under = x."repairedUnder"
     FROM jsonb_to_recordset($2::jsonb) AS x ("recordNo" text, revision integer, hash text, "acceptedAt" timestamptz, report jsonb,
       retraction jsonb, warnings jsonb, "unknownFields" jsonb, "repairedUnder" jsonb)
     WHERE kept.department_id = $1 AND kept.record_no = x."recordNo"`,
    [departmentId, JSON.stringify(held)],
  );
}
