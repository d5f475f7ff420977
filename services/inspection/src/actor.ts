import { type Principal, scopesOf } from '@jinqiao/platform';
import type { EntityManager } from 'typeorm';

export interface Actor {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** The scope, in the directory, of a department that acts for the province. */
const PROVINCE = 'level:PROVINCE';

export const isProvince = ({ scopes }: Actor): boolean => scopes.includes(PROVINCE);

export const actorOf = async (tx: EntityManager, { id }: Principal): Promise<Actor> => ({ id, scopes: await scopesOf(tx, id) });

/** Whose cases and recalls a caller sees: a department its own, everybody else and the province those of all (null). */
export async function seenBy(tx: EntityManager, caller: Principal): Promise<string | null> {
  return caller.kind === 'DEPARTMENT' && !isProvince(await actorOf(tx, caller)) ? caller.id : null;
}
