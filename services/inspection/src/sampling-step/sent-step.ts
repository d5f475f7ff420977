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

type StepsOf = Readonly<Record<string, string>>;

/**
 * Was this step taken before? `steps` is the table of such steps, `object` names in its columns what the step is about. A department knows
 * its own steps by their ids; without one, over HTTP, what was taken last of the object is not taken once more where the same organisation
 * says the same: some steps lead back to where they began. Throws StepIdReused where the id is that of another step.
 */
export async function isTaken(tx: EntityManager, steps: string, object: StepsOf, { stepId, actorId, hash }: SentStep): Promise<boolean> {
  if (stepId === undefined) return wasLast(tx, steps, object, { actorId, hash });
  const wanted = { ...object, content_hash: hash };
  const places = Object.keys(wanted).map((_column, index) => `$${index + 3}`);
  const [taken]: { same: boolean }[] = await tx.query(
    `SELECT (${Object.keys(wanted).join(', ')}) = (${places.join(', ')}) AS same FROM ${steps} WHERE actor_id = $1 AND step_id = $2`,
    [actorId, stepId, ...Object.values(wanted)],
  );
  if (taken && !taken.same) throw new StepIdReused();
  return taken !== undefined;
}

/** Was this what was taken last of the object? */
export async function wasLast(
  tx: EntityManager,
  steps: string,
  object: StepsOf,
  { actorId, hash }: Omit<SentStep, 'stepId'>,
): Promise<boolean> {
  const places = Object.keys(object).map((column, index) => `${column} = $${index + 3}`);
  const [last]: { same: boolean | null }[] = await tx.query(
    `SELECT actor_id = $1 AND content_hash = $2 AS same FROM ${steps} WHERE ${places.join(' AND ')} ORDER BY step_no DESC LIMIT 1`,
    [actorId, hash, ...Object.values(object)],
  );
  return last?.same ?? false;
}
