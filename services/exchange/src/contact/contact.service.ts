import { ContactsNamed } from '@jinqiao/contracts';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { Clock, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { OrganisationUnknown } from '../organisation/organisation.js';
import { areKept, assertRolesDistinct, type Contact } from './contact.js';

export interface KeptContact extends Contact {
  /** Since when the role has this address. */
  readonly since: Date;
}

/** An organisation's own care of its contacts. */
@Injectable()
export class Contacts {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** All of them, as they are to be; what stays the same keeps its time. */
  async replace({ id }: Principal, contacts: readonly Contact[]): Promise<KeptContact[]> {
    assertRolesDistinct(contacts);
    return this.db.transaction(async (tx) => {
      const rows: unknown[] = await tx.query('SELECT FROM organisations WHERE id = $1 FOR NO KEY UPDATE', [id]);
      if (rows.length === 0) throw new OrganisationUnknown();
      const before = await contactsOf(tx, id);
      if (areKept(before, contacts)) return before;
      const [last]: { revision: number }[] = await tx.query('SELECT max(revision) AS revision FROM contacts WHERE organisation_id = $1', [
        id,
      ]);
      const revision = (last?.revision ?? 0) + 1;
      const now = this.clock.now();
      const sinceOf = ({ role, address }: Contact): Date =>
        before.find((one) => one.role === role && one.address === address)?.since ?? now;
      const named = contacts.map(({ role, address }) => ({ role, address, since: sinceOf({ role, address }).toISOString() }));
      const state: ContactsNamed = { organisationId: id, revision, contacts: named };
      await keep(tx, state);
      await this.outbox.add(tx, event(ContactsNamed, state));
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

async function keep(tx: EntityManager, { organisationId, revision, contacts }: ContactsNamed): Promise<void> {
  await tx.query('DELETE FROM contacts WHERE organisation_id = $1', [organisationId]);
  await tx.query(
    `INSERT INTO contacts (organisation_id, role, address, since, revision)
     SELECT $1, role, address, since, $3::integer FROM jsonb_to_recordset($2::jsonb) AS x (role text, address text, since timestamptz)`,
    [organisationId, JSON.stringify(contacts), revision],
  );
}

/** What organisations had named and a database that was set back does not know; the newest of each. */
export async function takeOverContacts(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<ContactsNamed>[]) {
    const known: unknown[] = await tx.query('SELECT FROM contacts WHERE organisation_id = $1 AND revision >= $2', [
      data.organisationId,
      data.revision,
    ]);
    if (known.length > 0) continue;
    await keep(tx, data);
    news += 1;
  }
  return news;
}
