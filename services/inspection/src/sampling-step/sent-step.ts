/** How a step is known again that a department's own system sends once more. */
import type { Principal } from '@jinqiao/platform';
import { canonicalHash, DomainError } from '@jinqiao/schema';
import type { EntityManager } from 'typeorm';

/** A step as a department calls it; without an id it came over HTTP. */
export interface SentStep {
  readonly stepId: string | undefined;
  readonly actorId: string;
  /** Of the act with what is said with it. */
  readonly hash: string;
}

export class StepIdReused extends DomainError {
  constructor() {
    super('STEP_ID_REUSED', 409, { zh: '步骤编号已用于另一步骤', en: 'Another step has this id' }, [
      { code: 'STEP_ID_REUSED', pointer: '/stepId', message: 'belongs to another step, or to one with another content' },
    ]);
  }
}

export const sentBy = ({ id }: Principal, act: object, stepId: string | undefined): SentStep => ({
  stepId,
  actorId: id,
  hash: canonicalHash(JSON.parse(JSON.stringify(act))),
});

/**
 * Was the step that a department calls by this id taken before? `steps` is the table of such steps, `object` names in its columns what the
 * step is about. Throws StepIdReused where the id is that of another step.
 */
export async function isTaken(
  tx: EntityManager,
  steps: string,
  object: Readonly<Record<string, string>>,
  { stepId, actorId, hash }: SentStep,
): Promise<boolean> {
  if (stepId === undefined) return false;
  const wanted = { ...object, content_hash: hash };
  const places = Object.keys(wanted).map((_column, index) => `$${index + 3}`);
  const [taken]: { same: boolean }[] = await tx.query(
    `SELECT (${Object.keys(wanted).join(', ')}) = (${places.join(', ')}) AS same FROM ${steps} WHERE actor_id = $1 AND step_id = $2`,
    [actorId, stepId, ...Object.values(wanted)],
  );
  if (taken && !taken.same) throw new StepIdReused();
  return taken !== undefined;
}
