/*
 * Reports and retractions that would undo what was decided since (`sampling-result.decision.ts`), reports of a result that was given up
 * for another one, and reports that wait because another result probably reports the same (`../probable-duplicate`). The reporter has been
 * answered, nothing is announced: a person lets the submission in, which gives the decision or the merge up, or turns it down. A later
 * submission of the same result takes the place of one that waits.
 */
import type { Competence, ResultDecision } from '@jinqiao/contracts';
import { unnested } from '@jinqiao/messaging';
import { DomainError } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';
import { type Actor, isProvince } from '../actor.js';
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

/** It is let in, or not, by saying whether it is the same. */
export class RuledOnInPair extends DomainError {
  constructor() {
    const title = { zh: '请在疑似重复中裁定', en: 'It waits as a probable duplicate: rule on the pair' };
    super('RULED_ON_IN_PAIR', 409, title);
  }
}

export class RulingNotCompetent extends DomainError {
  constructor() {
    const title = {
      zh: '由作出决定的一方变更',
      en: 'It is given up by whoever it was decided for, what the province decided by the province alone',
    };
    super('NOT_COMPETENT', 403, title, [], { by: ['PROVINCE'] });
  }
}

/** Whoever decided as the province is not overruled by the department that reported. */
export const mayGiveUp = (as: Competence, undoes: readonly ResultDecision[]): boolean =>
  as === 'PROVINCE' || undoes.every(({ by }) => by !== 'PROVINCE');

/** A merge is given up by the department whose result stands, unless the province had merged them. Null: nobody knows any more who had. */
export const mayGiveUpMerge = (actor: Actor, survivor: string, merged: Competence | null): boolean =>
  isProvince(actor) || (merged === 'ORGANISER' && survivor.startsWith(`${actor.id}:`));

const COLUMNS = {
  reporter_id: 'text',
  sample_no: 'text',
  reported_revision: 'integer',
  submission: 'jsonb',
  undoes: 'jsonb',
  since: 'timestamptz',
} as const;

export async function keepWaiting(tx: EntityManager, waiting: readonly Waiting[]): Promise<void> {
  if (waiting.length === 0) return;
  const rows = waiting.map(({ reporterId, sampleNo, submission, undoes, since }) => ({
    reporter_id: reporterId,
    sample_no: sampleNo,
    reported_revision: submission.revision,
    submission,
    undoes,
    since,
  }));
  const { columns, from, values } = unnested(COLUMNS, rows);
  await tx.query(`INSERT INTO waiting_reports (${columns}) SELECT ${columns} FROM ${from} ORDER BY position ON CONFLICT DO NOTHING`, [
    ...values,
  ]);
}
