import { createHash } from 'node:crypto';
import type { Act, Proof } from '../history.js';
import type { Asked, Decided, Effect, Told } from './expected.js';
import { toldOf } from './expected.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { groupedBy } from './topics.js';

/** A row of a history. */
export interface StepRow {
  readonly matter: Act['matter'];
  readonly name: string;
  readonly no: number;
  readonly act: string;
  /** What goes its own way: the track of a party, or all of it. */
  readonly line: string;
  readonly from: string | null;
  readonly to: string;
  /** Null: what it says is in its act, and whoever says it once more has said the same. */
  readonly mark: string | null;
}

export interface StateRow extends Pick<StepRow, 'matter' | 'name' | 'line'> {
  readonly state: string;
}

export interface Histories {
  readonly steps: readonly StepRow[];
  readonly states: readonly StateRow[];
}

/**
 * Of a case the opening is no step; it counts as its step 0. A plan goes from revision to revision, and apart from that becomes public. Of
 * rounds those that carry out a plan are worked on, of a draw whatever takes the place of what was drawn.
 */
const STEPS = `
  SELECT 'CASE' AS matter, sample_no AS name, 0 AS no, 'OPEN' AS act, '' AS line, NULL AS "from", 'OPEN' AS "to", NULL AS mark FROM sampling_cases
  UNION ALL SELECT 'CASE', sample_no, step_no, act, track || ' ' || party, from_state, to_state, facts ->> 'reason' FROM sampling_case_steps
  UNION ALL SELECT 'RECALL', recall_no, step_no, act, '', from_state, to_state, coalesce(facts ->> 'reason', facts ->> 'clue') FROM recall_steps
  UNION ALL SELECT 'SHEET', sample_no, step_no, act, '', from_state, to_state, facts ->> 'reason' FROM sampling_sheet_steps
  UNION ALL SELECT 'PLAN', plan_no, step_no, CASE step WHEN 'CREATE' THEN 'OPEN' ELSE step END,
    CASE step WHEN 'PUBLISH' THEN 'PUBLICATION' ELSE '' END,
    CASE step WHEN 'AMEND' THEN (s.revision - 1)::text WHEN 'PUBLISH' THEN 'DRAFT' END,
    CASE step WHEN 'PUBLISH' THEN 'PUBLISHED' ELSE s.revision::text END, CASE step WHEN 'PUBLISH' THEN NULL ELSE s.content ->> 'title' END
    FROM sampling_plan_steps s JOIN sampling_plans USING (plan_id)
  UNION ALL SELECT 'ROUND', round_no, step_no, CASE step WHEN 'PLAN' THEN 'OPEN' ELSE step END, '', NULL, 'PLANNED', plan ->> 'title'
    FROM sampling_round_steps JOIN sampling_rounds r USING (round_id) WHERE plan ->> 'planNo' IS NOT NULL
  UNION ALL SELECT 'DRAWN', reason, (row_number() OVER (PARTITION BY round_id, reason ORDER BY step_no))::integer, 'REPLACE', '', NULL, 'REPLACED', NULL
    FROM sampling_round_steps WHERE step = 'REPLACE_DRAWN'
  ORDER BY 1, 2, 3`;
const STATES = `
  SELECT 'CASE' AS matter, sample_no AS name, track || ' ' || party AS line, state FROM sampling_case_tracks
  UNION ALL SELECT 'CASE', r.sample_no, 'PUBLICATION RESULT', CASE r.status WHEN 'PUBLISHED' THEN 'PUBLISHED' WHEN 'NOTIFIED' THEN r.state ->> 'finality'
      ELSE 'WITHDRAWN' END
    FROM sampling_results r WHERE EXISTS (
      SELECT FROM sampling_case_steps s WHERE (s.reporter_id, s.sample_no, s.track) = (r.reporter_id, r.sample_no, 'PUBLICATION'))
  UNION ALL SELECT 'RECALL', recall_no, '', state FROM recalls
  UNION ALL SELECT 'SHEET', sample_no, '', state FROM sampling_sheets
  UNION ALL SELECT 'PLAN', plan_no, '', CASE WHEN content = (
      SELECT content FROM sampling_plan_steps s WHERE s.plan_id = p.plan_id ORDER BY step_no DESC LIMIT 1
    ) THEN revision::text ELSE 'of another content' END FROM sampling_plans p
  UNION ALL SELECT 'PLAN', plan_no, 'PUBLICATION', state FROM sampling_plans WHERE state <> 'DRAFT'
  UNION ALL SELECT 'ROUND', round_no, '', state FROM sampling_rounds WHERE plan ->> 'planNo' IS NOT NULL
  UNION ALL SELECT 'DRAWN', object ->> 'objectId', '', CASE count(*) WHEN 1 THEN 'REPLACED' ELSE 'replaced ' || count(*) || ' times' END
    FROM sampling_rounds, jsonb_array_elements(pool) object, jsonb_array_elements(replacements) instead
    WHERE object ->> 'commitment' = instead ->> 'replaces' GROUP BY 2`;

export const historiesIn = async (tables: Tables): Promise<Histories> => ({
  steps: await tables.rows<StepRow>('inspection', STEPS),
  states: await tables.rows<StateRow>('inspection', STATES),
});

type ToldAct = Told<Act>;

export interface Worked {
  readonly acts: readonly ToldAct[];
  readonly proofs: readonly Told<Proof>[];
  /** Recalls of which a set back database knows less than what was said of them in public (`forgottenRecalls`). */
  readonly forgotten: ReadonlySet<string>;
}

const matterOf = ({ matter, name }: Pick<Act, 'matter' | 'name'>): string => `${matter} ${name}`;

/** What was taken is in the history, once, and nothing else is; each step begins where the one before it ended. */
export function judgeSteps({ acts, proofs, forgotten }: Worked, { steps, states }: Histories, findings: Findings): void {
  const rows = groupedBy(steps, matterOf);
  const stands = groupedBy(states, matterOf);
  const races = groupedBy(acts, ({ operation }) => operation.race ?? '');
  for (const [matter, told] of groupedBy(acts, ({ operation }) => matterOf(operation))) {
    const own = rows.get(matter) ?? [];
    rows.delete(matter);
    const isForgotten = matter.startsWith('RECALL') && told.some(({ operation }) => forgotten.has(operation.name));
    checkTaken(matter, { told, rows: own, isForgotten }, findings);
    if (isForgotten) continue;
    const proven = proofs.filter(({ operation }) => matter === `SHEET ${operation.sampleNo}`);
    // Who does not know how it stands, or lacks the evidence that went with a database, may ask for what is not possible.
    const isClear = ![...told, ...proven].some(({ fate, lostWithBackup }) => fate === 'open' || lostWithBackup);
    if (isClear) checkRefusals(matter, { told, races }, findings);
    for (const row of own) checkLed(matter, row, findings);
    checkContinuity(matter, own, stands.get(matter) ?? [], findings);
  }
  for (const matter of rows.keys()) findings.add('STEP_UNEXPECTED', `${matter} has a history and was never worked on`);
  checkRaces(acts, ({ matter, name, act }) => `${act} of ${matter} ${name}`, findings);
}

/** The result says where it stands; what a report or a decision made of it is a step of its case, which nobody sent. */
const OF_RESULT = 'PUBLICATION RESULT';
const followsFromResult = ({ line, mark }: StepRow): boolean => line === OF_RESULT && mark === null;

const isStepOf =
  ({ operation: { act, mark } }: ToldAct) =>
  (row: StepRow): boolean =>
    row.act === act && (row.mark === null || row.mark === mark);

function checkTaken(
  matter: string,
  { told, rows, isForgotten }: { told: readonly ToldAct[]; rows: readonly StepRow[]; isForgotten: boolean },
  findings: Findings,
): void {
  for (const act of told) {
    const { operation, fate } = act;
    const name = `${operation.act} (${operation.mark}) of ${matter}`;
    const count = rows.filter(isStepOf(act)).length;
    findings.expect(count < 2, 'STEP_DOUBLED', `${name} is ${count} times in its history`);
    if (fate === 'applied') findings.expect(count > 0 || isForgotten, 'STEP_LOST', `${name} was accepted and is not in its history`);
    if (fate === 'refused') findings.expect(count === 0, 'STEP_UNEXPECTED', `${name} was refused and is in its history`);
  }
  for (const row of rows) {
    const isKnown = followsFromResult(row) || told.some((act) => isStepOf(act)(row));
    findings.expect(isKnown, 'STEP_UNEXPECTED', `${row.act} (${row.mark ?? ''}) is in the history of ${matter} and was never sent`);
  }
}

/** Whoever works alone on something is refused nothing; of two that exclude each other one is, and what they work on need not be the same. */
function checkRefusals(
  matter: string,
  { told, races }: { told: readonly ToldAct[]; races: ReadonlyMap<string, readonly ToldAct[]> },
  findings: Findings,
): void {
  for (const { operation, fate, code } of told) {
    if (fate !== 'refused') continue;
    const isBeaten = operation.race !== undefined && (races.get(operation.race) ?? []).some((other) => isRival(other, operation));
    findings.expect(isBeaten, 'REFUSED', `${operation.act} of ${matter} was refused: ${code ?? 'no code'}`);
  }
}

/** On something else it may have been taken although nobody was told so. */
const isRival = ({ operation, fate }: ToldAct, { mark }: Act): boolean => operation.mark !== mark && fate !== 'refused';

/** Where these lead, whatever they come from; of the others of these matters none changes the state. */
const LEADS: Readonly<Partial<Record<Act['matter'], Readonly<Record<string, string>>>>> = {
  SHEET: {
    OPEN: 'DRAWN',
    BEGIN_SAMPLING: 'SAMPLING',
    RECORD_NOT_SAMPLED: 'NOT_SAMPLED',
    FIND_ILLEGAL: 'ILLEGAL_FOUND',
    SEAL_SAMPLE: 'SAMPLE_SEALED',
    TEST_ON_SITE: 'TESTED_ON_SITE',
    FILE_OBJECTION: 'REINSPECTION_DUE',
    WAIVE_REINSPECTION: 'TESTED_ON_SITE',
    RECEIVE_SAMPLE: 'LAB_RECEIVED',
    REJECT_SAMPLE: 'LAB_REJECTED',
    BEGIN_TESTING: 'TESTING',
    REPORT: 'REPORTED',
    RETURN_REPORT: 'TESTING',
    CONFIRM: 'CONFIRMED',
  },
  RECALL: {
    OPEN: 'CLUE',
    NOTIFY_PRODUCER: 'PRODUCER_NOTIFIED',
    DENY_DEFECT: 'DEFECT_DENIED',
    ADMIT_DEFECT: 'PLAN_DUE',
    INVESTIGATE: 'UNDER_INVESTIGATION',
    FIND_NO_DEFECT: 'NO_DEFECT',
    GIVE_NOTICE: 'NOTICE_GIVEN',
    FILE_OBJECTION: 'OBJECTION_UNDER_REVIEW',
    ORDER_RECALL: 'ORDERED',
    REPORT_PLAN: 'PLAN_REPORTED',
    PUBLISH: 'IN_PROGRESS',
    COMPLETE: 'COMPLETED',
    SUMMARISE: 'SUMMARISED',
    CLOSE: 'CLOSED',
    RECALL_AGAIN: 'PLAN_DUE',
    WITHDRAW: 'WITHDRAWN',
  },
};

function checkLed(matter: string, { matter: kind, no, act, from, to }: StepRow, findings: Findings): void {
  const leads = LEADS[kind];
  const right = leads ? (leads[act] ?? from) : to;
  findings.expect(to === right, 'STEP_WRONG', `step ${no} of ${matter}, ${act}, led to ${to}, not ${right ?? 'nowhere'}`);
}

const BEGINS: Readonly<Record<string, string>> = {
  SERVICE: 'UNSERVED',
  OBJECTION: 'NONE',
  AUTHORSHIP: 'UNDISPUTED',
  HANDLING: 'NONE',
  CLUE: 'NONE',
  PUBLICATION: 'DRAFT',
};

function checkContinuity(matter: string, rows: readonly StepRow[], states: readonly StateRow[], findings: Findings): void {
  const first = matter.startsWith('CASE') ? 0 : 1;
  const isNumbered = rows.every(({ no }, place) => no === place + first);
  findings.expect(isNumbered, 'HISTORY_BROKEN', `the history of ${matter} is numbered ${rows.map(({ no }) => no).join(', ')}`);
  const lines = groupedBy(rows, ({ line }) => line);
  for (const [line, own] of lines) {
    // The track of a result begins where it stood when its case was opened.
    let before = line === OF_RESULT ? (own[0]?.from ?? null) : (BEGINS[line.split(' ')[0] ?? ''] ?? null);
    for (const { no, act, from, to } of own) {
      const name = `step ${no} of ${matter}, ${act},`;
      findings.expect(
        from === before,
        'HISTORY_BROKEN',
        `${name} begins with ${from ?? 'nothing'}, the one before ended with ${before ?? 'nothing'}`,
      );
      before = to;
    }
    if (matter.startsWith('CASE') && line === '') continue;
    const state = states.find((one) => one.line === line)?.state;
    findings.expect(
      state === before,
      'ROW_WRONG',
      `${matter} ${line} is ${state ?? 'nowhere'}, its history ends with ${before ?? 'nothing'}`,
    );
  }
  for (const { line, state } of states) {
    findings.expect(lines.has(line), 'HISTORY_BROKEN', `${matter} ${line} is ${state} and has no history`);
  }
}

interface Raced {
  readonly race?: string;
}

/** Of those who were posted at once and exclude each other one at most was accepted. */
export function checkRaces<O extends Told['operation'] & Raced>(
  told: readonly Told<O>[],
  nameOf: (one: O) => string,
  findings: Findings,
): void {
  const raced = told.filter(({ operation, fate, lostWithBackup }) => operation.race !== undefined && fate === 'applied' && !lostWithBackup);
  for (const won of groupedBy(raced, ({ operation }) => operation.race ?? '').values()) {
    const names = won.map(({ operation }) => nameOf(operation));
    findings.expect(won.length < 2, 'RACE_WON_TWICE', `${names.join(' and ')} were both accepted`);
  }
}

/** A file that was accepted is kept, with its bytes. */
export async function checkProofs(asked: Asked, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<{ name: string }>(
    'inspection',
    `SELECT e.sample_no || ' ' || e.type || ' ' || encode(sha256(c.content), 'hex') AS name
     FROM evidence e JOIN evidence_blobs b USING (sha256) JOIN evidence_chunks c USING (upload_id) WHERE b.chunks = 1`,
  );
  const kept = new Set(rows.map(({ name }) => name));
  for (const { operation, fate, code, lostWithBackup } of toldOf(asked, 'PROOF')) {
    const { sampleNo, type, text } = operation;
    const isKept = kept.has(`${sampleNo} ${type} ${createHash('sha256').update(text).digest('hex')}`);
    if (fate === 'applied')
      findings.expect(isKept || lostWithBackup, 'PROOF_LOST', `${type} of sheet ${sampleNo} was accepted and is not kept`);
    findings.expect(fate !== 'refused', 'REFUSED', `${type} of sheet ${sampleNo} was refused: ${code ?? 'no code'}`);
  }
}

/** What cases decide about their results, in the order in which it was asked for. */
export function decidedBy(asked: Asked, { steps }: Histories): Map<string, Decided> {
  const rows = groupedBy(steps, matterOf);
  const subjects = new Map([...asked.subjects.values()].map(({ id, sampleNo }) => [sampleNo, id]));
  const cases = toldOf(asked, 'ACT').filter(({ operation }) => operation.matter === 'CASE');
  return new Map(
    [...groupedBy(cases, ({ operation }) => operation.name)].map(([sampleNo, told]) => {
      const own = rows.get(`CASE ${sampleNo}`) ?? [];
      const taken = told.filter((act) => own.some(isStepOf(act)));
      return [
        subjects.get(sampleNo) ?? sampleNo,
        { entered: 'AT_ONCE', effects: taken.flatMap(({ operation }) => effectOf(operation, taken)) },
      ];
    }),
  );
}

function effectOf({ act, on, facts }: Act, taken: readonly ToldAct[]): Effect[] {
  const { upheld, passed, verdict } = facts as { upheld?: boolean; passed?: boolean; verdict?: 'QUALIFIED' | 'UNQUALIFIED' };
  switch (act) {
    case 'RECORD_REINSPECTION':
      return verdict ? [{ kind: 'VERDICT', verdict }] : [];
    case 'DECIDE_OBJECTION': {
      const isAboutSampling = taken.some(({ operation }) => operation.facts['ground'] === 'AUTHENTICITY');
      if (upheld !== true) return [];
      return isAboutSampling ? [{ kind: 'WITHDRAWAL' }] : verdict ? [{ kind: 'VERDICT', verdict }] : [];
    }
    case 'DENY_AUTHORSHIP':
      return [{ kind: 'AUTHORSHIP', authorship: 'DENIED' }];
    case 'DECIDE_AUTHORSHIP':
      return [{ kind: 'AUTHORSHIP', authorship: upheld === true ? 'NOT_ITS_PRODUCT' : 'UNDISPUTED' }];
    case 'RECORD_RECHECK':
      return passed === true ? [{ kind: 'RECHECK' }] : [];
    case 'PUBLISH':
      return [{ kind: 'PUBLICATION', on }];
    case 'EMBARGO':
      return [{ kind: 'EMBARGO' }];
    default:
      return [];
  }
}
