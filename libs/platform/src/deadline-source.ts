import { addDays, dayInChina, leftWhilePaused, ruleOfVersion } from '@jinqiao/law';
import type { EntityManager } from 'typeorm';
import {
  type AskedState,
  cursorAfter,
  type DeadlineEntry,
  type DeadlineMatter,
  type DeadlinePosition,
  type ListDeadlinesQuery,
  mergedByDue,
  positionIn,
} from './deadlines.js';
import type { Page } from './page.js';

/** The periods of one slice. */
export interface DeadlineSource {
  readonly matter: DeadlineMatter;
  /**
   * Selects `id, subject, clock, kind, party, started_on, started_at, due_on, due_at, stopped_on, stopped_at, provisional, first_due_on,
   * rule_version, department, handler, raised_at`; $1 is whose periods they are, null everybody's.
   */
  readonly select: string;
  /** By which column it ends, and an index finds it: a day, or an instant where hours count. */
  readonly endsBy: 'due_on' | 'due_at';
  /** Its periods can be paused and extended: it selects `pauses, extensions, paused` as well. */
  readonly isPausable?: boolean;
}

/** The end of a day in China, of a date in SQL. */
export const endOfDay = (day: string): string => `((${day} + time '23:59:59') AT TIME ZONE 'Asia/Shanghai')`;
/** The day it is in China at an instant in SQL. */
export const dayOf = (instant: string): string => `((${instant} AT TIME ZONE 'Asia/Shanghai')::date)`;

interface Asked {
  /** Null: everybody's. */
  readonly whose: string | null;
  readonly query: ListDeadlinesQuery;
  readonly now: Date;
}

const DEFAULT_LIMIT = 100;

/** One page of the periods of all slices, the next one first. */
export async function listDeadlines(
  db: Pick<EntityManager, 'query'>,
  sources: readonly DeadlineSource[],
  asked: Asked,
): Promise<Page<DeadlineEntry>> {
  const { limit = DEFAULT_LIMIT, cursor } = asked.query;
  const after = positionIn(cursor);
  const lists: DeadlineEntry[][] = [];
  for (const source of sources) lists.push(await nextOf(db, source, asked, { after, limit: limit + 1 }));
  const found = mergedByDue(lists, limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last ? cursorAfter(last) : null };
}

type Row = Omit<DeadlineEntry, 'matter' | 'legalBasis' | 'startedAt' | 'dueAt' | 'stoppedAt' | 'left' | 'overdueRaisedAt'> & {
  readonly startedAt: Date | null;
  readonly dueAt: Date;
  readonly stoppedAt: Date | null;
  readonly raisedAt: Date | null;
  readonly ruleVersion: string;
};

const IS_OVER = { due_on: 'd.due_on < $2::date', due_at: 'd.due_at < $2::timestamptz' } as const;
const WAS_IN_TIME = { due_on: 'd.stopped_on <= d.due_on', due_at: 'd.stopped_at <= d.due_at' } as const;
const SINCE = { due_on: 'd.due_on >= $5::date', due_at: `d.due_at >= $5::date::timestamp AT TIME ZONE 'Asia/Shanghai'` } as const;
const UNTIL = { due_on: 'd.due_on <= $6::date', due_at: `d.due_at < ($6::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'` } as const;
const AFTER = {
  due_on: '(d.due_on, d.id COLLATE "C") > ($7::date, $8)',
  due_at: '(d.due_at, d.id COLLATE "C") > ($7::timestamptz, $8)',
} as const;

// As the column itself has it, so that an index on what is open is found.
const RUNS = { due_on: 'd.stopped_on IS NULL', due_at: 'd.stopped_at IS NULL' } as const;

/** Whatever its day, what is paused is not over. */
const isOverIn = ({ endsBy, isPausable }: DeadlineSource): string =>
  isPausable ? `(NOT d.paused AND ${IS_OVER[endsBy]})` : IS_OVER[endsBy];

function wanted(state: AskedState, source: DeadlineSource): string {
  const [runs, isOver] = [RUNS[source.endsBy], isOverIn(source)];
  switch (state) {
    case 'open':
      return runs;
    case 'due':
      return `${runs} AND NOT ${isOver}`;
    case 'overdue':
      return `${runs} AND d.kind = 'DUTY' AND ${isOver}`;
    case 'provisional':
      return `${runs} AND d.provisional`;
    case 'closed':
      return `NOT ${runs}`;
    case 'all':
      return 'TRUE';
  }
}

async function nextOf(
  db: Pick<EntityManager, 'query'>,
  source: DeadlineSource,
  { whose, query, now }: Asked,
  { after, limit }: { after: DeadlinePosition; limit: number },
): Promise<DeadlineEntry[]> {
  const { matter, select, endsBy, isPausable } = source;
  const { state = 'open', department = null, handler = null, from = null, to = null } = query;
  const isDays = endsBy === 'due_on';
  const rows: Row[] = await db.query(
    `SELECT d.id AS "deadlineId", d.subject, d.clock, d.kind, d.party, d.started_on::text AS "startedOn", d.started_at AS "startedAt",
       d.due_on::text AS "dueOn", d.due_at AS "dueAt", d.stopped_on::text AS "stoppedOn", d.stopped_at AS "stoppedAt",
       CASE WHEN NOT ${RUNS[endsBy]} THEN CASE WHEN ${WAS_IN_TIME[endsBy]} THEN 'MET' ELSE 'MET_LATE' END
            ${isPausable ? `WHEN d.paused THEN 'PAUSED'` : ''} WHEN NOT ${IS_OVER[endsBy]} THEN 'RUNNING' WHEN d.kind = 'DUTY' THEN 'OVERDUE' ELSE 'RUN_OUT' END AS state,
       ${isPausable ? 'd.pauses, d.extensions' : `'[]'::jsonb AS pauses, '[]'::jsonb AS extensions`},
       d.provisional, d.first_due_on::text AS "firstDueOn", d.rule_version AS "ruleVersion", d.department, d.handler, d.raised_at AS "raisedAt"
     FROM (${select}) AS d
     WHERE ${AFTER[endsBy]} AND ${wanted(state, source)}
       AND ($3::text IS NULL OR d.department = $3) AND ($4::text IS NULL OR d.handler = $4)
       AND ($5::date IS NULL OR ${SINCE[endsBy]}) AND ($6::date IS NULL OR ${UNTIL[endsBy]})
     ORDER BY d.${endsBy}, d.id COLLATE "C"
     LIMIT $9`,
    [whose, isDays ? dayInChina(now) : now, department, handler, from, to, ...(isDays ? dayPosition(after) : after), limit],
  );
  return rows.map((row) => entryOf(matter, row));
}

/** A position among instants, as one among days that end a second before midnight. */
function dayPosition([dueAt, deadlineId]: DeadlinePosition): [day: string, deadlineId: string] {
  const day = dayInChina(new Date(dueAt));
  const end = new Date(`${day}T23:59:59+08:00`).toISOString();
  if (dueAt === end) return [day, deadlineId];
  return [dueAt < end ? day : addDays(day, 1), ''];
}

function entryOf(matter: DeadlineMatter, { startedAt, dueAt, stoppedAt, raisedAt, ruleVersion, ...row }: Row): DeadlineEntry {
  return {
    ...row,
    matter,
    left: leftWhilePaused(row.startedOn, ruleOfVersion(ruleVersion), row),
    startedAt: startedAt && startedAt.toISOString(),
    dueAt: dueAt.toISOString(),
    stoppedAt: stoppedAt && stoppedAt.toISOString(),
    legalBasis: { ...ruleOfVersion(ruleVersion).legalBasis, ruleVersion },
    overdueRaisedAt: raisedAt && raisedAt.toISOString(),
  };
}
