/** How a sampling result stands in its table: read under the lock of its row, written with many others in one statement. */
import { wholeDate } from '@jinqiao/law';
import { unnested } from '@jinqiao/messaging';
import type { Finding } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';
import type { HeldResult, Status } from './held-result.js';
import type { Channel } from './sampling-result.entity.js';

/** A row of sampling_results as JSON carries it. */
export interface StoredRow {
  readonly reporter_id: string;
  readonly sample_no: string;
  readonly status: Status;
  readonly revision: number;
  readonly reported_revision: number;
  readonly reported_hash: string;
  readonly restored_revision: number | null;
  readonly accepted_at: string | Date;
  readonly reported_at: string | Date | null;
  readonly state: HeldResult['state'];
  readonly order_no: string | null;
  readonly withdrawal_reason: string | null;
  readonly withdrawn_at: string | Date | null;
  readonly warnings: readonly Finding[];
  readonly unknown_fields: readonly string[];
  readonly other_columns: Readonly<Record<string, string>> | null;
  readonly channel: Channel;
  readonly import_id: string | null;
  readonly merged_into: string | null;
  readonly batch_key: string | null;
  readonly regime: string | null;
  readonly verdict: string | null;
  readonly platform: string | null;
  readonly dated_on: string | null;
}

/** What the last accepted submission brought along that is not part of the state. */
export type Carried = Pick<StoredRow, 'order_no' | 'reported_at' | 'unknown_fields' | 'other_columns' | 'channel' | 'import_id'>;

export interface Stored {
  readonly held: HeldResult;
  readonly carried: Carried;
}

export function rowOf({ held, carried }: Stored): StoredRow {
  const { state, withdrawal } = held;
  return {
    ...carried,
    reporter_id: held.reporterId,
    sample_no: held.sampleNo,
    status: held.status,
    revision: held.revision,
    reported_revision: held.reportedRevision,
    reported_hash: held.reportedHash,
    restored_revision: held.restoredRevision,
    accepted_at: held.acceptedAt,
    state,
    withdrawal_reason: withdrawal?.reason ?? null,
    withdrawn_at: withdrawal?.withdrawnAt ?? null,
    warnings: held.warnings,
    merged_into: held.mergedInto,
    batch_key: held.batchKey,
    regime: state?.regime ?? null,
    verdict: state?.verdict ?? null,
    platform: state?.online?.platformId ?? state?.online?.platformName ?? null,
    dated_on: state?.sampledOn ?? (state?.notice?.publishedOn ? wholeDate(state.notice.publishedOn) : null),
  };
}

const KEY = { reporter_id: 'text', sample_no: 'text' } as const;
/** What is read back to decide on. */
const HELD = {
  status: 'text',
  revision: 'integer',
  reported_revision: 'integer',
  reported_hash: 'text',
  restored_revision: 'integer',
  accepted_at: 'timestamptz',
  reported_at: 'timestamptz',
  state: 'jsonb',
  order_no: 'text',
  withdrawal_reason: 'text',
  withdrawn_at: 'timestamptz',
  warnings: 'jsonb',
  unknown_fields: 'jsonb',
  other_columns: 'jsonb',
  channel: 'text',
  import_id: 'uuid',
  merged_into: 'text',
  batch_key: 'bigint',
} as const;
const FILTERS = { regime: 'text', verdict: 'text', platform: 'text', dated_on: 'date' } as const;
const COLUMNS: Readonly<Record<keyof StoredRow, string>> = { ...KEY, ...HELD, ...FILTERS };
const REPLACED = Object.keys({ ...HELD, ...FILTERS }).map((column) => `${column} = EXCLUDED.${column}`);

export async function lockStored(tx: EntityManager, reporterId: string, sampleNos: readonly string[]): Promise<Map<string, Stored>> {
  const rows: StoredRow[] = await tx.query(
    `SELECT ${Object.keys({ ...KEY, ...HELD }).join(', ')} FROM sampling_results
     WHERE reporter_id = $1 AND sample_no = ANY($2::text[]) ORDER BY sample_no FOR UPDATE`,
    [reporterId, sampleNos],
  );
  return new Map(rows.map((row) => [row.sample_no, storedOf(row)]));
}

function storedOf(row: StoredRow): Stored {
  const { order_no, reported_at, unknown_fields, other_columns, channel, import_id } = row;
  const withdrawnAt = row.withdrawn_at === null ? null : new Date(row.withdrawn_at).toISOString();
  return {
    carried: { order_no, reported_at, unknown_fields, other_columns, channel, import_id },
    held: {
      reporterId: row.reporter_id,
      sampleNo: row.sample_no,
      status: row.status,
      revision: row.revision,
      reportedRevision: row.reported_revision,
      reportedHash: row.reported_hash,
      restoredRevision: row.restored_revision,
      acceptedAt: new Date(row.accepted_at).toISOString(),
      state: row.state,
      withdrawal: withdrawnAt === null ? null : { reason: row.withdrawal_reason ?? '', withdrawnAt },
      mergedInto: row.merged_into,
      batchKey: row.batch_key,
      warnings: row.warnings,
    },
  };
}

/**
 * Writes all rows in one statement and tells which were written. A row that is there although it was not among those locked was created
 * in between by someone else; it is left as it is.
 */
export async function write(tx: EntityManager, rows: readonly StoredRow[], locked: readonly string[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const { columns, from, values } = unnested(COLUMNS, rows, 2);
  const written: { sample_no: string }[] = await tx.query(
    `INSERT INTO sampling_results (${columns}) SELECT ${columns} FROM ${from} ORDER BY sample_no COLLATE "C"
     ON CONFLICT (reporter_id, sample_no) DO UPDATE SET ${REPLACED.join(', ')}, applied_at = clock_timestamp()
       WHERE EXCLUDED.sample_no = ANY($1::text[])
     RETURNING sample_no`,
    [locked, ...values],
  );
  return new Set(written.map((row) => row.sample_no));
}
