/**
 * What of a stream a department is given under its grant. Only what lies in the areas and events it was granted; and whoever was given a
 * record hears that it is withdrawn or has left the scope, or it would keep for good what it may not have.
 */
import type { EntitlementState } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { hasExpired } from '../entitlement/entitlement.js';

/** One revision of a record, as it lies on the topic. */
export interface StreamRecord {
  readonly key: string;
  readonly event: string;
  readonly revision: number | null;
  /** Null after a tombstone. */
  readonly body: object | null;
  readonly areas: readonly string[];
}

export interface GrantedRecord extends Omit<StreamRecord, 'areas'> {
  /** Withdrawn, or no longer in scope: to be removed wherever it is kept. */
  readonly gone: boolean;
}

export class GrantNotInForce extends DomainError {
  constructor(status: EntitlementState['status']) {
    super('GRANT_NOT_IN_FORCE', 409, { zh: '授权未生效', en: 'Nothing is given under this grant at the moment' }, [], {
      entitlementStatus: status,
    });
  }
}

export class NotByPull extends DomainError {
  constructor() {
    super('NOT_BY_PULL', 409, { zh: '该授权不以拉取方式共享', en: 'This is not a grant to pull' });
  }
}

export function assertPullable(state: EntitlementState, now: Date): void {
  if (state.mode !== 'PULL') throw new NotByPull();
  if (state.status !== 'ACTIVE' || hasExpired(state, now)) throw new GrantNotInForce(state.status);
}

/** `given`: the keys under which something was given before; what is given now is put there. */
export function grantedOf(
  scope: Pick<EntitlementState, 'areas' | 'events'>,
  records: readonly StreamRecord[],
  given: Set<string>,
): GrantedRecord[] {
  return records.flatMap(({ areas, ...record }): GrantedRecord[] => {
    if (record.body !== null && isInScope(scope, record.event, areas)) {
      given.add(record.key);
      return [{ ...record, gone: false }];
    }
    return given.has(record.key) ? [{ ...record, body: null, gone: true }] : [];
  });
}

function isInScope({ areas, events }: Pick<EntitlementState, 'areas' | 'events'>, event: string, concerned: readonly string[]): boolean {
  if (events && !events.includes(event)) return false;
  return areas === undefined || areas.some((area) => concerned.some((code) => covers(area, code)));
}

/** A division covers those below it: the zeros at the end of its code stand for all of them (GB/T 2260). */
const covers = (area: string, code: string): boolean => code.startsWith(area.replace(/(00)+$/, ''));
