import type { EntityManager } from 'typeorm';
import { type Organisation, SANDBOX } from '../organisation/organisation.js';
import type { RefusedAnswer } from './conformance.entity.js';

/** Has it shown what it has to? A platform by the last run that ended, by the channel that it is told by now; a department by any run. */
export async function hasConformed(tx: EntityManager, { id, kind }: Pick<Organisation, 'id' | 'kind'>): Promise<boolean> {
  return kind === 'DEPARTMENT' ? departmentHasConformed(tx, id) : platformHasConformed(tx, id);
}

async function departmentHasConformed(tx: EntityManager, departmentId: string): Promise<boolean> {
  const rows: unknown[] = await tx.query('SELECT FROM conformed_departments WHERE department_id = $1', [departmentId]);
  return rows.length > 0;
}

async function platformHasConformed(tx: EntityManager, organisationId: string): Promise<boolean> {
  const [last]: { conforms: boolean }[] = await tx.query(
    `SELECT c.passed AND c.channel = coalesce(r.channel, 'KAFKA') AS conforms
     FROM conformance_runs c LEFT JOIN recipients r USING (organisation_id)
     WHERE c.organisation_id = $1 AND c.finished_at IS NOT NULL
     ORDER BY c.started_at DESC LIMIT 1`,
    [organisationId],
  );
  return last?.conforms ?? false;
}

/** Keeps refused answers to what was made up, in the transaction that refuses them: to be judged, and for the platform to read. */
export async function noteRefused(tx: EntityManager, answers: readonly (RefusedAnswer & { readonly subject: string })[]): Promise<void> {
  for (const { subject, ...refused } of answers.filter((answer) => answer.subject.startsWith(`${SANDBOX}:`))) {
    await tx.query(
      `UPDATE conformance_runs SET refused = refused || $2::jsonb WHERE $1 IN (revised_id, withdrawn_id) AND finished_at IS NULL`,
      [refused.feedbackId, JSON.stringify([refused])],
    );
  }
}
