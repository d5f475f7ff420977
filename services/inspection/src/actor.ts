import type { Principal } from '@jinqiao/platform';
import type { EntityManager } from 'typeorm';

export interface Actor {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** The scope, in the directory, of a department that acts for the province. */
const PROVINCE = 'level:PROVINCE';

export const isProvince = ({ scopes }: Actor): boolean => scopes.includes(PROVINCE);

/** With the scopes that the directory has: a token says nothing of them. */
export async function actorOf(tx: EntityManager, { id }: Principal): Promise<Actor> {
  const [known]: { scopes: string[] }[] = await tx.query('SELECT scopes FROM followed_organisations WHERE id = $1', [id]);
  return { id, scopes: known?.scopes ?? [] };
}

/** Whose cases and recalls a caller sees: a department its own, everybody else and the province those of all (null). */
export async function seenBy(tx: EntityManager, caller: Principal): Promise<string | null> {
  return caller.kind === 'DEPARTMENT' && !isProvince(await actorOf(tx, caller)) ? caller.id : null;
}
