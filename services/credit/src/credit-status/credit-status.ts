import type { CommitmentCounts, CreditRecordType, CreditStatusChanged, PublicRecordCount, PublicRecordState } from '@jinqiao/contracts';
import { canonicalForm } from '@jinqiao/schema';

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
  /** Null: last announced before they were counted. */
  readonly commitments: CommitmentCounts | null;
  /** How the records stand, the first of them; null: last announced before it was said. */
  readonly records: readonly PublicRecordState[] | null;
}

/** The public records of one type that an entity has now. */
export interface PublicRecords {
  readonly type: CreditRecordType;
  readonly count: number;
  /** Of commitments: not checked yet. */
  readonly open: number;
  /** Versions of the rule rows under which they are public; one may stand there twice. */
  readonly rules: readonly string[];
  readonly records: readonly PublicRecordState[];
}

export interface StatusChange {
  readonly entity: EntityState;
  /** CLEARED: nothing public remains, the last state is ended by a tombstone. */
  readonly announced: 'CHANGED' | 'CLEARED' | null;
}

/** What the contract allows in one event; `count` stays exact beyond it. */
export const RECORD_NOS_MAX = 10_000;
/** With the numbers some 0.6 MB, so that a status stays below what a topic takes (1 MiB). */
export const RECORDS_MAX = 2_000;
const RULES_MAX = 100;

/** What became of public promises, by what departments found: the same in statuses and in verifications. */
export const commitmentsOf = (records: readonly Pick<PublicRecords, 'type' | 'count' | 'open'>[]): CommitmentCounts => ({
  open: records.find(({ type }) => type === 'COMMITMENT')?.open ?? 0,
  broken: records.find(({ type }) => type === 'COMMITMENT_BROKEN')?.count ?? 0,
});

/** Compares what was last announced with the public records of now. */
export function restate(before: EntityState, records: readonly PublicRecords[]): StatusChange {
  const publicRecords = records
    .map(({ type, count, rules }) => ({ type, count, rules: [...new Set(rules)].sort().slice(0, RULES_MAX) }))
    .sort((a, b) => a.type.localeCompare(b.type));
  const all = records.flatMap((ofType) => ofType.records).sort((one, other) => (one.recordNo < other.recordNo ? -1 : 1));
  const now = {
    ...before,
    publicRecords,
    recordNos: all.slice(0, RECORD_NOS_MAX).map(({ recordNo }) => recordNo),
    commitments: commitmentsOf(records),
    records: all.slice(0, RECORDS_MAX),
  };
  if (canonicalForm(factsOf(now)) === canonicalForm(factsOf(before))) return { entity: before, announced: null };
  const entity = { ...now, revision: before.revision + 1 };
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
  ...(entity.commitments !== null && { commitments: entity.commitments }),
  ...(entity.records !== null && { records: [...entity.records] }),
});

export function listedAs({
  uscc,
  publicRecords,
}: Pick<EntityState, 'uscc' | 'publicRecords'>): Pick<CreditStatusChanged, 'lists' | 'mark'> {
  const lists = publicRecords.map(({ type }) => type).filter((type) => LISTS.includes(type));
  if (!uscc.startsWith(INDIVIDUAL_BUSINESS)) return { lists };
  return { lists: lists.filter((list) => list !== MARKED), ...(lists.includes(MARKED) && { mark: MARKED }) };
}
