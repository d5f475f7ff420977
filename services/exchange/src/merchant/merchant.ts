/**
 * What a platform is told about the credit of the merchants that sell on it (mandate 五(四)): the public facts, no grade, and only to
 * the platforms on which the merchant is onboarded. Each platform reads of its own shops only.
 */
import type { CreditStatusChanged, LegalBasis, MerchantOnboarded, RequiredAction } from '@jinqiao/contracts';
import type { StatusSource } from '../feedback/feedback.projection.js';
import { entitlementOf } from '../entitlement/entitlement.js';
import { asksToUndo, type Draft, type Feedback, isAheadOf, issue, withdraw } from '../feedback/feedback.js';

/** A shop as its platform registered it. */
export type Merchant = Pick<MerchantOnboarded, 'platformId' | 'shopId' | 'shopName' | 'uscc' | 'exitedAt'>;

/** The last status heard of; `facts` is null when nothing public remains. */
export interface CreditStatus {
  readonly revision: number;
  readonly facts: CreditStatusChanged | null;
}

/** Everything known about one merchant that decides who is told what. */
export interface MerchantStanding {
  readonly uscc: string;
  readonly status: CreditStatus | null;
  /** Shops with this USCC on registered platforms, closed ones included. */
  readonly shops: readonly Merchant[];
  readonly feedbacks: readonly Feedback[];
  /** Platforms whose agreement is in force. */
  readonly agreed: ReadonlySet<string>;
  /** Which of the shops that the feedbacks name are known, whosever they are (`shopKey`). */
  readonly knownShops: ReadonlySet<string>;
}

export const shopKey = (platformId: string, shopId: string): string => `${platformId}:${shopId}`;

/** The shops a platform was told of with a merchant's status. */
export function shopsNamedBy({ status, said }: Feedback): string[] {
  const shops = status === 'ISSUED' ? said.content.shops : undefined;
  return Array.isArray(shops) ? (shops as { shopId: string }[]).map(({ shopId }) => shopKey(said.recipientId, shopId)) : [];
}

/**
 * The feedbacks that bring every platform up to date. A platform the merchant has left, or whose agreement is not in force, is told nothing
 * new; as soon as one of the records ends that it was told of, all that it was told is taken back. A shop that turned out to be another
 * merchant's takes back what was told of this one; one that is not known says nothing: after a restore it has still to be read again.
 */
export function settle({ uscc, status, shops, feedbacks, agreed, knownShops }: MerchantStanding, now: Date): Feedback[] {
  if (status === null) return [];
  const { revision, facts } = status;
  const isAhead = isAheadOf(revision, feedbacks);
  const open = facts === null ? [] : shops.filter(({ exitedAt, platformId }) => !exitedAt && agreed.has(platformId));
  const isOn = (among: readonly Merchant[], { said }: Feedback): boolean => among.some(({ platformId }) => platformId === said.recipientId);
  const reasonFor = (feedback: Feedback): string | null => {
    if (facts === null) return NOTHING_PUBLIC;
    if (!isOn(shops, feedback)) return shopsNamedBy(feedback).every((key) => knownShops.has(key)) ? NOT_ITS_MERCHANT : null;
    return !isOn(open, feedback) && hasEndedSince(feedback, facts.recordNos) ? RECORD_ENDED : null;
  };
  const taken = feedbacks.map((feedback) => {
    const reason = reasonFor(feedback);
    if (reason === null) return null;
    return withdraw(feedback, { subjectRevision: revision, reason, regime: null, asks: askedOf(feedback, []) }, now);
  });
  if (facts === null) return taken.filter((feedback) => feedback !== null).filter((feedback) => !isAhead(feedback));
  const told = [...new Set(open.map(({ platformId }) => platformId))].map((platformId) => {
    const own = open.filter((shop) => shop.platformId === platformId);
    const previous = feedbacks.find(({ said }) => said.recipientId === platformId) ?? null;
    return issue(previous, draftFor({ platformId, uscc, revision, facts }, own, askedOf(previous, facts.recordNos)), now);
  });
  return [...taken, ...told].filter((feedback) => feedback !== null).filter((feedback) => !isAhead(feedback));
}

const NOTHING_PUBLIC = '该主体已无应公示的信用信息';
const NOT_ITS_MERCHANT = '该主体不再是本平台商户';
const RECORD_ENDED = '所告知的信用记录已有终止，本平台不再接收该主体的信用状况';

const MANDATE: LegalBasis = {
  instrument: '天津市人民政府办公厅关于推动生活性服务领域平台经济健康发展的实施意见',
  article: '五（四）',
  ruleVersion: '2023-05-17',
};
const NO_ACTION: RequiredAction = { action: 'NONE', mandatory: false, basis: `${MANDATE.instrument}${MANDATE.article ?? ''}` };
const UNDO: RequiredAction = { action: 'RESTORE', mandatory: true, basis: '信用修复管理办法（国家发展改革委令第36号）' };

/**
 * Whoever was told of a record that is public no longer is asked to undo what it did for it, and stays asked until it says that it has:
 * what has ended is neither shown nor used, wherever it went (Order 36 of NDRC).
 */
function askedOf(previous: Feedback | null, recordNos: readonly string[]): RequiredAction[] {
  const isOpen = previous !== null && previous.closedAt === null && asksToUndo(previous.said);
  return isOpen || hasEndedSince(previous, recordNos) ? [UNDO] : [NO_ACTION];
}

/** Was it told of a record that is not among those that are public now? */
function hasEndedSince(previous: Feedback | null, recordNos: readonly string[]): boolean {
  const told = previous?.status === 'ISSUED' ? previous.said.content.recordNos : undefined;
  const arePublic = new Set(recordNos);
  return Array.isArray(told) && (told as string[]).some((recordNo) => !arePublic.has(recordNo));
}

function draftFor(
  told: { platformId: string; uscc: string; revision: number; facts: CreditStatusChanged },
  own: readonly Merchant[],
  actionsRequired: RequiredAction[],
): Draft {
  const { platformId, uscc, revision, facts } = told;
  return {
    recipientId: platformId,
    kind: 'CREDIT_STATUS',
    subject: uscc,
    subjectRevision: revision,
    publisherId: null,
    matchedBy: null,
    regime: null,
    actionsRequired,
    legalBasis: [MANDATE],
    entitlement: { kind: 'AGREEMENT', id: entitlementOf(platformId, 'CREDIT_STATUS') },
    source: sourceOf(uscc, facts, own),
  };
}

/** Shops named in one feedback; a chain with more is told how many there are. */
const SHOPS_MAX = 500;

/** The facts and the recipient's own shops; `own` must hold no other platform's. */
function sourceOf(uscc: string, facts: CreditStatusChanged, own: readonly Merchant[]): StatusSource {
  const shops = [...own].sort((one, other) => (one.shopId < other.shopId ? -1 : 1)).slice(0, SHOPS_MAX);
  const [only] = own;
  return {
    merchant: { ...(own.length === 1 && only), uscc },
    content: { ...facts, uscc, shopCount: own.length, shops },
  };
}
