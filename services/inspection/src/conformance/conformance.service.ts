import { randomUUID } from 'node:crypto';
import { lockKeys } from '@jinqiao/messaging';
import { Clock, decodeCursor, findOrganisation, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { ConformanceRunning, ConformanceRunUnknown, endOf, NotInSandbox, type Run, statusOf } from './conformance.js';
import { RUN, TRIAL_LOCKS } from './conformance.trials.js';

export interface RunEntry extends Run {
  readonly status: 'RUNNING' | 'PASSED' | 'FAILED';
}

export interface RunFilter {
  readonly department?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'conformance-runs';
/** Above every id, for a list that goes down. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Runs of the conformance check of departments; what shows something comes in as all reports do. */
@Injectable()
export class Conformance {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Begins from nothing: what was tried before is forgotten. */
  async start({ id }: Principal): Promise<RunEntry> {
    return this.db.transaction(async (tx) => {
      await lockKeys(tx, TRIAL_LOCKS, [id]);
      const known = await findOrganisation(tx, id);
      if (known?.status !== 'SANDBOX') throw new NotInSandbox(known?.status ?? null);
      const startedAt = this.clock.now();
      const under: unknown[] = await tx.query(
        'SELECT FROM conformance_runs WHERE department_id = $1 AND finished_at IS NULL AND ends_at > $2',
        [id, startedAt],
      );
      if (under.length > 0) throw new ConformanceRunning();
      const run: Run = { runId: randomUUID(), departmentId: id, startedAt, endsAt: endOf(startedAt), shown: {}, finishedAt: null };
      await tx.query('DELETE FROM tried_results WHERE department_id = $1', [id]);
      await tx.query('INSERT INTO conformance_runs (run_id, department_id, started_at, ends_at, shown) VALUES ($1, $2, $3, $4, $5)', [
        run.runId,
        id,
        startedAt,
        run.endsAt,
        run.shown,
      ]);
      return this.entryOf(run);
    });
  }

  async one({ kind, id }: Principal, runId: string): Promise<RunEntry> {
    const rows: Run[] = isUuid(runId) ? await this.db.query(`SELECT ${RUN} FROM conformance_runs WHERE run_id = $1`, [runId]) : [];
    const [run] = rows;
    if (!run || (kind === 'DEPARTMENT' && run.departmentId !== id)) throw new ConformanceRunUnknown();
    return this.entryOf(run);
  }

  /** A department's own, the newest first; everybody's for those who look after all. */
  async list({ kind, id }: Principal, { department, cursor, limit }: RunFilter): Promise<Page<RunEntry>> {
    const [startedBefore = 'infinity', idBefore = LAST_ID] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: Run[] = await this.db.query(
      `SELECT ${RUN} FROM conformance_runs
       WHERE (started_at, run_id) < ($1::timestamptz, $2::uuid) AND ($3::text IS NULL OR department_id = $3)
       ORDER BY started_at DESC, run_id DESC LIMIT $4`,
      [startedBefore, idBefore, kind === 'DEPARTMENT' ? id : (department ?? null), limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ startedAt, runId }) => [startedAt.toISOString(), runId]);
    return { items: items.map((run) => this.entryOf(run)), next };
  }

  private entryOf(run: Run): RunEntry {
    return { ...run, status: statusOf(run, this.clock.now()) };
  }
}
