/**
 * Who may ask about which merchant, and why. A platform asks about merchants that it has under contract (电子商务法 art. 27: it verifies
 * them, and again regularly) and, with the number of their application, about those that apply; a department under a law that it names.
 * What may not be asked is refused in the same words whether there is such an entity or not. Whatever is answered is noted.
 */
import { ENQUIRY_PURPOSES, type EnquiryPurpose, type EventClass, OneOf, Optional, Text } from '@jinqiao/contracts';
import { addDays, dayInChina, readUscc } from '@jinqiao/law';
import type { Principal } from '@jinqiao/platform';
import { check, DomainError, type Finding } from '@jinqiao/schema';
import { endOfDay } from '../public-facts/public-facts.js';
import { type AskableUscc, isAskable, usccFindings } from '../uscc.js';

/** Why it is asked: once in a request, for everything in it. */
export class StatedPurpose {
  @OneOf(ENQUIRY_PURPOSES) purpose: EnquiryPurpose;
  @Optional()
  @Text({ max: 100, about: "The platform's own number of the merchant's application; needed for ONBOARDING." })
  applicationId?: string;
  @Optional() @Text({ max: 500, about: 'Under which law a department asks; needed for SUPERVISION.' }) basis?: string;
}

export type Question<Q> = Omit<Q, 'uscc'> & { readonly uscc: string; readonly usccCheck: AskableUscc };

/** A question as it came: one that may be asked about somebody, or what is wrong with it. */
export type Reading<Q> =
  | { readonly ok: true; readonly question: Question<Q> }
  | { readonly ok: false; readonly uscc: string | null; readonly findings: readonly Finding[] };

/** One item's answer. */
export type Answered<A> =
  | ({ readonly outcome: 'answered' } & A)
  | { readonly outcome: 'refused'; readonly uscc: string | null; readonly errors: readonly Finding[] };

/** The purpose is not complete, or is not one of this principal's. */
export class PurposeRefused extends DomainError {
  constructor(finding: Finding, status: 400 | 403 = 400) {
    super(finding.code, status, { zh: '查询目的不符合要求', en: 'This is no purpose for which you may ask' }, [finding]);
  }
}

/** The one question of a request was refused. */
export class EnquiryRefused extends DomainError {
  constructor(findings: readonly Finding[]) {
    const [first] = findings;
    const isNotTheirs = first?.code === NOT_CONTRACTED.code;
    super(first?.code ?? 'ENQUIRY_REFUSED', isNotTheirs ? 403 : 400, { zh: '查询未被接受', en: 'The enquiry was not accepted' }, findings);
  }
}

export class BudgetSpent extends DomainError {
  constructor(budget: number, now: Date) {
    const retryAfter = Math.max(1, Math.ceil((endOfDay(dayInChina(now)).getTime() - now.getTime()) / 1_000));
    super('ENQUIRY_BUDGET_SPENT', 429, { zh: '当日查询额度不足', en: 'The enquiries of this day do not suffice for this request' }, [], {
      budget,
      retryAfter,
      resetsOn: addDays(dayInChina(now), 1),
    });
  }
}

const PURPOSES_OF: Partial<Record<Principal['kind'], readonly EnquiryPurpose[]>> = {
  PLATFORM: ['CONTRACTED', 'ONBOARDING'],
  DEPARTMENT: ['SUPERVISION'],
};

/** Why this principal asks. Throws where it may not ask for that, or does not say what goes with it. */
export function purposeOf({ kind }: Principal, given: StatedPurpose): StatedPurpose {
  const { purpose, applicationId, basis } = given;
  const own = PURPOSES_OF[kind] ?? [];
  if (!own.includes(purpose)) {
    const message = `is not for you: ${own.join(' or ')}`;
    throw new PurposeRefused({ code: 'PURPOSE_NOT_YOURS', pointer: '/purpose', message }, 403);
  }
  if (purpose === 'ONBOARDING' && applicationId === undefined)
    throw new PurposeRefused({ code: 'APPLICATION_ID_MISSING', pointer: '/applicationId', message: 'is required for ONBOARDING' });
  if (purpose === 'SUPERVISION' && basis === undefined)
    throw new PurposeRefused({ code: 'BASIS_MISSING', pointer: '/basis', message: 'is required for SUPERVISION' });
  return { purpose, ...(applicationId !== undefined && { applicationId }), ...(basis !== undefined && { basis }) };
}

/** Reads one question; every error is listed. `more` finds what a class cannot declare. */
export function readQuestion<Q extends { uscc: string }>(
  type: EventClass<Q>,
  input: unknown,
  more: (question: Q) => readonly Finding[] = () => [],
): Reading<Q> {
  const checked = check(type, input);
  if (!checked.ok) return { ok: false, uscc: null, findings: checked.findings };
  const { code: uscc, outcome } = readUscc(checked.value.uscc);
  const findings = [...usccFindings(outcome), ...more(checked.value)];
  if (findings.length > 0 || !isAskable(outcome)) return { ok: false, uscc, findings };
  return { ok: true, question: { ...checked.value, uscc, usccCheck: outcome } };
}

const NOT_CONTRACTED: Finding = {
  code: 'NOT_CONTRACTED',
  pointer: '/uscc',
  message: 'is not onboarded with you; about an applicant ask for ONBOARDING with an applicationId',
};

/** Of a platform that says it has the merchant under contract, whether it has. Where it has not, no more is said than that. */
export function refusalFor({ purpose }: StatedPurpose, uscc: string, contracted: ReadonlySet<string>): Finding | null {
  return purpose === 'CONTRACTED' && !contracted.has(uscc) ? NOT_CONTRACTED : null;
}
