import { OrganisationChanged, OrganisationExited, OrganisationRegistered, OrganisationSuspended } from '@jinqiao/contracts';
import { event, lockKeys, Outbox, Topics } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { hasConformed } from '../conformance/conformance.runs.js';
import { followStatus } from '../endpoint/endpoint.service.js';
import { Entitlements } from '../entitlement/entitlement.service.js';
import { Untold } from '../untold.js';
import { OrganisationName, OrganisationRow } from './organisation.entity.js';
import {
  assertNamesFree,
  change,
  changeStatus,
  type FirstStatus,
  isShutOut,
  NAME_LOCKS,
  type NameClaim,
  namesOf,
  type Organisation,
  type OrganisationChanges,
  type OrganisationDraft,
  OrganisationUnknown,
  register,
  type StatusAct,
} from './organisation.js';

const LIST = 'organisations';

/** The directory: admits organisations, keeps their names, and lets what waited for a name go. */
@Injectable()
export class Organisations {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly topics: Topics,
    private readonly untold: Untold,
    private readonly entitlements: Entitlements,
    private readonly clock: Clock,
  ) {}

  /** Admits an organisation; its topics and their access rules exist before anyone can learn of it. May be repeated. */
  async register(draft: OrganisationDraft, { status, by }: { status: FirstStatus; by: string }): Promise<Organisation> {
    const claims = namesOf(draft);
    // Asked before the broker is: a refused registration leaves no topics.
    const present = register(draft, status, await this.find(this.db.manager, draft.id));
    if (isShutOut(present.status)) return present;
    assertNamesFree(draft.id, claims, await this.holders(this.db.manager, claims));
    await this.topics.ensureOrganisation(draft.kind, draft.id);
    const organisation = await this.db.transaction(async (tx) => {
      await lockKeys(tx, NAME_LOCKS, claims.map(keyOf));
      const registered = await this.find(tx, draft.id);
      const admitted = register(draft, status, registered);
      if (registered !== null) return registered;
      await this.keep(tx, admitted, claims);
      await this.outbox.add(tx, event(OrganisationRegistered, stateOf(admitted)));
      if (isTold(admitted)) await this.entitlements.conclude(tx, admitted.id, by);
      return admitted;
    });
    await this.releaseWaiting(organisation, claims);
    return organisation;
  }

  /** Changes names, sectors or scopes. What was issued under a name that moves stays where it was issued. */
  async change(id: string, changes: OrganisationChanges): Promise<Organisation> {
    const organisation = await this.db.transaction(async (tx) => {
      const present = await this.get(tx, id);
      await lockKeys(tx, NAME_LOCKS, namesOf({ ...present, ...changes }).map(keyOf));
      // Read again under the lock: the id is one of the locked names.
      const before = await this.get(tx, id);
      const changed = change(before, changes);
      if (changed === before) return before;
      await this.keep(tx, changed, namesOf(changed));
      await this.outbox.add(tx, event(OrganisationChanged, stateOf(changed)));
      return changed;
    });
    await this.releaseWaiting(organisation, namesOf(organisation));
    return organisation;
  }

  /** What follows at the broker is the job's; calls over HTTP are refused by the admission. */
  async changeStatus(id: string, { act, reason, by }: { act: StatusAct; reason: string | null; by: string }): Promise<Organisation> {
    const changed = await this.db.transaction(async (tx) => {
      // The first are the locks of a change of names, and of whoever finds one that nobody is told under; the second that of an endpoint.
      await lockKeys(tx, NAME_LOCKS, namesOf(await this.get(tx, id)).map(keyOf));
      await tx.query('SELECT FROM organisations WHERE id = $1 FOR NO KEY UPDATE', [id]);
      const present = await this.get(tx, id);
      const conforms = act === 'PROMOTE' && (await hasConformed(tx, present));
      const changed = changeStatus(present, act, { reason, conforms });
      await tx.update(OrganisationRow, { id }, { status: changed.status, statusReason: changed.statusReason, revision: changed.revision });
      if (act === 'EXIT') await this.entitlements.endAllOf(tx, id, { by, reason: reason ?? '' });
      if (changed.kind === 'PLATFORM') {
        if (act === 'PROMOTE') await this.entitlements.conclude(tx, id, by);
        else await followStatus(tx, this.outbox, { organisationId: id, act, at: this.clock.now() });
      }
      await this.outbox.add(tx, event(EVENTS[act], stateOf(changed)));
      return changed;
    });
    if (act === 'PROMOTE') await this.releaseWaiting(changed, namesOf(changed));
    return changed;
  }

  async list(query: { kind?: string; cursor?: string; limit: number }): Promise<Page<Organisation>> {
    const [after = ''] = query.cursor === undefined ? [] : decodeCursor(LIST, query.cursor);
    const rows: OrganisationRow[] = await this.db.manager
      .createQueryBuilder(OrganisationRow, 'organisation')
      .where('organisation.id > :after', { after })
      .andWhere(query.kind === undefined ? 'TRUE' : 'organisation.kind = :kind', { kind: query.kind })
      .orderBy('organisation.id')
      .limit(query.limit + 1)
      .getMany();
    return pageOf(LIST, rows, query.limit, ({ id }) => [id]);
  }

  async one(id: string): Promise<Organisation> {
    return this.get(this.db.manager, id);
  }

  private async keep(tx: EntityManager, organisation: Organisation, claims: readonly NameClaim[]): Promise<void> {
    assertNamesFree(organisation.id, claims, await this.holders(tx, claims));
    const { aliases, sectors, scopes, ...rest } = organisation;
    await tx.upsert(OrganisationRow, { ...rest, aliases: [...aliases], sectors: [...sectors], scopes: [...scopes] }, ['id']);
    const keys = claims.map(keyOf);
    await tx.query('DELETE FROM organisation_names WHERE organisation_id = $1 AND name_key <> ALL($2)', [organisation.id, keys]);
    await tx.query(
      'INSERT INTO organisation_names (name_key, organisation_id) SELECT key, $1 FROM unnest($2::text[]) AS key ON CONFLICT DO NOTHING',
      [organisation.id, keys],
    );
  }

  /** May be repeated and is, by the sweep, should this process end here. */
  private async releaseWaiting(organisation: Organisation, claims: readonly NameClaim[]): Promise<void> {
    if (isTold(organisation)) await this.untold.tell(organisation.id, claims.map(keyOf));
  }

  private async holders(tx: EntityManager, claims: readonly NameClaim[]): Promise<Map<string, string>> {
    const rows: OrganisationName[] = await tx
      .createQueryBuilder(OrganisationName, 'name')
      .where('name.nameKey IN (:...keys)', { keys: claims.map(keyOf) })
      .getMany();
    return new Map(rows.map(({ nameKey, organisationId }) => [nameKey, organisationId]));
  }

  private async find(tx: EntityManager, id: string): Promise<Organisation | null> {
    return tx.findOneBy(OrganisationRow, { id });
  }

  private async get(tx: EntityManager, id: string): Promise<Organisation> {
    const organisation = await this.find(tx, id);
    if (organisation === null) throw new OrganisationUnknown();
    return organisation;
  }
}

const EVENTS = {
  PROMOTE: OrganisationChanged,
  SUSPEND: OrganisationSuspended,
  RESUME: OrganisationChanged,
  EXIT: OrganisationExited,
} as const;

/** Is anything real told to it? */
const isTold = ({ kind, status }: Organisation): boolean => kind === 'PLATFORM' && status !== 'SANDBOX';

const keyOf = ({ key }: NameClaim): string => key;

const stateOf = ({
  id,
  kind,
  name,
  aliases,
  sectors,
  scopes,
  uscc,
  status,
  statusReason,
  revision,
}: Organisation): OrganisationRegistered => ({
  organisationId: id,
  revision,
  kind,
  name,
  aliases: [...aliases],
  sectors: [...sectors],
  scopes: [...scopes],
  ...(uscc !== null && { uscc }),
  status,
  ...(statusReason !== null && { statusReason }),
});
