import { Clock, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { OrganisationUnknown } from '../organisation/organisation.js';
import { assertRolesDistinct, type Contact } from './contact.js';

export interface KeptContact extends Contact {
  /** Since when the role has this address. */
  readonly since: Date;
}

/** An organisation's own care of its contacts. */
@Injectable()
export class Contacts {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** All of them, as they are to be; what stays the same keeps its time. */
  async replace({ id }: Principal, contacts: readonly Contact[]): Promise<KeptContact[]> {
    assertRolesDistinct(contacts);
    return this.db.transaction(async (tx) => {
      const rows: unknown[] = await tx.query('SELECT FROM organisations WHERE id = $1 FOR NO KEY UPDATE', [id]);
      if (rows.length === 0) throw new OrganisationUnknown();
      await tx.query('DELETE FROM contacts WHERE organisation_id = $1 AND role <> ALL($2)', [id, contacts.map(({ role }) => role)]);
      await tx.query(
        `INSERT INTO contacts AS kept (organisation_id, role, address, since)
         SELECT $1, role, address, $3 FROM jsonb_to_recordset($2::jsonb) AS x (role text, address text)
         ON CONFLICT (organisation_id, role) DO UPDATE SET address = excluded.address, since = excluded.since
         WHERE kept.address <> excluded.address`,
        [id, JSON.stringify(contacts), this.clock.now()],
      );
      return contactsOf(tx, id);
    });
  }

  /** Its own; any organisation's for those who look after all. */
  async of({ kind, id }: Principal, organisationId: string | null): Promise<KeptContact[]> {
    const isAnybodys = kind === 'OPERATOR' || kind === 'AUDITOR';
    return contactsOf(this.db.manager, isAnybodys ? (organisationId ?? id) : id);
  }
}

const contactsOf = (tx: EntityManager, organisationId: string): Promise<KeptContact[]> =>
  tx.query('SELECT role, address, since FROM contacts WHERE organisation_id = $1 ORDER BY role', [organisationId]);
