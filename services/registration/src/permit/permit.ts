/**
 * Permits of market entities (行政许可法 art. 40: a permit that is granted is public), as the department that keeps them states them. It
 * states the whole permit under its number; the same again is a duplicate, anything else the next revision. What was stated in error is
 * taken back, and may be stated again: then the series of revisions goes on.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  CalendarDate,
  Nested,
  OneOf,
  Optional,
  PERMIT_STATUSES,
  PermitBasis,
  PermitChanged,
  PermitGranted,
  type PermitStatus,
  PermitWithdrawn,
  Text,
} from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { check, DomainError, type Finding } from '@jinqiao/schema';
import { textIn } from '../answer.js';
import { checkUscc } from '../uscc.js';

export class StatePermitBody {
  @Text({ max: 128, about: 'Number of the permit 许可编号, unique among yours.' }) permitNo: string;
  @Optional() @Text({ max: 64, about: "The caller's own id, if given." }) departmentId?: string;
  @Text({ max: 32, about: 'Unified social credit code of whose it is.' }) uscc: string;
  @Text({ max: 200, about: 'Name of the certificate, as printed: 食品经营许可证.' }) kind: string;
  @Text({ max: 2000, about: 'What it permits 许可内容, as printed.' }) scope: string;
  @Text({ max: 200, about: 'Who granted it, as printed.' }) authority: string;
  @CalendarDate() issuedOn: string;
  @CalendarDate({ about: 'The first day.' }) validFrom: string;
  @Optional() @CalendarDate({ about: 'The last day; absent = without an end.' }) validUntil?: string;
  @Optional() @OneOf(PERMIT_STATUSES, { about: 'Absent = as it is, VALID for a new permit.' }) status?: PermitStatus;
  @Nested(() => PermitBasis) legalBasis: PermitBasis;
}

/** The public state, as every event carries it. */
export type Permit = PermitGranted;

type Stated = Omit<Permit, 'revision' | 'status' | 'withdrawnBecause'> & { readonly status?: PermitStatus };

export interface PermitRead {
  readonly id: string | null;
  readonly stated: Stated | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly unknownFields: readonly string[];
}

export type PermitDecision =
  | { readonly outcome: 'duplicate'; readonly state: Permit }
  | {
      readonly outcome: 'accepted';
      readonly state: Permit;
      readonly type: typeof PermitGranted | typeof PermitChanged | typeof PermitWithdrawn;
    };

export class PermitUnknown extends DomainError {
  constructor() {
    super('PERMIT_UNKNOWN', 404, { zh: '该部门没有此编号的许可', en: 'This department has stated no permit under this number' });
  }
}

/** Reads what a department states; every error is listed. */
export function readPermit(departmentId: string, input: unknown, now: Date): PermitRead {
  const checked = check(StatePermitBody, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { id: textIn(input, 'permitNo'), stated: null, errors: checked.findings, warnings: [], unknownFields };
  const { uscc, departmentId: keeper = departmentId, ...facts } = checked.value;
  const { code, errors, warnings } = checkUscc(uscc);
  const found = [...errors, ...dateErrors(facts, now)];
  if (keeper !== departmentId)
    found.push({
      code: 'NOT_ITS_PERMIT',
      pointer: '/departmentId',
      message: 'is not the department that calls: it states its own permits',
    });
  return { id: facts.permitNo, stated: { ...facts, departmentId, uscc: code }, errors: found, warnings, unknownFields };
}

function dateErrors({ issuedOn, validFrom, validUntil }: Pick<Stated, 'issuedOn' | 'validFrom' | 'validUntil'>, now: Date): Finding[] {
  const errors: Finding[] = [];
  if (issuedOn > dayInChina(now)) errors.push({ code: 'ISSUED_IN_FUTURE', pointer: '/issuedOn', message: 'lies in the future' });
  if (validUntil !== undefined && validUntil < validFrom)
    errors.push({ code: 'ENDS_BEFORE_IT_BEGINS', pointer: '/validUntil', message: `is before the first day, ${validFrom}` });
  return errors;
}

/** What follows from a statement. The caller holds the lock of the permit's row. */
export function decide(before: Permit | null, stated: Stated): PermitDecision {
  const { status = before?.status ?? 'VALID', ...facts } = stated;
  if (!before) return { outcome: 'accepted', type: PermitGranted, state: { ...facts, status, revision: 1 } };
  const same = { ...facts, status, revision: before.revision };
  if (isDeepStrictEqual(same, { ...before })) return { outcome: 'duplicate', state: before };
  const type = before.withdrawnBecause === undefined ? PermitChanged : PermitGranted;
  return { outcome: 'accepted', type, state: { ...same, revision: before.revision + 1 } };
}

/** What follows when its department takes a permit back. */
export function retract(before: Permit, reason: string): PermitDecision {
  if (before.withdrawnBecause !== undefined) return { outcome: 'duplicate', state: before };
  return {
    outcome: 'accepted',
    type: PermitWithdrawn,
    state: { ...before, withdrawnBecause: reason, revision: before.revision + 1 },
  };
}
