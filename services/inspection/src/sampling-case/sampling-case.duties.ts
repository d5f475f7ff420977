import { dayInChina } from '@jinqiao/law';
import { endOfDay } from '@jinqiao/platform';
import type { Duties, Overdue } from '../deadline/duties.js';
import { DUTIES, OF_ORGANISER } from './sampling-case.acts.js';
import { CONCERNS, HANDLED_BY, listOf } from './sampling-case.service.js';

/** What has to be done in cases, each said once when it was not. */
export const caseDuties: Duties = {
  table: 'sampling_case_clocks',

  listed: {
    matter: 'SAMPLING_CASE',
    endsBy: 'due_on',
    isPausable: true,
    select: `SELECT 'SAMPLING_CASE/' || c.reporter_id || ':' || c.sample_no || '/' || c.clock || '/' || c.party || '/' || c.started_on AS id,
        c.reporter_id || ':' || c.sample_no AS subject, c.clock,
        CASE WHEN c.clock IN (${listOf(DUTIES)}) THEN 'DUTY' ELSE 'RIGHT' END AS kind, c.party,
        c.started_on, NULL::timestamptz AS started_at, c.due_on, ${endOfDay('c.due_on')} AS due_at, c.stopped_on, NULL::timestamptz AS stopped_at,
        c.pauses, c.extensions, c.paused, c.provisional, c.first_due_on, c.rule_version, c.reporter_id AS department, ${HANDLED_BY} AS handler, c.raised_at
      FROM sampling_case_clocks c
      WHERE ${CONCERNS} AND ($1::text IS NULL OR c.reporter_id = $1 OR c.clock NOT IN (${listOf(OF_ORGANISER)}))`,
  },

  async raise(tx, now, limit) {
    const [overdue]: [Overdue[], number] = await tx.query(
      `UPDATE sampling_case_clocks AS c SET raised_at = $1
       FROM (SELECT reporter_id, sample_no, clock, party, started_on FROM sampling_case_clocks
             WHERE stopped_on IS NULL AND NOT paused AND raised_at IS NULL AND due_on < $2::date AND clock = ANY($3)
             ORDER BY due_on, reporter_id, sample_no LIMIT $4 FOR UPDATE SKIP LOCKED) AS late
       WHERE (c.reporter_id, c.sample_no, c.clock, c.party, c.started_on)
         = (late.reporter_id, late.sample_no, late.clock, late.party, late.started_on)
       RETURNING c.reporter_id || ':' || c.sample_no AS subject, c.clock, c.party, c.started_on::text AS "startedOn",
         c.due_on::text AS "dueOn", c.rule_version AS "ruleVersion",
         ${HANDLED_BY} AS "departmentId"`,
      [now, dayInChina(now), DUTIES, limit],
    );
    return overdue;
  },

  async takeOver(tx, said) {
    const taken: [unknown[], number] = await tx.query(
      `UPDATE sampling_case_clocks AS c SET raised_at = x."raisedAt"
       FROM jsonb_to_recordset($1::jsonb) AS x (subject text, clock text, party text, "startedOn" date, "raisedAt" timestamptz)
       WHERE c.reporter_id = split_part(x.subject, ':', 1) AND c.sample_no = substr(x.subject, strpos(x.subject, ':') + 1)
         AND c.clock = x.clock AND c.party = x.party AND c.started_on = x."startedOn" AND c.raised_at IS NULL`,
      [JSON.stringify(said)],
    );
    return taken[1];
  },
};
