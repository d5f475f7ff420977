/**
 * What a platform is told, what it must do about it and by when (design §3.3, §3.5). Being told is what makes a platform "know" of
 * unsafe goods in the sense of article 38 of the E-Commerce Law, so a feedback is evidence: each revision has a hash, a revision rises
 * only when something the platform reads has changed, and nothing is told about another platform's merchants.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type FeedbackClock,
  FeedbackIssued,
  type FeedbackKind,
  FeedbackWithdrawn,
  type Finality,
  type LegalBasis,
  type Regime,
  type RequiredAction,
  type Ruling,
  type SamplingResultPublished,
  type Verdict,
} from '@jinqiao/contracts';
import { dayInChina, deadline, nameKey, rule, type RuleRow, SAMPLING_MEASURES } from '@jinqiao/law';
import { contentHash } from '@jinqiao/schema';
import { v5 as uuidv5 } from 'uuid';
import { bodyFor, type ResultSource } from './feedback.projection.js';

/** The last thing one platform was told about one subject. */
export type Feedback = FeedbackCase &
  ({ readonly status: 'ISSUED'; readonly said: FeedbackIssued } | { readonly status: 'WITHDRAWN'; readonly said: FeedbackWithdrawn });

interface FeedbackCase {
  /** The department whose result it is; null where a service publishes for everyone. */
  readonly publisherId: string | null;
  /** The name under which the platform was found: a name that moves later takes nothing along. */
  readonly matchedBy: string | null;
  /** When the platform had done what is required; kept as long as the required actions stay the same. */
  readonly closedAt: string | null;
  /** First of the revisions that ask the same: they share a clock. */
  readonly askedSince: number;
}

/** The state of a sampling result, published or not. */
export type SamplingState = Omit<SamplingResultPublished, 'publishedAt'> & { publishedAt?: string };

/** A state or the end of a sampling result, at one revision. */
export interface Change {
  readonly subject: string;
  readonly revision: number;
  readonly state: SamplingState | null;
  /** Why there is no state any more. */
  readonly reason: string | null;
  /** The result that reports the same and stands: what was found holds, and nobody has to undo anything. */
  readonly mergedInto?: string | undefined;
}

/** A result sold on a platform that the directory does not know: it waits for the name to be registered. */
export interface Waiting {
  readonly subject: string;
  readonly nameKey: string;
  readonly printed: string;
  readonly subjectRevision: number;
  readonly state: SamplingState;
}

/** What stands about one subject at the moment. */
export interface Standing {
  readonly feedbacks: readonly Feedback[];
  readonly waiting: Waiting | null;
}

/** What a change leads to: feedbacks to tell, in order, and what waits from now on. */
export interface Outcome {
  readonly told: readonly Feedback[];
  readonly waiting: Waiting | null;
}

/** A state to tell one platform, before it is compared with what it was told last. */
export interface Draft {
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly subjectRevision: number;
  readonly publisherId: string | null;
  readonly matchedBy: string | null;
  readonly regime: Regime | null;
  readonly actionsRequired: readonly RequiredAction[];
  readonly legalBasis: readonly LegalBasis[];
  readonly entitlement: FeedbackIssued['entitlement'];
  readonly finality?: Finality;
  /** What the body is built from: `VISIBLE` says what of it leaves. */
  readonly source: object;
}

/** The name that decides which platform is told: the id beats the printed name; '' = sold online, no platform printed; null = offline. */
export function platformKey({ online }: Pick<SamplingState, 'online'>): string | null {
  return online ? nameKey(online.platformId ?? online.platformName ?? '') : null;
}

/** Decides what follows from a change, `found` being the platform that its name leads to today. */
export function follow({ feedbacks }: Standing, change: Change, found: string | null, now: Date): Outcome {
  const { subject, revision, state } = change;
  const key = state && platformKey(state);
  // Moving an alias changes nothing already issued: under the same name, the platform that was told stays the one that is told.
  const standing = feedbacks.find(({ status, matchedBy }) => status === 'ISSUED' && matchedBy === key);
  const recipientId = key === null ? null : (standing?.said.recipientId ?? found);
  const reason = state === null ? (change.reason ?? RESULT_REMOVED) : REATTRIBUTED;
  const withdrawn = feedbacks
    .filter((feedback) => feedback.said.recipientId !== recipientId)
    .map((feedback) => {
      const regime = state?.regime ?? regimeOf(feedback);
      return withdraw(feedback, { subjectRevision: revision, reason, regime, holds: change.mergedInto !== undefined }, now);
    });
  const issued = state && recipientId !== null ? issueResult(feedbacks, { ...change, state }, { recipientId, key }, now) : null;
  const waits = state !== null && key !== null && recipientId === null;
  const isAhead = isAheadOf(revision, feedbacks);
  return {
    told: [...withdrawn, issued].filter((feedback) => feedback !== null).filter((feedback) => !isAhead(feedback)),
    waiting: waits ? { subject, nameKey: key, printed: printedName(state), subjectRevision: revision, state } : null,
  };
}

/** After a restore subjects are read again: a feedback that has followed its subject further says nothing about what came before. */
export function isAheadOf(subjectRevision: number, feedbacks: readonly Feedback[]): (next: Feedback) => boolean {
  const ahead = new Set(feedbacks.filter(({ said }) => said.subjectRevision > subjectRevision).map(({ said }) => said.feedbackId));
  return ({ said }) => ahead.has(said.feedbackId);
}

const RESULT_REMOVED = '该结果已不再公开';
const REATTRIBUTED = '该结果已不再归于本平台';

const printedName = ({ online }: SamplingState): string => online?.platformId ?? online?.platformName ?? '';

function issueResult(
  feedbacks: readonly Feedback[],
  { subject, revision, state }: Change & { state: SamplingState },
  recipient: { recipientId: string; key: string | null },
  now: Date,
): Feedback | null {
  const previous = feedbacks.find(({ said }) => said.recipientId === recipient.recipientId) ?? null;
  const draft: Draft = {
    recipientId: recipient.recipientId,
    kind: 'SAMPLING_RESULT',
    subject,
    subjectRevision: revision,
    publisherId: state.reporterId,
    matchedBy: recipient.key,
    regime: state.regime,
    actionsRequired: [...actionsFor(state.verdict, previous?.said.actionsRequired ?? null, state.regime), ...resumption(state)],
    legalBasis: noticeBasis(state.regime),
    entitlement: NOTICE_ENTITLEMENT,
    finality: state.finality,
    source: sourceOf(state),
  };
  return issue(previous, draft, now);
}

/** Why a platform is told of what it sold. */
export const NOTICE_ENTITLEMENT: FeedbackIssued['entitlement'] = { kind: 'STATUTORY_NOTICE', id: 'E_COMMERCE_LAW_38' };

const MEASURES = ['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT'] as const;

/** What a verdict asks of the platform that sold the goods, given what it was asked before. */
export function actionsFor(verdict: Verdict, previous: readonly RequiredAction[] | null, regime: Regime): RequiredAction[] {
  const basis = articleOf(regime);
  switch (verdict) {
    case 'UNQUALIFIED':
      return [...MEASURES.map((action) => ({ action, mandatory: true, basis })), { action: 'REPORT_SALES', mandatory: false, basis }];
    case 'QUALIFIED':
    case 'UNDETERMINED':
    case 'NOT_TESTED':
      return undo(previous, basis);
  }
}

/** New batches may be sold once every party has passed its re-check; what was taken off sale stays off it (Order 18 §49). */
export function resumption({ verdict, regime, decisions = [] }: Pick<SamplingState, 'verdict' | 'regime' | 'decisions'>): RequiredAction[] {
  const resumes = verdict === 'UNQUALIFIED' && decisions.some((one) => one.resumes === true);
  const basis = regime === 'PRODUCT' ? `${SAMPLING_MEASURES}第四十九条` : articleOf(regime);
  return resumes ? [{ action: 'RESUME', mandatory: false, basis }] : [];
}

/** Whoever had to act is asked to undo it, and stays asked; nobody else is asked for anything. */
export function undo(previous: readonly RequiredAction[] | null, basis: string): RequiredAction[] {
  const acted = previous?.some(({ mandatory }) => mandatory) ?? false;
  return acted ? [{ action: 'RESTORE', mandatory: true, basis }] : [{ action: 'NONE', mandatory: false, basis }];
}

export const asksToUndo = ({ actionsRequired }: Pick<FeedbackIssued, 'actionsRequired'>): boolean =>
  actionsRequired.some(({ action, mandatory }) => action === 'RESTORE' && mandatory);

/** Everything there is of a result and of the merchant it was sampled at; what of it leaves, `VISIBLE` says. */
export const sourceOf = (state: SamplingState): ResultSource => ({ merchant: { ...state.sampledParty, ...state.online }, content: state });

/** The next revision of a feedback, or null when the platform would read nothing new. */
export function issue(previous: Feedback | null, draft: Draft, now: Date): Feedback | null {
  const { recipientId, kind, subject, subjectRevision, publisherId, matchedBy, entitlement, finality, source } = draft;
  const body = bodyFor('PLATFORM', kind, source);
  const asked = { kind, actionsRequired: draft.actionsRequired, content: body.content };
  const before = previous && asksTheSame(previous.said, asked) ? previous : null;
  const said = sealed(FeedbackIssued, {
    feedbackId: feedbackIdOf(recipientId, kind, subject),
    recipientId,
    revision: (previous?.said.revision ?? 0) + 1,
    kind,
    subject,
    subjectRevision,
    entitlement,
    ...(finality && { finality }),
    ...body,
    ...required(before, draft, now),
    ...ruled(previous),
    issuedAt: now.toISOString(),
  });
  if (previous?.status === 'ISSUED' && readsTheSame(previous.said, said)) return null;
  return { status: 'ISSUED', said, publisherId, matchedBy, ...askedBefore(before, said) };
}

export interface Withdrawal {
  readonly subjectRevision: number;
  readonly reason: string;
  readonly regime: Regime | null;
  /** What was found is told of under another subject. */
  readonly holds?: boolean;
  /** Absent: whoever had to act undoes it. */
  readonly asks?: readonly RequiredAction[];
}

/** Takes back what a platform was told; null when nothing stands. */
export function withdraw(
  feedback: Feedback,
  { subjectRevision, reason, regime, holds = false, asks }: Withdrawal,
  now: Date,
): Feedback | null {
  if (feedback.status === 'WITHDRAWN') return null;
  const { feedbackId, recipientId, kind, subject, revision, actionsRequired, legalBasis } = feedback.said;
  const basis = regime === null ? (actionsRequired[0]?.basis ?? '') : articleOf(regime);
  const asked = {
    kind,
    regime,
    actionsRequired: [...(asks ?? undo(holds ? null : actionsRequired, basis))],
    legalBasis: regime === null ? legalBasis : noticeBasis(regime),
  };
  const before = asksTheSame(feedback.said, asked) ? feedback : null;
  const said = sealed(FeedbackWithdrawn, {
    feedbackId,
    recipientId,
    revision: revision + 1,
    kind,
    subject,
    subjectRevision,
    reason,
    ...required(before, asked, now),
    ...ruled(feedback),
    issuedAt: now.toISOString(),
  });
  return { ...feedback, status: 'WITHDRAWN', said, ...askedBefore(before, said) };
}

/** The next revision of what stands, with a ruling on what the recipient contested. Nothing else changes, its deadline least of all. */
export function withRuling(feedback: Feedback, ruling: Ruling, now: Date): Feedback {
  const next = { revision: feedback.said.revision + 1, ruling, issuedAt: now.toISOString() };
  return feedback.status === 'ISSUED'
    ? { ...feedback, said: sealed(FeedbackIssued, { ...feedback.said, ...next }) }
    : { ...feedback, said: sealed(FeedbackWithdrawn, { ...feedback.said, ...next }) };
}

/** A ruling stays with the feedback until the next one: it says itself which revision it is about. */
const ruled = (previous: Feedback | null): { ruling?: Ruling } => (previous?.said.ruling ? { ruling: previous.said.ruling } : {});

// Namespace of feedback ids: UUID v5 of the URL namespace and https://jinqiao.tj.gov.cn/feedback. Recipients may compute ids themselves.
const FEEDBACK_IDS = uuidv5('https://jinqiao.tj.gov.cn/feedback', uuidv5.URL);

export const feedbackIdOf = (recipientId: string, kind: FeedbackKind, subject: string): string =>
  uuidv5(`${recipientId}\n${kind}\n${subject}`, FEEDBACK_IDS);

type Asked = Pick<Draft, 'kind' | 'regime' | 'actionsRequired' | 'legalBasis'>;
type Required = Pick<FeedbackIssued, 'actionsRequired' | 'clock' | 'dueAt' | 'legalBasis'>;

/** Actions with their clock. What `asked` the same before keeps its clock: a corrected spelling must not give a platform another day. */
function required(asked: Feedback | null, { kind, regime, actionsRequired, legalBasis }: Asked, now: Date): Required {
  if (asked) {
    const { clock, dueAt } = asked.said;
    return {
      actionsRequired: [...actionsRequired],
      ...(clock && { clock }),
      ...(dueAt && { dueAt }),
      legalBasis: asked.said.legalBasis,
    };
  }
  const anew = { actionsRequired: [...actionsRequired], legalBasis: [...legalBasis] };
  const name = CLOCK_RULES[kind];
  if (name === null || regime === null || !actionsRequired.some(({ mandatory }) => mandatory)) return anew;
  const row = rule(name, { regime, on: dayInChina(now) });
  if (row === 'NO_RULE') return anew;
  const ruleBasis: LegalBasis = { ...row.legalBasis, ruleVersion: row.version };
  const clock = clockOf(row);
  return { ...anew, clock, ...(clock.startsOn === 'ISSUED' && { dueAt: dueAt(row, now) }), legalBasis: [...legalBasis, ruleBasis] };
}

/** The rule that says how long a platform has; null where nothing is asked within a time. */
const CLOCK_RULES: Record<FeedbackKind, string | null> = {
  SAMPLING_RESULT: 'FEEDBACK_ACTION',
  RECALL: 'RECALL_TAKE_DOWN',
  CREDIT_STATUS: null,
  RESTRICTION: null,
};

/** Version of the rule row behind a clock: the last legal basis, as `required` puts it. */
export const clockRuleOf = ({ clock, legalBasis }: Pick<FeedbackIssued, 'clock' | 'legalBasis'>): string | null =>
  (clock && legalBasis.at(-1)?.ruleVersion) ?? null;

/** When a clock starts that does not wait for a receipt. */
export const clockStartOf = ({ clock, issuedAt }: Pick<FeedbackIssued, 'clock' | 'issuedAt'>): string | null =>
  clock?.startsOn === 'ISSUED' ? issuedAt : null;

const ISO_DURATION = { HOURS: 'PT#H', CALENDAR_DAYS: 'P#D', WORKING_DAYS: 'P#D', MONTHS: 'P#M', YEARS: 'P#Y' } as const;

const clockOf = ({ value, unit, basis, startsOn = 'ISSUED' }: RuleRow): FeedbackClock => ({
  startsOn,
  duration: ISO_DURATION[unit].replace('#', String(value)),
  days: unit === 'WORKING_DAYS' ? 'WORKING' : 'CALENDAR',
  basis,
});

/** A period in hours ends at an instant, any other at the end of its last day in China. */
export function dueAt(row: Pick<RuleRow, 'value' | 'unit' | 'roll'>, start: Date): string {
  const { due } = deadline(start, row);
  return typeof due === 'string' ? `${due}T23:59:59+08:00` : due.toISOString();
}

/** Until when a recipient may keep what it was told: as long as it has to keep the records of the trade or of the recall that belong to it. */
export function keptUntil({ kind, issuedAt }: Pick<FeedbackIssued, 'kind' | 'issuedAt'>): string | null {
  const on = dayInChina(new Date(issuedAt));
  const row = kind === 'RECALL' ? rule('RECALL_RECORDS_KEPT', { regime: 'PRODUCT', on }) : rule('TRADE_RECORDS_KEPT', { on });
  return row === 'NO_RULE' ? null : dueAt(row, new Date(issuedAt));
}

/** A recall that comes to be about other goods asks for more than was done. */
const asksTheSame = (before: Feedback['said'], next: Pick<Draft, 'kind' | 'actionsRequired'> & { content?: object }): boolean =>
  sameActions(before.actionsRequired, next.actionsRequired) && isDeepStrictEqual(goodsOf(before), goodsOf(next));

/** What the actions are about, where that may come to be more. */
export function goodsOf(said: Pick<FeedbackIssued, 'kind'> & { content?: object }): object | undefined {
  const { product } = (said.content ?? {}) as { product?: object };
  return said.kind === 'RECALL' ? product : undefined;
}

function sameActions(some: readonly RequiredAction[], others: readonly RequiredAction[]): boolean {
  const [one, other] = [thatAsk(some), thatAsk(others)];
  return (
    one.length === other.length &&
    one.every(({ action, mandatory, basis }, index) => {
      const its = other[index];
      return its?.action === action && its.mandatory === mandatory && its.basis === basis;
    })
  );
}

/** RESUME allows, it asks for nothing. */
const thatAsk = (actions: readonly RequiredAction[]): RequiredAction[] => actions.filter(({ action }) => action !== 'RESUME');

/** Since when the same has been asked, and whether it was done before. */
const askedBefore = (
  asked: Feedback | null,
  { revision }: FeedbackIssued | FeedbackWithdrawn,
): Pick<Feedback, 'closedAt' | 'askedSince'> =>
  asked ? { closedAt: asked.closedAt, askedSince: asked.askedSince } : { closedAt: null, askedSince: revision };

/** Equal in everything but revision, subjectRevision, issuedAt and contentHash. */
function readsTheSame(one: FeedbackIssued, other: FeedbackIssued): boolean {
  const { revision, subjectRevision, issuedAt } = one;
  return one.contentHash === contentHash(FeedbackIssued, { ...other, revision, subjectRevision, issuedAt });
}

function sealed<E extends FeedbackIssued | FeedbackWithdrawn>(type: new () => E, unsealed: Omit<E, 'contentHash'>): E {
  const said = { ...unsealed, contentHash: '' } as E;
  said.contentHash = contentHash(type, said);
  return said;
}

/** The regime a result was told under, for a withdrawal that carries no state. */
function regimeOf({ status, said }: Feedback): Regime | null {
  return status === 'ISSUED' && typeof said.content.regime === 'string' ? (said.content.regime as Regime) : null;
}

const E_COMMERCE_LAW: LegalBasis = { instrument: '中华人民共和国电子商务法', article: '第三十八条', ruleVersion: '2019-01-01' };
// Duties of the single regimes. A regime without a row here rests on the E-Commerce Law alone, never on another regime's law.
const REGIME_LAW: Partial<Record<Regime, LegalBasis>> = {
  PRODUCT: { instrument: SAMPLING_MEASURES, article: '第三十五条', ruleVersion: '2020-01-01' },
  FOOD: { instrument: '中华人民共和国食品安全法', article: '第六十二条', ruleVersion: '2025-12-01' },
};

export function noticeBasis(regime: Regime): LegalBasis[] {
  const own = REGIME_LAW[regime];
  return own ? [own, E_COMMERCE_LAW] : [E_COMMERCE_LAW];
}

function articleOf(regime: Regime): string {
  const { instrument, article } = REGIME_LAW[regime] ?? E_COMMERCE_LAW;
  return `${instrument}${article ?? ''}`;
}
