import {
  OrganisationChanged,
  OrganisationExited,
  OrganisationRegistered,
  type OrganisationStatus,
  OrganisationSuspended,
} from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { DomainError } from '@jinqiao/schema';
import { Controller, Injectable, type Type } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Admission, InSandbox } from './access.js';
import type { Principal } from './principal.js';

/** How old what is known may be: a suspension is in effect within this time in every process that has heard of it. */
const KNOWN_MS_MAX = 1_000;

/** The token is good, and the organisation is shut out. */
export class OrganisationShutOut extends DomainError {
  constructor(status: OrganisationStatus) {
    const isGone = status === 'EXITED';
    super(`ORGANISATION_${status}`, 403, {
      zh: isGone ? '机构已退出' : '机构已被暂停',
      en: `The organisation is ${isGone ? 'no longer part of this' : 'suspended'}`,
    });
  }
}

/** It has still to show that what it sends is right; until then it may try that, and nothing else. */
export class OrganisationInSandbox extends DomainError {
  constructor() {
    super('ORGANISATION_IN_SANDBOX', 403, { zh: '机构尚在沙箱阶段', en: 'The organisation is in the sandbox' });
  }
}

/** Refuses whoever is suspended or has left, and in the sandbox a department all but what is open to it, a platform what is closed to it. They are few, so all of them are read, and no request waits for a query of its own. */
@Injectable()
export class ShutOut implements Admission {
  private known: { readonly at: number; readonly statuses: Promise<ReadonlyMap<string, OrganisationStatus>> } | null = null;

  constructor(protected readonly db: DataSource) {}

  async admit({ id, kind }: Principal, { inSandbox }: { readonly inSandbox: InSandbox }): Promise<void> {
    const status = (await this.notInProduction()).get(id);
    if (status === undefined) return;
    if (status !== 'SANDBOX') throw new OrganisationShutOut(status);
    // What a platform in the sandbox is told is made up; what a department sends would be true for everybody else.
    if (inSandbox === 'CLOSED' || (kind === 'DEPARTMENT' && inSandbox !== 'OPEN')) throw new OrganisationInSandbox();
  }

  /** The table with `id` and `status` of organisations. */
  protected get table(): string {
    return 'followed_organisations';
  }

  private notInProduction(): Promise<ReadonlyMap<string, OrganisationStatus>> {
    const now = performance.now();
    if (this.known && now - this.known.at < KNOWN_MS_MAX) return this.known.statuses;
    this.known = { at: now, statuses: this.read() };
    return this.known.statuses;
  }

  private async read(): Promise<ReadonlyMap<string, OrganisationStatus>> {
    const rows: { id: string; status: OrganisationStatus }[] = await this.db.query(
      `SELECT id, status FROM ${this.table} WHERE status IN ('SANDBOX', 'SUSPENDED', 'EXITED')`,
    );
    return new Map(rows.map(({ id, status }) => [id, status]));
  }
}

/** What the directory says of an organisation and a token does not. */
interface KnownOrganisation {
  readonly status: OrganisationStatus;
  readonly scopes: readonly string[];
  /** Which merchant it is; null where it is none. */
  readonly uscc: string | null;
}

/** Null until this service has heard of it. */
export async function findOrganisation(tx: EntityManager, id: string): Promise<KnownOrganisation | null> {
  const [known]: KnownOrganisation[] = await tx.query('SELECT status, scopes, uscc FROM followed_organisations WHERE id = $1', [id]);
  return known ?? null;
}

/** The scopes that the directory gives an organisation. */
export const scopesOf = async (tx: EntityManager, id: string): Promise<readonly string[]> => (await findOrganisation(tx, id))?.scopes ?? [];

/** Is it still in the sandbox, as far as this service has heard? */
export async function isInSandbox(tx: EntityManager, id: string): Promise<boolean> {
  return (await findOrganisation(tx, id))?.status === 'SANDBOX';
}

/** Sets aside what departments in the sandbox sent by topic, and gives back the rest: nothing of it may come to be true. */
export async function withoutSandbox<R extends Pick<Received, 'owner' | 'reject'>>(
  tx: EntityManager,
  received: readonly R[],
): Promise<R[]> {
  const owners = [...new Set(received.map(({ owner }) => owner))];
  const rows: { id: string }[] = await tx.query("SELECT id FROM followed_organisations WHERE status = 'SANDBOX' AND id = ANY($1)", [
    owners,
  ]);
  const inSandbox = new Set<string | null>(rows.map(({ id }) => id));
  for (const one of received) if (inSandbox.has(one.owner)) one.reject('ORGANISATION_IN_SANDBOX', 'the department is in the sandbox');
  return received.filter(({ owner }) => !inSandbox.has(owner));
}

/** What a service does with organisations besides knowing who is shut out. */
export type FollowOrganisations = (tx: EntityManager, received: readonly Received<OrganisationRegistered>[]) => Promise<void>;

/** Listens to exchange.organisation.v1, in every service but the directory's own. */
export function organisationConsumer(follow: FollowOrganisations = () => Promise.resolve()): Type {
  @Controller()
  class OrganisationConsumer {
    @OnBatch(OrganisationRegistered, OrganisationChanged, OrganisationSuspended, OrganisationExited)
    async take(received: Received<OrganisationRegistered>[], tx: EntityManager): Promise<void> {
      await keep(tx, received);
      await follow(tx, received);
    }
  }
  return OrganisationConsumer;
}

async function keep(tx: EntityManager, received: readonly Received<OrganisationRegistered>[]): Promise<void> {
  const rows = received.map(({ data: { organisationId, status = 'PRODUCTION', scopes = [], uscc, revision } }) => ({
    id: organisationId,
    status,
    scopes,
    uscc,
    revision,
  }));
  await tx.query(
    `INSERT INTO followed_organisations AS kept (id, status, scopes, uscc, revision)
     SELECT DISTINCT ON (id) id, status, scopes, uscc, revision
     FROM jsonb_to_recordset($1::jsonb) AS x(id text, status text, scopes text[], uscc text, revision integer)
     ORDER BY id, revision DESC
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, scopes = excluded.scopes, uscc = excluded.uscc, revision = excluded.revision
     WHERE kept.revision < excluded.revision`,
    [JSON.stringify(rows)],
  );
}
