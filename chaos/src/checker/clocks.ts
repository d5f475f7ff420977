import type { Entry } from '../history.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { type Event, eventsOn, groupedBy, type Topics } from './topics.js';

/** A period that runs, or ran. */
export interface ClockRow {
  /** Of what: reporterId:sampleNo or recallNo. */
  readonly subject: string;
  readonly clock: string;
  /** Null where the clock says whose it is. */
  readonly party: string | null;
  readonly started: string;
  readonly due: string;
  readonly stopped: boolean;
  readonly raised: boolean;
  /** It does not run: whatever its day, it is not over. */
  readonly paused: boolean;
}

const CLOCK = `clock, started_on::text AS started, due_on::text AS due, stopped_on IS NOT NULL AS stopped, raised_at IS NOT NULL AS raised`;
const NEVER_PAUSED = 'false AS paused';
const CLOCKS = `
  SELECT organiser_id || ':' || sample_no AS subject, NULL AS party, ${CLOCK}, ${NEVER_PAUSED} FROM sampling_sheet_clocks
  UNION ALL SELECT reporter_id || ':' || sample_no, party, ${CLOCK}, paused FROM sampling_case_clocks
  UNION ALL SELECT recall_no, NULL, ${CLOCK}, ${NEVER_PAUSED} FROM recall_clocks`;
/** Whoever has one of these loses it; nobody is late. */
const RIGHTS = ['OBJECTION', 'FORMALITIES', 'RAPID_TEST_OBJECTION'];

export async function checkClocks(history: readonly Entry[], topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<ClockRow>('inspection', CLOCKS);
  judgeClocks({ history, rows, events: eventsOn(topics, 'inspection.deadline.v1', findings) }, findings);
}

export interface Seen {
  readonly history: readonly Entry[];
  readonly rows: readonly ClockRow[];
  readonly events: readonly Event[];
}

/** A duty that was not done in time is said once, and nothing else is. */
export function judgeClocks({ history, rows, events }: Seen, findings: Findings): void {
  const today = new Date(history.at(-1)?.at ?? 0).toLocaleDateString('sv', { timeZone: 'Asia/Shanghai' });
  const said = groupedBy(events, ({ body }) => [body?.['subject'], body?.['clock'], body?.['startedOn']].join(' '));
  const known = new Set<string>();
  for (const { subject, clock, party, started, due, stopped, raised, paused } of rows) {
    const key = `${subject} ${clock} ${started}`;
    const name = `clock ${key}${party === null ? '' : ` of ${party}`}`;
    const own = (said.get(key) ?? []).filter(({ body }) => party === null || body?.['party'] === party);
    known.add(key);
    const isOver = due < today && !RIGHTS.includes(clock);
    findings.expect(own.length < 2, 'CLOCK_RAISED_TWICE', `${name} was said to be overdue ${own.length} times`);
    findings.expect(!raised || own.length > 0, 'EVENT_LOST', `${name} was raised and never published`);
    findings.expect(raised || own.length === 0, 'CLOCK_WRONG', `${name} was published as overdue and is not marked so`);
    findings.expect(!raised || isOver, 'CLOCK_WRONG', `${name} was raised, it ends on ${due}`);
    findings.expect(raised || stopped || paused || !isOver, 'CLOCK_SILENT', `${name} ended on ${due} and was never raised`);
  }
  for (const key of said.keys()) findings.expect(known.has(key), 'EVENT_UNCOMMITTED', `clock ${key} was published and does not run`);
}
