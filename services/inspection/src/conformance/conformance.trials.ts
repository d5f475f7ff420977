import { DepartmentConformed, type OrganisationRegistered } from '@jinqiao/contracts';
import { event, lockKeys, Outbox, type Received } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { HeldResult } from '../sampling-result/held-result.js';
import type { Answer } from '../sampling-result/sampling-result.js';
import { CHECKS, follow, type Run } from './conformance.js';

/** Whoever tries, and whoever begins a run, of one department. */
export const TRIAL_LOCKS = 'trial';

/** What departments in the sandbox have reported, apart from all that is true. */
@Injectable()
export class Trials {
  constructor(private readonly outbox: Outbox) {}

  /** What was tried under these numbers, locked until the transaction ends. */
  async lock(tx: EntityManager, departmentId: string, sampleNos: readonly string[]): Promise<Map<string, HeldResult>> {
    await lockKeys(tx, TRIAL_LOCKS, [departmentId]);
    const rows: { sampleNo: string; held: HeldResult }[] = await tx.query(
      'SELECT sample_no AS "sampleNo", held FROM tried_results WHERE department_id = $1 AND sample_no = ANY($2)',
      [departmentId, sampleNos],
    );
    return new Map(rows.map(({ sampleNo, held }) => [sampleNo, held]));
  }

  /** Keeps what was tried, and what it shows in the run that is under way. */
  async keep(
    tx: EntityManager,
    departmentId: string,
    { tried, answers, now }: { tried: ReadonlyMap<string, HeldResult>; answers: readonly Answer[]; now: Date },
  ): Promise<void> {
    await tx.query(
      `INSERT INTO tried_results (department_id, sample_no, held)
       SELECT $1, held ->> 'sampleNo', held FROM jsonb_array_elements($2::jsonb) AS held
       ON CONFLICT (department_id, sample_no) DO UPDATE SET held = excluded.held`,
      [departmentId, JSON.stringify([...tried.values()])],
    );
    const [run]: Run[] = await tx.query(
      `SELECT ${RUN} FROM conformance_runs WHERE department_id = $1 AND finished_at IS NULL AND ends_at > $2`,
      [departmentId, now],
    );
    if (!run) return;
    const followed = follow(run, answers, now);
    if (followed === run) return;
    await tx.query('UPDATE conformance_runs SET shown = $2, finished_at = $3 WHERE run_id = $1', [
      run.runId,
      followed.shown,
      followed.finishedAt,
    ]);
    if (followed.finishedAt !== null) await this.outbox.add(tx, event(DepartmentConformed, conformed(followed, followed.finishedAt)));
  }
}

/** The columns of a run under the names of its shape. */
export const RUN = `run_id AS "runId", department_id AS "departmentId", started_at AS "startedAt", ends_at AS "endsAt", shown,
  finished_at AS "finishedAt"`;

/** What was tried ends with the sandbox: nothing of it is reported then, and every number is free. */
export async function endTrials(tx: EntityManager, received: readonly Received<OrganisationRegistered>[]): Promise<void> {
  const out = received.flatMap(({ data: { organisationId, status } }) => (status === 'SANDBOX' ? [] : [organisationId]));
  await tx.query('DELETE FROM tried_results WHERE department_id = ANY($1)', [out]);
}

const conformed = ({ runId, departmentId, shown, startedAt }: Run, finishedAt: Date): DepartmentConformed => ({
  runId,
  revision: 1,
  departmentId,
  shown: CHECKS.flatMap((check) => {
    const { sampleNo = null, at = '', ...refusal } = shown[check] ?? {};
    return [{ check, ...(sampleNo !== null && { sampleNo }), ...refusal, at }];
  }),
  startedAt: startedAt.toISOString(),
  finishedAt: finishedAt.toISOString(),
});
