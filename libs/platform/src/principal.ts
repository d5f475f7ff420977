import type { OrganisationKind } from '@jinqiao/contracts';

export type PrincipalKind = OrganisationKind | 'SERVICE';

/** Who calls: an organisation (its id) or a service (`service.<name>`), as the issuer's token says. */
export interface Principal {
  id: string;
  kind: PrincipalKind;
  scopes: string[];
}
