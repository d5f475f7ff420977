import type { Cast } from './cast.js';
import { check, type Evidence, type Verdict } from './checker/checker.js';
import { checkStock } from './checker/stock.js';
import type { Views } from './faults/watch.js';
import type { LoadOptions } from './load/load.js';
import { Outside, type Speaking } from './load/outside.js';
import { OURS } from './our-cast.js';
import { BY_WEBHOOK, type Stage } from './stage.js';
import { groupOf, STOCK } from './stock/stock-cast.js';
import { StockOutside } from './stock/stock-outside.js';

/** Who is attacked, how one speaks to it, what one sees of it, and who judges it. */
export interface Play {
  readonly cast: Cast;
  readonly views: Views;
  readonly says: LoadOptions['says'];
  readonly outside: (stage: Stage) => Speaking;
  /** Platforms with an endpoint. */
  readonly byWebhook: readonly string[];
  /** Somebody keeps a copy of what is public in credit. */
  readonly isCopied: boolean;
  readonly judge: (evidence: Evidence) => Promise<Verdict>;
}

const stored = { sql: 'SELECT extract(epoch FROM max(updated_at)) * 1000 AS mark FROM consumer_offsets', grows: 'TIME' } as const;
const newest = (table: string, column: string) =>
  ({ sql: `SELECT extract(epoch FROM max(${column})) * 1000 AS mark FROM ${table}`, grows: 'TIME' }) as const;
const slowest = {
  sql: `SELECT extract(epoch FROM min(updated_at)) * 1000 AS mark FROM consumer_offsets
        WHERE topic = 'inspection.sampling-result.v1' AND next_offset > 0`,
  grows: 'TIME',
} as const;
const sum = (table: string) => ({ sql: `SELECT sum(revision) AS mark FROM ${table}`, grows: 'COUNT' }) as const;
/** Duties whose time is over. */
const unsaidOn = (today: string): string => `SELECT count(*) AS waiting FROM (
    SELECT clock, due_on, stopped_on, raised_at FROM sampling_sheet_clocks
    UNION ALL SELECT clock, due_on, stopped_on, raised_at FROM sampling_case_clocks WHERE NOT paused
    UNION ALL SELECT clock, due_on, stopped_on, raised_at FROM recall_clocks
  ) c WHERE clock NOT IN ('OBJECTION', 'FORMALITIES', 'RAPID_TEST_OBJECTION') AND stopped_on IS NULL AND raised_at IS NULL
    AND due_on < '${today}'`;
/** Decisions on repairs whose record came at the same moment, changes without a place in the feed, periods that begin or are over. */
const unappliedOn = (today: string): string => `SELECT (SELECT count(*) FROM changed_entities) + (
    SELECT count(*) FROM credit_records
    WHERE (standing = 'PUBLIC' AND public_until < '${today}') OR (standing = 'NOT_YET' AND public_from <= '${today}')
  ) + (
    SELECT count(*) FROM repair_decisions d WHERE applied_at IS NULL AND EXISTS (
      SELECT FROM credit_records r
      WHERE r.uscc = d.uscc AND r.digest ->> 'documentNo' = d.document_no AND r.standing NOT IN ('CORRECTED', 'REVOKED'))
  ) AS waiting`;

export const OUR_PLAY: Play = {
  cast: OURS,
  views: {
    work: {
      inspection: newest('sampling_results', 'applied_at'),
      registration: newest('platform_merchants', 'changed_at'),
      exchange: stored,
      credit: stored,
      monitoring: stored,
    },
    everywhere: { exchange: slowest, credit: slowest, monitoring: slowest },
    writes: { inspection: 'sampling_results', exchange: 'subjects', credit: 'followed_subjects', monitoring: 'contributions' },
    unsent: 'SELECT count(*) AS waiting FROM outbox WHERE parked_at IS NULL',
    unsaid: { inspection: unsaidOn, credit: unappliedOn },
    groupsOf: (service) => [service, `${service}.intake`],
    offsets: `SELECT group_id AS group, topic, partition, next_offset AS next FROM consumer_offsets WHERE next_offset IS NOT NULL`,
  },
  says: 'EVERYTHING',
  outside: (stage) => new Outside(stage.origin, stage.servers),
  byWebhook: BY_WEBHOOK,
  isCopied: true,
  judge: check,
};

export const STOCK_PLAY: Play = {
  cast: STOCK,
  views: {
    work: {
      inspection: sum('sampling_result'),
      exchange: sum('feedback'),
      credit: sum('followed_result'),
      monitoring: sum('contribution'),
    },
    // Only the broker knows how far it has read, and it may be the one that is away.
    everywhere: { exchange: sum('feedback'), credit: sum('followed_result'), monitoring: sum('contribution') },
    writes: { exchange: 'feedback', credit: 'followed_result', monitoring: 'contribution' },
    unsent: 'SELECT count(*) AS waiting FROM outbox_message WHERE "sentAt" IS NULL',
    unsaid: {},
    groupsOf: (service) => (service === 'inspection' ? [] : [groupOf(service)]),
    offsets: null,
  },
  says: 'RESULTS',
  outside: (stage) => new StockOutside(stage.origin, stage.servers),
  byWebhook: [],
  isCopied: false,
  judge: checkStock,
};
