import type { CreditReport, CreditRetraction, Entry, Repair } from '../history.js';
import type { Asked, Told } from './expected.js';
import { toldOf } from './expected.js';
import type { Findings } from './findings.js';
import { type Days, daysIn, endsOf, hasPeriod, type Standing } from './periods.js';
import { checkRaces } from './steps.js';
import type { Tables } from './tables.js';
import { groupedBy } from './topics.js';

/** What a department has reported under one of its numbers. */
export interface ReportedRow {
  /** departmentId:recordNo */
  readonly subject: string;
  readonly revision: number;
  readonly matter: string | null;
  readonly is_retracted: boolean;
}

/** A record that follows from it. */
export interface RecordRow {
  readonly record_no: string;
  readonly subject: string;
  readonly type: string;
  readonly standing: string;
  readonly revision: number;
  /** When it last changed. */
  readonly at: number;
}

export interface DecisionRow {
  readonly decision: string;
  readonly mark: string;
  readonly applied: boolean;
}

export interface Records {
  readonly asked: Asked;
  readonly reported: readonly ReportedRow[];
  readonly records: readonly RecordRow[];
  readonly decisions: readonly DecisionRow[];
  /** The end of the run. */
  readonly endedAt: number;
  /** Of the clock of credit. */
  readonly days: Days;
}

/** A decision that came at the moment of its record ends it within a minute; twice that, and a service that was away. */
const WAITS_MS_MAX = 150_000;

export async function checkRecords(
  { asked, history }: { asked: Asked; history: readonly Entry[] },
  tables: Tables,
  findings: Findings,
): Promise<void> {
  const reported = await tables.rows<ReportedRow>(
    'credit',
    `SELECT department_id || ':' || record_no AS subject, revision, report -> 'digest' ->> 'matter' AS matter, retraction IS NOT NULL AS is_retracted
     FROM reported_records WHERE revision > 0`,
  );
  const records = await tables.rows<RecordRow>(
    'credit',
    `SELECT record_no::text, subject, type, standing, revision, (extract(epoch FROM changed_at) * 1000)::float8 AS at FROM credit_records WHERE type <> 'SAMPLING_RESULT'`,
  );
  const decisions = await tables.rows<DecisionRow>(
    'credit',
    `SELECT decision_no AS decision, reason AS mark, applied_at IS NOT NULL AS applied FROM repair_decisions`,
  );
  judgeRecords({ asked, reported, records, decisions, endedAt: history.at(-1)?.at ?? 0, days: daysIn(history) }, findings);
}

type Reported = CreditReport | CreditRetraction;
type Said = Told<Reported | Repair>;

interface Expected {
  standing: string;
  revision: number;
  /** Nobody knows which of the two came first: it may have been public, and ended. */
  mayHaveBeenPublic?: boolean;
  /** It announced nothing, and its database was set back. */
  mayBeForgotten?: boolean;
}

/** What was accepted is kept; what follows from it is one record, or two, each of which has ended as often as it was ended. */
export function judgeRecords({ asked, reported, records, decisions, endedAt, days }: Records, findings: Findings): void {
  const repairs = toldOf(asked, 'REPAIR');
  checkRaces(toldOf(asked, 'RECORD'), ({ recordNo, revision }) => `two contents of ${recordNo} revision ${revision}`, findings);
  checkRaces(repairs, ({ decisionNo }) => `two contents of decision ${decisionNo}`, findings);
  checkDecisions(repairs, decisions, findings);
  const rows = new Map(reported.map((row) => [row.subject, row]));
  const made = groupedBy(records, ({ subject }) => subject);
  // The number of a record is that of its document.
  for (const said of groupedBy(asked.told.filter(isSaid), ({ operation }) => numberOf(operation)).values()) {
    const told = said.filter(isReported);
    const [first] = told;
    if (!first) continue;
    const subject = `${first.operation.reporterId}:${first.operation.recordNo}`;
    const row = rows.get(subject);
    const own = made.get(subject) ?? [];
    rows.delete(subject);
    made.delete(subject);
    const series = said.filter((one) => !isReported(one) || isApplied(one, row));
    checkRow(subject, { told, last: series.filter(isReported).at(-1), row }, findings);
    if (series.some(hasPeriod)) {
      comparePeriod(subject, endsOf(series.filter(isReported), days), own, findings);
      continue;
    }
    const waiting = own.filter(({ standing, at }) => standing === 'PUBLIC' && endedAt - at > WAITS_MS_MAX);
    const isWaiting = series.some(
      ({ operation }) => operation.kind === 'REPAIR' && decisions.some((one) => isOf(one, operation) && !one.applied),
    );
    findings.expect(!isWaiting || waiting.length === 0, 'REPAIR_WAITS', `the decision on ${subject} was never applied to it`);
    compare(subject, recordsAfter(series, decisions), own, findings);
  }
  for (const subject of rows.keys()) findings.add('ROW_UNEXPECTED', `${subject} is kept as reported and was never sent`);
  for (const subject of made.keys()) findings.add('CREDIT_UNEXPECTED', `nothing accepted leads to the records of ${subject}`);
}

const isReported = (told: Told): told is Told<Reported> => told.operation.kind === 'RECORD' || told.operation.kind === 'RECORD_RETRACTION';
const isSaid = (told: Told): told is Said => isReported(told) || told.operation.kind === 'REPAIR';
const numberOf = (one: Reported | Repair): string => (one.kind === 'REPAIR' ? one.documentNo : one.recordNo);
const isOf = ({ decision, mark }: DecisionRow, of: Repair): boolean => decision === of.decisionNo && mark === of.mark;

/** What nobody was told about, only the row can say. */
function isApplied({ operation, fate }: Told<Reported>, row: ReportedRow | undefined): boolean {
  if (fate !== 'open') return fate === 'applied';
  if (row?.revision !== operation.revision) return false;
  return operation.kind === 'RECORD' ? row.matter === operation.matter && !row.is_retracted : row.is_retracted;
}

interface Kept {
  readonly told: readonly Told<Reported>[];
  /** That was accepted. */
  readonly last: Told<Reported> | undefined;
  readonly row: ReportedRow | undefined;
}

function checkRow(subject: string, { told, last, row }: Kept, findings: Findings): void {
  if (!last) findings.expect(row === undefined, 'ROW_UNEXPECTED', `${subject} is kept as reported and was refused`);
  else {
    const { revision } = last.operation;
    // What announced nothing is in no event and goes with the database (ADR-0009).
    const isRight = row?.revision === revision || last.lostWithBackup;
    findings.expect(isRight, row ? 'ROW_WRONG' : 'ROW_MISSING', `${subject} stands at ${row?.revision ?? 0}, ${revision} was accepted`);
  }
  for (const { operation, fate, code } of told) {
    if (fate !== 'refused') continue;
    const isBeaten = operation.kind === 'RECORD' && told.some((one) => isRival(one, operation));
    findings.expect(isBeaten, 'REFUSED', `${operation.kind} ${subject} revision ${operation.revision} was refused: ${code ?? 'no code'}`);
  }
}

const isRival = ({ operation, fate }: Told<Reported>, { race, matter }: CreditReport): boolean =>
  fate !== 'refused' && operation.kind === 'RECORD' && race !== undefined && operation.race === race && operation.matter !== matter;

function checkDecisions(repairs: readonly Told<Repair>[], decisions: readonly DecisionRow[], findings: Findings): void {
  const kept = new Map(decisions.map((row) => [row.decision, row]));
  for (const [number, own] of groupedBy(repairs, ({ operation }) => operation.decisionNo)) {
    const row = kept.get(number);
    kept.delete(number);
    for (const { operation, fate, code } of own) {
      const isKept = row !== undefined && isOf(row, operation);
      if (fate === 'applied') findings.expect(isKept, 'DECISION_LOST', `decision ${number} was accepted and is not kept`);
      if (fate !== 'refused') continue;
      findings.expect(!isKept, 'DECISION_UNEXPECTED', `decision ${number} (${operation.mark}) was refused and is kept`);
      const isBeaten = own.some((other) => other.operation.mark !== operation.mark && other.fate !== 'refused');
      findings.expect(isBeaten, 'REFUSED', `decision ${number} was refused: ${code ?? 'no code'}`);
    }
    const isSent = row === undefined || own.some(({ operation }) => isOf(row, operation));
    findings.expect(isSent, 'DECISION_UNEXPECTED', `decision ${number} is kept and was never sent so`);
  }
  for (const number of kept.keys()) findings.add('DECISION_UNEXPECTED', `decision ${number} is kept and was never sent`);
}

/** Each type that follows, how it stands, and how often the public was told of it. */
function recordsAfter(series: readonly Said[], decisions: readonly DecisionRow[]): Map<string, Expected> {
  const after = new Map<string, Expected>();
  const isOver = ({ standing }: Expected): boolean => standing === 'REPAIRED';
  const isGone = ({ standing }: Expected): boolean => standing === 'REVOKED' || standing === 'CORRECTED';
  const end = (standing: string): void => {
    for (const record of after.values())
      if (!isOver(record) && !isGone(record)) Object.assign(record, { standing, revision: record.revision + 1 });
  };
  let decided: 'NO' | 'PERHAPS_LATER' | 'BEFORE' = 'NO';
  const publish = (type: string, lostWithBackup: boolean): void => {
    const record = after.get(type) ?? { standing: '', revision: 0 };
    if (isOver(record) && !record.mayBeForgotten) return;
    const { revision } = record;
    if (decided === 'NO') after.set(type, { standing: 'PUBLIC', revision: revision + 1 });
    // What was made good before is never public.
    else {
      const mayBeForgotten = lostWithBackup && revision === 0;
      after.set(type, { standing: 'REPAIRED', revision, mayHaveBeenPublic: decided === 'PERHAPS_LATER', mayBeForgotten });
    }
  };
  for (const { operation, fate, lostWithBackup } of series) {
    switch (operation.kind) {
      case 'REPAIR': {
        const row = decisions.find((one) => isOf(one, operation));
        if (row === undefined) break;
        end('REPAIRED');
        if (fate === 'applied' && !lostWithBackup) decided = 'BEFORE';
        else if (fate === 'applied' || row.applied) decided = 'PERHAPS_LATER';
        break;
      }
      case 'RECORD_RETRACTION':
        end(operation.ground);
        break;
      case 'RECORD':
        publish(operation.type, lostWithBackup);
        // A broken commitment is a second record beside the first.
        if (operation.outcome === 'BROKEN') publish('COMMITMENT_BROKEN', lostWithBackup);
    }
  }
  return after;
}

function compare(subject: string, expected: ReadonlyMap<string, Expected>, rows: readonly RecordRow[], findings: Findings): void {
  const found = new Map(rows.map((row) => [row.type, row]));
  for (const [type, { standing, revision, mayHaveBeenPublic = false, mayBeForgotten = false }] of expected) {
    const row = found.get(type);
    found.delete(type);
    const name = `the ${type} of ${subject}`;
    if (!row) findings.expect(mayBeForgotten, 'CREDIT_LOST', `${name} is missing`);
    else if (row.standing !== standing || !(row.revision === revision || (mayHaveBeenPublic && row.revision === revision + 2)))
      findings.add('CREDIT_WRONG', `${name} is ${row.standing} at ${row.revision}, not ${standing} at ${revision}`);
  }
  for (const type of found.keys()) findings.add('CREDIT_UNEXPECTED', `nothing accepted leads to the ${type} of ${subject}`);
}

function comparePeriod(subject: string, may: readonly (Standing | null)[], rows: readonly RecordRow[], findings: Findings): void {
  const said = (one: Standing | null): string => (one === null ? 'missing' : `${one.standing} at ${one.revision}`);
  for (const row of rows.length > 0 ? rows : [null]) {
    const isRight = may.some((one) => said(one) === said(row));
    findings.expect(isRight, 'PERIOD_WRONG', `the record of ${subject} is ${said(row)}, not ${may.map(said).join(' or ')}`);
  }
}
