/**
 * Repair of a credit record: it ends for good, for everybody who holds it, because what it says was made good. Whoever decided the record
 * decides on its repair; the national credit site is the single window and its decision binds every source (信用修复管理办法, NDRC Order
 * 36). A decision may come before the record that it is about, and waits for it then.
 */
import { type CreditRecordRetracted, type LegalBasis, RepairDecisionReported, type RepairProof } from '@jinqiao/contracts';
import { readUscc, repairableFrom, wholeDate } from '@jinqiao/law';
import { check, contentHash, DomainError, type Finding } from '@jinqiao/schema';
import { type CreditRecordState, isPublic, isRepairable, type Repaired } from '../credit-record/credit-record.js';
import { usccFindings } from '../uscc.js';

export interface RepairDecision extends Omit<RepairDecisionReported, 'reason'> {
  readonly reason: string | null;
  readonly hash: string;
}

export type DecisionRead =
  | { readonly ok: true; readonly decision: RepairDecision; readonly unknownFields: readonly string[] }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly unknownFields: readonly string[] };

/** One decision alone was refused; nothing of it is kept. */
export class RepairRejected extends DomainError {
  constructor(findings: readonly Finding[]) {
    const code = findings[0]?.code ?? 'REPAIR_REJECTED';
    const title = { zh: '修复决定未被接收', en: 'The decision on a repair was not accepted' };
    super(code, code === DECISION_CONFLICT ? 409 : 422, title, findings);
  }
}

export class DecisionUnknown extends DomainError {
  constructor() {
    super('DECISION_UNKNOWN', 404, { zh: '没有该文号的修复决定', en: 'No decision on a repair was passed on under this number' });
  }
}

/** The number is known with another content. */
export const DECISION_CONFLICT = 'DECISION_CONFLICT';

export function readDecision(input: unknown, today: string): DecisionRead {
  const checked = check(RepairDecisionReported, input);
  const { unknownFields } = checked;
  if (!checked.ok) return { ok: false, findings: checked.findings, unknownFields };
  const { code, outcome } = readUscc(checked.value.uscc);
  const findings = usccFindings(outcome);
  if (checked.value.decidedOn > today) findings.push({ code: 'DATED_IN_FUTURE', pointer: '/decidedOn', message: 'lies in the future' });
  if (findings.length > 0) return { ok: false, findings, unknownFields };
  const decided = { ...checked.value, uscc: code };
  const decision = { ...decided, reason: decided.reason ?? null, hash: contentHash(RepairDecisionReported, decided) };
  return { ok: true, decision, unknownFields };
}

/** What the record's end says of the decision. */
export const repairedBy = ({ decisionNo, decidedBy, decidedOn }: RepairDecision): Repaired => ({
  because: `${decidedBy} ${decidedOn} ${decisionNo}`,
  on: decidedOn,
});

export interface RepairCondition {
  readonly condition: 'LEAST_PERIOD' | 'NO_REPEAT' | 'PUBLIC_COMMITMENT' | 'DUTIES_PERFORMED' | 'NOT_EXCLUDED';
  /** FOR_A_PERSON: nothing kept here says it. */
  readonly outcome: 'MET' | 'NOT_MET' | 'FOR_A_PERSON';
  readonly because: string;
  readonly legalBasis: LegalBasis | null;
}

/** What whoever decides on a repair states besides; absent: nobody has said it. */
export type Established = Pick<CreditRecordRetracted, 'dutiesPerformed' | 'notExcluded'>;

/** What has to hold before its department repairs a record, as far as the records of its entity and what it states tell, each with why. */
export function repairConditions(
  record: CreditRecordState,
  ofEntities: readonly CreditRecordState[],
  today: string,
  { dutiesPerformed, notExcluded }: Established = {},
): RepairCondition[] {
  const others = ofEntities.filter(({ uscc, recordNo }) => uscc === record.uscc && recordNo !== record.recordNo);
  const made = wholeDate(record.documentDate ?? today);
  return [
    leastPeriod(record, made, today),
    noRepeat(record, others, made),
    publicCommitment(others.filter(isPublic), made),
    established('DUTIES_PERFORMED', dutiesPerformed, 'whether all duties of the document are performed is not kept here'),
    established('NOT_EXCLUDED', notExcluded, 'whether the law excludes this decision from repair is not kept here'),
  ];
}

function leastPeriod({ type, class: itsClass }: CreditRecordState, made: string, today: string): RepairCondition {
  const repairable = repairableFrom(type, itsClass, made, today);
  if (repairable === null)
    return { condition: 'LEAST_PERIOD', outcome: 'MET', because: 'no row sets a least period for its type and class', legalBasis: null };
  const { from, legalBasis } = repairable;
  const because = `may be repaired from ${from}, counted from ${made}`;
  return { condition: 'LEAST_PERIOD', outcome: today >= from ? 'MET' : 'NOT_MET', because, legalBasis };
}

/** What was decided later and stands is a repeat, whoever may read it; what another department decided and is not public is not named. */
function noRepeat({ type, departmentId }: CreditRecordState, others: readonly CreditRecordState[], made: string): RepairCondition {
  const later = others.filter(
    ({ standing, documentDate, ...other }) =>
      other.type === type && standing !== 'CORRECTED' && standing !== 'REVOKED' && documentDate !== null && wholeDate(documentDate) > made,
  );
  if (later.length === 0) return { condition: 'NO_REPEAT', outcome: 'MET', because: `no ${type} is later than ${made}`, legalBasis: null };
  const named = later.filter((other) => isPublic(other) || other.departmentId === departmentId).map(({ recordNo }) => recordNo);
  const unnamed = later.length - named.length;
  const because = `later: ${[...named, ...(unnamed > 0 ? [`${unnamed} not public`] : [])].join(', ')}`;
  return { condition: 'NO_REPEAT', outcome: 'NOT_MET', because, legalBasis: null };
}

function publicCommitment(others: readonly CreditRecordState[], made: string): RepairCondition {
  const promised = others.find(
    ({ type, commitment, documentDate }) =>
      type === 'COMMITMENT' && commitment?.kind === 'CREDIT_REPAIR' && documentDate !== null && wholeDate(documentDate) >= made,
  );
  const because = promised ? `commitment ${promised.recordNo}` : `no public commitment of kind CREDIT_REPAIR since ${made}`;
  return { condition: 'PUBLIC_COMMITMENT', outcome: promised ? 'MET' : 'NOT_MET', because, legalBasis: null };
}

/** A person says it, by a document; else it is for a person. */
const established = (condition: RepairCondition['condition'], proof: RepairProof | undefined, otherwise: string): RepairCondition => ({
  condition,
  outcome: proof ? 'MET' : 'FOR_A_PERSON',
  because: proof ? `${proof.documentNo} of ${proof.on}` : otherwise,
  legalBasis: null,
});

/** What had to hold for the repair of a record, as it was when its department decided. */
export interface RepairedUnder {
  readonly recordNo: string;
  readonly conditions: readonly RepairCondition[];
}

/** Of the records that end by this repair; what was over already has nothing to derive. */
export function repairedUnder(
  records: readonly CreditRecordState[],
  ofEntities: readonly CreditRecordState[],
  { decidedOn, ...stated }: Pick<CreditRecordRetracted, 'decidedOn'> & Established,
  today: string,
): RepairedUnder[] {
  return records.filter(isRepairable).map((record) => ({
    recordNo: record.recordNo,
    conditions: repairConditions(record, ofEntities, decidedOn ?? today, stated),
  }));
}
