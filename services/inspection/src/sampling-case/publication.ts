/*
 * Where a result stands on its way to the public, and the steps by which its case says so. The state is the result's own and is stored
 * nowhere else: whatever changes the result, a report, a decision or a merge, the case has a step of it in the same transaction.
 */
import type { Competence, SamplingResultPublished } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import type { EntityManager } from 'typeorm';
import type { HeldResult } from '../sampling-result/held-result.js';
import { ACTS, type SaidOfResult, STATES } from './sampling-case.acts.js';
import { basisOf } from './sampling-case.js';

export type Publication = (typeof STATES.PUBLICATION)[number];

/** Of what waits or was taken back nobody is told. */
export function publicationOf(status: HeldResult['status'], finality: string | undefined): Publication {
  if (status === 'PUBLISHED') return 'PUBLISHED';
  if (status !== 'NOTIFIED') return 'WITHDRAWN';
  return finality === 'FINAL' ? 'FINAL' : 'PROVISIONAL';
}

/** Who changed the result, and why; by a report its reporter. */
export interface ChangedBy {
  readonly actorId: string;
  readonly competence: Competence;
  readonly on: string;
  readonly basis?: string;
  /** Of the report by which it came. */
  readonly reportedRevision?: number;
}

export interface PublicationStep extends ChangedBy {
  readonly sampleNo: string;
  readonly act: SaidOfResult;
  readonly from: Publication;
  readonly to: Publication;
  readonly regime: SamplingResultPublished['regime'];
  readonly documentNo: string | undefined;
}

/** The step that leads from one state of a result to another one; none where it stands as it stood. */
export function publicationStep(before: HeldResult | null, after: HeldResult, by: ChangedBy): PublicationStep | null {
  if (before === null || after.state === null) return null;
  const from = publicationOf(before.status, before.state?.finality);
  const to = publicationOf(after.status, after.state.finality);
  if (from === to) return null;
  const documentNo = to === 'PUBLISHED' ? after.state.notice?.no : undefined;
  return { ...by, sampleNo: after.sampleNo, act: sayingOf(from, to), from, to, regime: after.state.regime, documentNo };
}

function sayingOf(from: Publication, to: Publication): SaidOfResult {
  if (to === 'PUBLISHED') return 'PUBLISH';
  if (to === 'WITHDRAWN') return 'WITHDRAW';
  if (from === 'PUBLISHED') return 'EMBARGO';
  return from === 'PROVISIONAL' ? 'FINALISE' : 'REPORT';
}

/**
 * Adds to the histories of those that have a case what is not said there yet: an act of the case is a step itself. Gives back the
 * sampleNos of the cases that it changed.
 */
export async function addSteps(
  tx: EntityManager,
  { reporterId, now }: { readonly reporterId: string; readonly now: Date },
  steps: readonly PublicationStep[],
): Promise<string[]> {
  if (steps.length === 0) return [];
  const cases: { sampleNo: string }[] = await tx.query(
    'SELECT sample_no AS "sampleNo" FROM sampling_cases WHERE reporter_id = $1 AND sample_no = ANY($2::text[])',
    [reporterId, steps.map(({ sampleNo }) => sampleNo)],
  );
  const opened = new Set(cases.map(({ sampleNo }) => sampleNo));
  const changed: string[] = [];
  for (const step of steps) {
    if (!opened.has(step.sampleNo)) continue;
    const { sampleNo, act, from, to, on, actorId, competence, regime, documentNo, reportedRevision } = step;
    const facts = { ...(documentNo !== undefined && { documentNo }), ...(reportedRevision !== undefined && { reportedRevision }) };
    const basis = step.basis ?? basisOf(regime, ACTS.PUBLISH);
    const kept: unknown[] = await tx.query(
      `INSERT INTO sampling_case_steps (reporter_id, sample_no, step_no, act, track, party, from_state, to_state, done_on, facts, actor_id,
         competence, basis, taken_at)
       SELECT $1, $2, coalesce(max(step_no), 0) + 1, $3, 'PUBLICATION', 'RESULT', $4, $5, $6, $7, $8, $9, $10, $11
       FROM sampling_case_steps WHERE reporter_id = $1 AND sample_no = $2
       HAVING (array_agg(to_state ORDER BY step_no DESC) FILTER (WHERE track = 'PUBLICATION'))[1] IS DISTINCT FROM $5
       RETURNING 1`,
      [reporterId, sampleNo, act, from, to, on, JSON.stringify(facts), actorId, competence, basis, now],
    );
    if (kept.length > 0) changed.push(sampleNo);
  }
  return changed;
}

/** By a report or a retraction. */
export const reportedBy = (reporterId: string, reportedRevision: number, now: Date): ChangedBy => ({
  actorId: reporterId,
  competence: 'ORGANISER',
  on: dayInChina(now),
  reportedRevision,
});
