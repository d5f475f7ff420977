import { dayInChina } from '@jinqiao/law';
import { endOfDay } from '@jinqiao/platform';
import type { Duties, Overdue } from '../deadline/duties.js';
import { type ClockName, CLOCKS, DUTIES } from './sampling-sheet.acts.js';

const perClock = (of: (clock: (typeof CLOCKS)[ClockName]) => string): string =>
  Object.entries(CLOCKS)
    .map(([name, clock]) => `WHEN '${name}' THEN '${of(clock)}'`)
    .join(' ');
/** Whose turn it is: a laboratory's is counted against the laboratory. */
const HANDLER = `CASE CASE c.clock ${perClock(({ party }) => party)} END WHEN 'LABORATORY' THEN s.laboratory_id ELSE c.organiser_id END`;
type OverdueClock = Omit<Overdue, 'party'> & { readonly clock: ClockName };

/** What has to be done between the draw and the report, each said once when it was not. */
export const sheetDuties: Duties = {
  table: 'sampling_sheet_clocks',

  listed: {
    matter: 'SAMPLING_SHEET',
    endsBy: 'due_on',
    select: `SELECT 'SAMPLING_SHEET/' || c.organiser_id || ':' || c.sample_no || '/' || c.clock || '/' || c.started_on AS id,
        c.organiser_id || ':' || c.sample_no AS subject, c.clock,
        CASE c.clock ${perClock(({ kind }) => kind)} END AS kind, CASE c.clock ${perClock(({ party }) => party)} END AS party,
        c.started_on, NULL::timestamptz AS started_at, c.due_on, coalesce(c.due_at, ${endOfDay('c.due_on')}) AS due_at, c.stopped_on,
        NULL::timestamptz AS stopped_at, c.provisional, c.first_due_on, c.rule_version, c.organiser_id AS department,
        ${HANDLER} AS handler, c.raised_at
      FROM sampling_sheet_clocks c JOIN sampling_sheets s USING (organiser_id, sample_no)
      WHERE $1::text IS NULL OR c.organiser_id = $1 OR ${HANDLER} = $1`,
  },

  async raise(tx, now, limit) {
    const [overdue]: [OverdueClock[], number] = await tx.query(
      `UPDATE sampling_sheet_clocks AS c SET raised_at = $1
       FROM (SELECT organiser_id, sample_no, clock, started_on FROM sampling_sheet_clocks
             WHERE stopped_on IS NULL AND raised_at IS NULL AND due_on < $2::date AND clock = ANY($3)
             ORDER BY due_on, organiser_id, sample_no LIMIT $4 FOR UPDATE SKIP LOCKED) AS late
       WHERE (c.organiser_id, c.sample_no, c.clock, c.started_on) = (late.organiser_id, late.sample_no, late.clock, late.started_on)
       RETURNING c.organiser_id || ':' || c.sample_no AS subject, c.clock, c.started_on::text AS "startedOn", c.due_on::text AS "dueOn",
         c.rule_version AS "ruleVersion", c.organiser_id AS "departmentId"`,
      [now, dayInChina(now), DUTIES, limit],
    );
    return overdue.map((one) => ({ ...one, party: CLOCKS[one.clock].party }));
  },

  async takeOver(tx, said) {
    const taken: [unknown[], number] = await tx.query(
      `UPDATE sampling_sheet_clocks AS c SET raised_at = x."raisedAt"
       FROM jsonb_to_recordset($1::jsonb) AS x (subject text, clock text, "startedOn" date, "raisedAt" timestamptz)
       WHERE c.organiser_id = split_part(x.subject, ':', 1) AND c.sample_no = substr(x.subject, strpos(x.subject, ':') + 1)
         AND c.clock = x.clock AND c.started_on = x."startedOn" AND c.raised_at IS NULL`,
      [JSON.stringify(said)],
    );
    return taken[1];
  },
};
