/*
 * Reports and retractions that would undo what was decided since (`sampling-result.decision.ts`). The reporter has been answered, nothing
 * is announced: a person lets the submission in, which gives the decision up, or turns it down. A later submission of the same result
 * takes the place of one that waits.
 */
import type { Competence, ResultDecision } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';
import type { Submission } from '../sampling-result/held-result.js';

export interface Waiting {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly submission: Submission;
  readonly undoes: readonly ResultDecision[];
  readonly since: Date;
}

export class NothingWaits extends DomainError {
  constructor() {
    const title = { zh: '没有待裁定的报送', en: 'Nothing of this revision waits for a ruling: it was ruled on, or a later one has come' };
    super('NOTHING_WAITS', 409, title);
  }
}

export class RulingNotCompetent extends DomainError {
  constructor() {
    super('NOT_COMPETENT', 403, { zh: '上级的决定由上级变更', en: 'What the province decided is given up by the province alone' }, [], {
      by: ['PROVINCE'],
    });
  }
}

/** Whoever decided as the province is not overruled by the department that reported. */
export const mayGiveUp = (as: Competence, undoes: readonly ResultDecision[]): boolean =>
  as === 'PROVINCE' || undoes.every(({ by }) => by !== 'PROVINCE');

export async function keepWaiting(tx: EntityManager, waiting: readonly Waiting[]): Promise<void> {
  for (const { reporterId, sampleNo, submission, undoes, since } of waiting) {
    await tx.query(
      `INSERT INTO waiting_reports (reporter_id, sample_no, reported_revision, submission, undoes, since)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
      [reporterId, sampleNo, submission.revision, JSON.stringify(submission), JSON.stringify(undoes), since],
    );
  }
}
