/**
 * The register of market entities (市场主体登记管理条例): what a registration holds, and which change of it is announced. A department states
 * the whole registration; the same again is a duplicate, anything else the next revision. A change of status is the event that others wait
 * for, so a revision that changes it is a MarketEntityStatusChanged, whatever else it changes. An entity has one registering
 * authority; when it moves to the area of another one, that is asked, and the former hands its file over (条例 art. 27). So only the keeper
 * of a registration states it, and hands it over.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  CalendarDate,
  MARKET_ENTITY_STATUSES,
  MarketEntityChanged,
  MarketEntityRegistered,
  MarketEntityStatusChanged,
  type MarketEntityStatus,
  OneOf,
  Optional,
  Text,
} from '@jinqiao/contracts';
import { dayInChina, divisionExists, type UsccOutcome } from '@jinqiao/law';
import { check, DomainError, type Finding } from '@jinqiao/schema';
import { textIn } from '../answer.js';
import { checkUscc } from '../uscc.js';

/** What a department may say of an entity besides its code. */
export class MarketEntityFacts {
  @Text({ max: 200 }) name: string;
  @Optional() @OneOf(MARKET_ENTITY_STATUSES, { about: 'Absent = as it is, ACTIVE for a new entity.' }) status?: MarketEntityStatus;
  @Optional() @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/ }) divisionCode?: string;
  @Optional() @Text({ max: 4, pattern: /^[A-T]?[0-9]{2,4}$/, about: 'GB/T 4754-2017.' }) industryCode?: string;
  @Optional() @Text({ max: 64, about: 'Development zone, assigned by its committee.' }) zone?: string;
  @Optional() @CalendarDate() registeredOn?: string;
}

export class RegisterMarketEntityBody extends MarketEntityFacts {
  @Text({ max: 32, about: 'Unified social credit code, 18 characters (GB 32100-2015).' }) uscc: string;
}

/** The public state, as every event carries it. */
export type MarketEntity = MarketEntityRegistered;

export interface RegistrationRead {
  readonly id: string | null;
  readonly registration: (Omit<MarketEntity, 'revision' | 'status'> & { readonly status?: MarketEntityStatus }) | null;
  readonly usccCheck: UsccOutcome;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly unknownFields: readonly string[];
}

export type EntityDecision =
  | { readonly outcome: 'rejected'; readonly findings: readonly Finding[] }
  | { readonly outcome: 'duplicate'; readonly state: MarketEntity }
  | {
      readonly outcome: 'accepted';
      readonly state: MarketEntity;
      readonly type: typeof MarketEntityRegistered | typeof MarketEntityChanged | typeof MarketEntityStatusChanged;
    };

/** Another department keeps the registration. */
export const NOT_ITS_ENTITY: Finding = {
  code: 'NOT_ITS_ENTITY',
  pointer: '/uscc',
  message: 'is registered with another department, which states it or hands it over',
};

export class MarketEntityUnknown extends DomainError {
  constructor() {
    super('MARKET_ENTITY_UNKNOWN', 404, { zh: '未登记该市场主体', en: 'No market entity is registered under this code' });
  }
}

/** Reads a registration; every error is listed. */
export function readRegistration(input: unknown, now: Date): RegistrationRead {
  const checked = check(RegisterMarketEntityBody, input);
  const { unknownFields } = checked;
  const printed = textIn(input, 'uscc');
  if (!checked.ok)
    return { id: printed, registration: null, usccCheck: 'MALFORMED', errors: checked.findings, warnings: [], unknownFields };
  const { code, outcome, errors, warnings } = checkUscc(checked.value.uscc);
  const found = [...errors, ...factErrors(checked.value, now)];
  return { id: code, registration: { ...checked.value, uscc: code }, usccCheck: outcome, errors: found, warnings, unknownFields };
}

function factErrors({ divisionCode, registeredOn }: MarketEntityFacts, now: Date): Finding[] {
  const errors: Finding[] = [];
  if (divisionCode !== undefined && !divisionExists(divisionCode)) {
    errors.push({ code: 'DIVISION_UNKNOWN', pointer: '/divisionCode', message: 'is not and never was a code of GB/T 2260' });
  }
  if (registeredOn !== undefined && registeredOn > dayInChina(now)) {
    errors.push({ code: 'REGISTERED_IN_FUTURE', pointer: '/registeredOn', message: 'lies in the future' });
  }
  return errors;
}

/** An entity as it was last announced, and who keeps it; null: nobody is known to, so whoever states it next does. */
export interface KeptEntity {
  readonly state: MarketEntity;
  readonly keptBy: string | null;
}

/** What follows from a registration by a department for an entity in this state. The caller holds the lock of its row. */
export function register(
  kept: KeptEntity | null,
  registration: NonNullable<RegistrationRead['registration']>,
  departmentId: string,
): EntityDecision {
  if (kept !== null && kept.keptBy !== null && kept.keptBy !== departmentId) return { outcome: 'rejected', findings: [NOT_ITS_ENTITY] };
  const before = kept?.state ?? null;
  const { status = before?.status ?? 'ACTIVE', ...stated } = registration;
  const facts = { ...stated, departmentId };
  if (!before) return { outcome: 'accepted', type: MarketEntityRegistered, state: { ...facts, status, revision: 1 } };
  const same = { ...facts, status, revision: before.revision };
  if (isDeepStrictEqual(same, { ...before })) return { outcome: 'duplicate', state: before };
  const type = status === before.status ? MarketEntityChanged : MarketEntityStatusChanged;
  return { outcome: 'accepted', type, state: { ...same, revision: before.revision + 1 } };
}

/** The registration goes to another department. The caller holds the lock of its row and has seen who may say so. */
export function handOver({ state }: KeptEntity, departmentId: string): EntityDecision {
  if (state.departmentId === departmentId) return { outcome: 'duplicate', state };
  return { outcome: 'accepted', type: MarketEntityChanged, state: { ...state, departmentId, revision: state.revision + 1 } };
}
