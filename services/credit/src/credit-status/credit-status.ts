import type { CreditRecordType, CreditStatusChanged, PublicRecordCount } from '@jinqiao/contracts';

/**
 * What may be said about an entity: facts that are public at the moment, no grade and no judgement. Classes of credit risk (A to D) are a
 * regulator's own aid to planning inspections and are not handed out (国市监信发〔2022〕6号).
 */
export interface EntityState {
  readonly uscc: string;
  /** Of the public series; 0 = nothing was ever public. */
  readonly revision: number;
  readonly publicRecords: readonly PublicRecordCount[];
  readonly recordNos: readonly string[];
}

/** The public records of one type that an entity has now. */
export interface PublicRecords {
  readonly type: CreditRecordType;
  readonly count: number;
  readonly recordNos: readonly string[];
}

export interface StatusChange {
  readonly entity: EntityState;
  /** CLEARED: nothing public remains, the last state is ended by a tombstone. */
  readonly announced: 'CHANGED' | 'CLEARED' | null;
}

/** What the contract allows in one event; `count` stays exact beyond it. */
export const RECORD_NOS_MAX = 10_000;

/** Compares what was last announced with the public records of now. */
export function restate(before: EntityState, records: readonly PublicRecords[]): StatusChange {
  const publicRecords = records.map(({ type, count }) => ({ type, count })).sort((a, b) => a.type.localeCompare(b.type));
  const recordNos = records
    .flatMap((record) => record.recordNos)
    .sort()
    .slice(0, RECORD_NOS_MAX);
  if (sameCounts(before.publicRecords, publicRecords) && before.recordNos.join() === recordNos.join()) {
    return { entity: before, announced: null };
  }
  const entity = { uscc: before.uscc, revision: before.revision + 1, publicRecords, recordNos };
  return { entity, announced: publicRecords.length === 0 ? 'CLEARED' : 'CHANGED' };
}

/** Being on one of these is a list of its own, but for an individual business: it is marked, not listed (企业信息公示暂行条例). */
const LISTS: readonly CreditRecordType[] = ['ABNORMAL_OPERATION', 'SERIOUS_DISHONESTY'];
const MARKED = 'ABNORMAL_OPERATION';
const INDIVIDUAL_BUSINESS = '92';

/** The facts as the event and the HTTP answer carry them. */
export const factsOf = (entity: EntityState): CreditStatusChanged => ({
  uscc: entity.uscc,
  revision: entity.revision,
  ...listedAs(entity),
  publicRecords: [...entity.publicRecords],
  recordNos: [...entity.recordNos],
});

export function listedAs({
  uscc,
  publicRecords,
}: Pick<EntityState, 'uscc' | 'publicRecords'>): Pick<CreditStatusChanged, 'lists' | 'mark'> {
  const lists = publicRecords.map(({ type }) => type).filter((type) => LISTS.includes(type));
  if (!uscc.startsWith(INDIVIDUAL_BUSINESS)) return { lists };
  return { lists: lists.filter((list) => list !== MARKED), ...(lists.includes(MARKED) && { mark: MARKED }) };
}

function sameCounts(one: readonly PublicRecordCount[], other: readonly PublicRecordCount[]): boolean {
  const written = (counts: readonly PublicRecordCount[]): string => counts.map(({ type, count }) => `${type}:${count}`).join();
  return written(one) === written(other);
}
