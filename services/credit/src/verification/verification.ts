/**
 * What a platform is told when it verifies a merchant (电子商务法 art. 27): how name and code stand to the register, its permits, and every
 * public fact with where it comes from. Facts, no grade; until when they may be relied on, and by when the platform has to verify again.
 */
import { type CommitmentCounts, type LegalBasis, Optional, type PermitStanding, type RegisterMatch, Text } from '@jinqiao/contracts';
import { dayInChina, deadline, nameKey, rule } from '@jinqiao/law';
import { commitmentsOf, listedAs } from '../credit-status/credit-status.js';
import type { Question } from '../enquiry/enquiry.js';
import {
  endOfDay,
  type HeldPermit,
  type PublicFacts,
  type PublicOfType,
  type PublicRecord,
  type Registration,
  reliedOnUntil,
} from '../public-facts/public-facts.js';
import type { AskableUscc } from '../uscc.js';

export class VerificationItem {
  @Text({ max: 32, about: 'Unified social credit code.' }) uscc: string;
  @Optional() @Text({ max: 200, about: 'As the merchant gives it; compared with the register.' }) name?: string;
}

/** What the register holds of an entity, and which of its revisions says so. */
export interface RegisteredFacts extends Pick<Registration, 'status'> {
  readonly divisionCode?: string;
  readonly industryCode?: string;
  readonly registeredOn?: string;
  readonly source: { readonly stream: 'registration.market-entity'; readonly revision: number };
}

/** A permit as it stands today. */
export interface Permit extends Omit<HeldPermit, 'status'> {
  readonly status: PermitStanding;
}

export interface Verification {
  readonly uscc: string;
  readonly usccCheck: AskableUscc;
  readonly match: RegisterMatch;
  /** Absent for a code that the register here does not hold. */
  readonly registration?: RegisteredFacts;
  /** Those that have begun, ended ones too; none found does not say that there is none. */
  readonly permits: readonly Permit[];
  readonly lists: readonly string[];
  readonly mark?: string;
  /** Exact, whatever `records` shows. */
  readonly publicRecords: readonly Pick<PublicOfType, 'type' | 'count'>[];
  /** The newest of each type. */
  readonly records: readonly PublicRecord[];
  readonly commitments: CommitmentCounts;
  readonly asOf: string;
  readonly validUntil: string;
  readonly reverifyBy?: string;
  readonly reverifyBasis?: LegalBasis;
}

/** What is the same of every merchant at a moment is made once. */
export function verifyAt(now: Date): (question: Question<VerificationItem>, facts: PublicFacts) => Verification {
  const today = dayInChina(now);
  const asOf = now.toISOString();
  const reliedOn = reliedOnUntil(now, today);
  const again = reverification(today);
  return ({ uscc, usccCheck, name }, { registration, permits, held }) => {
    const publicRecords = held.map(({ type, count }) => ({ type, count }));
    const begun = permitsOn(permits, today);
    return {
      uscc,
      usccCheck,
      match: matchOf(name, registration),
      ...(registration && { registration: registered(registration) }),
      permits: begun,
      ...listedAs({ uscc, publicRecords }),
      publicRecords,
      records: held.flatMap(({ records }) => records),
      commitments: commitmentsOf(held),
      asOf,
      validUntil: validUntil(held, begun, reliedOn).toISOString(),
      ...again,
    };
  };
}

/** The register here is the city's: a code that it does not hold may be that of an entity registered elsewhere. */
function matchOf(name: string | undefined, registration: Registration | null): RegisterMatch {
  if (registration === null) return 'NOT_REGISTERED';
  if (name === undefined) return 'USCC_ONLY';
  return nameKey(name) === nameKey(registration.name) ? 'EXACT' : 'NAME_DIFFERS';
}

function registered({ status, divisionCode, industryCode, registeredOn, revision }: Registration): RegisteredFacts {
  return {
    status,
    ...(divisionCode !== null && { divisionCode }),
    ...(industryCode !== null && { industryCode }),
    ...(registeredOn !== null && { registeredOn }),
    source: { stream: 'registration.market-entity', revision },
  };
}

function permitsOn(permits: readonly HeldPermit[], today: string): Permit[] {
  return permits.filter(({ validFrom }) => validFrom <= today).map((permit) => ({ ...permit, status: standingOn(permit, today) }));
}

/** After its last day a permit is not valid, whatever anybody has said of it (行政许可法 art. 70). */
function standingOn({ status, validUntil: lastDay }: HeldPermit, today: string): PermitStanding {
  const isOver = lastDay !== undefined && lastDay < today;
  return isOver && (status === 'VALID' || status === 'SUSPENDED') ? 'EXPIRED' : status;
}

/**
 * Not longer than the first of its records is public, nor than any permit is valid that it shows as valid. What begins to be public or
 * valid meanwhile does not show in it: it is not yet.
 */
function validUntil(held: readonly PublicOfType[], permits: readonly Permit[], reliedOn: Date): Date {
  const lastDays = [
    ...held.flatMap(({ firstEnd }) => firstEnd ?? []),
    ...permits.flatMap(({ status, validUntil: lastDay }) => (status === 'VALID' ? (lastDay ?? []) : [])),
  ];
  const [first] = lastDays.sort();
  return first === undefined ? reliedOn : new Date(Math.min(reliedOn.getTime(), endOfDay(first).getTime()));
}

function reverification(today: string): Pick<Verification, 'reverifyBy' | 'reverifyBasis'> {
  const row = rule('MERCHANT_REVERIFICATION', { on: today });
  if (row === 'NO_RULE') return {};
  const { due } = deadline(today, row);
  return {
    reverifyBy: typeof due === 'string' ? due : dayInChina(due),
    reverifyBasis: { ...row.legalBasis, ruleVersion: row.version },
  };
}
