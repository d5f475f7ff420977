import { type AnswerStatus, creditRecords, type FeedbackIssued, type FeedbackKind, type FeedbackWithdrawn } from '@jinqiao/contracts';
import { type Applied, Clock, decodeCursor, type Page, pageOf, type Principal, SubjectNeverApplied } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { providerScope } from '../catalogue/catalogue.js';
import { type DeadlineState, deadlineState } from '../clock/clock.js';
import { isReal } from '../conformance/conformance.js';
import { type SamplingState, sourceOf } from './feedback.js';
import { bodyFor, classOf, type RecipientClass } from './feedback.projection.js';

/** ISSUED: stands, answered or not. ANSWERED: stands and its present revision was answered. */
export const LIST_STATUSES = ['UNMATCHED', 'ISSUED', 'ANSWERED', 'WITHDRAWN'] as const;
export type ListStatus = (typeof LIST_STATUSES)[number];

export interface FeedbackFilter {
  readonly kind?: FeedbackKind;
  readonly status?: ListStatus;
  readonly platform?: string;
  readonly subject?: string;
  readonly overdue?: boolean;
  readonly deadline?: DeadlineState;
  readonly cursor?: string;
  readonly limit: number;
}

/** How far the clock of what is asked has run. */
export interface FeedbackDeadline {
  readonly state: DeadlineState;
  /** Empty until something is received that starts on receipt. */
  readonly startedAt: Date | null;
  readonly dueAt: Date | null;
  readonly closedAt: Date | null;
  /** The dated rule row that `dueAt` comes from. */
  readonly ruleVersion: string;
}

/** What was told, field for field as it went to the platform, with what became of it. */
export type FeedbackEntry = (FeedbackIssued | FeedbackWithdrawn) & {
  readonly status: 'ISSUED' | 'WITHDRAWN';
  readonly overdue: boolean;
  /** Null where nothing has to be done within a time. */
  readonly deadline: FeedbackDeadline | null;
  readonly answer: { readonly status: AnswerStatus; readonly acceptedAt: Date } | null;
};

/** A feedback that no registered platform can be told yet. */
export interface UnmatchedEntry {
  readonly status: 'UNMATCHED';
  readonly kind: 'SAMPLING_RESULT';
  readonly subject: string;
  readonly subjectRevision: number;
  /** The platform as printed; '' when the notice says only that the goods were sold online. */
  readonly platformName: string;
  readonly waitingSince: Date;
  readonly content: object;
}

export interface FeedbackCounts {
  readonly issued: number;
  readonly unmatched: number;
  readonly withdrawn: number;
  readonly byPlatform: Readonly<Record<string, number>>;
}

export interface OverdueEntry {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly revision: number;
  readonly dueAt: Date;
  readonly overdueHours: number;
  readonly ruleVersion: string | null;
}

/** How many of them are older than a day and than a week. */
interface Aged {
  readonly overDay: number;
  readonly overWeek: number;
}

export interface OverdueList extends Page<OverdueEntry> {
  readonly byPlatform: readonly ({ platformId: string; overdue: number; oldestDueAt: Date } & Aged)[];
}

/** What a platform was asked to undo and has not yet undone. */
export interface NotUndoneEntry {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly revision: number;
  readonly askedAt: Date;
  readonly askedHoursAgo: number;
  readonly dueAt: Date | null;
}

export interface NotUndoneList extends Page<NotUndoneEntry> {
  readonly byPlatform: readonly ({ platformId: string; notUndone: number; oldestAskedAt: Date } & Aged)[];
}

/** What a platform has not received, and its clock starts with the receipt. */
export interface NotReceivedEntry {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly revision: number;
  readonly issuedAt: Date;
  readonly issuedHoursAgo: number;
  readonly ruleVersion: string | null;
}

export interface NotReceivedList extends Page<NotReceivedEntry> {
  readonly byPlatform: readonly ({ platformId: string; notReceived: number; oldestIssuedAt: Date } & Aged)[];
}

interface OpenFilter {
  readonly platform?: string;
  readonly hoursLeast?: number;
  readonly cursor?: string;
  readonly limit: number;
}

/** Also for what the caller may not see: that it exists is not his to know. */
export class FeedbackNotFound extends DomainError {
  constructor() {
    super('FEEDBACK_UNKNOWN', 404, { zh: '没有这条反馈', en: 'There is no such feedback' });
  }
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Whose feedback a caller may see: a platform what it was told, a department what follows from its results, the rest everything. */
interface Sight {
  readonly recipient: string | null;
  readonly publisher: string | null;
}

export const sightOf = ({ kind, id }: Principal): Sight => ({
  recipient: kind === 'PLATFORM' ? id : null,
  publisher: kind === 'DEPARTMENT' ? id : null,
});

/** What a sight lets through; $1 and $2 are its recipient and its publisher. */
export const SEEN = '($1::text IS NULL OR f.recipient_id = $1) AND ($2::text IS NULL OR f.publisher_id = $2)';
/** Also, for the credit office, credit statuses, which no one department publishes: who has not taken over what ended. */
const SEEN_OPEN = `(${SEEN} OR (f.kind = 'CREDIT_STATUS'
  AND EXISTS (SELECT FROM organisations WHERE id = $2 AND scopes @> ARRAY['${providerScope(creditRecords.name)}'])))`;
const OVERDUE = '(f.due_at < $3 AND f.closed_at IS NULL)';
/** As `deadlineState` has it; null where nothing has to be done within a time. */
const DEADLINE = `CASE
  WHEN f.clock_rule IS NULL THEN NULL
  WHEN f.closed_at IS NOT NULL THEN CASE WHEN f.due_at < f.closed_at THEN 'MET_LATE' ELSE 'MET' END
  WHEN f.due_at IS NULL THEN 'NOT_STARTED'
  WHEN f.due_at < $3 THEN 'OVERDUE' ELSE 'RUNNING' END`;
const NOT_UNDONE = `(f.undo_since <= $3 AND f.closed_at IS NULL AND ${isReal('f')})`;
const NOT_RECEIVED = `(f.unreceived_since <= $3 AND ${isReal('f')})`;
const ENTRY = `f.feedback_id AS id, f.status, ${OVERDUE} IS TRUE AS overdue, f.answer_status, f.answered_at, f.clock_rule,
  f.clock_started_at, f.due_at, f.closed_at, r.said
  FROM feedbacks f JOIN feedback_revisions r ON r.feedback_id = f.feedback_id AND r.revision = f.revision`;

interface OpenRow {
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly revision: number;
  readonly dueAt: Date | null;
  readonly ruleVersion: string | null;
  readonly since: Date;
}

type Sum = { readonly platformId: string; readonly open: number; readonly oldest: Date } & Aged;

interface EntryRow {
  readonly id: string;
  readonly status: 'ISSUED' | 'WITHDRAWN';
  readonly overdue: boolean;
  readonly answer_status: AnswerStatus | null;
  readonly answered_at: Date | null;
  readonly clock_rule: string | null;
  readonly clock_started_at: Date | null;
  readonly due_at: Date | null;
  readonly closed_at: Date | null;
  readonly said: FeedbackIssued | FeedbackWithdrawn;
}

/** What may be read of the feedback, by whom. */
@Injectable()
export class FeedbackQueries {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  async list(caller: Principal, filter: FeedbackFilter): Promise<Page<FeedbackEntry | UnmatchedEntry>> {
    const list = `feedback ${filter.status ?? ''}`;
    const [after = FIRST_ID] = filter.cursor === undefined ? [] : decodeCursor(list, filter.cursor);
    const rows: { id: string; entry: FeedbackEntry | UnmatchedEntry }[] =
      filter.status === 'UNMATCHED' ? await this.unmatched(caller, filter, after) : await this.told(caller, filter, after);
    const { items, next } = pageOf(list, rows, filter.limit, ({ id }) => [id]);
    return { items: items.map(({ entry }) => entry), next };
  }

  async one(caller: Principal, feedbackId: string): Promise<FeedbackEntry> {
    if (!isUuid(feedbackId)) throw new FeedbackNotFound();
    const { recipient, publisher } = sightOf(caller);
    const [row]: EntryRow[] = await this.db.query(`SELECT ${ENTRY} WHERE ${SEEN} AND f.feedback_id = $4`, [
      recipient,
      publisher,
      this.clock.now(),
      feedbackId,
    ]);
    if (!row) throw new FeedbackNotFound();
    return entryOf(row, classOf(caller), this.clock.now());
  }

  async counts(caller: Principal, kind: FeedbackKind | null): Promise<FeedbackCounts> {
    const { recipient, publisher } = sightOf(caller);
    const rows: { recipient_id: string; issued: number; withdrawn: number }[] = await this.db.query(
      `SELECT f.recipient_id, (count(*) FILTER (WHERE f.status = 'ISSUED'))::integer AS issued,
         (count(*) FILTER (WHERE f.status = 'WITHDRAWN'))::integer AS withdrawn
       FROM feedbacks f
       WHERE ${SEEN} AND ${isReal('f')} AND ($3::text IS NULL OR f.kind = $3)
       GROUP BY f.recipient_id
       ORDER BY f.recipient_id`,
      [recipient, publisher, kind],
    );
    const [waiting]: { unmatched: number }[] = await this.db.query(
      `SELECT count(*)::integer AS unmatched FROM unmatched_feedbacks
       WHERE $1::text IS NULL AND ($2::text IS NULL OR publisher_id = $2) AND ($3::text IS NULL OR $3 = 'SAMPLING_RESULT')`,
      [recipient, publisher, kind],
    );
    return {
      issued: rows.reduce((sum, { issued }) => sum + issued, 0),
      unmatched: waiting?.unmatched ?? 0,
      withdrawn: rows.reduce((sum, { withdrawn }) => sum + withdrawn, 0),
      byPlatform: Object.fromEntries(rows.filter(({ issued }) => issued > 0).map(({ recipient_id, issued }) => [recipient_id, issued])),
    };
  }

  /** What should have been done by now and was not, the oldest first, with the sums of each platform. */
  async overdue(caller: Principal, filter: OpenFilter): Promise<OverdueList> {
    const now = this.clock.now();
    const { byPlatform, rows, next } = await this.open(caller, filter, { list: 'overdue', since: 'f.due_at', where: OVERDUE });
    return {
      byPlatform: byPlatform.map(({ platformId, open, oldest, ...aged }) => ({ platformId, overdue: open, oldestDueAt: oldest, ...aged })),
      items: rows.map(({ since, ...entry }) => ({ ...entry, dueAt: since, overdueHours: wholeHours(since, now) })),
      next,
    };
  }

  /** The report of stale penalties: what was wrong or withdrawn, and still holds somewhere. The oldest first. */
  async notUndone(caller: Principal, filter: OpenFilter): Promise<NotUndoneList> {
    const now = this.clock.now();
    const { byPlatform, rows, next } = await this.open(caller, filter, { list: 'not undone', since: 'f.undo_since', where: NOT_UNDONE });
    return {
      byPlatform: byPlatform.map(({ platformId, open, oldest, ...aged }) => ({
        platformId,
        notUndone: open,
        oldestAskedAt: oldest,
        ...aged,
      })),
      items: rows.map(({ since, ruleVersion: _rule, ...entry }) => ({ ...entry, askedAt: since, askedHoursAgo: wholeHours(since, now) })),
      next,
    };
  }

  /** What nobody at a platform has, although its clock waits for that: it is overdue for no one. The oldest first. */
  async notReceived(caller: Principal, filter: OpenFilter): Promise<NotReceivedList> {
    const now = this.clock.now();
    const these = { list: 'not received', since: 'f.unreceived_since', where: NOT_RECEIVED };
    const { byPlatform, rows, next } = await this.open(caller, filter, these);
    return {
      byPlatform: byPlatform.map(({ platformId, open, oldest, ...aged }) => ({
        platformId,
        notReceived: open,
        oldestIssuedAt: oldest,
        ...aged,
      })),
      items: rows.map(({ since, dueAt: _due, ...entry }) => ({ ...entry, issuedAt: since, issuedHoursAgo: wholeHours(since, now) })),
      next,
    };
  }

  private async open(
    caller: Principal,
    filter: OpenFilter,
    { list, since, where }: { list: string; since: string; where: string },
  ): Promise<{ byPlatform: Sum[]; rows: OpenRow[]; next: string | null }> {
    const { recipient, publisher } = sightOf(caller);
    const [sinceAfter = '-infinity', idAfter = FIRST_ID] = filter.cursor === undefined ? [] : decodeCursor(list, filter.cursor);
    const these = `${SEEN_OPEN} AND ${where} AND ($4::text IS NULL OR f.recipient_id = $4) AND ${since} <= $3::timestamptz - $5::integer * interval '1 hour'`;
    const given = [recipient, publisher, this.clock.now(), filter.platform ?? null, filter.hoursLeast ?? 0];
    const rows: (OpenRow & { at: string })[] = await this.db.query(
      `SELECT f.feedback_id AS "feedbackId", f.recipient_id AS "recipientId", f.kind, f.subject, f.revision, f.due_at AS "dueAt",
         f.clock_rule AS "ruleVersion", ${since} AS since, ${since}::text AS at
       FROM feedbacks f
       WHERE ${these} AND (${since}, f.feedback_id) > ($6::timestamptz, $7::uuid)
       ORDER BY ${since}, f.feedback_id
       LIMIT $8`,
      [...given, sinceAfter, idAfter, filter.limit + 1],
    );
    const byPlatform: Sum[] = await this.db.query(
      `SELECT f.recipient_id AS "platformId", count(*)::integer AS open, min(${since}) AS oldest,
         (count(*) FILTER (WHERE ${since} < $3::timestamptz - interval '1 day'))::integer AS "overDay",
         (count(*) FILTER (WHERE ${since} < $3::timestamptz - interval '7 days'))::integer AS "overWeek"
       FROM feedbacks f WHERE ${these} GROUP BY f.recipient_id ORDER BY open DESC, f.recipient_id`,
      given,
    );
    const { items, next } = pageOf(list, rows, filter.limit, ({ at, feedbackId }) => [at, feedbackId]);
    return { byPlatform, rows: items.map(({ at: _at, ...row }) => row), next };
  }

  /** How far this service is with a sampling result (a department's own, for it may be under embargo), a merchant's credit status, a shop or a recall. */
  async applied(caller: Principal, subject: string): Promise<Applied> {
    const [row]: Applied[] = await this.db.query(
      `SELECT revision, applied_at AS "appliedAt" FROM subjects WHERE subject = $1 AND ($2::text IS NULL OR starts_with(subject, $2 || ':'))
       UNION ALL SELECT revision, applied_at FROM credit_statuses WHERE uscc = $1
       UNION ALL SELECT revision, applied_at FROM platform_merchants WHERE platform_id = split_part($1, ':', 1)
         AND shop_id = substr($1, strpos($1, ':') + 1)
       UNION ALL SELECT revision, applied_at FROM recalls WHERE recall_no = $1
       LIMIT 1`,
      [subject, sightOf(caller).publisher],
    );
    if (!row) throw new SubjectNeverApplied();
    return row;
  }

  private async told(caller: Principal, filter: FeedbackFilter, after: unknown): Promise<{ id: string; entry: FeedbackEntry }[]> {
    const { recipient, publisher } = sightOf(caller);
    const rows: EntryRow[] = await this.db.query(
      `SELECT ${ENTRY}
       WHERE ${SEEN} AND f.feedback_id > $4
         AND ($5::text IS NULL OR f.kind = $5)
         AND ($6::text IS NULL OR f.recipient_id = $6)
         AND ($7::text IS NULL OR f.subject = $7)
         AND ($8::text IS NULL OR f.status = $8)
         AND (NOT $9::boolean OR f.answer_status IS NOT NULL)
         AND ($10::boolean IS NULL OR (${OVERDUE} IS TRUE) = $10)
         AND ($11::text IS NULL OR ${DEADLINE} = $11)
       ORDER BY f.feedback_id
       LIMIT $12`,
      [
        recipient,
        publisher,
        this.clock.now(),
        after,
        filter.kind ?? null,
        filter.platform ?? null,
        filter.subject ?? null,
        filter.status === 'ANSWERED' ? 'ISSUED' : (filter.status ?? null),
        filter.status === 'ANSWERED',
        filter.overdue ?? null,
        filter.deadline ?? null,
        filter.limit + 1,
      ],
    );
    return rows.map((row) => ({ id: row.id, entry: entryOf(row, classOf(caller), this.clock.now()) }));
  }

  private async unmatched(caller: Principal, filter: FeedbackFilter, after: unknown): Promise<{ id: string; entry: UnmatchedEntry }[]> {
    const { recipient, publisher } = sightOf(caller);
    const rows: (Omit<UnmatchedEntry, 'status' | 'kind' | 'content'> & { id: string; state: SamplingState })[] = await this.db.query(
      `SELECT waiting_id AS id, subject, subject_revision AS "subjectRevision", printed AS "platformName", waiting_since AS "waitingSince", state
       FROM unmatched_feedbacks
       WHERE $1::text IS NULL AND ($2::text IS NULL OR publisher_id = $2) AND waiting_id > $3
         AND ($4::text IS NULL OR $4 = 'SAMPLING_RESULT')
         AND ($5::text IS NULL OR subject = $5)
         AND $6::text IS NULL
       ORDER BY waiting_id
       LIMIT $7`,
      [recipient, publisher, after, filter.kind ?? null, filter.subject ?? null, filter.platform ?? null, filter.limit + 1],
    );
    return rows.map(({ id, state, ...row }) => ({
      id,
      entry: {
        status: 'UNMATCHED',
        kind: 'SAMPLING_RESULT',
        ...row,
        content: bodyFor(classOf(caller), 'SAMPLING_RESULT', sourceOf(state)).content,
      },
    }));
  }
}

const entryOf = (row: EntryRow, reader: RecipientClass, now: Date): FeedbackEntry => ({
  ...readBy(reader, row.said),
  status: row.status,
  overdue: row.overdue,
  deadline: deadlineOf(row, now),
  answer: row.answer_status && row.answered_at && { status: row.answer_status, acceptedAt: row.answered_at },
});

/** A platform reads what it was told, as it was told. Everybody else reads what is declared for his class. */
function readBy(reader: RecipientClass, said: EntryRow['said']): EntryRow['said'] {
  if (reader === 'PLATFORM' || !('content' in said)) return said;
  const { merchant: _merchant, content: _content, ...head } = said;
  return { ...head, ...bodyFor(reader, said.kind, said) };
}

function deadlineOf(row: EntryRow, now: Date): FeedbackDeadline | null {
  if (row.clock_rule === null) return null;
  const ran = { dueAt: row.due_at, closedAt: row.closed_at };
  return { state: deadlineState(ran, now), startedAt: row.clock_started_at, ...ran, ruleVersion: row.clock_rule };
}

const wholeHours = (since: Date, now: Date): number => Math.floor((now.getTime() - since.getTime()) / 3_600_000);
