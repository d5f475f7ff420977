/**
 * Why an organisation may know something. The law has three ways: it says itself what a platform must be told (电子商务法 art. 38 and
 * others), which nobody grants and nobody stops; a department grants another one its data (政务数据共享条例 art. 20 to 27); a platform
 * agrees, when it is admitted, to hear more than the law gives it. Here is decided who may do what to a grant or an agreement, and when.
 */
import {
  AgreementConcluded,
  EntitlementEnded,
  EntitlementExpired,
  EntitlementResumed,
  EntitlementRevoked,
  type EntitlementState,
  type EntitlementStatus,
  EntitlementSuspended,
  type EventClass,
  FEEDBACK_KINDS,
  type FeedbackKind,
  GrantAnswerExtended,
  GrantAnswerOverdue,
  GrantApproved,
  GrantRefused,
  GrantRequested,
  type SharingMode,
} from '@jinqiao/contracts';
import { dayInChina, deadline, divisionExists, rule } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import type { SharingFacts } from '../catalogue/catalogue.js';
import { type AnswerPeriod, answerPeriod } from '../deadline/answer-period.js';

/** Why platforms are told, by kind of feedback. */
export interface ToldUnder {
  readonly kind: 'STATUTORY_NOTICE' | 'AGREEMENT';
  readonly purpose: string;
  readonly legalBasis: { readonly instrument: string; readonly article?: string };
}

const E_COMMERCE_LAW = '中华人民共和国电子商务法';

export const TOLD_UNDER: Readonly<Record<FeedbackKind, ToldUnder>> = {
  SAMPLING_RESULT: {
    kind: 'STATUTORY_NOTICE',
    purpose: 'SAMPLING_FEEDBACK',
    legalBasis: { instrument: E_COMMERCE_LAW, article: '第三十八条' },
  },
  RECALL: {
    kind: 'STATUTORY_NOTICE',
    purpose: 'RECALL_FEEDBACK',
    legalBasis: { instrument: '市场监管总局公告2025年第21号（消费品召回信息共享）' },
  },
  RESTRICTION: {
    kind: 'STATUTORY_NOTICE',
    purpose: 'MERCHANT_RESTRICTION',
    legalBasis: { instrument: E_COMMERCE_LAW, article: '第二十九条' },
  },
  // No law makes a platform hear of its merchants' credit: giving it data is no sharing between departments either (art. 2).
  CREDIT_STATUS: {
    kind: 'AGREEMENT',
    purpose: 'MERCHANT_CREDIT',
    legalBasis: { instrument: '天津市人民政府办公厅关于推动生活性服务领域平台经济健康发展的实施意见', article: '五（四）' },
  },
};

/** The kinds a platform hears of by agreement. */
export const AGREED_KINDS = FEEDBACK_KINDS.filter((kind) => TOLD_UNDER[kind].kind === 'AGREEMENT');

/** What every delivery names: anybody can compute it. */
export const entitlementOf = (platformId: string, kind: FeedbackKind): string => `${TOLD_UNDER[kind].kind}:${kind}:${platformId}`;

/** Under what and for what something is delivered, as every trace of it says. */
export interface DeliveredUnder {
  readonly entitlementId: string;
  readonly purpose: string;
}

export const deliveredUnder = (platformId: string, kind: FeedbackKind): DeliveredUnder => ({
  entitlementId: entitlementOf(platformId, kind),
  purpose: TOLD_UNDER[kind].purpose,
});

/** The distinct ids for these kinds, in the order of the ids. */
export const entitlementsOf = (platformId: string, kinds: readonly FeedbackKind[]): string[] =>
  [...new Set(kinds)].map((kind) => entitlementOf(platformId, kind)).sort();

/** The kind and the platform in the id of a statutory notice; null for any other id. */
export function statutoryNotice(entitlementId: string): { feedbackKind: FeedbackKind; recipientId: string } | null {
  const [way, kind, recipientId = ''] = entitlementId.split(':');
  const feedbackKind = FEEDBACK_KINDS.find((one) => one === kind && TOLD_UNDER[one].kind === 'STATUTORY_NOTICE');
  return way === 'STATUTORY_NOTICE' && feedbackKind && recipientId !== '' ? { feedbackKind, recipientId } : null;
}

export const ACTS = ['APPROVE', 'REFUSE', 'EXTEND', 'SUSPEND', 'RESUME', 'REVOKE', 'END', 'CONCLUDE'] as const;
/** What is done to an entitlement. EXPIRE is done by the clock alone. */
export type Act = (typeof ACTS)[number] | 'EXPIRE';
export type Party = 'PROVIDER' | 'RECIPIENT' | 'OPERATOR' | 'CLOCK';

/** Everything that may be done, by whom; what is not here is refused. A grant that has ended is asked for anew. */
const MAY: Readonly<
  Record<EntitlementState['kind'], Partial<Record<EntitlementStatus, Partial<Record<Act, readonly [Party, ...Party[]]>>>>>
> = {
  GRANT: {
    REQUESTED: { APPROVE: ['PROVIDER'], REFUSE: ['PROVIDER'], EXTEND: ['PROVIDER'], END: ['RECIPIENT'], EXPIRE: ['CLOCK'] },
    ACTIVE: { SUSPEND: ['PROVIDER', 'OPERATOR'], REVOKE: ['PROVIDER'], END: ['RECIPIENT'], EXPIRE: ['CLOCK'] },
    SUSPENDED: { RESUME: ['PROVIDER', 'OPERATOR'], REVOKE: ['PROVIDER'], END: ['RECIPIENT'], EXPIRE: ['CLOCK'] },
  },
  AGREEMENT: {
    ACTIVE: { SUSPEND: ['OPERATOR'], REVOKE: ['OPERATOR'], END: ['RECIPIENT'] },
    SUSPENDED: { RESUME: ['OPERATOR'], REVOKE: ['OPERATOR'], END: ['RECIPIENT'] },
    REVOKED: { CONCLUDE: ['OPERATOR'] },
    ENDED: { CONCLUDE: ['OPERATOR'] },
  },
};

const AFTER: Readonly<Record<Act, { readonly event: EventClass<EntitlementState>; readonly status: EntitlementStatus }>> = {
  APPROVE: { event: GrantApproved, status: 'ACTIVE' },
  REFUSE: { event: GrantRefused, status: 'REFUSED' },
  EXTEND: { event: GrantAnswerExtended, status: 'REQUESTED' },
  SUSPEND: { event: EntitlementSuspended, status: 'SUSPENDED' },
  RESUME: { event: EntitlementResumed, status: 'ACTIVE' },
  REVOKE: { event: EntitlementRevoked, status: 'REVOKED' },
  END: { event: EntitlementEnded, status: 'ENDED' },
  CONCLUDE: { event: AgreementConcluded, status: 'ACTIVE' },
  EXPIRE: { event: EntitlementExpired, status: 'EXPIRED' },
};

/** Whoever is refused, or loses what he had, is told why (art. 21, 27). */
const NEEDS_REASON: readonly Act[] = ['REFUSE', 'EXTEND', 'SUSPEND', 'REVOKE'];

/** Also for what the caller has no part in. */
export class EntitlementUnknown extends DomainError {
  constructor() {
    super('ENTITLEMENT_UNKNOWN', 404, { zh: '没有该获取依据', en: 'There is no such entitlement' });
  }
}

export class StatutoryNoticeStands extends DomainError {
  constructor() {
    super('STATUTORY_NOTICE_STANDS', 409, {
      zh: '法定告知不得过滤、暂停或撤销',
      en: 'What the law says a platform must be told can not be filtered, suspended or taken back',
    });
  }
}

export class NotAllowedNow extends DomainError {
  constructor(status: EntitlementStatus, allowed: Readonly<Partial<Record<Act, readonly Party[]>>>) {
    super('NOT_ALLOWED_NOW', 409, { zh: '当前状态不允许此操作', en: `This can not be done while the status is ${status}` }, [], {
      entitlementStatus: status,
      allowed,
    });
  }
}

export class NotCompetent extends DomainError {
  constructor(by: readonly Party[]) {
    super('NOT_COMPETENT', 403, { zh: '无权作出此决定', en: `This is for ${by.join(' or ')} to do` }, [], { competent: by });
  }
}

export class ReasonMissing extends DomainError {
  constructor() {
    super('REASON_MISSING', 422, { zh: '须说明理由', en: 'The reason is missing' }, [
      { code: 'REASON_MISSING', pointer: '/reason', message: 'Whoever it concerns has to be told why.' },
    ]);
  }
}

export class NotExtendable extends DomainError {
  constructor() {
    super('NOT_EXTENDABLE', 409, {
      zh: '答复期限不可延长',
      en: 'The period for an answer is extended once, before it has passed, and for conditional sharing only',
    });
  }
}

export class GrantUnacceptable extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('GRANT_UNACCEPTABLE', 422, { zh: '共享申请不可受理', en: 'This can not be asked for in this way' }, findings);
  }
}

export class GrantExists extends DomainError {
  constructor() {
    super('GRANT_EXISTS', 409, { zh: '该数据已申请或已授权', en: 'This stream was asked for or granted already' });
  }
}

/** Art. 20: what rests on which basis, for which scene, how much of what, by which mode and until when, signed off by the requester. */
export interface GrantDraft {
  readonly stream: string;
  readonly mode: SharingMode;
  readonly level: number;
  readonly areas?: string[];
  readonly events?: string[];
  readonly legalBasis: string;
  readonly purpose: string;
  readonly signOff: string;
  readonly validUntil: string;
}

/** A change with the event that announces it. */
export interface Changed {
  readonly event: EventClass<EntitlementState>;
  readonly state: EntitlementState;
}

/** Everything that is wrong with a request at once (art. 21: a one-time list); the rest is for the provider to judge. */
export function requestGrant(
  draft: GrantDraft,
  { facts, providers }: { facts: SharingFacts | null; providers: readonly string[] },
  { entitlementId, requesterId, now }: { entitlementId: string; requesterId: string; now: Date },
): Changed {
  const today = dayInChina(now);
  const [providerId] = providers;
  const findings = findingsIn(draft, { facts, providers, requesterId, today });
  if (facts === null || providerId === undefined || findings.length > 0) throw new GrantUnacceptable(findings);
  const period = answerPeriod(`SHARING_ANSWER_${facts.attribute}`, today);
  return {
    event: GrantRequested,
    state: {
      entitlementId,
      revision: 1,
      kind: 'GRANT',
      status: 'REQUESTED',
      recipientId: requesterId,
      providerId,
      ...draft,
      requestedAt: now.toISOString(),
      ...(period && { answerDueOn: period.dueOn }),
      changedBy: requesterId,
      changedAt: now.toISOString(),
    },
  };
}

function findingsIn(
  draft: GrantDraft,
  asked: { facts: SharingFacts | null; providers: readonly string[]; requesterId: string; today: string },
): Finding[] {
  const { stream, mode, level, validUntil } = draft;
  const { facts, providers, requesterId, today } = asked;
  if (facts === null) return [{ code: 'STREAM_UNKNOWN', pointer: '/stream', message: `${stream} is not in the catalogue.` }];
  const { instrument, article } = facts.legalBasis;
  if (facts.attribute === 'NOT_SHARED') {
    return [{ code: 'NOT_SHARED', pointer: '/stream', message: `${stream} is not shared: ${instrument}${article}.` }];
  }
  const wrong: readonly [boolean, Finding][] = [
    [
      providers.length !== 1,
      { code: 'PROVIDER_UNCLEAR', pointer: '/stream', message: `${providers.length} departments provide ${stream}; one has to (art. 19).` },
    ],
    [providers.includes(requesterId), { code: 'OWN_DATA', pointer: '/stream', message: 'You provide this yourself.' }],
    [
      !facts.modes.includes(mode),
      { code: 'MODE_NOT_OFFERED', pointer: '/mode', message: `${stream} is offered by ${facts.modes.join(', ')}.` },
    ],
    [level < facts.level, { code: 'LEVEL_TOO_LOW', pointer: '/level', message: `${stream} is classified as level ${facts.level}.` }],
    [validUntil < today, { code: 'PERIOD_OVER', pointer: '/validUntil', message: 'This day has passed.' }],
  ];
  return [...wrong.flatMap(([isWrong, finding]) => (isWrong ? [finding] : [])), ...findingsInScope(draft, facts)];
}

/** A topic is read as a whole: whoever needs less of it pulls. */
function findingsInScope({ stream, mode, areas, events }: GrantDraft, facts: SharingFacts): Finding[] {
  const narrowed = [areas && '/areas', events && '/events'].filter((pointer) => pointer !== undefined);
  if (mode !== 'PULL') {
    return narrowed.map((pointer) => ({ code: 'SCOPE_NEEDS_PULL', pointer, message: 'A topic is read as a whole; ask for PULL.' }));
  }
  const empty = [areas?.length === 0 && '/areas', events?.length === 0 && '/events'].filter((pointer) => typeof pointer === 'string');
  if (empty.length > 0) return empty.map((pointer) => ({ code: 'SCOPE_EMPTY', pointer, message: 'Leave it out to ask for all of it.' }));
  if (areas && !facts.areasOf) return [{ code: 'NOT_BY_AREA', pointer: '/areas', message: `${stream} says nothing of places.` }];
  const known = facts.stream.events.map(({ name }) => name);
  return [
    ...findingsAt('/areas', areas, divisionExists, { code: 'DIVISION_UNKNOWN', message: 'This is no division of GB/T 2260.' }),
    ...findingsAt('/events', events, (event) => known.includes(event), {
      code: 'EVENT_UNKNOWN',
      message: `${stream} has ${known.join(', ')}.`,
    }),
  ];
}

function findingsAt(
  list: string,
  values: readonly string[] | undefined,
  isKnown: (value: string) => boolean,
  finding: Omit<Finding, 'pointer'>,
): Finding[] {
  return (values ?? []).flatMap((value, nth) => (isKnown(value) ? [] : [{ ...finding, pointer: `${list}/${nth}` }]));
}

/** Concluded when a platform is admitted, without a limit in time. */
export function concludeAgreement(platformId: string, feedbackKind: FeedbackKind, by: string, now: Date): Changed {
  const { purpose, legalBasis } = TOLD_UNDER[feedbackKind];
  return {
    event: AgreementConcluded,
    state: {
      entitlementId: entitlementOf(platformId, feedbackKind),
      revision: 1,
      kind: 'AGREEMENT',
      status: 'ACTIVE',
      recipientId: platformId,
      feedbackKind,
      legalBasis: `${legalBasis.instrument}${legalBasis.article ?? ''}`,
      purpose,
      requestedAt: now.toISOString(),
      changedBy: by,
      changedAt: now.toISOString(),
    },
  };
}

/** Who somebody is to an entitlement; null: he has no part in it and may not know of it. */
export function partyOf({ recipientId, providerId }: EntitlementState, caller: { kind: string; id: string }): Party | null {
  if (caller.kind === 'OPERATOR') return 'OPERATOR';
  if (caller.id === providerId) return 'PROVIDER';
  return caller.id === recipientId ? 'RECIPIENT' : null;
}

export interface Doing {
  readonly act: Act;
  readonly party: Party | null;
  readonly by: string;
  readonly reason: string | null;
}

/** Refuses in this order: no part in it, wrong status, wrong party, no reason. */
export function change(state: EntitlementState, { act, party, by, reason }: Doing, now: Date): Changed {
  if (party === null) throw new EntitlementUnknown();
  const allowed = allowedIn(state);
  const competent = allowed[act];
  if (competent === undefined) throw new NotAllowedNow(state.status, allowed);
  if (!competent.includes(party)) throw new NotCompetent(competent);
  if (reason === null && NEEDS_REASON.includes(act)) throw new ReasonMissing();
  const { suspendedBy: _before, reason: _why, ...rest } = state;
  const { event, status } = AFTER[act];
  return {
    event,
    state: {
      ...rest,
      ...(act === 'EXTEND' && extended(state, now)),
      revision: state.revision + 1,
      status,
      ...(act === 'SUSPEND' && { suspendedBy: party === 'OPERATOR' ? 'OPERATOR' : 'PROVIDER' }),
      ...(reason !== null && { reason }),
      changedBy: by,
      changedAt: now.toISOString(),
    },
  };
}

/** Whoever suspended it resumes it. */
function allowedIn({ kind, status, suspendedBy }: EntitlementState): Partial<Record<Act, readonly Party[]>> {
  const allowed = MAY[kind][status] ?? {};
  return allowed.RESUME && suspendedBy ? { ...allowed, RESUME: [suspendedBy] } : allowed;
}

function extended({ answerDueOn, answerExtended, requestedAt }: EntitlementState, now: Date): Partial<EntitlementState> {
  const row = rule('SHARING_ANSWER_EXTENSION', { on: dayInChina(now) });
  const conditional = rule('SHARING_ANSWER_CONDITIONAL', { on: dayInChina(new Date(requestedAt)) });
  if (row === 'NO_RULE' || conditional === 'NO_RULE' || answerDueOn === undefined || answerExtended) throw new NotExtendable();
  // Unconditional sharing is answered within a day and has no extension: its period is the shorter one.
  if (answerDueOn < String(deadline(dayInChina(new Date(requestedAt)), conditional).due) || answerDueOn < dayInChina(now)) {
    throw new NotExtendable();
  }
  return { answerDueOn: String(deadline(answerDueOn, row).due), answerExtended: true };
}

/** How long the provider has for its answer, by the holidays that are published now; what extends a period begins when that period ends. */
export function periodOf(
  { requestedAt, answerExtended }: Pick<EntitlementState, 'requestedAt' | 'answerExtended'>,
  attribute: SharingFacts['attribute'],
): AnswerPeriod | null {
  const asked = dayInChina(new Date(requestedAt));
  const first = answerPeriod(`SHARING_ANSWER_${attribute}`, asked);
  if (!first || !answerExtended) return first;
  const more = answerPeriod('SHARING_ANSWER_EXTENSION', first.dueOn, asked);
  return more && { ...more, provisional: first.provisional || more.provisional };
}

/** The next revision of an unanswered request whose period ends otherwise than was said; null where it does not. */
export function computedAgain(state: EntitlementState, attribute: SharingFacts['attribute'], by: string, now: Date): Changed | null {
  const period = periodOf(state, attribute);
  if (!period || period.dueOn === state.answerDueOn) return null;
  return {
    event: state.answerExtended ? GrantAnswerExtended : GrantRequested,
    state: { ...state, revision: state.revision + 1, answerDueOn: period.dueOn, changedBy: by, changedAt: now.toISOString() },
  };
}

/** The next revision of a request that was not answered in time. */
export const overdue = (state: EntitlementState, by: string, now: Date): Changed => ({
  event: GrantAnswerOverdue,
  state: { ...state, revision: state.revision + 1, overdueRaisedAt: now.toISOString(), changedBy: by, changedAt: now.toISOString() },
});

/** What becomes of it when one of its two sides leaves: the recipient needs it no more, the provider gives it no more. */
export function leave(
  state: EntitlementState,
  { organisationId, by, reason }: { organisationId: string; by: string; reason: string },
  now: Date,
): Changed {
  if (organisationId === state.recipientId) return change(state, { act: 'END', party: 'RECIPIENT', by, reason }, now);
  return change(state, { act: state.status === 'REQUESTED' ? 'REFUSE' : 'REVOKE', party: 'PROVIDER', by, reason }, now);
}

/** Has its last day passed? The clock then ends it. */
export const hasExpired = ({ validUntil }: Pick<EntitlementState, 'validUntil'>, now: Date): boolean =>
  validUntil !== undefined && validUntil < dayInChina(now);
