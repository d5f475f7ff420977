/** Whom to call at an organisation: offices, named by the organisation itself. No persons: whoever is on duty changes, the office stays. */
import type { ContactRole } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';

export interface Contact {
  readonly role: ContactRole;
  readonly address: string;
}

export class RoleTwice extends DomainError {
  constructor(places: readonly number[]) {
    super(
      'ROLE_TWICE',
      422,
      { zh: '同一职责只能有一个联系方式', en: 'A role has one contact' },
      places.map((place) => ({ code: 'ROLE_TWICE', pointer: `/contacts/${place}/role`, message: 'This role was named before.' })),
    );
  }
}

export function assertRolesDistinct(contacts: readonly Pick<Contact, 'role'>[]): void {
  const twice = contacts.flatMap(({ role }, place) => (contacts.findIndex((one) => one.role === role) < place ? [place] : []));
  if (twice.length > 0) throw new RoleTwice(twice);
}

/** Is this what is kept? Then nothing is named anew. Both have each role once. */
export const areKept = (kept: readonly Contact[], named: readonly Contact[]): boolean =>
  kept.length === named.length && named.every(({ role, address }) => kept.some((one) => one.role === role && one.address === address));
