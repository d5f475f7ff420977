/**
 * The directory of organisations: who takes part, and under which names. Every id, name and alias belongs to one organisation, because
 * a sampling sheet says where goods were sold by a printed name, and the wrong platform must never learn of it.
 */
import type { OrganisationKind, OrganisationStatus } from '@jinqiao/contracts';
import { nameKey, readUscc } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import { ReasonMissing } from '../entitlement/entitlement.js';

/** Publishes what is made up for platforms in the sandbox; no organisation may have its name. */
export const SANDBOX = 'sandbox';

export interface Organisation {
  readonly id: string;
  readonly kind: OrganisationKind;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly sectors: readonly string[];
  readonly scopes: readonly string[];
  /** Which merchant it is: it sees what is kept of this one, and of no other. */
  readonly uscc: string | null;
  readonly status: OrganisationStatus;
  readonly statusReason: string | null;
  readonly revision: number;
}

export type OrganisationDraft = Omit<Organisation, 'revision' | 'status' | 'statusReason'>;
/** Everything that may change. */
export type OrganisationChanges = Pick<Organisation, 'name' | 'aliases' | 'sectors' | 'scopes' | 'uscc'>;

/** A name an organisation claims, with the place in the request that claims it. */
export interface NameClaim {
  readonly key: string;
  readonly pointer: string;
}

export class NameTaken extends DomainError {
  constructor(taken: readonly NameClaim[]) {
    const message = 'This name belongs to another organisation.';
    super(
      'NAME_TAKEN',
      409,
      { zh: '名称已被其他机构使用', en: 'A name belongs to another organisation' },
      taken.map(({ pointer }): Finding => ({ code: 'NAME_TAKEN', pointer, message })),
    );
  }
}

export class NameEmpty extends DomainError {
  constructor(empty: readonly NameClaim[]) {
    const message = 'A name needs at least one character that is not a space.';
    super(
      'NAME_EMPTY',
      400,
      { zh: '名称不能为空', en: 'A name is empty' },
      empty.map(({ pointer }): Finding => ({ code: 'NAME_EMPTY', pointer, message })),
    );
  }
}

/** The code says whose records an organisation reads, so it has to be one, and a merchant's. */
export class UsccRefused extends DomainError {
  constructor(code: 'USCC_CHECK_FAILED' | 'USCC_FOR_MERCHANTS', message: string) {
    super(code, 422, { zh: '统一社会信用代码不正确或不适用', en: 'The unified social credit code is wrong, or does not belong here' }, [
      { code, pointer: '/uscc', message },
    ]);
  }
}

export class OrganisationExists extends DomainError {
  constructor() {
    super('ORGANISATION_EXISTS', 409, { zh: '机构已登记且内容不同', en: 'The organisation is registered with other content' }, [
      { code: 'ORGANISATION_EXISTS', pointer: '/id', message: 'Change it with PUT.' },
    ]);
  }
}

export class OrganisationUnknown extends DomainError {
  constructor() {
    super('ORGANISATION_UNKNOWN', 404, { zh: '机构不存在', en: 'There is no such organisation' });
  }
}

/**
 * What platforms do with what they are told, and what departments report, can be tried without doing it. The others read, and what a
 * laboratory does it does to a sample that was drawn for it, for a department to confirm.
 */
export class NotForSandbox extends DomainError {
  constructor() {
    super('NOT_FOR_SANDBOX', 422, { zh: '仅平台与部门可进入沙箱', en: 'Only a platform or a department begins in the sandbox' }, [
      { code: 'NOT_FOR_SANDBOX', pointer: '/status', message: 'Leave it out.' },
    ]);
  }
}

/** Of a platform, by the channel that it is told by at the moment. */
export class ConformanceMissing extends DomainError {
  constructor() {
    super('CONFORMANCE_MISSING', 409, {
      zh: '尚未通过合规检测',
      en: 'It has not passed the conformance run (a platform: the last, by its channel); promoting it all the same needs a reason',
    });
  }
}

export class StatusNotAllowed extends DomainError {
  constructor(status: OrganisationStatus) {
    const allowed = Object.keys(MAY[status]);
    super(
      'STATUS_NOT_ALLOWED',
      409,
      { zh: '机构当前状态不允许此操作', en: `This can not be done to an organisation that is ${status}` },
      [],
      {
        organisationStatus: status,
        allowed,
      },
    );
  }
}

export class OperatorStays extends DomainError {
  constructor() {
    super('OPERATOR_STAYS', 409, { zh: '运行机构不得暂停或退出', en: 'An operator is neither suspended nor let go' });
  }
}

/** The distinct names of an organisation, the code of a merchant among them; the first place that writes a name claims it. */
export function namesOf({ id, name, aliases, uscc }: Pick<Organisation, 'id' | 'name' | 'aliases' | 'uscc'>): NameClaim[] {
  const claims = [
    { key: nameKey(id), pointer: '/id' },
    { key: nameKey(name), pointer: '/name' },
    ...aliases.map((alias, index) => ({ key: nameKey(alias), pointer: `/aliases/${index}` })),
    ...(uscc === null ? [] : [{ key: nameKey(uscc), pointer: '/uscc' }]),
  ];
  const empty = claims.filter(({ key }) => key === '');
  if (empty.length > 0) throw new NameEmpty(empty);
  return claims.filter((claim, index) => claims.findIndex(({ key }) => key === claim.key) === index);
}

/** The code in the form in which it is kept. One of the pilot of 2015 that fails its check digit may be real: the operator vouches for it. */
function usccFor(kind: OrganisationKind, text: string | null): string | null {
  if (text === null) return null;
  if (kind !== 'MERCHANT') throw new UsccRefused('USCC_FOR_MERCHANTS', 'Only a merchant has one: leave it out.');
  const { code, outcome } = readUscc(text);
  if (outcome === 'MALFORMED')
    throw new UsccRefused('USCC_CHECK_FAILED', 'is not the shape of a USCC, so its check digits cannot be right');
  if (outcome === 'CHECK_FAILED') throw new UsccRefused('USCC_CHECK_FAILED', 'has a wrong check digit');
  return code;
}

export const FIRST_STATUSES = ['SANDBOX', 'PRODUCTION'] as const;
export type FirstStatus = (typeof FIRST_STATUSES)[number];

const SANDBOX_KINDS: readonly OrganisationKind[] = ['PLATFORM', 'DEPARTMENT'];

/** Admits an organisation. A repetition with the same content gives back what is registered, so that a caller may simply try again. */
export function register(given: OrganisationDraft, status: FirstStatus, registered: Organisation | null): Organisation {
  if (status === 'SANDBOX' && !SANDBOX_KINDS.includes(given.kind)) throw new NotForSandbox();
  const draft = { ...given, uscc: usccFor(given.kind, given.uscc) };
  if (registered === null) return { ...draft, status, statusReason: null, revision: 1 };
  if (!sameContent(draft, registered)) throw new OrganisationExists();
  return registered;
}

/** Applies changes; the revision rises only if something changed. */
export function change(organisation: Organisation, changes: OrganisationChanges): Organisation {
  if (organisation.status === 'EXITED') throw new StatusNotAllowed(organisation.status);
  const changed = { ...organisation, ...changes, uscc: usccFor(organisation.kind, changes.uscc) };
  return sameContent(changed, organisation) ? organisation : { ...changed, revision: organisation.revision + 1 };
}

export const STATUS_ACTS = ['PROMOTE', 'SUSPEND', 'RESUME', 'EXIT'] as const;
export type StatusAct = (typeof STATUS_ACTS)[number];

const MAY: Readonly<Record<OrganisationStatus, Partial<Record<StatusAct, OrganisationStatus>>>> = {
  SANDBOX: { PROMOTE: 'PRODUCTION', EXIT: 'EXITED' },
  PRODUCTION: { SUSPEND: 'SUSPENDED', EXIT: 'EXITED' },
  SUSPENDED: { RESUME: 'PRODUCTION', EXIT: 'EXITED' },
  EXITED: {},
};

/**
 * Promotes, suspends, resumes or lets go an organisation; an operator stays, or nobody could undo it. The law has a platform told whether
 * it has passed anything or not (E-Commerce Law art. 38): with a reason it is promoted all the same.
 */
export function changeStatus(
  organisation: Organisation,
  act: StatusAct,
  { reason, conforms }: { reason: string | null; conforms: boolean },
): Organisation {
  const status = MAY[organisation.status][act];
  if (status === undefined) throw new StatusNotAllowed(organisation.status);
  if (organisation.kind === 'OPERATOR') throw new OperatorStays();
  if (act === 'PROMOTE' && reason === null && !conforms) throw new ConformanceMissing();
  const isShut = act === 'SUSPEND' || act === 'EXIT';
  if (isShut && reason === null) throw new ReasonMissing();
  return { ...organisation, status, statusReason: isShut || act === 'PROMOTE' ? reason : null, revision: organisation.revision + 1 };
}

/** May it read, write or call anything? What it must be told is issued and kept all the same, until it exits. */
export const isShutOut = (status: OrganisationStatus): boolean => status === 'SUSPENDED' || status === 'EXITED';

/** Refuses names that another organisation holds; `holders` are the present holders by key. */
export function assertNamesFree(id: string, claims: readonly NameClaim[], holders: ReadonlyMap<string, string>): void {
  const taken = claims.filter(({ key }) => key === SANDBOX || (holders.get(key) ?? id) !== id);
  if (taken.length > 0) throw new NameTaken(taken);
}

function sameContent(one: OrganisationDraft, other: OrganisationDraft): boolean {
  return (
    one.kind === other.kind &&
    one.name === other.name &&
    one.uscc === other.uscc &&
    sameList(one.aliases, other.aliases) &&
    sameList(one.sectors, other.sectors) &&
    sameList(one.scopes, other.scopes)
  );
}

const sameList = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((entry, index) => entry === other[index]);

/** Whoever registers a name, and whoever finds one unknown and acts on that, takes these locks: one of the two then sees the other. */
export const NAME_LOCKS = 'organisation-name';
