import {
  CreditRecordAnnotated,
  CreditRecordContested,
  CreditRecordEnded,
  CreditRecordPublished,
  type LegalBasis,
  SamplingResultPublished,
  type SamplingResultWithdrawn,
  subjectOf,
} from '@jinqiao/contracts';
import { dayInChina, readUscc } from '@jinqiao/law';
import { event, Outbox, type OutgoingEvent, type Received, unnested } from '@jinqiao/messaging';
import { type Applied, Clock, decodeCursor, type Page, pageOf, type Principal, SubjectNeverApplied } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { CreditHistory } from '../credit-history/credit-history.service.js';
import { CreditStatuses } from '../credit-status/credit-status.service.js';
import { findRepairsOf, noteRepaired, repairedIn } from '../repair/repair.claims.js';
import {
  type CreditRecordState,
  endedReasonOf,
  faceOf,
  followClock,
  followSource,
  isPublic,
  NeverPublic,
  type PublicFace,
  publicStateOf,
  type RecordChange,
  type Source,
  sourceOf,
  type Standing,
} from './credit-record.js';
import { FollowedSubject } from './credit-record.entity.js';

/** A tombstone of the stream (null) says like a withdrawal that nothing of the result is left. */
export type SamplingResultEvent = Received<SamplingResultPublished | SamplingResultWithdrawn | null>;

/** One change, and the event it follows from; null for the clock and for what came over HTTP. */
export interface Step {
  readonly change: RecordChange;
  readonly causedBy: Received<object | null> | null;
}

/** Of what kind a subject is: a result and a reported record may have the same number. */
export type SubjectKind = 'RESULT' | 'REPORTED';

export interface CreditCounts {
  records: number;
  entities: number;
  publicRecords: number;
  endedRecords: number;
}

/** A record as a list shows it. */
export interface ListedRecord extends Omit<CreditRecordState, 'legalBasis' | 'standing' | 'annotations'> {
  legalBasis: LegalBasis[];
  annotations: string[];
  standing: Standing;
  public: boolean;
  endedReason: string | null;
}

/** Who reads; a merchant by its code. */
type Reader = Pick<Principal, 'kind' | 'id'>;

export interface RecordsWanted {
  subject?: string;
  uscc?: string;
  /** Commitments alone whose term is over and that nobody has checked. */
  unchecked?: boolean;
  cursor?: string;
  limit: number;
}

const COLUMNS = `record_no AS "recordNo", revision, uscc, type, class, department_id AS "departmentId", subject,
  source_revision AS "sourceRevision", legal_basis AS "legalBasis", document_date AS "documentDate", public_from::text AS "publicFrom",
  public_until::text AS "publicUntil", standing, digest, commitment, regime, is_contested AS "isContested", annotations,
  ended_because AS "endedBecause", repaired_on::text AS "repairedOn"`;
/** A commitment that still holds, public or not, and of which nobody has said what became of it. */
const IS_UNCHECKED = `type = 'COMMITMENT' AND commitment ->> 'outcome' IS NULL AND standing NOT IN ('CORRECTED', 'REVOKED', 'REPAIRED')`;
/** Records as a statement writes them, and what it replaces of those that are there. */
export const WRITTEN = `record_no, revision, uscc, type, class, department_id, subject, source_revision, legal_basis, document_date,
  public_from, public_until, standing, digest, commitment, regime, is_contested, annotations, ended_because, repaired_on`;
export const GIVEN = `SELECT "recordNo", revision, uscc, type, class, "departmentId", subject, "sourceRevision", "legalBasis", "documentDate",
    "publicFrom", "publicUntil", standing, digest, commitment, regime, "isContested", annotations, "endedBecause", "repairedOn"
  FROM jsonb_to_recordset($1::jsonb) AS x ("recordNo" uuid, revision integer, uscc text, type text, class text, "departmentId" text,
    subject text, "sourceRevision" integer, "legalBasis" jsonb, "documentDate" text, "publicFrom" date, "publicUntil" date, standing text,
    digest jsonb, commitment jsonb, regime text, "isContested" boolean, annotations jsonb, "endedBecause" text, "repairedOn" date)`;
export const REPLACED = `revision = excluded.revision, class = excluded.class, source_revision = excluded.source_revision,
  legal_basis = excluded.legal_basis, document_date = excluded.document_date, public_from = excluded.public_from,
  public_until = excluded.public_until, standing = excluded.standing, digest = excluded.digest, commitment = excluded.commitment, regime = excluded.regime,
  is_contested = excluded.is_contested, annotations = excluded.annotations, ended_because = excluded.ended_because,
  repaired_on = excluded.repaired_on, changed_at = clock_timestamp()`;

@Injectable()
export class CreditRecords {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly statuses: CreditStatuses,
    private readonly history: CreditHistory,
    private readonly clock: Clock,
  ) {}

  /** Follows a batch of results in their order; what is late or repeated changes nothing. */
  async follow(tx: EntityManager, received: readonly SamplingResultEvent[]): Promise<void> {
    const sources = received.map((one) => ({ source: resultOf(one), causedBy: one }));
    const followed = await this.advance(
      tx,
      sources.map(({ source }) => source),
    );
    const repairs = await findRepairsOf(
      tx,
      sources.map(({ source }) => source),
    );
    const records = await this.findForUpdate(tx, 'RESULT', [...followed.keys()]);
    const now = this.clock.now();
    const today = dayInChina(now);
    const steps: Step[] = [];
    for (const { source, causedBy } of sources) {
      const before = followed.get(source.subject);
      if (before === undefined || source.revision <= before) continue;
      const changes = followSource(records.get(source.subject) ?? [], repairedIn(source, repairs), today);
      followed.set(source.subject, source.revision);
      records.set(
        source.subject,
        changes.map((change) => change.record),
      );
      steps.push(...changes.map((change) => ({ change, causedBy })));
    }
    await this.keep(tx, steps);
    const changes = steps.map(({ change }) => change);
    await noteRepaired(tx, this.outbox, changes, { repairs, at: now });
    await this.noteFollowed(tx, steps);
  }

  /** Lets the clock act on at most `most` records; answers how many it found due. Whatever another transaction holds is left to the next round. */
  async sweep(most: number): Promise<number> {
    return this.db.transaction(async (tx) => {
      const today = dayInChina(this.clock.now());
      const due: CreditRecordState[] = await tx.query(
        `SELECT ${COLUMNS} FROM credit_records
         WHERE (standing = 'PUBLIC' AND public_until < $1::date) OR (standing = 'NOT_YET' AND public_from <= $1::date)
         LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [today, most],
      );
      await this.keep(
        tx,
        due.map((record) => ({ change: followClock(record, today), causedBy: null })),
      );
      return due.length;
    });
  }

  /**
   * Counts the records whose finding stands, public or not: what was corrected or revoked no longer counts, so the figure depends on the
   * results as they are and not on the way they came.
   */
  async count(): Promise<CreditCounts> {
    const [counts]: [CreditCounts] = await this.db.query(
      `SELECT count(*) FILTER (WHERE stands)::integer AS records,
              count(DISTINCT uscc) FILTER (WHERE stands)::integer AS entities,
              count(*) FILTER (WHERE standing = 'PUBLIC')::integer AS "publicRecords",
              count(*) FILTER (WHERE NOT stands)::integer AS "endedRecords"
       FROM (SELECT uscc, standing, standing NOT IN ('CORRECTED', 'REVOKED') AS stands FROM credit_records) AS records`,
    );
    return counts;
  }

  /** The operator sees every record, a department those that it decided, a merchant those of its own, an auditor those that are public. */
  async list(reader: Reader, { subject, uscc, unchecked = false, cursor, limit }: RecordsWanted): Promise<Page<ListedRecord>> {
    const [after = null] = cursor === undefined ? [] : decodeCursor('credit-records', cursor);
    const rows: CreditRecordState[] = await this.db.query(
      `SELECT ${COLUMNS} FROM credit_records
       WHERE ($1::text IS NULL OR subject = $1) AND ($2::text IS NULL OR uscc = $2) AND ($3::uuid IS NULL OR record_no > $3::uuid)
         AND CASE $4 WHEN 'OPERATOR' THEN TRUE WHEN 'DEPARTMENT' THEN department_id = $5 WHEN 'MERCHANT' THEN uscc = $5
                     WHEN 'AUDITOR' THEN standing = 'PUBLIC' END
         AND (NOT $7::boolean OR (${IS_UNCHECKED} AND commitment ->> 'until' < $8))
       ORDER BY record_no LIMIT $6`,
      [
        subject ?? null,
        uscc === undefined ? null : readUscc(uscc).code,
        after,
        reader.kind,
        reader.id,
        limit + 1,
        unchecked,
        dayInChina(this.clock.now()),
      ],
    );
    return pageOf('credit-records', rows.map(listed), limit, ({ recordNo }) => [recordNo]);
  }

  /** What follows from a record that its department has reported. */
  findReported(subject: string): Promise<CreditRecordState[]> {
    return this.db.query(`SELECT ${COLUMNS} FROM credit_records WHERE subject = $1 AND type <> 'SAMPLING_RESULT' ORDER BY record_no`, [
      subject,
    ]);
  }

  /** Every record of entities, public or not, for who decides on one of them. */
  findOfEntities(usccs: readonly string[], tx: EntityManager = this.db.manager): Promise<CreditRecordState[]> {
    return tx.query(`SELECT ${COLUMNS} FROM credit_records WHERE uscc = ANY ($1) ORDER BY record_no`, [usccs]);
  }

  /** Locked in the order of their numbers. */
  findByNoForUpdate(tx: EntityManager, recordNos: readonly string[]): Promise<CreditRecordState[]> {
    return tx.query(`SELECT ${COLUMNS} FROM credit_records WHERE record_no = ANY ($1) ORDER BY record_no FOR UPDATE`, [recordNos]);
  }

  /** By the number that the change feed and statuses name it by. One that was never public looks like one that is not there. */
  async face(recordNo: string): Promise<PublicFace> {
    const rows: CreditRecordState[] = isUuid(recordNo)
      ? await this.db.query(`SELECT ${COLUMNS} FROM credit_records WHERE record_no = $1`, [recordNo])
      : [];
    const face = rows[0] ? faceOf(rows[0]) : null;
    if (!face) throw new NeverPublic();
    return face;
  }

  async applied(subject: string): Promise<Applied> {
    const followed = await this.db.manager.findOneBy(FollowedSubject, { subject });
    if (!followed) throw new SubjectNeverApplied();
    return { revision: followed.revision, appliedAt: followed.appliedAt };
  }

  /** Moves subjects to the highest revision of the batch, which locks them. Gives back the revision that each of those had (0 = new). */
  private async advance(tx: EntityManager, sources: readonly Source[]): Promise<Map<string, number>> {
    const highest = new Map<string, number>();
    for (const { subject, revision } of sources) highest.set(subject, Math.max(revision, highest.get(subject) ?? 0));
    const { from, values } = unnested(
      { subject: 'text', revision: 'integer' },
      [...highest].map(([subject, revision]) => ({ subject, revision })),
    );
    const rows: { subject: string; before: number | null }[] = await tx.query(
      `INSERT INTO followed_subjects (subject, revision, applied_at)
       SELECT subject, revision, clock_timestamp() FROM ${from} ORDER BY subject
       ON CONFLICT (subject) DO UPDATE SET revision = EXCLUDED.revision, applied_at = EXCLUDED.applied_at
       WHERE followed_subjects.revision < EXCLUDED.revision
       RETURNING new.subject, old.revision AS before`,
      [...values],
    );
    return new Map(rows.map(({ subject, before }) => [subject, before ?? 0]));
  }

  // The last statement, for what took more than to be noted: applied_at is as near the commit as a statement can be.
  private async noteFollowed(tx: EntityManager, steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    const subjects = [...new Set(steps.map(({ change }) => change.record.subject))];
    await tx.query('UPDATE followed_subjects SET applied_at = clock_timestamp() WHERE subject = ANY ($1)', [subjects]);
  }

  /** The records of subjects the caller has locked. */
  async findForUpdate(tx: EntityManager, kind: SubjectKind, subjects: readonly string[]): Promise<Map<string, CreditRecordState[]>> {
    const rows: CreditRecordState[] = await tx.query(
      `SELECT ${COLUMNS} FROM credit_records
       WHERE subject = ANY ($1) AND (type = 'SAMPLING_RESULT') = ($2 = 'RESULT') ORDER BY record_no FOR UPDATE`,
      [subjects, kind],
    );
    const bySubject = new Map(subjects.map((subject): [string, CreditRecordState[]] => [subject, []]));
    for (const row of rows) bySubject.get(row.subject)?.push(row);
    return bySubject;
  }

  /**
   * Locks run subjects, decisions on repairs, records, entities in every transaction of this service, each sorted, so none can wait in a circle. Entities come
   * before the records are written: with a public record the database writes its entity's `facts_version`, in no order of ours.
   */
  async keep(tx: EntityManager, steps: readonly Step[]): Promise<void> {
    const announced = steps.filter(({ change }) => change.announced !== null);
    const written = steps.filter(({ change }) => change.announced !== null || isPublic(change.record));
    const locked = await this.statuses.lock(tx, [...new Set(written.map(({ change }) => change.record.uscc))]);
    await this.save(tx, steps);
    if (announced.length === 0) return;
    const causes = new Map(announced.map(({ change, causedBy }) => [change.record.uscc, causedBy]));
    await this.outbox.add(tx, announced.flatMap(announcementOf));
    await this.statuses.restate(tx, locked, causes);
  }

  private async save(tx: EntityManager, steps: readonly Step[]): Promise<void> {
    // A record may change several times in a batch; only its last state is kept (ON CONFLICT takes a row once).
    const latest = new Map(steps.map(({ change }) => [change.record.recordNo, change.record]));
    if (latest.size === 0) return;
    await tx.query(`INSERT INTO credit_records (${WRITTEN}) ${GIVEN} ON CONFLICT (record_no) DO UPDATE SET ${REPLACED}`, [
      JSON.stringify([...latest.values()]),
    ]);
    const knownFrom = this.clock.now();
    await this.history.append(
      tx,
      [...latest.values()].map((record) => ({ record, knownFrom })),
    );
  }
}

function resultOf(received: SamplingResultEvent): Source {
  const { data } = received;
  if (data === null) return sourceOf(received.key, received.revision ?? 0, null);
  return sourceOf(subjectOf(data), data.revision, received.type === SamplingResultPublished ? data : null);
}

const EVENTS = {
  PUBLISHED: CreditRecordPublished,
  ANNOTATED: CreditRecordAnnotated,
  CONTESTED: CreditRecordContested,
  ENDED: CreditRecordEnded,
} as const;

function announcementOf({ change, causedBy }: Step): OutgoingEvent[] {
  return change.announced === null ? [] : [event(EVENTS[change.announced], publicStateOf(change), causedBy ? { causedBy } : {})];
}

const listed = (record: CreditRecordState): ListedRecord => ({
  ...record,
  legalBasis: [...record.legalBasis],
  annotations: [...record.annotations],
  public: isPublic(record),
  endedReason: endedReasonOf(record.standing),
});
