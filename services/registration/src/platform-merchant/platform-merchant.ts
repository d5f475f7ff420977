/**
 * Which merchant sells on which platform, by shop (电子商务法 art. 27-28: platforms verify, keep and report their merchants). A platform states
 * only its own shops; who it is comes from its token. A shop may come back after it has left: then the series of revisions goes on.
 */
import { isDeepStrictEqual } from 'node:util';
import { Listing, MerchantChanged, MerchantExited, MerchantOnboarded, NestedList, Optional, Text, Timestamp } from '@jinqiao/contracts';
import { check, DomainError, type Finding } from '@jinqiao/schema';
import { textIn } from '../answer.js';
import { checkUscc } from '../uscc.js';

/** What a platform says of a shop besides its id. */
export class MerchantFacts {
  @Optional() @Text({ max: 200 }) shopName?: string;
  @Optional() @Text({ max: 32, about: 'Absent for natural-person shops that need no registration.' }) uscc?: string;
  @Optional() @NestedList(() => Listing, { items: 1000 }) listings?: Listing[];
}

export class OnboardMerchantBody extends MerchantFacts {
  @Text({ max: 200 }) shopId: string;
  @Optional() @Text({ max: 64, about: "The caller's own id, if given." }) platformId?: string;
  @Optional() @Timestamp({ about: 'Absent = as it is, now for a new or returning shop.' }) onboardedAt?: string;
}

/** The public state, as every event carries it. */
export type Merchant = MerchantOnboarded;

type Onboarding = Omit<Merchant, 'revision' | 'onboardedAt' | 'exitedAt'> & { readonly onboardedAt?: string };

export interface OnboardingRead {
  readonly id: string | null;
  readonly onboarding: Onboarding | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly unknownFields: readonly string[];
}

export type MerchantDecision =
  | { readonly outcome: 'duplicate'; readonly state: Merchant }
  | { readonly outcome: 'rejected'; readonly errors: readonly Finding[] }
  | {
      readonly outcome: 'accepted';
      readonly state: Merchant;
      readonly type: typeof MerchantOnboarded | typeof MerchantChanged | typeof MerchantExited;
    };

export class MerchantUnknown extends DomainError {
  constructor() {
    super('MERCHANT_UNKNOWN', 404, { zh: '该平台没有此店铺', en: 'This platform has no such shop' });
  }
}

export class MerchantHasExited extends DomainError {
  constructor() {
    super('MERCHANT_EXITED', 409, { zh: '该店铺已退出平台', en: 'The shop has left the platform; onboard it again first' });
  }
}

// Clocks of platforms differ from ours by seconds; five minutes is an error of theirs.
const CLOCK_TOLERANCE_MS = 300_000;

/** Reads an onboarding from a platform; every error is listed. */
export function readOnboarding(platformId: string, input: unknown, now: Date): OnboardingRead {
  const checked = check(OnboardMerchantBody, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { id: textIn(input, 'shopId'), onboarding: null, errors: checked.findings, warnings: [], unknownFields };
  const { uscc, onboardedAt, platformId: stated = platformId, ...facts } = checked.value;
  const code = uscc === undefined ? null : checkUscc(uscc);
  const errors = [...(code?.errors ?? [])];
  if (stated !== platformId) errors.push({ code: 'NOT_YOUR_PLATFORM', pointer: '/platformId', message: 'is not the platform that calls' });
  if (onboardedAt !== undefined) errors.push(...futureErrors('onboardedAt', onboardedAt, now));
  return {
    id: facts.shopId,
    onboarding: {
      ...{ ...facts, platformId },
      ...(code && { uscc: code.code }),
      ...(onboardedAt !== undefined && { onboardedAt: instant(onboardedAt) }),
    },
    errors,
    warnings: code?.warnings ?? [],
    unknownFields,
  };
}

function futureErrors(field: string, at: string, now: Date): Finding[] {
  const isFuture = Date.parse(at) > now.getTime() + CLOCK_TOLERANCE_MS;
  return isFuture ? [{ code: 'IN_FUTURE', pointer: `/${field}`, message: 'lies in the future' }] : [];
}

// One instant has one writing, so that the same statement is seen to be the same.
const instant = (text: string): string => new Date(text).toISOString();

/** What follows from an onboarding. The caller holds the lock of the shop's row. */
export function onboard(before: Merchant | null, onboarding: Onboarding, now: Date): MerchantDecision {
  const { onboardedAt, ...facts } = onboarding;
  if (!before) return onboarded(facts, onboardedAt ?? now.toISOString(), 1);
  if (before.exitedAt === undefined) return changed(before, { ...facts, onboardedAt: onboardedAt ?? before.onboardedAt });
  // A late repeat of the onboarding that has ended since must not bring the shop back.
  if (onboardedAt === before.onboardedAt) return { outcome: 'duplicate', state: before };
  if (onboardedAt !== undefined && onboardedAt < before.exitedAt) {
    return {
      outcome: 'rejected',
      errors: [{ code: 'ONBOARDED_BEFORE_EXIT', pointer: '/onboardedAt', message: `lies before the exit at ${before.exitedAt}` }],
    };
  }
  return onboarded(facts, onboardedAt ?? now.toISOString(), before.revision + 1);
}

const onboarded = (facts: Omit<Onboarding, 'onboardedAt'>, onboardedAt: string, revision: number): MerchantDecision => ({
  outcome: 'accepted',
  type: MerchantOnboarded,
  state: { ...facts, onboardedAt, revision },
});

/** What follows from new facts about a shop that sells. */
export function changed(before: Merchant, facts: Omit<Merchant, 'revision' | 'exitedAt'>): MerchantDecision {
  if (before.exitedAt !== undefined) throw new MerchantHasExited();
  const same = { ...facts, revision: before.revision };
  if (isDeepStrictEqual(same, { ...before })) return { outcome: 'duplicate', state: before };
  return { outcome: 'accepted', type: MerchantChanged, state: { ...same, revision: before.revision + 1 } };
}

/** What follows when a shop leaves. */
export function exit(before: Merchant, stated: string | undefined, now: Date): MerchantDecision {
  if (before.exitedAt !== undefined) return { outcome: 'duplicate', state: before };
  const exitedAt = instant(stated ?? now.toISOString());
  const errors = futureErrors('exitedAt', exitedAt, now);
  if (exitedAt < before.onboardedAt)
    errors.push({ code: 'EXITED_BEFORE_ONBOARDED', pointer: '/exitedAt', message: `lies before the onboarding at ${before.onboardedAt}` });
  if (errors.length > 0) return { outcome: 'rejected', errors };
  return { outcome: 'accepted', type: MerchantExited, state: { ...before, exitedAt, revision: before.revision + 1 } };
}
