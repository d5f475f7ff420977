import { findOrganisation, type Principal, type PrincipalKind, scopesOf } from '@jinqiao/platform';
import type { EntityManager } from 'typeorm';

export interface Actor {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** Somebody who asks to see something. */
export interface Viewer extends Actor {
  readonly kind: PrincipalKind;
  /** Which entity a merchant is; null for everybody else, and where the directory does not say. */
  readonly uscc: string | null;
}

/** The scope, in the directory, of a department that acts for the province. */
const PROVINCE = 'level:PROVINCE';

export const isProvince = ({ scopes }: Actor): boolean => scopes.includes(PROVINCE);

export const actorOf = async (tx: EntityManager, { id }: Principal): Promise<Actor> => ({ id, scopes: await scopesOf(tx, id) });

export async function viewerOf(tx: EntityManager, { id, kind }: Principal): Promise<Viewer> {
  const { scopes = [], uscc = null } = (await findOrganisation(tx, id)) ?? {};
  return { id, kind, scopes, uscc: kind === 'MERCHANT' ? uscc : null };
}

/** Who sees whatever there is of a kind of thing, as far as it is shown at all. */
export const seesAll = (viewer: Viewer): boolean =>
  viewer.kind === 'OPERATOR' || viewer.kind === 'AUDITOR' || (viewer.kind === 'DEPARTMENT' && isProvince(viewer));

/** Whose things a list shows: the viewer's own, or those of all (null). */
export const seenBy = (viewer: Viewer): string | null => (seesAll(viewer) ? null : viewer.id);
